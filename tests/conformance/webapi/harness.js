// Stands in front of every test file: test(promise, function) collects, the fetch handler runs them
// in order and answers "<n> tests", then a line for each that failed.

const tests = [];

function test(promise, run) {
  tests.push({ promise, run });
}

// The harness must work while a test has patched the built-ins.
const { stringify } = JSON;
const { is } = Object;
const { isView } = ArrayBuffer;
const arrayFrom = Array.from.bind(Array);

function show(value) {
  if (typeof value === "string") return stringify(value);
  if (isView(value) && !(value instanceof DataView)) {
    return `${value.constructor.name}[${arrayFrom(value)}]`;
  }
  if (value instanceof ArrayBuffer) return `ArrayBuffer[${arrayFrom(new Uint8Array(value))}]`;
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  if (Array.isArray(value)) return `[${value.map(show).join(", ")}]`;
  if (value instanceof Map) return `Map(${show([...value])})`;
  if (value instanceof Set) return `Set(${show([...value])})`;
  if (value instanceof Date || value instanceof RegExp) {
    return `${value.constructor.name}(${value})`;
  }
  if (typeof value === "object" && value !== null) {
    return `{${Object.keys(value).map((key) => `${key}: ${show(value[key])}`).join(", ")}}`;
  }
  if (typeof value === "bigint") return `${value}n`;
  return is(value, -0) ? "-0" : String(value);
}

function fail(text) {
  throw new Error(text);
}

/** By what they look like: type, structure and values. */
function same(actual, expected, note = "") {
  const a = show(actual), b = show(expected);
  if (a !== b) fail(`${note}${note && ": "}got ${a}, expected ${b}`);
}

function ok(value, note = "a true value was expected") {
  if (!value) fail(note);
}

/** `name` is the error's name ("TypeError"); the message must contain `part`. */
function throws(name, run, part = "") {
  let value;
  try {
    value = run();
  } catch (error) {
    checkError(error, name, part);
    return error;
  }
  return fail(`no ${name}: ${run} gave ${show(value)}`);
}

async function rejects(name, promise, part = "") {
  let value;
  try {
    value = await promise;
  } catch (error) {
    checkError(error, name, part);
    return error;
  }
  return fail(`no ${name}: the promise gave ${show(value)}`);
}

function checkError(error, name, part) {
  const known = error instanceof Error;
  if (!known || error.name !== name || !error.message.includes(part)) {
    fail(`got ${show(error)}, expected ${name}${part && ` with "${part}"`}`);
  }
}

export default {
  async fetch() {
    const lines = [`${tests.length} tests`];
    for (const { promise, run } of tests) {
      try {
        await run();
      } catch (error) {
        lines[lines.length] = `${promise}: ${error instanceof Error ? error.message : show(error)}`
          .replaceAll("\n", " ");
      }
    }
    return new Response(lines.join("\n"));
  },
};
