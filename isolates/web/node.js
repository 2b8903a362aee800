// Node's modules and globals, where the compatibility date or flags ask for them. Each module is a
// lazy script made at build time from isolates/node: a script that imports none pays nothing.

const {
  ArrayPrototypeSort, Error, MapPrototypeGet, MapPrototypeSet, ObjectDefineProperty, ObjectKeys,
  SetPrototypeForEach, SetPrototypeHas, StringPrototypeEndsWith, StringPrototypeSlice,
  StringPrototypeStartsWith, globalThis,
} = internals.primordials;
const { features, hasFeature } = internals;
const { isObject } = internals.webidl;

const scripts = new Set([
  "assert", "async_hooks", "buffer", "child_process", "cluster", "console", "constants", "crypto",
  "dgram", "diagnostics_channel", "dns", "dns/promises", "domain", "events", "fs", "fs/promises",
  "http", "http2", "https", "inspector", "inspector/promises", "module", "net", "os", "path",
  "perf_hooks", "process", "punycode", "querystring", "readline", "readline/promises", "repl",
  "sqlite", "stream", "stream/consumers", "stream/web", "string_decoder", "timers", "tls",
  "trace_events", "tty", "url", "util", "v8", "vm", "wasi", "worker_threads", "zlib",
]);

/** Modules that are a member of another's exports, or all of them ("" as the member). */
const parts = {
  __proto__: null,
  "_stream_duplex": ["stream", "Duplex"], "_stream_passthrough": ["stream", "PassThrough"],
  "_stream_readable": ["stream", "Readable"], "_stream_transform": ["stream", "Transform"],
  "_stream_writable": ["stream", "Writable"], "assert/strict": ["assert", "strict"],
  "path/posix": ["path", "posix"], "path/win32": ["path", "win32"],
  "stream/promises": ["stream", "promises"], "sys": ["util", ""],
  "timers/promises": ["timers", "promises"], "util/types": ["util", "types"],
};

/** Only ever by their full names. */
const kPrefixOnly = { __proto__: null, sqlite: true };

/** Module objects by name, from the moment one begins to run: cycles see what is there. */
const modules = new Map();

function begin(name) {
  const module = { exports: {} };
  MapPrototypeSet(modules, name, module);
  return { module, require: requireModule };
}

function isName(name) {
  return SetPrototypeHas(scripts, name) || parts[name] !== undefined;
}

/** "events" of "node:events", "events" and "events/"; undefined if there is no such module. */
function nameOf(specifier) {
  let name = specifier;
  const hasPrefix = StringPrototypeStartsWith(specifier, "node:");
  if (hasPrefix) name = StringPrototypeSlice(specifier, 5);
  else if (StringPrototypeEndsWith(specifier, "/")) name = StringPrototypeSlice(specifier, 0, -1);
  return isName(name) && (hasPrefix || kPrefixOnly[name] !== true) ? name : undefined;
}

/** What module.exports of a Node module is. */
function exportsOf(name) {
  const part = parts[name];
  if (part !== undefined) {
    const whole = exportsOf(part[0]);
    return part[1] === "" ? whole : whole[part[1]];
  }
  const module = MapPrototypeGet(modules, name);
  if (module !== undefined) return module.exports;
  return native.loadScript(`node/${name}.js`);
}

/** require() of Node's modules among themselves, and of createRequire(). */
function requireModule(specifier) {
  const name = nameOf(specifier);
  if (name !== undefined) return exportsOf(name);
  const error = new Error(`Cannot find module '${specifier}'. Only Node's own modules can be ` +
    "required here.");
  error.code = "MODULE_NOT_FOUND";
  throw error;
}

/** Whether a script may import the module by this specifier. */
function isAllowed(specifier, name) {
  if (!StringPrototypeStartsWith(specifier, "node:")) return hasFeature(features.kNodeGlobals);
  return hasFeature(features.kNodeModules) ||
    (name === "async_hooks" && hasFeature(features.kAsyncLocalStorage));
}

const namespaces = new Map();

/** The exports of an import; undefined if it names none of Node's modules. */
function findModule(specifier) {
  const name = nameOf(specifier);
  if (name === undefined || !isAllowed(specifier, name)) return undefined;
  let namespace = MapPrototypeGet(namespaces, name);
  if (namespace !== undefined) return namespace;
  const exports = exportsOf(name);
  namespace = {};
  if (isObject(exports)) {
    const keys = ObjectKeys(exports);
    for (let i = 0; i < keys.length; i++) {
      if (keys[i] !== "default") namespace[keys[i]] = exports[keys[i]];
    }
  }
  namespace.default = exports;
  MapPrototypeSet(namespaces, name, namespace);
  return namespace;
}

function names() {
  const all = [];
  SetPrototypeForEach(scripts, (name) => {
    all[all.length] = kPrefixOnly[name] === true ? `node:${name}` : name;
  });
  for (const name in parts) all[all.length] = name;
  return ArrayPrototypeSort(all);
}

// ---- globals ------------------------------------------------------------------------------------

const globals = {
  __proto__: null,
  Buffer: () => exportsOf("buffer").Buffer,
  process: () => exportsOf("process"),
  global: () => globalThis,
  setImmediate: () => internals.timers.asNode.setImmediate,
  clearImmediate: () => internals.timers.asNode.clearImmediate,
};

function define(name, descriptor) {
  ObjectDefineProperty(globalThis, name,
    { __proto__: null, enumerable: false, configurable: true, ...descriptor });
}

/** Accessors that become data properties when they are first touched. */
for (const name in globals) {
  const settle = (value) => define(name, { value, writable: true });
  define(name, {
    get() {
      const value = globals[name]();
      settle(value);
      return value;
    },
    set: settle,
  });
}

function removeGlobals() {
  for (const name in globals) delete globalThis[name];
}

internals.node = {
  begin, findModule, names, removeGlobals, requireModule,
  getBuiltinModule(specifier) {
    const name = nameOf(`${specifier}`);
    return name === undefined ? undefined : exportsOf(name);
  },
  isBuiltin: (specifier) => nameOf(specifier) !== undefined,
};
