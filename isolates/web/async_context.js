// The storage behind AsyncLocalStorage and withEnv().
//
// V8 carries one value along with every promise reaction. It is the Invocation (kernel.js), or,
// where a script keeps something along with it, a Frame that names the Invocation.

const { Error, ReflectApply } = internals.primordials;
const { current, enter } = internals.kernel;

class Frame {
  /** Undefined outside of any. */
  invocation;
  /** [key, value, ...]; never changed once made. */
  entries;

  constructor(invocation, entries) {
    this.invocation = invocation;
    this.entries = entries;
  }
}

const kNone = [];

function entriesOf(frame) {
  return frame instanceof Frame ? frame.entries : kNone;
}

function get(frame, key) {
  const entries = entriesOf(frame);
  for (let i = 0; i < entries.length; i += 2) {
    if (entries[i] === key) return entries[i + 1];
  }
  return undefined;
}

function frameOf(invocation, entries) {
  return entries.length === 0 ? invocation : new Frame(invocation, entries);
}

/** The frame with some entries changed: [key, value, ...]. A value of undefined takes it away. */
function changed(frame, changes) {
  const entries = [];
  const old = entriesOf(frame);
  for (let i = 0; i < old.length; i += 2) {
    let isNew = false;
    for (let k = 0; k < changes.length; k += 2) isNew ||= changes[k] === old[i];
    if (isNew) continue;
    entries[entries.length] = old[i];
    entries[entries.length] = old[i + 1];
  }
  for (let k = 0; k < changes.length; k += 2) {
    if (changes[k + 1] === undefined) continue;
    entries[entries.length] = changes[k];
    entries[entries.length] = changes[k + 1];
  }
  return frameOf(frame === undefined ? undefined : frame.invocation, entries);
}

/** Calls back with the changes in force, in what it calls and what that leaves for later. */
function run(changes, callback) {
  const before = current();
  enter(changed(before, changes));
  try {
    return callback();
  } finally {
    enter(before);
  }
}

/** From here on, until the event at hand has been handled. */
function enterWith(changes) {
  enter(changed(current(), changes));
}

/** What is stored now, to be put in force again by a later restore(). */
function snapshot() {
  return current();
}

function restore(taken, callback, receiver, args) {
  const before = current();
  const invocation = before === undefined ? undefined : before.invocation;
  if (taken !== undefined && taken.invocation !== undefined && taken.invocation !== invocation) {
    throw new Error("Cannot call this AsyncLocalStorage bound function outside of the request in " +
      "which it was created.");
  }
  enter(frameOf(invocation, entriesOf(taken)));
  try {
    return ReflectApply(callback, receiver, args);
  } finally {
    enter(before);
  }
}

internals.asyncContext = { enterWith, get, restore, run, snapshot };
