// MIME types. https://mimesniff.spec.whatwg.org/#understanding-mime-types

const {
  MapPrototypeForEach, MapPrototypeHas, MapPrototypeSet, RegExpPrototypeExec,
  StringPrototypeIndexOf, StringPrototypeReplaceAll, StringPrototypeSlice,
  StringPrototypeToLowerCase,
} = internals.primordials;

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const quotable = /^[\t\x20-\x7e\x80-\xff]*$/;
const leadingBlanks = /^[\t\n\r ]*/, trailingBlanks = /[\t\n\r ]*$/;

function trimmed(text) {
  text = StringPrototypeSlice(text, RegExpPrototypeExec(leadingBlanks, text)[0].length);
  return StringPrototypeSlice(text, 0, RegExpPrototypeExec(trailingBlanks, text).index);
}

/**
 * {essence, parameters: Map} of a MIME type's text; undefined if it is none.
 * https://mimesniff.spec.whatwg.org/#parse-a-mime-type
 */
function parse(text) {
  text = trimmed(text);
  let at = endOf(text, ";", 0);
  const essence = StringPrototypeToLowerCase(trimmed(StringPrototypeSlice(text, 0, at)));
  const slash = StringPrototypeIndexOf(essence, "/");
  if (slash < 0 || RegExpPrototypeExec(token, StringPrototypeSlice(essence, 0, slash)) === null ||
      RegExpPrototypeExec(token, StringPrototypeSlice(essence, slash + 1)) === null) {
    return undefined;
  }
  const parameters = new Map();
  while (at < text.length) {
    at = readParameter(text, at + 1, parameters);
  }
  return { essence, parameters };
}

/** Where the next `mark` is, or the end. */
function endOf(text, mark, from) {
  const found = StringPrototypeIndexOf(text, mark, from);
  return found < 0 ? text.length : found;
}

/** Reads the parameter that starts at `at`; where the semicolon after it is, or the end. */
function readParameter(text, at, parameters) {
  const end = endOf(text, ";", at), equals = StringPrototypeIndexOf(text, "=", at);
  if (equals < 0 || equals >= end) return end;
  const start = at + RegExpPrototypeExec(leadingBlanks, StringPrototypeSlice(text, at))[0].length;
  const name = StringPrototypeToLowerCase(StringPrototypeSlice(text, start, equals));
  let value, next;
  if (text[equals + 1] === "\"") {
    const quoted = readQuoted(text, equals + 2);
    ({ value } = quoted);
    next = endOf(text, ";", quoted.at);
  } else {
    next = end;
    value = trimmed(StringPrototypeSlice(text, equals + 1, end));
    if (value === "") return next;
  }
  if (RegExpPrototypeExec(token, name) !== null && RegExpPrototypeExec(quotable, value) !== null &&
      !MapPrototypeHas(parameters, name)) {
    MapPrototypeSet(parameters, name, value);
  }
  return next;
}

/** https://fetch.spec.whatwg.org/#collect-an-http-quoted-string, after its first quote. */
function readQuoted(text, at) {
  let value = "";
  for (; at < text.length && text[at] !== "\""; at++) {
    if (text[at] === "\\" && at + 1 < text.length) at++;
    value += text[at];
  }
  return { value, at };
}

/** https://mimesniff.spec.whatwg.org/#serialize-a-mime-type */
function serialize({ essence, parameters }) {
  let text = essence;
  MapPrototypeForEach(parameters, (value, name) => {
    if (RegExpPrototypeExec(token, value) === null) {
      value = StringPrototypeReplaceAll(value, "\\", "\\\\");
      value = `"${StringPrototypeReplaceAll(value, "\"", "\\\"")}"`;
    }
    text += `;${name}=${value}`;
  });
  return text;
}

internals.mimeType = { parse, serialize };
