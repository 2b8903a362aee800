// node:console
const util = require("node:util");

/** A console over streams of the caller's own. */
class Console {
  #out;
  #error;
  #counts = new Map();
  #times = new Map();
  #indent = "";
  #options;

  constructor(options, stderr) {
    const given = typeof options?.write === "function" ? { stdout: options, stderr } : options;
    if (typeof given?.stdout?.write !== "function") {
      const error = new TypeError("The stdout argument must be a writable stream");
      error.code = "ERR_CONSOLE_WRITABLE_STREAM";
      throw error;
    }
    this.#out = given.stdout;
    this.#error = given.stderr ?? given.stdout;
    this.#options = given.inspectOptions ?? {};
    for (const name of Object.getOwnPropertyNames(Console.prototype)) {
      if (name !== "constructor") this[name] = this[name].bind(this);
    }
  }

  #write(stream, args) {
    const text = util.formatWithOptions(this.#options, ...args);
    stream.write(this.#indent + text.replaceAll("\n", `\n${this.#indent}`) + "\n");
  }

  log(...args) { this.#write(this.#out, args); }
  info(...args) { this.#write(this.#out, args); }
  debug(...args) { this.#write(this.#out, args); }
  error(...args) { this.#write(this.#error, args); }
  warn(...args) { this.#write(this.#error, args); }
  trace(...args) {
    const error = { name: "Trace", message: util.format(...args) };
    Error.captureStackTrace(error, this.trace);
    this.#write(this.#error, [error.stack]);
  }
  dir(value, options) { this.#write(this.#out, [util.inspect(value, { customInspect: false,
    ...options })]); }
  dirxml(...args) { this.#write(this.#out, args); }
  table(data) { this.#write(this.#out, [data]); }
  assert(value, ...args) {
    if (!value) this.#write(this.#error, ["Assertion failed" + (args.length > 0 ? ":" : ""),
      ...args]);
  }
  count(label = "default") {
    const count = (this.#counts.get(`${label}`) ?? 0) + 1;
    this.#counts.set(`${label}`, count);
    this.#write(this.#out, [`${label}: ${count}`]);
  }
  countReset(label = "default") { this.#counts.delete(`${label}`); }
  group(...args) {
    if (args.length > 0) this.log(...args);
    this.#indent += "  ";
  }
  groupCollapsed(...args) { this.group(...args); }
  groupEnd() { this.#indent = this.#indent.slice(2); }
  time(label = "default") { this.#times.set(`${label}`, Date.now()); }
  timeLog(label = "default", ...args) {
    const start = this.#times.get(`${label}`);
    if (start !== undefined) this.#write(this.#out, [`${label}: ${Date.now() - start}ms`, ...args]);
  }
  timeEnd(label = "default") {
    this.timeLog(label);
    this.#times.delete(`${label}`);
  }
  clear() {}
}

const made = { Console, ...console };
for (const name of ["log", "info", "debug", "error", "warn", "trace", "dir", "dirxml", "table",
  "assert", "count", "countReset", "group", "groupCollapsed", "groupEnd", "time", "timeLog",
  "timeEnd", "clear"]) {
  made[name] = (...args) => console[name]?.(...args);
}
module.exports = made;
