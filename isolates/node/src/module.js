// node:module: built-in modules can be required; files there are none.
const builtinModules = internals.node.names();

function createRequire(file) {
  if (typeof file !== "string" && !(file instanceof URL)) {
    const error = new TypeError("The argument 'filename' must be a file URL object, file URL " +
      `string, or absolute path string. Received ${file === null ? "null" : typeof file}`);
    error.code = "ERR_INVALID_ARG_VALUE";
    throw error;
  }
  const require = (name) => internals.node.requireModule(`${name}`);
  require.resolve = (name) => `${name}`;
  require.resolve.paths = () => null;
  require.cache = { __proto__: null };
  require.extensions = { __proto__: null };
  require.main = undefined;
  return require;
}

class Module {
  constructor(id = "") {
    this.id = id;
    this.exports = {};
    this.loaded = false;
    this.children = [];
    this.paths = [];
  }

  require(name) {
    return internals.node.requireModule(`${name}`);
  }
}

module.exports = Object.assign(Module, {
  Module, builtinModules, createRequire,
  isBuiltin: (name) => internals.node.isBuiltin(`${name}`),
  _cache: { __proto__: null }, _extensions: { __proto__: null }, _pathCache: { __proto__: null },
  globalPaths: [], findSourceMap: () => undefined, syncBuiltinESMExports() {},
  _nodeModulePaths: () => [], _resolveFilename: (name) => name, _load: (name) =>
    internals.node.requireModule(name),
  register() {}, wrap: (script) =>
    `(function (exports, require, module, __filename, __dirname) { ${script}\n});`,
});
