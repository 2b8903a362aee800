// What one tenant does to its neighbours. Each is one request's work.
// A count of turns, not a clock, says when it is over: a script's clock may stand still.
function turns(count) {
  let sum = 0;
  for (let n = 0; n < count; n++) sum = (Math.imul(sum, 31) + n) | 0;
  return sum;
}

export const HARM = {
  quiet: () => 0,
  spin: () => turns(1e8),  // About 100 ms.
  allocate() {
    const kept = [];
    for (;;) kept.push(new Array(10000).fill(kept.length));
  },
  regex: () => /^(a+)+$/.test('a'.repeat(22) + '!'),
  wasm: (spin) => spin(1e8),
};

// 5 MB of script, much of it compiled at once and not when it is called.
export function bigSource(seed) {
  const parts = [`globalThis.seed = ${seed};`];
  for (let n = 0; n < 26000; n++) {
    const eager = n % 4 === 0;
    parts.push(`${eager ? '!(' : ''}function f${n}(a, b) { let c = a * ${n} + b; for (let i = 0; ` +
      `i < c; i++) { c = c - i * ${seed} + (a ? b : ${n}); if (c > 1e6) return { a, b, c, n: ${n}` +
      ` }; } return [a, b, c, 'text ${n}']; }${eager ? ')' : ''};`);
  }
  return parts.join('\n');
}
