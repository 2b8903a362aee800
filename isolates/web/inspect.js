// Values as text for logs: readable, bounded in size, and without running a tenant's code where
// that can be helped (getters are named, not called).

const {
  ArrayBufferIsView, ArrayBufferPrototypeGetByteLength, ArrayIsArray, ArrayPrototypeIncludes,
  ArrayPrototypePush, ArrayPrototypePop, DatePrototypeToISOString, Error, JSONStringify,
  MapPrototypeForEach, MapPrototypeGetSize, ObjectGetOwnPropertyDescriptor,
  ObjectGetPrototypeOf, ObjectIs, ReflectOwnKeys, RegExpPrototypeExec, RegExpPrototypeToString,
  SetPrototypeForEach, SetPrototypeGetSize, String, StringPrototypeSlice, SymbolPrototypeToString,
  TypedArrayPrototypeGetSymbolToStringTag,
} = internals.primordials;

const kDepthMax = 4;
const kEntriesMax = 100;
const kStringMax = 10000;
const kTextMax = 16 * 1024;
const kLineMax = 72;

const identifier = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** One call of inspect(): what it has written so far, and the objects it is inside of. */
class Inspection {
  size = 0;
  parents = [];

  /** Text of any value. */
  value(value, depth) {
    if (this.size > kTextMax) return "...";
    switch (typeof value) {
      case "string": return this.count(quote(value));
      case "symbol": return SymbolPrototypeToString(value);
      case "bigint": return String(value) + "n";
      case "number": return ObjectIs(value, -0) ? "-0" : String(value);
      case "function": return functionName(value);
      case "object": return value === null ? "null" : this.object(value, depth);
      default: return String(value);
    }
  }

  count(text) {
    this.size += text.length;
    return text;
  }

  object(object, depth) {
    if (ArrayPrototypeIncludes(this.parents, object)) return "[Circular]";
    const simple = simpleText(object);
    if (simple !== undefined) return this.count(simple);
    const name = className(object);
    if (depth > kDepthMax) return ArrayIsArray(object) ? "[Array]" : `[${name || "Object"}]`;
    ArrayPrototypePush(this.parents, object);
    const text = this.entries(object, name, depth);
    ArrayPrototypePop(this.parents);
    return text;
  }

  entries(object, name, depth) {
    const parts = [];
    let open = "{", close = "}";
    let prefix = name === "Object" ? "" : (name || "[Object: null prototype]");
    const size = collectionSize(object);
    if (size !== undefined) {
      prefix += `(${size})`;
      this.collection(object, parts, depth);
    } else if (isListed(object)) {
      open = "[";
      close = "]";
      const { length } = object;
      prefix = ArrayIsArray(object) ? (name === "Array" ? "" : `${name}(${length})`) :
        `${TypedArrayPrototypeGetSymbolToStringTag(object)}(${length})`;
      for (let i = 0; i < length && i < kEntriesMax; i++) {
        ArrayPrototypePush(parts, i in object ? this.value(object[i], depth + 1) : "<empty>");
      }
      if (length > kEntriesMax) ArrayPrototypePush(parts, `... ${length - kEntriesMax} more`);
      if (!ArrayIsArray(object)) return join(prefix, open, parts, close, depth);
    } else {
      const more = knownParts(object);
      for (let i = 0; more !== undefined && i < more.length; i += 2) {
        ArrayPrototypePush(parts, `${more[i]}: ${this.value(more[i + 1], depth + 1)}`);
      }
    }
    this.properties(object, parts, depth);
    return join(prefix, open, parts, close, depth);
  }

  collection(object, parts, depth) {
    let left = kEntriesMax;
    if (isMap(object)) {
      MapPrototypeForEach(object, (value, key) => {
        if (left-- > 0) {
          ArrayPrototypePush(parts,
            `${this.value(key, depth + 1)} => ${this.value(value, depth + 1)}`);
        }
      });
    } else {
      SetPrototypeForEach(object, (value) => {
        if (left-- > 0) ArrayPrototypePush(parts, this.value(value, depth + 1));
      });
    }
    if (left < 0) ArrayPrototypePush(parts, `... ${-left} more`);
  }

  properties(object, parts, depth) {
    // An array's indices are no properties here, and there may be millions of them.
    const keys = ArrayIsArray(object) ? native.namedKeys(object) : ReflectOwnKeys(object);
    let shown = 0;
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i];
      const descriptor = ObjectGetOwnPropertyDescriptor(object, key);
      if (descriptor === undefined || !descriptor.enumerable) continue;
      if (++shown > kEntriesMax) {
        ArrayPrototypePush(parts, `... ${keys.length - i} more`);
        return;
      }
      const name = typeof key === "symbol" ? `[${SymbolPrototypeToString(key)}]` :
        RegExpPrototypeExec(identifier, key) !== null ? key : quote(key);
      const text = "value" in descriptor ? this.value(descriptor.value, depth + 1) :
        descriptor.get === undefined ? "[Setter]" : "[Getter]";
      ArrayPrototypePush(parts, `${name}: ${text}`);
    }
  }
}

/** Arrays and typed arrays are shown as lists. */
function isListed(object) {
  return ArrayIsArray(object) || (ArrayBufferIsView(object) && !(object instanceof DataView));
}

function quote(text) {
  if (text.length > kStringMax) {
    return JSONStringify(StringPrototypeSlice(text, 0, kStringMax)) +
      `... ${text.length - kStringMax} more characters`;
  }
  return JSONStringify(text);
}

function join(prefix, open, parts, close, depth) {
  const start = prefix === "" ? open : `${prefix} ${open}`;
  if (parts.length === 0) return start + close;
  let width = 0, lines = false;
  for (let i = 0; i < parts.length; i++) {
    width += parts[i].length + 2;
    if (parts[i].includes("\n")) lines = true;
  }
  const space = open === "[" ? "" : " ";
  if (!lines && width < kLineMax) {
    let line = parts[0];
    for (let i = 1; i < parts.length; i++) line += ", " + parts[i];
    return start + space + line + space + close;
  }
  let indent = "\n";
  for (let i = 0; i <= depth; i++) indent += "  ";
  let text = start;
  for (let i = 0; i < parts.length; i++) text += (i === 0 ? "" : ",") + indent + parts[i];
  return text + indent.slice(0, -2) + close;
}

function functionName(value) {
  try {
    const descriptor = ObjectGetOwnPropertyDescriptor(value, "name");
    const name = descriptor !== undefined ? descriptor.value : "";
    const isClass = Function.prototype.toString.call(value).startsWith("class");
    return `[${isClass ? "class" : "Function"}${typeof name === "string" && name !== "" ?
      (isClass ? " " : ": ") + name : " (anonymous)"}]`;
  } catch {
    return "[Function]";
  }
}

function className(object) {
  for (let holder = object, steps = 0; holder !== null && steps < 8; steps++) {
    const descriptor = ObjectGetOwnPropertyDescriptor(holder, "constructor");
    if (descriptor !== undefined) {
      const made = descriptor.value;
      const name = typeof made === "function" ?
        ObjectGetOwnPropertyDescriptor(made, "name")?.value : undefined;
      return typeof name === "string" ? name : "Object";
    }
    holder = ObjectGetPrototypeOf(holder);
  }
  return "";
}

function attempt(operation, object) {
  try {
    return operation(object);
  } catch {
    return undefined;
  }
}

// What native.brandOf() says; src/webapi/guest.cc has the same numbers.
const kDate = 1, kRegExp = 2, kMap = 3, kSet = 4, kArrayBuffer = 5;

function isMap(object) {
  return native.brandOf(object) === kMap;
}

function collectionSize(object) {
  switch (native.brandOf(object)) {
    case kMap: return MapPrototypeGetSize(object);
    case kSet: return SetPrototypeGetSize(object);
    default: return undefined;
  }
}

/** Things that are one text; undefined for all that have parts. */
function simpleText(object) {
  if (object instanceof Error || internals.isDOMException(object)) return errorText(object);
  switch (native.brandOf(object)) {
    case kDate: return attempt(DatePrototypeToISOString, object) ?? "Invalid Date";
    case kRegExp: return attempt(RegExpPrototypeToString, object);
    case kArrayBuffer:
      return `ArrayBuffer { byteLength: ${ArrayBufferPrototypeGetByteLength(object)} }`;
  }
  if (object instanceof Promise) return "Promise {}";
  if (object instanceof WeakMap) return "WeakMap {}";
  if (object instanceof WeakSet) return "WeakSet {}";
  if (internals.url?.isURL?.(object)) return `URL { ${quote(object.href)} }`;
  return undefined;
}

function errorText(error) {
  const { message, stack } = internals.kernel.describeError(error);
  let text = stack === "" ? `[${message}]` : stack;
  const cause = attempt((e) => ObjectGetOwnPropertyDescriptor(e, "cause")?.value, error);
  if (cause !== undefined) {
    text += `\n[cause]: ${typeof cause === "object" && cause !== null ?
      internals.kernel.describeError(cause).message : String(cause)}`;
  }
  return text;
}

/** [name, value, ...] of our own classes, whose state a property listing would not show. */
function knownParts(object) {
  if (internals.response.isResponse(object)) {
    return ["status", object.status, "statusText", object.statusText, "url", object.url, "headers",
      object.headers, "bodyUsed", object.bodyUsed];
  }
  if (internals.headers.isHeaders(object)) return internals.headers.listFlat(
    internals.headers.listOf(object));
  if (internals.request.isRequest(object)) {
    return ["method", object.method, "url", object.url, "headers", object.headers, "bodyUsed",
      object.bodyUsed];
  }
  return undefined;
}

/** A value as text; never throws. */
function inspect(value) {
  try {
    const text = new Inspection().value(value, 0);
    return text.length > kTextMax ? StringPrototypeSlice(text, 0, kTextMax) + "..." : text;
  } catch {
    return "[a value that cannot be inspected]";
  }
}

internals.inspect = inspect;
