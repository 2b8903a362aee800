// performance. https://w3c.github.io/hr-time/ and https://w3c.github.io/user-timing/
// Deviation: the clock is Date's, in whole milliseconds: nothing finer for a script to measure its
// neighbours by. timeOrigin is 0, as on other edge platforms.

const {
  ArrayPrototypeFilter, ArrayPrototypePush, ArrayPrototypeShift, ArrayPrototypeSlice, DateNow,
  TypeError,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isObject, requiredArguments,
} = internals.webidl;
const { defineGlobal, domException, kConstruct } = internals;
const { EventTarget } = internals.events;

const kEntriesMax = 1000;

class PerformanceEntry {
  #name;
  #entryType;
  #startTime;
  #duration;
  #detail;

  constructor(token = undefined, name, entryType, startTime, duration, detail) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#name = name;
    this.#entryType = entryType;
    this.#startTime = startTime;
    this.#duration = duration;
    this.#detail = detail;
  }

  get name() {
    return this.#name;
  }
  get entryType() {
    return this.#entryType;
  }
  get startTime() {
    return this.#startTime;
  }
  get duration() {
    return this.#duration;
  }
  get detail() {
    return this.#detail;
  }

  toJSON() {
    return { name: this.#name, entryType: this.#entryType, startTime: this.#startTime,
      duration: this.#duration, detail: this.#detail };
  }
}
configureInterface(PerformanceEntry);

class PerformanceMark extends PerformanceEntry {
  constructor(name, options = undefined) {
    const prefix = "Failed to construct 'PerformanceMark'";
    requiredArguments(arguments.length, 1, prefix);
    name = converters.DOMString(name, prefix, "argument 1");
    let startTime = DateNow(), detail = null;
    if (isObject(options)) {
      if (options.startTime !== undefined) {
        startTime = converters.double(options.startTime, prefix, "startTime");
        if (startTime < 0) throw new TypeError(prefix + ": startTime is negative.");
      }
      detail = options.detail ?? null;
    }
    super(kConstruct, name, "mark", startTime, 0, detail);
  }
}
configureInterface(PerformanceMark);

class PerformanceMeasure extends PerformanceEntry {
  constructor(token = undefined, name, startTime, duration, detail) {
    if (token !== kConstruct) throw illegalConstructor();
    super(kConstruct, name, "measure", startTime, duration, detail);
  }
}
configureInterface(PerformanceMeasure);

class Performance extends EventTarget {
  #entries = [];

  constructor(token = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
    super();
  }

  get timeOrigin() {
    this.#entries;
    return 0;
  }

  now() {
    this.#entries;
    return DateNow();
  }

  #add(entry) {
    if (this.#entries.length >= kEntriesMax) ArrayPrototypeShift(this.#entries);
    ArrayPrototypePush(this.#entries, entry);
    return entry;
  }

  mark(name, options = undefined) {
    requiredArguments(arguments.length, 1, "Failed to execute 'mark' on 'Performance'");
    return this.#add(new PerformanceMark(name, options));
  }

  /** When a mark was set, or the time itself if it is one. */
  #timeOf(mark, fallback) {
    if (mark === undefined) return fallback;
    if (typeof mark === "number") return mark;
    const name = `${mark}`;
    for (let i = this.#entries.length - 1; i >= 0; i--) {
      const entry = this.#entries[i];
      if (entry.entryType === "mark" && entry.name === name) return entry.startTime;
    }
    throw domException("SyntaxError", `The mark '${name}' does not exist.`);
  }

  measure(name, startOrOptions = undefined, endMark = undefined) {
    const prefix = "Failed to execute 'measure' on 'Performance'";
    requiredArguments(arguments.length, 1, prefix);
    name = converters.DOMString(name, prefix, "argument 1");
    let start = startOrOptions, end = endMark, detail = null, length;
    if (isObject(startOrOptions)) {
      ({ start, end, duration: length } = startOrOptions);
      detail = startOrOptions.detail ?? null;
    }
    let startTime, endTime;
    if (length !== undefined && end !== undefined && start === undefined) {
      endTime = this.#timeOf(end, 0);
      startTime = endTime - length;
    } else {
      startTime = this.#timeOf(start, 0);
      endTime = length !== undefined ? startTime + length : this.#timeOf(end, DateNow());
    }
    return this.#add(
      new PerformanceMeasure(kConstruct, name, startTime, endTime - startTime, detail));
  }

  #remove(type, name) {
    this.#entries = ArrayPrototypeFilter(this.#entries, (entry) =>
      entry.entryType !== type || (name !== undefined && entry.name !== `${name}`));
  }

  clearMarks(name = undefined) {
    this.#remove("mark", name);
  }

  clearMeasures(name = undefined) {
    this.#remove("measure", name);
  }

  getEntries() {
    return ArrayPrototypeSlice(this.#entries);
  }

  getEntriesByType(type) {
    return ArrayPrototypeFilter(this.#entries, (entry) => entry.entryType === `${type}`);
  }

  getEntriesByName(name, type = undefined) {
    return ArrayPrototypeFilter(this.#entries, (entry) =>
      entry.name === `${name}` && (type === undefined || entry.entryType === `${type}`));
  }

  toJSON() {
    return { timeOrigin: this.timeOrigin };
  }
}
configureInterface(Performance);

defineGlobal("Performance", Performance);
defineGlobal("PerformanceEntry", PerformanceEntry);
defineGlobal("PerformanceMark", PerformanceMark);
defineGlobal("PerformanceMeasure", PerformanceMeasure);
defineGlobal("performance", new Performance(kConstruct));
