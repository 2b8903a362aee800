// AbortController and AbortSignal. https://dom.spec.whatwg.org/#aborting-ongoing-activities

const {
  ArrayPrototypeFilter, ArrayPrototypeIncludes, ArrayPrototypePush, MathMax, Set, SetPrototypeAdd,
  SetPrototypeDelete, SetPrototypeForEach, SetPrototypeGetSize, WeakRef, WeakRefPrototypeDeref,
} = internals.primordials;
const {
  configureInterface, converters, createSequenceConverter, illegalConstructor, isObject,
  requiredArguments, typeError,
} = internals.webidl;
const { defineGlobal, domException, kConstruct } = internals;
const { Event, EventTarget, defineHandler, fire, hasListeners, watchListeners } = internals.events;

let isSignal;
let stateOf;

/**
 * What https://dom.spec.whatwg.org/#abortsignal has. Sources know their dependents weakly, so a
 * signal that lives as long as the script does not collect the dependents of
 * every request; one that somebody waits on is held by its sources (`awaited`).
 */
class SignalState {
  aborted = false;
  reason = undefined;
  algorithms = null;  // Set of functions, in the order they came.
  dependent = false;
  sources = null;     // Array of signals, for dependents.
  dependents = null;  // Array of WeakRef to signals, for sources.
  pruneAt = 16;       // Length of `dependents` at which dead references are dropped.
  awaited = null;     // Set of dependents with listeners or algorithms, for sources.
}

class AbortSignal extends EventTarget {
  #state = new SignalState();

  constructor(token = undefined) {
    if (token !== kConstruct) throw illegalConstructor();
    super();
  }

  static {
    isSignal = (value) => isObject(value) && #state in value;
    stateOf = (signal) => signal.#state;
  }

  /** https://dom.spec.whatwg.org/#dom-abortsignal-abort */
  static abort(reason = undefined) {
    const signal = new AbortSignal(kConstruct);
    signal.#state.aborted = true;
    signal.#state.reason = reason === undefined ? abortError() : reason;
    return signal;
  }

  /** https://dom.spec.whatwg.org/#dom-abortsignal-timeout */
  static timeout(milliseconds) {
    const prefix = "Failed to execute 'timeout' on 'AbortSignal'";
    requiredArguments(arguments.length, 1, prefix);
    const delay = converters.enforcedUnsignedLongLong(milliseconds, prefix, "argument 1");
    if (internals.timers === undefined) {
      throw domException("NotSupportedError", prefix + ": there are no timers here.");
    }
    const signal = new AbortSignal(kConstruct);
    // The timer holds the signal: it fires even if only listeners know it.
    internals.timers.start(delay, () => {
      signalAbort(signal,
        domException("TimeoutError", "The operation was aborted due to timeout"));
    });
    return signal;
  }

  /** https://dom.spec.whatwg.org/#dom-abortsignal-any */
  static any(signals) {
    const prefix = "Failed to execute 'any' on 'AbortSignal'";
    requiredArguments(arguments.length, 1, prefix);
    return dependentOn(toSignals(signals, prefix, "argument 1"));
  }

  get aborted() {
    return this.#state.aborted;
  }

  get reason() {
    return this.#state.reason;
  }

  throwIfAborted() {
    if (this.#state.aborted) throw this.#state.reason;
  }
}
configureInterface(AbortSignal);
defineHandler(AbortSignal.prototype, "abort");

const toSignals = createSequenceConverter((value, prefix, argument) => {
  if (!isSignal(value)) throw typeError(prefix, argument, "is not of type 'AbortSignal'.");
  return value;
});

function abortError() {
  return domException("AbortError", "The operation was aborted");
}

/** https://dom.spec.whatwg.org/#create-a-dependent-abort-signal */
function dependentOn(signals) {
  const result = new AbortSignal(kConstruct);
  const state = stateOf(result);
  for (let i = 0; i < signals.length; i++) {
    const source = stateOf(signals[i]);
    if (source.aborted) {
      state.aborted = true;
      state.reason = source.reason;
      return result;
    }
  }
  state.dependent = true;
  state.sources = [];
  for (let i = 0; i < signals.length; i++) {
    const source = stateOf(signals[i]);
    if (!source.dependent) {
      link(signals[i], result, state);
    } else {
      for (let j = 0; j < source.sources.length; j++) link(source.sources[j], result, state);
    }
  }
  if (state.sources.length > 0) {
    watchListeners(result, (type) => {
      if (type === "abort") updateAwaited(result);
    });
  }
  return result;
}

function link(source, dependent, state) {
  if (ArrayPrototypeIncludes(state.sources, source)) return;
  ArrayPrototypePush(state.sources, source);
  const sourceState = stateOf(source);
  if (sourceState.dependents === null) {
    sourceState.dependents = [];
  } else if (sourceState.dependents.length >= sourceState.pruneAt) {
    sourceState.dependents = ArrayPrototypeFilter(sourceState.dependents,
      (reference) => WeakRefPrototypeDeref(reference) !== undefined);
    sourceState.pruneAt = MathMax(16, sourceState.dependents.length * 2);
  }
  ArrayPrototypePush(sourceState.dependents, new WeakRef(dependent));
}

/** Keeps a dependent alive exactly while somebody would notice its abort. */
function updateAwaited(signal) {
  const state = stateOf(signal);
  if (!state.dependent || state.sources === null) return;
  const wanted = !state.aborted && (hasListeners(signal, "abort") ||
    (state.algorithms !== null && SetPrototypeGetSize(state.algorithms) > 0));
  for (let i = 0; i < state.sources.length; i++) {
    const source = stateOf(state.sources[i]);
    if (wanted) {
      if (source.awaited === null) source.awaited = new Set();
      SetPrototypeAdd(source.awaited, signal);
    } else if (source.awaited !== null) {
      SetPrototypeDelete(source.awaited, signal);
    }
  }
}

/** https://dom.spec.whatwg.org/#abortsignal-signal-abort, with an AbortError by default. */
function signalAbort(signal, reason) {
  const state = stateOf(signal);
  if (state.aborted) return;
  state.aborted = true;
  state.reason = reason === undefined ? abortError() : reason;
  const dependents = [];
  for (let i = 0; state.dependents !== null && i < state.dependents.length; i++) {
    const dependent = WeakRefPrototypeDeref(state.dependents[i]);
    if (dependent === undefined || stateOf(dependent).aborted) continue;
    stateOf(dependent).aborted = true;
    stateOf(dependent).reason = state.reason;
    ArrayPrototypePush(dependents, dependent);
  }
  state.dependents = null;
  state.awaited = null;
  runAbortSteps(signal, state);
  for (let i = 0; i < dependents.length; i++) {
    runAbortSteps(dependents[i], stateOf(dependents[i]));
    updateAwaited(dependents[i]);
  }
}

function runAbortSteps(signal, state) {
  const algorithms = state.algorithms;
  state.algorithms = null;
  if (algorithms !== null) SetPrototypeForEach(algorithms, (algorithm) => algorithm(state.reason));
  if (hasListeners(signal, "abort")) fire(signal, new Event("abort"));
}

class AbortController {
  #signal = null;

  // Made on first touch: many controllers are never asked.
  get signal() {
    return (this.#signal ??= new AbortSignal(kConstruct));
  }

  abort(reason = undefined) {
    signalAbort(this.signal, reason);
  }
}
configureInterface(AbortController);

defineGlobal("AbortController", AbortController);
defineGlobal("AbortSignal", AbortSignal);

internals.abort = {
  AbortController, AbortSignal, isSignal, signalAbort, dependentOn, abortError,
  createSignal: () => new AbortSignal(kConstruct),
  isAborted: (signal) => stateOf(signal).aborted,
  reasonOf: (signal) => stateOf(signal).reason,
  /** algorithm(reason) runs before the abort event; nothing happens on an aborted signal. */
  addAlgorithm(signal, algorithm) {
    const state = stateOf(signal);
    if (state.aborted) return;
    if (state.algorithms === null) state.algorithms = new Set();
    SetPrototypeAdd(state.algorithms, algorithm);
    updateAwaited(signal);
  },
  removeAlgorithm(signal, algorithm) {
    const state = stateOf(signal);
    if (state.algorithms === null) return;
    SetPrototypeDelete(state.algorithms, algorithm);
    updateAwaited(signal);
  },
};
