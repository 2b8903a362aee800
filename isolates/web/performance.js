// performance. https://w3c.github.io/hr-time/, https://w3c.github.io/user-timing/ and
// https://w3c.github.io/performance-timeline/
// Deviation: the clock is Date's, in whole milliseconds: nothing finer for a script to measure its
// neighbours by. timeOrigin is 0, as on other edge platforms.

const {
  ArrayPrototypeFilter, ArrayPrototypePush, ArrayPrototypeShift, ArrayPrototypeSort, DateNow, Set,
  SetPrototypeHas, StringPrototypeSplit, TypeError,
} = internals.primordials;
const {
  configureInterface, converters, createDictionaryConverter, illegalConstructor, isObject,
  requiredArguments,
} = internals.webidl;
const { defineGlobal, domException, kConstruct } = internals;
const { EventTarget } = internals.events;

const kEntriesMax = 1000;

/** What was marked and measured, in order; the oldest go when there are too many. */
let entries = [];
/** Entry type -> how many of it went. */
const dropped = { __proto__: null, mark: 0, measure: 0 };
let lastId = 0;

// ---- entries ------------------------------------------------------------------------------------

let typeOf, nameOf, startOf, detailOfMark, detailOfMeasure;

/** What user timing adds to an entry: {value}. */
function detailOf(entry) {
  return detailOfMark(entry) ?? detailOfMeasure(entry);
}

class PerformanceEntry {
  #id = ++lastId;
  #name;
  #entryType;
  #startTime;
  #duration;

  constructor(token = undefined, name, entryType, startTime, duration) {
    if (token !== kConstruct) throw illegalConstructor();
    this.#name = name;
    this.#entryType = entryType;
    this.#startTime = startTime;
    this.#duration = duration;
  }

  get id() {
    return this.#id;
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
  /** There is no navigation here. */
  get navigationId() {
    this.#id;
    return 0;
  }

  toJSON() {
    const json = { id: this.#id, name: this.#name, entryType: this.#entryType,
      startTime: this.#startTime, duration: this.#duration, navigationId: 0 };
    const detail = detailOf(this);
    if (detail !== undefined) json.detail = detail.value;
    return json;
  }

  static {
    typeOf = (entry) => entry.#entryType;
    nameOf = (entry) => entry.#name;
    startOf = (entry) => entry.#startTime;
  }
}
configureInterface(PerformanceEntry);

/** A copy that the caller cannot change any more. */
function cloneDetail(detail) {
  if (detail === undefined || detail === null) return null;
  internals.load("web/structured_clone.js");
  return internals.structuredClone.cloneWith(detail, []).copy;
}

const toMarkOptions = createDictionaryConverter("PerformanceMarkOptions", [
  { key: "detail", converter: converters.any },
  { key: "startTime", converter: converters.double }]);

class PerformanceMark extends PerformanceEntry {
  #detail;

  constructor(markName, markOptions = undefined) {
    const prefix = "Failed to construct 'PerformanceMark'";
    requiredArguments(arguments.length, 1, prefix);
    const name = converters.DOMString(markName, prefix, "argument 1");
    const { detail, startTime } = toMarkOptions(markOptions, prefix, "argument 2");
    if (startTime < 0) throw new TypeError(prefix + ": startTime is negative.");
    super(kConstruct, name, "mark", startTime ?? DateNow(), 0);
    this.#detail = cloneDetail(detail);
  }

  get detail() {
    return this.#detail;
  }

  static {
    detailOfMark = (entry) => (#detail in entry ? { value: entry.#detail } : undefined);
  }
}
configureInterface(PerformanceMark);

class PerformanceMeasure extends PerformanceEntry {
  #detail;

  constructor(token = undefined, name, startTime, duration, detail) {
    if (token !== kConstruct) throw illegalConstructor();
    super(kConstruct, name, "measure", startTime, duration);
    this.#detail = detail;
  }

  get detail() {
    return this.#detail;
  }

  static {
    detailOfMeasure = (entry) => (#detail in entry ? { value: entry.#detail } : undefined);
  }
}
configureInterface(PerformanceMeasure);

/** A list's entries by their start, those of one type or name only where these are given. */
function select(list, type, name) {
  const found = ArrayPrototypeFilter(list, (entry) =>
    (type === undefined || typeOf(entry) === type) &&
    (name === undefined || nameOf(entry) === name));
  return ArrayPrototypeSort(found, (a, b) => startOf(a) - startOf(b));
}

// ---- measuring ----------------------------------------------------------------------------------

const timeOrMark = (value, prefix, argument) => (typeof value === "number"
  ? converters.double(value, prefix, argument) : converters.DOMString(value, prefix, argument));
const toMeasureOptions = createDictionaryConverter("PerformanceMeasureOptions", [
  { key: "detail", converter: converters.any }, { key: "start", converter: timeOrMark },
  { key: "duration", converter: converters.double }, { key: "end", converter: timeOrMark }]);

// Attributes of a page's loading, which only a window can measure from.
const windowTimes = new Set(StringPrototypeSplit("navigationStart unloadEventStart " +
  "unloadEventEnd redirectStart redirectEnd fetchStart domainLookupStart domainLookupEnd " +
  "connectStart connectEnd secureConnectionStart requestStart responseStart responseEnd " +
  "domLoading domInteractive domContentLoadedEventStart domContentLoadedEventEnd domComplete " +
  "loadEventStart loadEventEnd", " "));

/** https://w3c.github.io/user-timing/#convert-a-mark-to-a-timestamp */
function timeOf(mark, prefix) {
  if (typeof mark === "number") {
    if (mark < 0) throw new TypeError(`${prefix}: ${mark} is negative.`);
    return mark;
  }
  if (SetPrototypeHas(windowTimes, mark)) {
    throw new TypeError(`${prefix}: '${mark}' is a time of a page, and there is none here.`);
  }
  for (let i = entries.length - 1; i >= 0; i--) {
    if (typeOf(entries[i]) === "mark" && nameOf(entries[i]) === mark) return startOf(entries[i]);
  }
  throw domException("SyntaxError", `${prefix}: the mark '${mark}' does not exist.`);
}

/** https://w3c.github.io/user-timing/#measure-method */
function measured(name, startOrOptions, endMark, prefix) {
  const options = startOrOptions === undefined || startOrOptions === null ||
    isObject(startOrOptions) ? toMeasureOptions(startOrOptions, prefix, "argument 2") : undefined;
  let { start, end, duration, detail } = options ?? {};
  if (options === undefined) start = converters.DOMString(startOrOptions, prefix, "argument 2");
  if (endMark !== undefined) endMark = converters.DOMString(endMark, prefix, "argument 3");
  const given = start !== undefined || end !== undefined || duration !== undefined;
  if (options !== undefined && (given || detail !== undefined)) {
    if (endMark !== undefined) {
      throw new TypeError(`${prefix}: an end mark does not go with options.`);
    }
    if (start === undefined && end === undefined) {
      throw new TypeError(`${prefix}: the options have neither start nor end.`);
    }
    if (start !== undefined && end !== undefined && duration !== undefined) {
      throw new TypeError(`${prefix}: start, duration and end cannot all be given.`);
    }
  }
  end = endMark ?? end;
  let endTime;
  if (end !== undefined) endTime = timeOf(end, prefix);
  else if (start === undefined || duration === undefined) endTime = DateNow();
  else endTime = timeOf(start, prefix) + duration;
  let startTime = 0;
  if (start !== undefined) startTime = timeOf(start, prefix);
  else if (duration !== undefined) startTime = endTime - duration;
  return new PerformanceMeasure(kConstruct, name, startTime, endTime - startTime,
    cloneDetail(detail));
}

// ---- performance --------------------------------------------------------------------------------

function add(entry) {
  if (entries.length >= kEntriesMax) dropped[typeOf(ArrayPrototypeShift(entries))]++;
  ArrayPrototypePush(entries, entry);
  // Nobody observes while that is not loaded.
  internals.performance.onEntry?.(entry);
  return entry;
}

function remove(type, name) {
  entries = ArrayPrototypeFilter(entries, (entry) =>
    typeOf(entry) !== type || (name !== undefined && nameOf(entry) !== name));
}

const optionalString = (value, prefix, argument) =>
  (value === undefined ? undefined : converters.DOMString(value, prefix, argument));

class Performance extends EventTarget {
  #brand;

  constructor(token = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
    super();
  }

  get timeOrigin() {
    this.#brand;
    return 0;
  }

  now() {
    this.#brand;
    return DateNow();
  }

  mark(markName, markOptions = undefined) {
    this.#brand;
    requiredArguments(arguments.length, 1, "Failed to execute 'mark' on 'Performance'");
    return add(new PerformanceMark(markName, markOptions));
  }

  measure(measureName, startOrMeasureOptions = undefined, endMark = undefined) {
    this.#brand;
    const prefix = "Failed to execute 'measure' on 'Performance'";
    requiredArguments(arguments.length, 1, prefix);
    const name = converters.DOMString(measureName, prefix, "argument 1");
    return add(measured(name, startOrMeasureOptions, endMark, prefix));
  }

  clearMarks(markName = undefined) {
    this.#brand;
    remove("mark", optionalString(markName, "Failed to execute 'clearMarks' on 'Performance'",
      "argument 1"));
  }

  clearMeasures(measureName = undefined) {
    this.#brand;
    remove("measure", optionalString(measureName,
      "Failed to execute 'clearMeasures' on 'Performance'", "argument 1"));
  }

  getEntries() {
    this.#brand;
    return select(entries);
  }

  getEntriesByType(type) {
    this.#brand;
    const prefix = "Failed to execute 'getEntriesByType' on 'Performance'";
    requiredArguments(arguments.length, 1, prefix);
    return select(entries, converters.DOMString(type, prefix, "argument 1"));
  }

  getEntriesByName(name, type = undefined) {
    this.#brand;
    const prefix = "Failed to execute 'getEntriesByName' on 'Performance'";
    requiredArguments(arguments.length, 1, prefix);
    name = converters.DOMString(name, prefix, "argument 1");
    return select(entries, optionalString(type, prefix, "argument 2"), name);
  }

  toJSON() {
    this.#brand;
    return { timeOrigin: 0 };
  }
}
configureInterface(Performance);

internals.performance = {
  select, optionalString, dropped,
  entriesOf: (type) => select(entries, type),
  typeOf,
  /** Called with each new entry, once there is an observer. */
  onEntry: undefined,
};
defineGlobal("Performance", Performance);
defineGlobal("PerformanceEntry", PerformanceEntry);
defineGlobal("PerformanceMark", PerformanceMark);
defineGlobal("PerformanceMeasure", PerformanceMeasure);
defineGlobal("performance", new Performance(kConstruct));
