// console. https://console.spec.whatwg.org/

const {
  ArrayIsArray, ArrayPrototypePush, DateNow, ErrorCaptureStackTrace, MapPrototypeDelete,
  MapPrototypeGet, MapPrototypeSet, Number, ObjectDefineProperty, ReflectOwnKeys, String,
  StringPrototypeIndexOf, StringPrototypeSlice,
} = internals.primordials;

const kDebug = 0, kLog = 1, kInfo = 2, kWarn = 3, kError = 4;
const kTextMax = 64 * 1024;
const kLabelsMax = 1000;
const kIndentMax = 40;

let indent = "";
const counts = new Map();
const timers = new Map();

function inspect(value) {
  internals.load("web/inspect.js");
  return internals.inspect(value);
}

/** Text of one argument: strings as they are. */
function show(value) {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean" || value === undefined) {
    return `${value}`;
  }
  return inspect(value);
}

function toNumber(value, integer) {
  if (typeof value === "symbol" || typeof value === "object") return "NaN";
  const number = Number(value);
  return `${integer ? number - number % 1 : number}`;
}

/** https://console.spec.whatwg.org/#formatter, for the specifier's letter; undefined if unknown. */
function formatOne(letter, value) {
  switch (letter) {
    case "s": return typeof value === "object" && value !== null ? inspect(value) : String(value);
    case "d":
    case "i": return typeof value === "bigint" ? `${value}n` : toNumber(value, true);
    case "f": return typeof value === "bigint" ? `${value}` : toNumber(value, false);
    case "j":
    case "o":
    case "O": return inspect(value);
    case "c": return "";
    default: return undefined;
  }
}

function format(args) {
  if (args.length === 0) return "";
  let text, next = 0;
  if (typeof args[0] === "string" && args.length > 1 &&
      StringPrototypeIndexOf(args[0], "%") !== -1) {
    const pattern = args[0];
    next = 1;
    text = "";
    let from = 0;
    for (;;) {
      const at = StringPrototypeIndexOf(pattern, "%", from);
      if (at === -1 || at + 1 >= pattern.length) break;
      const letter = pattern[at + 1];
      text += StringPrototypeSlice(pattern, from, at);
      from = at + 2;
      const shown = letter === "%" || next >= args.length ? undefined :
        formatOne(letter, args[next]);
      if (shown !== undefined) {
        next++;
        text += shown;
      } else {
        text += letter === "%" ? "%" : "%" + letter;
      }
    }
    text += StringPrototypeSlice(pattern, from);
  } else {
    text = show(args[0]);
    next = 1;
  }
  for (; next < args.length && text.length <= kTextMax; next++) text += " " + show(args[next]);
  return text;
}

function write(level, text) {
  if (indent !== "") text = indent + text.replaceAll("\n", "\n" + indent);
  if (text.length > kTextMax) text = StringPrototypeSlice(text, 0, kTextMax) + "...";
  const invocation = internals.kernel.findInvocation();
  native.log(invocation !== undefined && invocation.open ? invocation.slot : -1, level, text);
}

/** Rows of equal width: a table for people. */
function tableText(data) {
  const rows = [], columns = [];
  const keys = ReflectOwnKeys(data);
  for (let i = 0; i < keys.length && rows.length < 1000; i++) {
    if (typeof keys[i] === "symbol" || (keys[i] === "length" && ArrayIsArray(data))) continue;
    const row = data[keys[i]];
    const cells = { __proto__: null, "(index)": keys[i] };
    if (typeof row === "object" && row !== null) {
      const names = ReflectOwnKeys(row);
      for (let j = 0; j < names.length && j < 50; j++) {
        if (typeof names[j] === "symbol" || (names[j] === "length" && ArrayIsArray(row))) continue;
        if (!columns.includes(names[j])) ArrayPrototypePush(columns, names[j]);
        cells[names[j]] = show(row[names[j]]);
      }
    } else {
      cells["Value"] = show(row);
    }
    ArrayPrototypePush(rows, cells);
  }
  if (rows.some((cells) => "Value" in cells)) ArrayPrototypePush(columns, "Value");
  columns.unshift("(index)");
  const widths = columns.map((name) =>
    rows.reduce((width, cells) => Math.max(width, (cells[name] ?? "").length), name.length));
  const line = (cells) =>
    columns.map((name, i) => (cells[name] ?? "").padEnd(widths[i])).join(" | ").trimEnd();
  const header = Object.fromEntries(columns.map((name) => [name, name]));
  return [line(header), widths.map((width) => "-".repeat(width)).join("-+-"), ...rows.map(line)]
    .join("\n");
}

function labelOf(label) {
  return label === undefined ? "default" : String(label);
}

function elapsed(label, start, args) {
  const rest = args.length > 0 ? " " + format(args) : "";
  return `${label}: ${DateNow() - start}ms${rest}`;
}

// A namespace object: its methods work without a receiver.
const members = {
  debug: (...args) => write(kDebug, format(args)),
  log: (...args) => write(kLog, format(args)),
  info: (...args) => write(kInfo, format(args)),
  warn: (...args) => write(kWarn, format(args)),
  error: (...args) => write(kError, format(args)),
  dir: (...args) => write(kLog, inspect(args[0])),
  dirxml: (...args) => write(kLog, format(args)),
  trace(...args) {
    const holder = { name: "Trace", message: format(args) };
    ErrorCaptureStackTrace(holder, members.trace);
    const at = StringPrototypeIndexOf(holder.stack, "\n");
    write(kLog, (holder.message === "" ? "Trace" : "Trace: " + holder.message) +
      (at === -1 ? "" : StringPrototypeSlice(holder.stack, at)));
  },
  assert(condition = false, ...args) {
    if (condition) return;
    if (typeof args[0] === "string") args[0] = "Assertion failed: " + args[0];
    else args = ["Assertion failed", ...args];
    write(kError, format(args));
  },
  table(data = undefined) {
    let text;
    try {
      if (typeof data === "object" && data !== null) text = tableText(data);
    } catch {
      // Shown as any other value.
    }
    write(kLog, text ?? format([data]));
  },
  group(...args) {
    if (args.length > 0) write(kLog, format(args));
    if (indent.length < kIndentMax) indent += "  ";
  },
  groupCollapsed(...args) {
    members.group(...args);
  },
  groupEnd() {
    indent = StringPrototypeSlice(indent, 2);
  },
  count(label = undefined) {
    const name = labelOf(label);
    const count = (MapPrototypeGet(counts, name) ?? 0) + 1;
    if (counts.size < kLabelsMax) MapPrototypeSet(counts, name, count);
    write(kInfo, `${name}: ${count}`);
  },
  countReset(label = undefined) {
    MapPrototypeDelete(counts, labelOf(label));
  },
  time(label = undefined) {
    if (timers.size < kLabelsMax) MapPrototypeSet(timers, labelOf(label), DateNow());
  },
  timeLog(label = undefined, ...args) {
    const name = labelOf(label), start = MapPrototypeGet(timers, name);
    if (start === undefined) write(kWarn, `Timer '${name}' does not exist`);
    else write(kInfo, elapsed(name, start, args));
  },
  timeEnd(label = undefined) {
    members.timeLog(label);
    MapPrototypeDelete(timers, labelOf(label));
  },
  clear() {
    indent = "";
  },
  profile() {},
  profileEnd() {},
  timeStamp() {},
};

const console = Object.create({});
for (const name of ReflectOwnKeys(members)) {
  ObjectDefineProperty(console, name, {
    __proto__: null, value: members[name], writable: true, enumerable: true, configurable: true,
  });
}
ObjectDefineProperty(console, Symbol.toStringTag,
  { __proto__: null, value: "console", configurable: true });
internals.defineGlobal("console", console);
