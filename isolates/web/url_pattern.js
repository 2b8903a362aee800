// URLPattern. https://urlpattern.spec.whatwg.org/
// Patterns and inputs are taken apart in src/webapi/url_pattern.cc; the matching is here.

const {
  ArrayPrototypeMap, ArrayPrototypePush, ArrayPrototypeSlice, ObjectDefineProperty,
  ObjectGetOwnPropertyDescriptor, RegExpPrototypeExec, TypeError,
} = internals.primordials;
const {
  configureInterface, converters, createDictionaryConverter, isObject, requiredArguments,
} = internals.webidl;
const { USVString } = converters;

const kComponents = ["protocol", "username", "password", "hostname", "port", "pathname", "search",
  "hash"];
// As src/webapi/url_pattern.cc has them.
const kInitMembers = ["protocol", "username", "password", "hostname", "port", "pathname", "search",
  "hash", "baseURL"];

const toInit = createDictionaryConverter("URLPatternInit",
  ArrayPrototypeMap(kInitMembers, (key) => ({ key, converter: USVString })));
const toOptions = createDictionaryConverter("URLPatternOptions",
  [{ key: "ignoreCase", converter: converters.boolean, default: false }]);

/** (USVString or URLPatternInit): the string or the dictionary. */
function toInput(value, prefix) {
  return value === undefined || value === null || isObject(value)
    ? toInit(value, prefix, "argument 1") : USVString(value, prefix, "argument 1");
}

/** As the natives want it: an array for a dictionary. */
function forNative(input) {
  return typeof input === "string" ? input
    : ArrayPrototypeMap(kInitMembers, (key) => input[key]);
}

/** A record's entry: whatever the name, it is an own property. */
function setOwn(object, name, value) {
  ObjectDefineProperty(object, name,
    { __proto__: null, value, writable: true, enumerable: true, configurable: true });
}

/** One component of a pattern. `parts` are described at describe() in url_pattern.cc. */
class Component {
  constructor(parts) {
    this.pattern = parts[0];
    this.matcher = parts[1];
    this.hasRegExpGroups = parts[2];
    this.names = ArrayPrototypeSlice(parts, 3);
  }

  /** The groups' values after the match, as RegExp's exec() gives them; null if none. */
  exec(text) {
    const { matcher } = this;
    if (matcher === undefined) return [text, text];
    if (typeof matcher === "string") return matcher === text ? [text] : null;
    return RegExpPrototypeExec(matcher, text);
  }

  /** https://urlpattern.spec.whatwg.org/#create-a-component-match-result */
  result(input, match) {
    const groups = {};
    for (let i = 0; i < this.names.length; i++) setOwn(groups, this.names[i], match[i + 1]);
    return { input, groups };
  }
}

class URLPattern {
  #components;

  constructor(input = undefined, baseOrOptions = undefined, options = undefined) {
    const prefix = "Failed to construct 'URLPattern'";
    const base = arguments.length > 2 ||
      !(baseOrOptions === undefined || baseOrOptions === null || isObject(baseOrOptions));
    const pattern = toInput(input, prefix);
    const baseURL = base ? USVString(baseOrOptions, prefix, "argument 2") : undefined;
    const { ignoreCase } = toOptions(base ? options : baseOrOptions, prefix,
      base ? "argument 3" : "argument 2");
    const components = native.compileUrlPattern(forNative(pattern), baseURL, ignoreCase);
    if (components === undefined) throw new TypeError(`${prefix}: the pattern is not valid.`);
    this.#components = ArrayPrototypeMap(components, (parts) => new Component(parts));
  }

  /** https://urlpattern.spec.whatwg.org/#dom-urlpattern-test */
  test(input = undefined, baseURL = undefined) {
    return this.#match(input, baseURL, "test") !== null;
  }

  /** https://urlpattern.spec.whatwg.org/#dom-urlpattern-exec */
  exec(input = undefined, baseURL = undefined) {
    const found = this.#match(input, baseURL, "exec");
    if (found === null) return null;
    const { inputs, texts, matches } = found;
    const result = { inputs };
    for (let i = 0; i < kComponents.length; i++) {
      result[kComponents[i]] = this.#components[i].result(texts[i], matches[i]);
    }
    return result;
  }

  #match(input, baseURL, method) {
    const components = this.#components;
    const prefix = `Failed to execute '${method}' on 'URLPattern'`;
    input = toInput(input, prefix);
    const inputs = [typeof input === "string" ? input : given(input)];
    if (baseURL !== undefined) {
      baseURL = USVString(baseURL, prefix, "argument 2");
      if (typeof input !== "string") {
        throw new TypeError(`${prefix}: a base URL goes with a string, not with an object.`);
      }
      ArrayPrototypePush(inputs, baseURL);
    }
    const texts = native.urlPatternInput(forNative(input), baseURL);
    if (texts === undefined) return null;
    const matches = [];
    for (let i = 0; i < components.length; i++) {
      const match = components[i].exec(texts[i]);
      if (match === null) return null;
      ArrayPrototypePush(matches, match);
    }
    return { inputs, texts, matches };
  }

  get hasRegExpGroups() {
    const components = this.#components;
    for (let i = 0; i < components.length; i++) {
      if (components[i].hasRegExpGroups) return true;
    }
    return false;
  }

  static {
    for (let i = 0; i < kComponents.length; i++) {
      const name = kComponents[i];
      const attribute = { get [name]() { return this.#components[i].pattern; } };
      ObjectDefineProperty(this.prototype, name,
        { __proto__: null, ...ObjectGetOwnPropertyDescriptor(attribute, name) });
    }
  }
}
configureInterface(URLPattern);
ObjectDefineProperty(URLPattern, "length", { __proto__: null, value: 0 });

/** A converted dictionary as an ordinary object with the members that were given. */
function given(init) {
  const object = {};
  for (let i = 0; i < kInitMembers.length; i++) {
    const value = init[kInitMembers[i]];
    if (value !== undefined) object[kInitMembers[i]] = value;
  }
  return object;
}

internals.defineGlobal("URLPattern", URLPattern);
