// node:process, and the global `process`.
const kVersion = "v22.19.0";

function coded(Type, code, text) {
  const error = new Type(text);
  error.code = code;
  return error;
}

function absent(name) {
  return () => {
    throw coded(Error, "ERR_METHOD_NOT_IMPLEMENTED",
      `process.${name}() is not available on this node.`);
  };
}

/** Text bindings, and JSON ones as text. */
function makeEnv() {
  if (!internals.hasFeature(internals.features.kProcessEnv)) return {};
  const made = {};
  const bindings = native.bindings();
  for (let i = 0; i < bindings.length; i += 3) {
    if (bindings[i] <= 1) made[bindings[i + 1]] = bindings[i + 2];
  }
  return made;
}

/** As Node's: what is set becomes text. */
const env = new Proxy(makeEnv(), {
  set(target, name, value) {
    target[name] = `${value}`;
    return true;
  },
  defineProperty(target, name, descriptor) {
    if ("value" in descriptor) descriptor = { ...descriptor, value: `${descriptor.value}` };
    return Reflect.defineProperty(target, name, descriptor);
  },
});

function nextTick(callback, ...args) {
  if (typeof callback !== "function") {
    throw coded(TypeError, "ERR_INVALID_ARG_TYPE",
      'The "callback" argument must be of type function.');
  }
  queueMicrotask(args.length === 0 ? callback : () => callback(...args));
}

function hrtime(previous) {
  const now = performance.now() + performance.timeOrigin;
  let seconds = Math.floor(now / 1000), nanos = Math.floor((now % 1000) * 1e6);
  if (previous !== undefined) {
    seconds -= previous[0];
    nanos -= previous[1];
    if (nanos < 0) {
      seconds--;
      nanos += 1e9;
    }
  }
  return [seconds, nanos];
}
hrtime.bigint = () => {
  const [seconds, nanos] = hrtime();
  return BigInt(seconds) * 1000000000n + BigInt(nanos);
};

/** A stream for people: whole lines go to the console. */
function makeOutput(fd, log) {
  let line = "";
  return {
    fd, isTTY: false, writable: true, columns: 80, rows: 24,
    write(chunk, encoding, callback) {
      line += typeof chunk === "string" ? chunk : new TextDecoder().decode(chunk);
      const lines = line.split("\n");
      line = lines.pop();
      for (const each of lines) log(each);
      const done = typeof encoding === "function" ? encoding : callback;
      if (typeof done === "function") nextTick(done);
      return true;
    },
    end() {
      if (line !== "") log(line);
      line = "";
    },
    on: () => {}, once: () => {}, emit: () => false, removeListener: () => {},
    getColorDepth: () => 1, hasColors: () => false,
  };
}

const started = Date.now();
let emitter, umask = 0o22, cwd = "/";

/** Loaded by the first listener: most scripts only look at process.env. */
function events() {
  if (emitter === undefined) emitter = new (require("node:events"))();
  return emitter;
}

const process = {
  __proto__: Object.create({}, { [Symbol.toStringTag]: { value: "process", configurable: true } }),
  env, nextTick, hrtime,
  title: "atoll", version: kVersion,
  versions: Object.freeze({ node: kVersion.slice(1) }),
  release: Object.freeze({ name: "node", lts: true }),
  arch: "x64", platform: "linux", pid: 1, ppid: 0, argv: [], argv0: "", execArgv: [], execPath: "",
  exitCode: undefined, debugPort: 9229, connected: false, noDeprecation: false,
  throwDeprecation: false, traceDeprecation: false,
  config: Object.freeze({ target_defaults: {}, variables: {} }),
  features: Object.freeze({ inspector: false, debug: false, uv: false, ipv6: true, tls: true,
    tls_alpn: true, tls_sni: true, tls_ocsp: true, cached_builtins: true, require_module: true,
    typescript: false }),
  allowedNodeEnvironmentFlags: new Set(),
  stdout: makeOutput(1, (line) => console.log(line)),
  stderr: makeOutput(2, (line) => console.error(line)),
  stdin: { fd: 0, isTTY: false, on: () => {}, once: () => {}, read: () => null, resume: () => {} },
  cwd: () => cwd,
  chdir(path) {
    cwd = `${path}`;
  },
  uptime: () => (Date.now() - started) / 1000,
  umask(mask) {
    const before = umask;
    if (mask !== undefined) umask = typeof mask === "string" ? parseInt(mask, 8) : mask & 0o777;
    return before;
  },
  memoryUsage: Object.assign(() => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0,
    arrayBuffers: 0 }),
    { rss: () => 0 }),
  cpuUsage: () => ({ user: 0, system: 0 }),
  resourceUsage: () => ({}),
  availableMemory: () => 0, constrainedMemory: () => 0,
  getuid: () => 0, geteuid: () => 0, getgid: () => 0, getegid: () => 0, getgroups: () => [],
  emitWarning(warning, options, code) {
    const name = typeof options === "string" ? options : options?.type ?? "Warning";
    const label = typeof options === "object" && options !== null ? options.code : code;
    console.warn(`${warning instanceof Error ? warning.name : name}${label === undefined ? "" :
      ` [${label}]`}: ${warning instanceof Error ? warning.message : warning}`);
  },
  getBuiltinModule: (name) => internals.node.getBuiltinModule(name),
  exit(code) {
    throw coded(Error, "ERR_PROCESS_EXIT", `process.exit(${code ?? ""}) was called: it ends no ` +
      "request. Return a response, or throw.");
  },
  abort: absent("abort"), kill: absent("kill"), binding: absent("binding"),
    dlopen: absent("dlopen"),
  loadEnvFile: absent("loadEnvFile"), setuid: absent("setuid"), setgid: absent("setgid"),
  setUncaughtExceptionCaptureCallback() {}, hasUncaughtExceptionCaptureCallback: () => false,
  setSourceMapsEnabled() {}, report: {}, finalization: { register() {}, unregister() {},
    registerBeforeExit() {} },
  getActiveResourcesInfo: () => [], ref() {}, unref() {},
};
process.reallyExit = process.exit;
for (const name of ["on", "once", "off", "addListener", "removeListener", "removeAllListeners",
  "prependListener", "prependOnceListener", "setMaxListeners"]) {
  process[name] = (...args) => {
    events()[name](...args);
    return process;
  };
}
for (const name of ["emit", "eventNames", "getMaxListeners", "listenerCount", "listeners",
  "rawListeners"]) {
  process[name] = (...args) => events()[name](...args);
}

module.exports = process;
