// The main module that a file of the Web Platform Tests runs under (src/webapi/wpt_runner.cc).
//
// Tests run inside a handler, as classic scripts in the global scope, in what they take for a
// worker. Everything is taken beforehand from the globals, which tests bend.

const { run, report, collectGarbage } = globalThis.wptHost;
delete globalThis.wptHost;

const { stringify, parse } = JSON;
const { URL, Response, Promise, setTimeout } = globalThis;
const realFetch = globalThis.fetch;

const kTestHarness = "/resources/testharness.js";
const kTestStatus = ["PASS", "FAIL", "TIMEOUT", "NOTRUN", "PRECONDITION_FAILED"];
const kHarnessStatus = ["OK", "ERROR", "TIMEOUT", "PRECONDITION_FAILED"];

function text(value) {
  return value === null || value === undefined ? "" : `${value}`;
}

function describe(error) {
  return text(error?.stack || error);
}

/** What a worker of a browser has around its tests, and is no API of ours. */
function setUpGlobals(url) {
  const location = {};
  for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname",
    "search", "hash"]) {
    location[name] = url[name];
  }
  location.toString = () => url.href;
  Object.assign(globalThis, {
    location,
    GLOBAL: { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false },
    gc: collectGarbage,
    importScripts: (...paths) => paths.forEach((path) => {
      const { pathname } = new URL(path, url);
      if (pathname !== kTestHarness) run(pathname);  // It is there.
    }),
    fetch: (input, init) =>
      realFetch(typeof input === "string" ? new URL(input, url) : input, init),
  });
}

/** For idlharness.js, which asks what is exposed where. Only after testharness.js has run. */
function pretendWorker() {
  globalThis.DedicatedWorkerGlobalScope = class DedicatedWorkerGlobalScope {
    static [Symbol.hasInstance](object) {
      return object === globalThis;
    }
  };
}

export default {
  fetch(request) {
    const { promise, resolve } = Promise.withResolvers();
    const finish = (status, message) => {
      report(stringify({ harness: status, message }));
      resolve(new Response());
    };
    setUpGlobals(new URL(request.url));
    run(kTestHarness);
    globalThis.add_result_callback(({ name, status, message }) =>
      report(stringify({ subtest: name, status: kTestStatus[status], message: text(message) })));
    globalThis.add_completion_callback((tests, { status, message }) =>
      finish(kHarnessStatus[status], text(message)));
    // Fires when nothing else can happen any more.
    setTimeout(globalThis.timeout, 0x7fffffff);
    pretendWorker();
    try {
      for (const path of parse(request.headers.get("scripts"))) run(path);
    } catch (error) {
      finish("ERROR", describe(error));
    }
    return promise;
  },
};
