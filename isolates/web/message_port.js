// MessageChannel and MessagePort. https://html.spec.whatwg.org/#message-channels
// A message is cloned when it is posted and delivered in a task of its own, within the request
// that posted it.

const { ArrayPrototypePush, ArrayPrototypeShift, ObjectFreeze } = internals.primordials;
const {
  configureInterface, converters, createDictionaryConverter, createSequenceConverter,
  illegalConstructor, isObject, iteratorMethod, requiredArguments, sequenceFrom,
} = internals.webidl;
const { defineGlobal, domException, kConstruct, load } = internals;
const { EventTarget, MessageEvent, defineHandler, fire } = internals.events;

load("web/structured_clone.js");
const { cloneWith } = internals.structuredClone;

// Messages that wait because nobody started their port: their bytes are the isolate's to keep.
const kQueuedMax = 10000;

const toOptions = createDictionaryConverter("StructuredSerializeOptions", [
  { key: "transfer", converter: createSequenceConverter(converters.object), default: () => [] }]);

/** (sequence<object> or StructuredSerializeOptions) */
function toTransfer(value, prefix) {
  if (isObject(value)) {
    const method = iteratorMethod(value, prefix, "argument 2");
    if (method !== undefined) {
      return sequenceFrom(value, method, converters.object, prefix, "argument 2");
    }
  }
  return toOptions(value, prefix, "argument 2").transfer;
}

/** One end of a channel; it outlives the MessagePort objects that stand for it in turn. */
class End {
  /** The other End; null once either was closed. */
  other = null;
  /** The MessagePort that stands for it. */
  port = null;
  started = false;
  /** The invocation that delivers the next message. */
  scheduledFor = null;
  queue = [];

  /** A task for each message that may be delivered. */
  schedule() {
    if (!this.started || this.queue.length === 0) return;
    if (this.scheduledFor !== null && this.scheduledFor.open) return;
    this.scheduledFor = internals.kernel.currentInvocation();
    internals.timers.start(0, () => {
      this.scheduledFor = null;
      if (!this.started || this.queue.length === 0) return;
      const message = ArrayPrototypeShift(this.queue);
      this.schedule();
      fire(this.port, message);
    });
  }
}

let endOf, move;

class MessagePort extends EventTarget {
  /** Null once the port was transferred. */
  #end;

  constructor(token = undefined, end) {
    if (token !== kConstruct) throw illegalConstructor();
    super();
    this.#end = end;
    if (end !== null) end.port = this;
  }

  /** https://html.spec.whatwg.org/#dom-messageport-postmessage */
  postMessage(message, options = undefined) {
    const end = this.#end;
    const prefix = "Failed to execute 'postMessage' on 'MessagePort'";
    requiredArguments(arguments.length, 1, prefix);
    const transfer = toTransfer(options, prefix);
    for (let i = 0; i < transfer.length; i++) {
      if (transfer[i] === this) {
        throw domException("DataCloneError", `${prefix}: a port cannot be sent through itself.`);
      }
    }
    const { copy, ports } = cloneWith(message, transfer);
    const other = end === null ? null : end.other;
    if (other === null) return;
    if (other.queue.length >= kQueuedMax) {
      load("web/quota_exceeded.js");
      throw internals.quotaExceeded(
        `${prefix}: ${kQueuedMax} messages wait already; start() the port or close() it.`);
    }
    ArrayPrototypePush(other.queue, new MessageEvent("message",
      { __proto__: null, data: copy, ports: ObjectFreeze(ports) }));
    other.schedule();
  }

  start() {
    const end = this.#end;
    if (end === null) return;
    end.started = true;
    end.schedule();
  }

  close() {
    const end = this.#end;
    if (end === null) return;
    const { other } = end;
    end.other = null;
    end.started = false;
    end.queue = [];
    if (other !== null) other.other = null;
  }

  static {
    endOf = (value) => (isObject(value) && #end in value ? value.#end : undefined);
    move = (from, to) => {
      const end = from.#end;
      if (end === null) return;  // A getter moved it meanwhile: this one leads nowhere.
      from.#end = null;
      to.#end = end;
      end.port = to;
      end.started = false;
    };
  }
}
configureInterface(MessagePort);
defineHandler(MessagePort.prototype, "message", (port) => port.start());
defineHandler(MessagePort.prototype, "messageerror");

class MessageChannel {
  #port1;
  #port2;

  constructor() {
    const one = new End(), two = new End();
    one.other = two;
    two.other = one;
    this.#port1 = new MessagePort(kConstruct, one);
    this.#port2 = new MessagePort(kConstruct, two);
  }

  get port1() {
    return this.#port1;
  }

  get port2() {
    return this.#port2;
  }
}
configureInterface(MessageChannel);

internals.ports = {
  isPort: (value) => endOf(value) !== undefined,
  isMoved: (port) => endOf(port) === null,
  /** A port without an end: one that is to take a transferred one's place. */
  make: () => new MessagePort(kConstruct, null),
  move,
};
defineGlobal("MessagePort", MessagePort);
defineGlobal("MessageChannel", MessageChannel);
