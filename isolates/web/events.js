// Event, EventTarget and the event classes of the platform. https://dom.spec.whatwg.org/#events

const {
  ArrayPrototypeIndexOf, ArrayPrototypePush, ArrayPrototypeSlice, ArrayPrototypeSplice, DateNow,
  Map, MapPrototypeDelete, MapPrototypeGet, MapPrototypeSet, ObjectDefineProperty, ObjectFreeze,
  ObjectGetOwnPropertyDescriptor, ReflectApply, TypeError, globalThis,
} = internals.primordials;
const {
  configureInterface, converters, createDictionaryConverter, createNullableConverter,
  defineConstants, isObject, requiredArguments, typeError,
} = internals.webidl;
const { defineGlobal, domException } = internals;

// ---- Event --------------------------------------------------------------------------------------

const NONE = 0, AT_TARGET = 2;
const booleanMember = (key) => ({ key, converter: converters.boolean, default: false });
const eventInitMembers = () =>
  [booleanMember("bubbles"), booleanMember("cancelable"), booleanMember("composed")];
const toEventInit = createDictionaryConverter("EventInit", eventInitMembers());

/** How the rest of this file reaches into an Event. */
let access;

// [LegacyUnforgeable]: an own accessor of every event, the same function each time.
const isTrustedDescriptor = {
  __proto__: null,
  get: { get isTrusted() { return access.isTrusted(this); } }.__lookupGetter__("isTrusted"),
  set: undefined,
  enumerable: true,
  configurable: false,
};

class Event {
  #type;
  #bubbles;
  #cancelable;
  #composed;
  #timeStamp = DateNow();
  #target = null;
  #currentTarget = null;
  #phase = NONE;
  #dispatching = false;
  #initialized = true;
  #stopped = false;
  #stoppedImmediately = false;
  #canceled = false;
  #passive = false;
  #trusted = false;

  constructor(type, eventInitDict = undefined) {
    const prefix = `Failed to construct '${new.target.name}'`;
    requiredArguments(arguments.length, 1, prefix);
    this.#type = converters.DOMString(type, prefix, "argument 1");
    const init = eventInitDict === undefined
      ? undefined : toEventInit(eventInitDict, prefix, "argument 2");
    this.#bubbles = init !== undefined && init.bubbles;
    this.#cancelable = init !== undefined && init.cancelable;
    this.#composed = init !== undefined && init.composed;
    ObjectDefineProperty(this, "isTrusted", isTrustedDescriptor);
  }

  get type() {
    return this.#type;
  }
  get target() {
    return this.#target;
  }
  get srcElement() {
    return this.#target;
  }
  get currentTarget() {
    return this.#currentTarget;
  }
  get eventPhase() {
    return this.#phase;
  }
  get bubbles() {
    return this.#bubbles;
  }
  get cancelable() {
    return this.#cancelable;
  }
  get composed() {
    return this.#composed;
  }
  get defaultPrevented() {
    return this.#canceled;
  }
  get returnValue() {
    return !this.#canceled;
  }
  set returnValue(value) {
    if (!value) this.#cancel();
  }
  get cancelBubble() {
    return this.#stopped;
  }
  set cancelBubble(value) {
    if (value) this.#stopped = true;
  }
  get timeStamp() {
    return this.#timeStamp;
  }

  composedPath() {
    return this.#currentTarget === null ? [] : [this.#currentTarget];
  }
  stopPropagation() {
    this.#stopped = true;
  }
  stopImmediatePropagation() {
    this.#stopped = true;
    this.#stoppedImmediately = true;
  }
  preventDefault() {
    this.#cancel();
  }
  /** https://dom.spec.whatwg.org/#dom-event-initevent */
  initEvent(type, bubbles = false, cancelable = false) {
    const prefix = "Failed to execute 'initEvent' on 'Event'";
    requiredArguments(arguments.length, 1, prefix);
    type = converters.DOMString(type, prefix, "argument 1");
    if (this.#dispatching) return;
    this.#initialized = true;
    this.#stopped = this.#stoppedImmediately = this.#canceled = false;
    this.#trusted = false;
    this.#target = null;
    this.#type = type;
    this.#bubbles = !!bubbles;
    this.#cancelable = !!cancelable;
  }

  #cancel() {
    if (this.#cancelable && !this.#passive) this.#canceled = true;
  }

  static {
    access = {
      isEvent: (value) => isObject(value) && #type in value,
      isTrusted: (event) => event.#trusted,
      trust(event) {
        event.#trusted = true;
      },
      canDispatch: (event) => !event.#dispatching && event.#initialized,
      begin(event, target) {
        event.#dispatching = true;
        event.#target = target;
        event.#currentTarget = target;
        event.#phase = AT_TARGET;
      },
      end(event) {
        event.#dispatching = event.#stopped = event.#stoppedImmediately = false;
        event.#currentTarget = null;
        event.#phase = NONE;
      },
      isStopped: (event) => event.#stopped,
      isStoppedImmediately: (event) => event.#stoppedImmediately,
      isCanceled: (event) => event.#canceled,
      cancel: (event) => event.#cancel(),
      setPassive(event, passive) {
        event.#passive = passive;
      },
    };
  }
}
configureInterface(Event);
defineConstants(Event, { NONE: 0, CAPTURING_PHASE: 1, AT_TARGET: 2, BUBBLING_PHASE: 3 });

// ---- EventTarget --------------------------------------------------------------------------------

const toListenerOptions = createDictionaryConverter("AddEventListenerOptions",
  [booleanMember("capture")],
  [booleanMember("once"), { key: "passive", converter: converters.boolean },
    { key: "signal", converter: (value, prefix, argument) => {
      if (!internals.abort.isSignal(value)) {
        throw typeError(prefix, argument, "is not of type 'AbortSignal'.");
      }
      return value;
    } }]);
const noOptions = { capture: false, once: false, passive: undefined, signal: undefined };

/** https://dom.spec.whatwg.org/#event-flatten-more */
function flattenOptions(options, prefix) {
  if (options === undefined) return noOptions;
  if (!isObject(options)) return { ...noOptions, capture: !!options };
  return toListenerOptions(options, prefix, "argument 3");
}

const toCallback = createNullableConverter((value, prefix, argument) => {
  if (!isObject(value)) throw typeError(prefix, argument, "is not an object.");
  return value;
});

/** One entry of an event listener list. `handler` marks the place of an on... attribute. */
class Listener {
  removed = false;
  constructor(callback, capture, once, passive, handler) {
    this.callback = callback;
    this.capture = capture;
    this.once = once;
    this.passive = passive;
    this.handler = handler;
  }
}

/** What an EventTarget knows: event type -> listeners in order. The map is made when needed. */
class TargetState {
  lists = null;
  /** Told (type, count) after a listener came or went; for targets that keep themselves alive. */
  onChange = null;

  list(type) {
    return this.lists === null ? undefined : MapPrototypeGet(this.lists, type);
  }

  add(type, listener) {
    if (this.lists === null) this.lists = new Map();
    const list = MapPrototypeGet(this.lists, type);
    if (list === undefined) {
      MapPrototypeSet(this.lists, type, [listener]);
    } else {
      ArrayPrototypePush(list, listener);
    }
    if (this.onChange !== null) this.onChange(type, list === undefined ? 1 : list.length);
  }

  remove(type, listener) {
    listener.removed = true;
    const list = this.list(type);
    const at = list === undefined ? -1 : ArrayPrototypeIndexOf(list, listener);
    if (at < 0) return;
    ArrayPrototypeSplice(list, at, 1);
    if (list.length === 0) MapPrototypeDelete(this.lists, type);
    if (this.onChange !== null) this.onChange(type, list.length);
  }
}

/** The global object is an EventTarget by its methods only: its state is kept here. */
const globalState = new TargetState();
let stateOf;

class EventTarget {
  #state = new TargetState();

  static {
    stateOf = (target) =>
      (target === undefined || target === null || target === globalThis)
        ? globalState : target.#state;
  }

  /** https://dom.spec.whatwg.org/#dom-eventtarget-addeventlistener */
  addEventListener(type, callback, options = undefined) {
    const state = stateOf(this);
    const prefix = "Failed to execute 'addEventListener' on 'EventTarget'";
    requiredArguments(arguments.length, 2, prefix);
    type = converters.DOMString(type, prefix, "argument 1");
    callback = toCallback(callback, prefix, "argument 2");
    const { capture, once, passive, signal } = flattenOptions(options, prefix);
    if (signal !== undefined && internals.abort.isAborted(signal)) return;
    if (callback === null || find(state, type, callback, capture) !== undefined) return;
    const listener = new Listener(callback, capture, once, passive === true, null);
    state.add(type, listener);
    if (signal !== undefined) {
      internals.abort.addAlgorithm(signal, () => state.remove(type, listener));
    }
  }

  /** https://dom.spec.whatwg.org/#dom-eventtarget-removeeventlistener */
  removeEventListener(type, callback, options = undefined) {
    const state = stateOf(this);
    const prefix = "Failed to execute 'removeEventListener' on 'EventTarget'";
    requiredArguments(arguments.length, 2, prefix);
    type = converters.DOMString(type, prefix, "argument 1");
    callback = toCallback(callback, prefix, "argument 2");
    const capture = isObject(options) ? !!options.capture : !!options;
    const listener = find(state, type, callback, capture);
    if (listener !== undefined) state.remove(type, listener);
  }

  /** https://dom.spec.whatwg.org/#dom-eventtarget-dispatchevent */
  dispatchEvent(event) {
    const state = stateOf(this);
    const prefix = "Failed to execute 'dispatchEvent' on 'EventTarget'";
    requiredArguments(arguments.length, 1, prefix);
    if (!access.isEvent(event)) throw typeError(prefix, "argument 1", "is not of type 'Event'.");
    if (!access.canDispatch(event)) {
      throw domException("InvalidStateError", prefix + ": the event is already being dispatched.");
    }
    return dispatch(this ?? globalThis, state, event);
  }
}
configureInterface(EventTarget);

function find(state, type, callback, capture) {
  const list = state.list(type);
  if (list === undefined) return undefined;
  for (let i = 0; i < list.length; i++) {
    const listener = list[i];
    if (listener.callback === callback && listener.capture === capture &&
        listener.handler === null) {
      return listener;
    }
  }
  return undefined;
}

// Errors of listeners do not reach who dispatches.
// https://html.spec.whatwg.org/#report-the-exception
function reportException(error) {
  internals.kernel.reportException(error, "event listener");
}

/** The tree has one node here: capturing listeners first, then the others, both at the target. */
function dispatch(target, state, event) {
  const list = state.list(event.type);
  if (list === undefined) return !access.isCanceled(event);
  const listeners = ArrayPrototypeSlice(list);
  access.begin(event, target);
  invoke(target, state, event, listeners, true);
  if (!access.isStopped(event)) invoke(target, state, event, listeners, false);
  access.end(event);
  return !access.isCanceled(event);
}

/** https://dom.spec.whatwg.org/#concept-event-listener-inner-invoke */
function invoke(target, state, event, listeners, capture) {
  const type = event.type;
  for (let i = 0; i < listeners.length; i++) {
    const listener = listeners[i];
    if (listener.removed || listener.capture !== capture) continue;
    if (listener.once) state.remove(type, listener);
    if (listener.passive) access.setPassive(event, true);
    try {
      if (listener.handler !== null) {
        callHandler(target, event, listener);
      } else if (typeof listener.callback === "function") {
        ReflectApply(listener.callback, target, [event]);
      } else {
        callObject(listener.callback, event);
      }
    } catch (error) {
      reportException(error);
    }
    access.setPassive(event, false);
    if (access.isStoppedImmediately(event)) return;
  }
}

function callObject(callback, event) {
  const handle = callback.handleEvent;
  if (typeof handle !== "function") throw new TypeError("handleEvent is not a function");
  ReflectApply(handle, callback, [event]);
}

// ---- handler attributes -------------------------------------------------------------------------

/** https://html.spec.whatwg.org/#the-event-handler-processing-algorithm */
function callHandler(target, event, listener) {
  const callback = listener.callback;
  if (callback === null) return;
  if (listener.handler === "error" && isErrorEvent(event) && target === globalThis) {
    const handled = ReflectApply(callback, target,
      [event.message, event.filename, event.lineno, event.colno, event.error]);
    if (handled === true) access.cancel(event);
  } else if (ReflectApply(callback, target, [event]) === false) {
    access.cancel(event);
  }
}

/**
 * Defines `on<type>` on a prototype (or the global object): getting, setting, and its place among
 * the listeners, which is where it was first set. `onSet(target)` is called after each setting.
 * https://html.spec.whatwg.org/#event-handler-attributes
 */
function defineHandler(holder, type, onSet = undefined) {
  const name = "on" + type;
  const holding = (state) => {
    const list = state.list(type);
    for (let i = 0; list !== undefined && i < list.length; i++) {
      if (list[i].handler === type) return list[i];
    }
    return undefined;
  };
  const attribute = {
    get [name]() {
      return holding(stateOf(this))?.callback ?? null;
    },
    set [name](value) {
      const state = stateOf(this);
      const callback = isObject(value) ? value : null;
      const current = holding(state);
      if (current !== undefined) {
        if (callback === null) state.remove(type, current);
        else current.callback = callback;
      } else if (callback !== null) {
        state.add(type, new Listener(callback, false, false, false, type));
      }
      if (onSet !== undefined) onSet(this);
    },
  };
  const descriptor = ObjectGetOwnPropertyDescriptor(attribute, name);
  ObjectDefineProperty(holder, name, { __proto__: null, ...descriptor, enumerable: true });
}

// ---- the event classes --------------------------------------------------------------------------

/**
 * A subclass of Event with read-only attributes taken from its init dictionary; members are those
 * of createDictionaryConverter.
 */
function makeEventClass(name, members, required = 1) {
  const toInit = createDictionaryConverter(name + "Init", eventInitMembers(), members);
  let values;
  const EventClass = {
    [name]: class extends Event {
      #init;
      constructor(type, eventInitDict = undefined) {
        requiredArguments(arguments.length, required, `Failed to construct '${name}'`);
        super(type, eventInitDict);
        this.#init = toInit(eventInitDict, `Failed to construct '${name}'`, "argument 2");
      }
      static {
        values = (event) => event.#init;
        this.isInstance = (value) => #init in value;
      }
    },
  }[name];
  const isInstance = EventClass.isInstance;
  delete EventClass.isInstance;
  for (let i = 0; i < members.length; i++) {
    const key = members[i].key;
    const attribute = { get [key]() { return values(this)[key]; } };
    ObjectDefineProperty(EventClass.prototype, key,
      { __proto__: null, ...ObjectGetOwnPropertyDescriptor(attribute, key) });
  }
  ObjectDefineProperty(EventClass, "length", { __proto__: null, value: required });
  configureInterface(EventClass, name);
  defineGlobal(name, EventClass);
  return { EventClass, isInstance, values };
}

const text = (key) => ({ key, converter: converters.DOMString, default: "" });
const anything = (key, fallback) => ({ key, converter: converters.any, default: fallback });
const unsignedLong = (key) => ({ key, converter: converters.unsignedLong, default: 0 });

// https://dom.spec.whatwg.org/#interface-customevent
const CustomEvent = makeEventClass("CustomEvent", [anything("detail", null)]);
// https://html.spec.whatwg.org/#errorevent
const ErrorEvent = makeEventClass("ErrorEvent", [
  text("message"), text("filename"), unsignedLong("lineno"), unsignedLong("colno"),
  anything("error", undefined)]);
const isErrorEvent = ErrorEvent.isInstance;
// https://html.spec.whatwg.org/#messageevent
const MessageEvent = makeEventClass("MessageEvent", [
  anything("data", null), { key: "origin", converter: converters.USVString, default: "" },
  text("lastEventId"), anything("source", null), anything("ports", () => ObjectFreeze([]))]);
// https://websockets.spec.whatwg.org/#the-closeevent-interface
const CloseEvent = makeEventClass("CloseEvent", [
  booleanMember("wasClean"),
  { key: "code", converter: converters.unsignedShort, default: 0 },
  { key: "reason", converter: converters.USVString, default: "" }]);
// https://html.spec.whatwg.org/#promiserejectionevent
const PromiseRejectionEvent = makeEventClass("PromiseRejectionEvent", [
  { key: "promise", converter: converters.object, required: true },
  anything("reason", undefined)], 2);

defineGlobal("Event", Event);
defineGlobal("EventTarget", EventTarget);
defineGlobal("addEventListener", EventTarget.prototype.addEventListener);
defineGlobal("removeEventListener", EventTarget.prototype.removeEventListener);
defineGlobal("dispatchEvent", EventTarget.prototype.dispatchEvent);
defineHandler(globalThis, "error");
defineHandler(globalThis, "unhandledrejection");
defineHandler(globalThis, "rejectionhandled");

/** Dispatches an event of our own making: isTrusted is true. Returns false if it was canceled. */
function fire(target, event) {
  access.trust(event);
  return dispatch(target, stateOf(target), event);
}

internals.events = {
  Event, EventTarget,
  CustomEvent: CustomEvent.EventClass, ErrorEvent: ErrorEvent.EventClass,
  MessageEvent: MessageEvent.EventClass, CloseEvent: CloseEvent.EventClass,
  PromiseRejectionEvent: PromiseRejectionEvent.EventClass,
  defineHandler, fire, isEvent: access.isEvent,
  /** Whether anybody listens: events nobody hears need not be made. */
  hasListeners: (target, type) => stateOf(target).list(type) !== undefined,
  /** Calls onChange(type, count) after each change of the target's listeners. */
  watchListeners(target, onChange) {
    stateOf(target).onChange = onChange;
  },
};
