// EventSource. https://html.spec.whatwg.org/multipage/server-sent-events.html

const {
  NumberParseInt, Promise, RegExpPrototypeExec, StringPrototypeCharCodeAt, StringPrototypeIncludes,
  StringFromCharCode, StringPrototypeIndexOf, StringPrototypeSlice, Symbol, TypeError,
  TypedArrayPrototypeGetByteLength,
} = internals.primordials;
const { configureInterface, converters, defineConstants, isObject, requiredArguments } =
  internals.webidl;
const { ErrorEvent, Event, EventTarget, MessageEvent, defineHandler, fire } = internals.events;
const { acquireReader, cancel, isReadableStream, read } = internals.bodyStreams;
const { currentInvocation, forget, own } = internals.kernel;
const { createSignal, signalAbort } = internals.abort;
const { inspectResponse, isResponse } = internals.response;
const { domException } = internals;

const kConnecting = 0, kOpen = 1, kClosed = 2;
const kReconnectMillis = 2000;
// As Workers have it: a request is too short-lived to wait for longer.
const kReconnectMillisMax = 10000;
// Of one event, whose end may never come.
const kEventCharactersMax = 16 * 1024 * 1024;

const kAdopt = Symbol("adopt");
const digits = /^[0-9]+$/;
const eventStream = /^[\t\n\r ]*text\/event-stream[\t\n\r ]*(?:;|$)/i;

/** Takes a stream's text, cut anywhere, and calls onEvent(type, data, lastId), onRetry(millis). */
class Parser {
  lastEventId;
  #onEvent;
  #onRetry;
  #line = "";
  #afterReturn = false;
  #type = "";
  #data = "";
  #hasData = false;
  #id;

  constructor(lastEventId, onEvent, onRetry) {
    this.lastEventId = this.#id = lastEventId;
    this.#onEvent = onEvent;
    this.#onRetry = onRetry;
  }

  write(text) {
    if (text === "") return;
    let from = 0;
    for (let i = 0; i < text.length; i++) {
      const c = StringPrototypeCharCodeAt(text, i);
      if (c === 10 && this.#afterReturn && i === from) {
        this.#afterReturn = false;
        from = i + 1;
        continue;
      }
      this.#afterReturn = false;
      if (c !== 10 && c !== 13) continue;
      const line = this.#line + StringPrototypeSlice(text, from, i);
      this.#line = "";
      this.#afterReturn = c === 13;
      from = i + 1;
      this.#takeLine(line);
    }
    this.#line += StringPrototypeSlice(text, from);
    if (this.#line.length + this.#data.length > kEventCharactersMax) {
      throw new TypeError("An event of the stream is too large.");
    }
  }

  #takeLine(line) {
    if (line === "") {
      this.#dispatch();
      return;
    }
    const colon = StringPrototypeIndexOf(line, ":");
    if (colon === 0) return;
    const field = colon < 0 ? line : StringPrototypeSlice(line, 0, colon);
    let value = colon < 0 ? "" : StringPrototypeSlice(line, colon + 1);
    if (StringPrototypeCharCodeAt(value, 0) === 32) value = StringPrototypeSlice(value, 1);
    if (field === "data") {
      this.#data += value + "\n";
      this.#hasData = true;
    } else if (field === "event") {
      this.#type = value;
    } else if (field === "id") {
      if (!StringPrototypeIncludes(value, "\0")) this.#id = value;
    } else if (field === "retry") {
      if (RegExpPrototypeExec(digits, value) !== null) this.#onRetry(NumberParseInt(value, 10));
    }
  }

  /** https://html.spec.whatwg.org/#dispatchMessage */
  #dispatch() {
    this.lastEventId = this.#id;
    const type = this.#type, data = this.#data;
    const had = this.#hasData;
    this.#type = this.#data = "";
    this.#hasData = false;
    if (!had) return;
    this.#onEvent(type === "" ? "message" : type, StringPrototypeSlice(data, 0, data.length - 1),
      this.lastEventId);
  }
}

/** The connection behind an EventSource. */
class Source {
  target = null;
  url;
  origin = "";
  readyState = kConnecting;
  withCredentials = false;
  fetcher = null;
  invocation;
  #reconnectMillis = kReconnectMillis;
  #lastEventId = "";
  #reader = null;
  #signal = null;
  #timer = null;

  constructor(url) {
    this.url = url;
    this.invocation = currentInvocation();
    own(this.invocation, this);
  }

  close() {
    if (this.readyState === kClosed) return;
    this.readyState = kClosed;
    forget(this.invocation, this);
    this.#stop();
  }

  /** The invocation has ended. */
  abandon() {
    this.readyState = kClosed;
    this.#reader = this.#signal = this.#timer = null;
  }

  #stop() {
    const reader = this.#reader, signal = this.#signal, timer = this.#timer;
    this.#reader = this.#signal = this.#timer = null;
    if (timer !== null) internals.timers.cancel(timer);
    if (signal !== null) {
      signalAbort(signal, domException("AbortError", "The EventSource is closed."));
    }
    if (reader !== null) cancel(reader);
  }

  /** One connection after the other, until one fails for good or nobody wants them any more. */
  async run() {
    while (this.readyState !== kClosed) {
      try {
        const stream = await this.#connect();
        if (stream === null) return;
        await this.follow(stream);
      } catch {
        // A connection that breaks is made again.
      }
      if (this.readyState === kClosed) return;
      this.readyState = kConnecting;
      this.#report("The connection was lost.");
      if (this.readyState === kClosed) return;
      await new Promise((resolve) => {
        this.#timer = internals.timers.start(this.#reconnectMillis, resolve);
      });
      this.#timer = null;
    }
  }

  /** The stream of events; null, and closed, if what answers is none. */
  async #connect() {
    const headers = { __proto__: null, accept: "text/event-stream", "cache-control": "no-store" };
    if (this.#lastEventId !== "") headers["last-event-id"] = utf8AsByteString(this.#lastEventId);
    const signal = createSignal();
    this.#signal = signal;
    const init = { __proto__: null, headers, signal };
    const response = await (this.fetcher === null ? internals.fetch.fetch(this.url, init) :
      this.fetcher.fetch(this.url, init));
    if (this.readyState === kClosed) return null;
    if (!isResponse(response)) throw new TypeError("The fetcher gave no Response.");
    const { status, type, url, stream } = inspectResponse(response);
    if (status !== 200 || RegExpPrototypeExec(eventStream, type ?? "") === null) {
      this.fail(status !== 200 ? `The server answered with status ${status}.` :
        "The server's answer is not text/event-stream.");
      return null;
    }
    this.origin = originOf(url === "" ? this.url : url);
    return stream;
  }

  async follow(stream) {
    this.readyState = kOpen;
    fire(this.target, new Event("open"));
    if (this.readyState === kClosed || stream === null) return;
    const reader = acquireReader(stream);
    this.#reader = reader;
    const decoder = internals.encoding.makeDecoder("utf-8", undefined, "EventSource");
    const parser = new Parser(this.#lastEventId, (type, data, lastEventId) => {
      this.#lastEventId = lastEventId;
      if (this.readyState === kClosed) return;
      fire(this.target, new MessageEvent(type,
        { __proto__: null, data, origin: this.origin, lastEventId }));
    }, (millis) => {
      this.#reconnectMillis = millis > kReconnectMillisMax ? kReconnectMillisMax : millis;
    });
    for (;;) {
      const { done, value } = await read(reader);
      if (done || this.readyState === kClosed) break;
      parser.write(decoder.decode(native.viewBytes(value), true));
      this.#lastEventId = parser.lastEventId;
    }
    this.#reader = null;
  }

  fail(message) {
    this.close();
    this.#report(message);
  }

  #report(message) {
    fire(this.target, new ErrorEvent("error",
      { __proto__: null, message, error: new TypeError(message) }));
  }
}

// ---- the interface ------------------------------------------------------------------------------

class EventSource extends EventTarget {
  #source;

  /** constructor(USVString url, optional EventSourceInit eventSourceInitDict = {}) */
  constructor(url, eventSourceInitDict = undefined) {
    super();
    if (url === kAdopt) {
      this.#source = eventSourceInitDict;
      eventSourceInitDict.target = this;
      return;
    }
    const prefix = "Failed to construct 'EventSource'";
    requiredArguments(arguments.length, 1, prefix);
    const text = converters.USVString(url, prefix, "argument 1");
    let withCredentials = false, fetcher = null;
    if (eventSourceInitDict !== undefined && eventSourceInitDict !== null) {
      if (!isObject(eventSourceInitDict)) {
        throw new TypeError(`${prefix}: argument 2 is not an object.`);
      }
      withCredentials = !!eventSourceInitDict.withCredentials;
      fetcher = eventSourceInitDict.fetcher ?? null;
      if (fetcher !== null && !isObject(fetcher)) {
        throw new TypeError(`${prefix}: the fetcher is not an object.`);
      }
    }
    const href = native.resolveUrl(text);
    if (href === undefined) {
      throw domException("SyntaxError", `${prefix}: '${text}' is not an absolute URL.`);
    }
    const source = new Source(href);
    source.withCredentials = withCredentials;
    source.fetcher = fetcher;
    source.target = this;
    this.#source = source;
    source.run();
  }

  /** Workers' own: the events of a stream, which is followed once. */
  static from(stream) {
    const prefix = "Failed to execute 'from' on 'EventSource'";
    requiredArguments(arguments.length, 1, prefix);
    if (!isReadableStream(stream)) {
      throw new TypeError(`${prefix}: argument 1 is not of type 'ReadableStream'.`);
    }
    if (internals.bodyStreams.isLocked(stream)) {
      throw new TypeError(`${prefix}: the stream is locked.`);
    }
    const source = new Source("");
    const target = new EventSource(kAdopt, source);
    followOnce(source, stream);
    return target;
  }

  get url() {
    return this.#source.url;
  }

  get withCredentials() {
    return this.#source.withCredentials;
  }

  get readyState() {
    return this.#source.readyState;
  }

  close() {
    this.#source.close();
  }
}
for (const type of ["open", "message", "error"]) defineHandler(EventSource.prototype, type);
configureInterface(EventSource);
defineConstants(EventSource, { CONNECTING: kConnecting, OPEN: kOpen, CLOSED: kClosed });

async function followOnce(source, stream) {
  await undefined;  // Whoever made it adds listeners first.
  try {
    if (source.readyState !== kClosed) await source.follow(stream);
    if (source.readyState !== kClosed) source.fail("The stream has ended.");
  } catch (error) {
    if (source.readyState !== kClosed) source.fail(`The stream broke: ${error.message}`);
  }
}

function originOf(url) {
  const begin = StringPrototypeIndexOf(url, "//") + 2;
  if (begin === 1) return "";
  const end = StringPrototypeIndexOf(url, "/", begin);
  return end < 0 ? url : StringPrototypeSlice(url, 0, end);
}

/** A header's value: each byte of the text's UTF-8 one character. */
function utf8AsByteString(text) {
  const bytes = native.textToBytes(text);
  let out = "";
  for (let i = 0; i < TypedArrayPrototypeGetByteLength(bytes); i++) {
    out += StringFromCharCode(bytes[i]);
  }
  return out;
}

internals.defineGlobal("EventSource", EventSource);
