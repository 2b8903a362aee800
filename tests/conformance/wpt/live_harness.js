// The main module of a test that speaks to the suite's server over a real network (live.py). The
// test and its scripts are suite.cjs: one function, as a classic script has the global scope.

import suite from "./suite.cjs";

const { stringify } = JSON;
const { URL, Promise, Proxy, Reflect, setTimeout } = globalThis;
const { Request, Response, WebSocket, EventSource } = globalThis;
const realFetch = globalThis.fetch;

const kTestStatus = ["PASS", "FAIL", "TIMEOUT", "NOTRUN", "PRECONDITION_FAILED"];
const kHarnessStatus = ["OK", "ERROR", "TIMEOUT", "PRECONDITION_FAILED"];

const text = (value) => (value === null || value === undefined ? "" : `${value}`);

/** What a worker of a browser has around its tests: a URL, and so a base for others. */
function setUpGlobals(url) {
  const location = {};
  for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname",
    "search", "hash"]) {
    location[name] = url[name];
  }
  location.toString = () => url.href;
  const resolved = (input) => {
    if (typeof input === "object" && input !== null && !(input instanceof URL)) return input;
    return URL.canParse(input, url) ? new URL(input, url).href : input;
  };
  const atFirst = ([input, ...rest]) => [resolved(input), ...rest];
  for (const constructor of [Request, WebSocket, EventSource]) {
    const based = new Proxy(constructor, {
      construct: (target, list, newTarget) =>
        Reflect.construct(target, list.length === 0 ? list : atFirst(list), newTarget),
    });
    constructor.prototype.constructor = based;
    globalThis[constructor.name] = based;
  }
  const apply = (target, receiver, list) =>
    Reflect.apply(target, receiver, list.length === 0 ? list : atFirst(list));
  globalThis.fetch = new Proxy(realFetch, { apply });
  Response.redirect = new Proxy(Response.redirect, { apply });
  Object.assign(globalThis, {
    location,
    GLOBAL: { isWindow: () => false, isWorker: () => true, isShadowRealm: () => false },
    // idlharness.js makes its objects of texts, and code is not made of text here.
    eval: (text) => suite.texts[text](),
  });
}

export default {
  async fetch(request, env) {
    const { promise, resolve } = Promise.withResolvers();
    const results = [];
    const finish = (harness, message) => resolve(new Response(stringify({ harness, message,
      results })));
    setUpGlobals(new URL(env.TEST_URL));
    suite.loadHarness.call(globalThis);
    globalThis.add_result_callback(({ name, status, message }) =>
      results.push([name, kTestStatus[status], text(message)]));
    globalThis.add_completion_callback((tests, { status, message }) =>
      finish(kHarnessStatus[status], text(message)));
    setTimeout(globalThis.timeout, env.SECONDS * 1000);
    globalThis.DedicatedWorkerGlobalScope = class DedicatedWorkerGlobalScope {
      static [Symbol.hasInstance](object) {
        return object === globalThis;
      }
    };
    try {
      suite.run.call(globalThis);
      if (typeof globalThis.done === "function" && env.DONE) globalThis.done();
    } catch (error) {
      finish("ERROR", text(error?.stack || error));
    }
    return promise;
  },
};
