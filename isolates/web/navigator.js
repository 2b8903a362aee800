// navigator, self, queueMicrotask and the globals of lazy scripts that stand alone.

const {
  PromisePrototypeThen, PromiseResolve, ReflectApply, globalThis,
} = internals.primordials;
const { configureInterface, converters, illegalConstructor, requiredArguments } = internals.webidl;
const { defineGlobal, defineLazy, kConstruct } = internals;

const nothing = () => {};

class Navigator {
  #brand;

  constructor(token = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
  }

  /** https://min-common-api.proposal.wintertc.org/#useragent */
  get userAgent() {
    this.#brand;
    return "Atoll";
  }
  get language() {
    this.#brand;
    return "en";
  }
  get hardwareConcurrency() {
    this.#brand;
    return 1;
  }
  get platform() {
    this.#brand;
    return "";
  }

  /**
   * True: it is on its way, and nobody hears how it went.
   * https://w3c.github.io/beacon/#sendbeacon-method
   */
  sendBeacon(url, data = null) {
    this.#brand;
    requiredArguments(arguments.length, 1, "Failed to execute 'sendBeacon' on 'Navigator'");
    const { currentInvocation, waitUntil } = internals.kernel;
    const invocation = currentInvocation();
    // A URL or body that cannot be sent is told at once.
    const init = { __proto__: null, method: "POST", body: data };
    const request = new internals.request.Request(url, init);
    waitUntil(invocation, PromisePrototypeThen(internals.fetch.fetch(request), nothing, nothing));
    return true;
  }
}
configureInterface(Navigator);

const functions = {
  /** https://html.spec.whatwg.org/#dom-queuemicrotask */
  queueMicrotask(callback) {
    const prefix = "Failed to execute 'queueMicrotask'";
    requiredArguments(arguments.length, 1, prefix);
    converters.callbackFunction(callback, prefix, "argument 1");
    PromisePrototypeThen(PromiseResolve(undefined), () => {
      try {
        ReflectApply(callback, undefined, []);
      } catch (error) {
        internals.kernel.reportException(error, "queueMicrotask");
      }
    });
  },
};

defineGlobal("Navigator", Navigator);
defineGlobal("navigator", new Navigator(kConstruct));
defineGlobal("self", globalThis);
// https://html.spec.whatwg.org/#dom-origin: a script has none of its own.
defineGlobal("origin", "null");
if (globalThis.queueMicrotask === undefined) {
  defineGlobal("queueMicrotask", functions.queueMicrotask);
}
defineLazy("QuotaExceededError", "web/quota_exceeded.js");
defineLazy("structuredClone", "web/structured_clone.js");
defineLazy("URLPattern", "web/url_pattern.js");
defineLazy("MessageChannel", "web/message_port.js");
defineLazy("MessagePort", "web/message_port.js");
const timing = ["Performance", "PerformanceEntry", "PerformanceMark", "PerformanceMeasure",
  "performance"];
for (const name of timing) defineLazy(name, "web/performance.js");
defineLazy("PerformanceObserver", "web/performance_observer.js");
defineLazy("PerformanceObserverEntryList", "web/performance_observer.js");
for (const name of ["crypto", "Crypto", "SubtleCrypto", "CryptoKey"]) {
  defineLazy(name, "web/crypto.js");
}
