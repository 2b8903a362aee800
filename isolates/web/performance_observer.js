// PerformanceObserver. https://w3c.github.io/performance-timeline/#the-performanceobserver-interface

const {
  ArrayPrototypeFilter, ArrayPrototypeIncludes, ArrayPrototypeIndexOf, ArrayPrototypePush,
  ArrayPrototypeSlice, ArrayPrototypeSplice, ObjectFreeze, ReflectApply, TypeError,
} = internals.primordials;
const {
  configureInterface, converters, createDictionaryConverter, createSequenceConverter,
  illegalConstructor, requiredArguments,
} = internals.webidl;
const { defineGlobal, domException, kConstruct, load } = internals;

load("web/performance.js");
const { dropped, entriesOf, optionalString, select, typeOf } = internals.performance;

const supportedTypes = ObjectFreeze(["mark", "measure"]);

const toInit = createDictionaryConverter("PerformanceObserverInit", [
  { key: "entryTypes", converter: createSequenceConverter(converters.DOMString) },
  { key: "type", converter: converters.DOMString },
  { key: "buffered", converter: converters.boolean }]);

class PerformanceObserverEntryList {
  #entries;

  constructor(token = undefined, entries) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#entries = entries;
  }

  getEntries() {
    return select(this.#entries);
  }

  getEntriesByType(type) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'getEntriesByType' on 'PerformanceObserverEntryList'";
    requiredArguments(arguments.length, 1, prefix);
    return select(entries, converters.DOMString(type, prefix, "argument 1"));
  }

  getEntriesByName(name, type = undefined) {
    const entries = this.#entries;
    const prefix = "Failed to execute 'getEntriesByName' on 'PerformanceObserverEntryList'";
    requiredArguments(arguments.length, 1, prefix);
    name = converters.DOMString(name, prefix, "argument 1");
    return select(entries, optionalString(type, prefix, "argument 2"), name);
  }
}
configureInterface(PerformanceObserverEntryList);

/** Observers that observe, in the order in which they began. */
const registered = [];
/** The invocation whose task will call the observers. */
let scheduledFor = null;
let offer, deliver;

class PerformanceObserver {
  #callback;
  /** Entries since the last call. */
  #buffer = [];
  /** The types observed. */
  #types = [];
  /** "type" or "entryTypes": the member that the first observe() had. */
  #mode;
  /** Whether the callback is to hear how many entries are missing. */
  #tellDropped = true;

  constructor(callback) {
    const prefix = "Failed to construct 'PerformanceObserver'";
    requiredArguments(arguments.length, 1, prefix);
    this.#callback = converters.callbackFunction(callback, prefix, "argument 1");
  }

  static get supportedEntryTypes() {
    return supportedTypes;
  }

  /** https://w3c.github.io/performance-timeline/#dom-performanceobserver-observe */
  observe(options = undefined) {
    this.#types;
    const prefix = "Failed to execute 'observe' on 'PerformanceObserver'";
    const { entryTypes, type, buffered } = toInit(options, prefix, "argument 1");
    if (entryTypes === undefined && type === undefined) {
      throw new TypeError(`${prefix}: either entryTypes or type must be given.`);
    }
    if (entryTypes !== undefined && (type !== undefined || buffered !== undefined)) {
      throw new TypeError(`${prefix}: entryTypes does not go with other members.`);
    }
    const mode = type === undefined ? "entryTypes" : "type";
    if (this.#mode !== undefined && this.#mode !== mode) {
      throw domException("InvalidModificationError",
        `${prefix}: an observer keeps to either entryTypes or type.`);
    }
    this.#mode = mode;
    const wanted = mode === "type" ? [type]
      : ArrayPrototypeFilter(entryTypes, (one) => ArrayPrototypeIncludes(supportedTypes, one));
    if (wanted.length === 0 || !ArrayPrototypeIncludes(supportedTypes, wanted[0])) return;
    if (mode === "entryTypes") this.#types = wanted;
    else if (!ArrayPrototypeIncludes(this.#types, type)) ArrayPrototypePush(this.#types, type);
    if (!ArrayPrototypeIncludes(registered, this)) ArrayPrototypePush(registered, this);
    this.#tellDropped = true;
    if (!buffered) return;
    const past = entriesOf(type);
    for (let i = 0; i < past.length; i++) ArrayPrototypePush(this.#buffer, past[i]);
    schedule();
  }

  disconnect() {
    this.#buffer = [];
    this.#types = [];
    this.#mode = undefined;
    const at = ArrayPrototypeIndexOf(registered, this);
    if (at >= 0) ArrayPrototypeSplice(registered, at, 1);
  }

  takeRecords() {
    const taken = this.#buffer;
    this.#buffer = [];
    return taken;
  }

  static {
    offer = (observer, entry) => {
      if (!ArrayPrototypeIncludes(observer.#types, typeOf(entry))) return false;
      ArrayPrototypePush(observer.#buffer, entry);
      return true;
    };
    deliver = (observer) => {
      const entries = observer.#buffer;
      if (entries.length === 0) return;
      observer.#buffer = [];
      const options = {};
      if (observer.#tellDropped) {
        observer.#tellDropped = false;
        options.droppedEntriesCount = 0;
        for (let i = 0; i < observer.#types.length; i++) {
          options.droppedEntriesCount += dropped[observer.#types[i]];
        }
      }
      const list = new PerformanceObserverEntryList(kConstruct, entries);
      try {
        ReflectApply(observer.#callback, observer, [list, observer, options]);
      } catch (error) {
        internals.kernel.reportException(error, "PerformanceObserver");
      }
    };
  }
}
configureInterface(PerformanceObserver);

/** https://w3c.github.io/performance-timeline/#queue-the-performanceobserver-task */
function schedule() {
  // Outside of any request there are no tasks: what waits comes with the next entry inside of one.
  const invocation = internals.kernel.findInvocation();
  if (invocation === undefined || !invocation.open) return;
  if (scheduledFor !== null && scheduledFor.open) return;
  scheduledFor = invocation;
  internals.timers.start(0, () => {
    scheduledFor = null;
    const observers = ArrayPrototypeSlice(registered);
    for (let i = 0; i < observers.length; i++) deliver(observers[i]);
  });
}

internals.performance.onEntry = (entry) => {
  let wanted = false;
  for (let i = 0; i < registered.length; i++) wanted = offer(registered[i], entry) || wanted;
  if (wanted) schedule();
};
defineGlobal("PerformanceObserver", PerformanceObserver);
defineGlobal("PerformanceObserverEntryList", PerformanceObserverEntryList);
