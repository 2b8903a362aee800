// ends: refused
const kept = [];
for (;;) kept.push(new Array(1e5).fill(1.5));
export default { fetch: () => new Response('x') };
