// WebSocket and WebSocketPair. https://websockets.spec.whatwg.org/
// https://developers.cloudflare.com/workers/runtime-apis/websockets/
//
// The protocol is the host's. Here an End stands behind each WebSocket object: it talks to the host
// by a socket's id, or, as one half of a pair, to the other half in this isolate. A half that a
// handler returns goes to the client: from then on its peer is the host's.

const {
  ArrayBufferIsView, ArrayPrototypeIncludes, ArrayPrototypePush, ArrayPrototypeShift,
  ObjectDefineProperty, PromisePrototypeThen, PromiseResolve, RegExpPrototypeExec,
  StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeStartsWith,
  StringPrototypeToLowerCase, Symbol, TypeError, TypedArrayPrototypeGetBuffer,
  TypedArrayPrototypeGetByteLength, } = internals.primordials; const {   configureInterface,
  converters, createSequenceConverter, defineConstants, isArrayBuffer, isObject, iteratorMethod,
  requiredArguments, } = internals.webidl; const { CloseEvent, ErrorEvent, Event, EventTarget,
  MessageEvent, defineHandler, fire } =   internals.events; const {   cancelOp, checkSubrequest,
  currentInvocation, kTakeBytes, own, forget, release, startOp,
} = internals.kernel;
const { closeSocket, newSocketId, openSocket } = internals.socketEvents;
const { defineGlobal, domException } = internals;

const kConnecting = 0, kOpen = 1, kClosing = 2, kClosed = 3;
const kNoStatus = 1005, kAbnormal = 1006;
const kMessageBytesMax = 32 * 1024 * 1024;
const kReasonBytesMax = 123;
// What may wait to be sent: the host keeps it, outside of what the heap limit sees.
const kBufferedBytesMax = 32 * 1024 * 1024;
const kBufferedBytesOfAllMax = 128 * 1024 * 1024;
let bufferedOfAll = 0;

const kAdopt = Symbol("adopt");
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** One end of a connection, behind a WebSocket. */
class End {
  /** The WebSocket: where events go. */
  target = null;
  readyState = kOpen;
  binaryType = "blob";
  url = null;
  origin = "";
  protocol = "";
  extensions = "";
  /** Made by new WebSocket(): it is accepted by itself, and its errors are the standard's. */
  standard = false;
  accepted = false;
  halfOpen = false;
  /** It was returned in a Response: whatever happens to it now happens elsewhere. */
  handed = false;
  closeSent = false;
  closeReceived = false;
  /** Bytes sent that are not with the transport. */
  buffered = 0;

  /** The host's id for it; 0 for half of a pair. */
  id = 0;
  invocation = null;
  /** It keeps its invocation open. */
  holds = false;
  /** The question whose answer opens it. */
  op = null;

  /** The other half, while both are here; what it said and this one has not heard yet. */
  peer = null;
  inbox = [];
  scheduled = false;

  // ---- what kernel.js and the other half call ----

  onMessage(data) {
    if (this.readyState !== kOpen) return;
    if (typeof data !== "string") {
      if (this.binaryType === "arraybuffer") {
        data = TypedArrayPrototypeGetBuffer(data);
      } else {
        internals.load("web/blob.js");
        data = internals.blob.create(data, "");
      }
    }
    fire(this.target,
      new MessageEvent("message", { __proto__: null, data, origin: this.origin }));
  }

  onClosed(code, reason, clean) {
    if (this.closeReceived) return;
    this.closeReceived = true;
    const half = clean && this.halfOpen && !this.closeSent;
    this.readyState = half ? kClosing : kClosed;
    if (!half) this.end();
    if (!clean && reason !== "") this.fireError(reason);
    if (!clean) {
      reason = this.standard ? "" : "WebSocket disconnected without sending Close frame.";
    }
    fire(this.target,
      new CloseEvent("close", { __proto__: null, code, reason, wasClean: clean }));
  }

  onSent(bytes) {
    this.buffered -= bytes;
    bufferedOfAll -= bytes;
  }

  /** The invocation has ended. */
  abandon() {
    this.readyState = kClosed;
    this.closeReceived = this.closeSent = true;
    this.end();
  }

  fireError(message) {
    fire(this.target, this.standard ? new Event("error") :
      new ErrorEvent("error", { __proto__: null, message, error: new TypeError(message) }));
  }

  // ---- opening ----

  /** It is the host's socket `id` now. */
  connect(invocation, id) {
    this.invocation = invocation;
    this.id = id;
    openSocket(id, this);
    own(invocation, this);
  }

  accept() {
    this.accepted = true;
    if (this.id !== 0) this.start();
    else schedule(this);
  }

  start() {
    if (!this.invocation.open) return;
    if (!this.holds) {
      this.holds = true;
      this.invocation.pending++;
    }
    native.socketAccept(this.id, this.halfOpen);
  }

  // ---- the other direction ----

  send(data) {
    if (this.peer !== null) {
      if (typeof data !== "string") data = native.copyBytes(data);
      post(this.peer, { data, code: 0, reason: "" });
      return;
    }
    if (this.id === 0 || !this.invocation.open) return;
    const bytes = native.socketSend(this.id, data);
    this.buffered += bytes;
    bufferedOfAll += bytes;
    if (this.buffered > kBufferedBytesMax || bufferedOfAll > kBufferedBytesOfAllMax) {
      // https://websockets.spec.whatwg.org/#dom-websocket-send: "flag the WebSocket as full".
      this.readyState = kClosing;
      this.closeSent = true;
      native.socketClose(this.id, kAbnormal, "The peer reads too slowly: " +
        `more than ${kBufferedBytesMax / 1024 / 1024} MiB wait to be sent to it.`);
    }
  }

  close(code, reason) {
    if (this.closeSent || (this.readyState > kOpen && !this.halfOpen)) return;
    this.closeSent = true;
    this.readyState = this.closeReceived ? kClosed : kClosing;
    if (this.peer !== null) post(this.peer, { data: undefined, code, reason });
    else if (this.id !== 0 && this.invocation.open) native.socketClose(this.id, code, reason);
    if (this.closeReceived) this.end();
  }

  /** Nothing more will be heard or said. */
  end() {
    bufferedOfAll -= this.buffered;
    this.buffered = 0;
    const { id, invocation, holds } = this;
    if (id === 0) return;
    this.id = 0;
    this.holds = false;
    closeSocket(id);
    forget(invocation, this);
    // After the event that says so, which still belongs to the invocation.
    if (holds) PromisePrototypeThen(PromiseResolve(undefined), () => release(invocation));
  }
}

// ---- pairs --------------------------------------------------------------------------------------

function post(end, item) {
  ArrayPrototypePush(end.inbox, item);
  if (end.accepted) schedule(end);
}

function schedule(end) {
  if (end.scheduled || end.inbox.length === 0) return;
  end.scheduled = true;
  PromisePrototypeThen(PromiseResolve(undefined), () => {
    end.scheduled = false;
    while (end.inbox.length > 0) hear(end, ArrayPrototypeShift(end.inbox));
  });
}

function hear(end, { data, code, reason }) {
  if (data !== undefined) {
    end.onMessage(data);
    return;
  }
  const { peer } = end;
  if (!end.closeSent && !end.halfOpen && peer !== null) {
    end.closeSent = true;
    post(peer, { data: undefined, code, reason: "" });
  }
  end.onClosed(code, reason, true);
}

/** What one half has said already goes out with the connection. */
function flush(end, items) {
  for (let i = 0; i < items.length; i++) {
    const { data, code, reason } = items[i];
    if (data !== undefined) end.send(data);
    else native.socketClose(end.id, code, reason);
  }
}

// ---- the interface ------------------------------------------------------------------------------

const toProtocolList = createSequenceConverter(converters.DOMString);
let endOf, isWebSocket;

class WebSocket extends EventTarget {
  #end;

  /** undefined constructor(USVString url, optional (DOMString or sequence<DOMString>) protocols) */
  constructor(url, protocols = undefined) {
    super();
    if (url === kAdopt) {
      this.#end = protocols;
      protocols.target = this;
      return;
    }
    const prefix = "Failed to construct 'WebSocket'";
    requiredArguments(arguments.length, 1, prefix);
    const text = converters.USVString(url, prefix, "argument 1");
    const list = protocols === undefined ? [] : toProtocols(protocols, prefix);
    const href = toSocketUrl(text, prefix);
    checkProtocols(list, prefix);
    const invocation = currentInvocation();
    checkSubrequest(invocation, 0);
    const end = new End();
    end.standard = end.accepted = true;
    end.readyState = kConnecting;
    end.url = href;
    end.origin = originOf(href);
    end.target = this;
    this.#end = end;
    establish(invocation, end, list);
  }

  static {
    endOf = (socket) => socket.#end;
    isWebSocket = (value) => isObject(value) && #end in value;
  }

  /** Workers' own: events come from now on. */
  accept(options = undefined) {
    const end = this.#end;
    const prefix = "Failed to execute 'accept' on 'WebSocket'";
    if (end.standard) {
      throw new TypeError("Websocket obtained from the 'new WebSocket()' constructor cannot call " +
        "accept");
    }
    if (end.handed) {
      throw new TypeError("Can't accept() WebSocket when it was already used in a response.");
    }
    let halfOpen = false;
    if (options !== undefined && options !== null) {
      if (!isObject(options)) throw new TypeError(`${prefix}: the options must be an object.`);
      halfOpen = !!options.allowHalfOpen;
    }
    if (end.accepted) return;
    end.halfOpen = halfOpen;
    end.accept();
  }

  /** https://websockets.spec.whatwg.org/#dom-websocket-send */
  send(data) {
    const end = this.#end;
    requiredArguments(arguments.length, 1, "Failed to execute 'send' on 'WebSocket'");
    const message = toMessage(data);
    if (end.readyState === kConnecting) {
      throw domException("InvalidStateError",
        "Failed to execute 'send' on 'WebSocket': it is still connecting.");
    }
    requireAccepted(end, "sending messages");
    const size = typeof message === "string" ? message.length :
      TypedArrayPrototypeGetByteLength(message);
    if (size > kMessageBytesMax) {
      throw new TypeError("Failed to execute 'send' on 'WebSocket': a message may have " +
        `${kMessageBytesMax / 1024 / 1024} MiB; this one has ${size} bytes.`);
    }
    if (end.readyState === kOpen || (end.halfOpen && !end.closeSent)) {
      end.send(message);
    } else if (end.standard) {
      end.buffered += size;
      bufferedOfAll += size;
    } else if (end.closeSent && !end.closeReceived) {
      throw new TypeError("Can't call WebSocket send() after close().");
    }
  }

  /** https://websockets.spec.whatwg.org/#dom-websocket-close */
  close(code = undefined, reason = undefined) {
    const end = this.#end;
    const prefix = "Failed to execute 'close' on 'WebSocket'";
    if (code !== undefined) {
      code = converters.unsignedShort(code, prefix, "argument 1", { __proto__: null, clamp: true });
    }
    if (reason !== undefined) reason = converters.USVString(reason, prefix, "argument 2");
    if (code !== undefined && !isUsableCode(code, end.standard)) {
      throw domException("InvalidAccessError", `${prefix}: ${code} is not a close code that may ` +
        "be used: 1000, or 3000 to 4999.");
    }
    if (reason !== undefined && TypedArrayPrototypeGetByteLength(native.textToBytes(reason)) >
        kReasonBytesMax) {
      throw domException("SyntaxError",
        `${prefix}: the reason may have ${kReasonBytesMax} bytes at most.`);
    }
    if (code === undefined && reason !== undefined && reason !== "" && !end.standard) {
      throw new TypeError("If you specify a WebSocket close reason, you must also specify a code.");
    }
    if (end.readyState === kConnecting) {
      cancelOp(end.op, domException("AbortError", "The WebSocket was closed."));
      end.readyState = kClosing;
      return;
    }
    requireAccepted(end, "closing it");
    end.close(code ?? (reason === undefined || reason === "" ? kNoStatus : 1000), reason ?? "");
  }

  get url() {
    return this.#end.url;
  }

  get readyState() {
    return this.#end.readyState;
  }

  get protocol() {
    return this.#end.protocol;
  }

  get extensions() {
    return this.#end.extensions;
  }

  get bufferedAmount() {
    return this.#end.buffered;
  }

  get binaryType() {
    return this.#end.binaryType;
  }

  set binaryType(value) {
    const end = this.#end;
    value = converters.DOMString(value, "Failed to set 'binaryType' on 'WebSocket'", "value");
    if (value === "blob" || value === "arraybuffer") end.binaryType = value;
  }
}
ObjectDefineProperty(WebSocket, "length", { __proto__: null, value: 1, configurable: true });
for (const type of ["open", "message", "close", "error"]) defineHandler(WebSocket.prototype, type);
configureInterface(WebSocket);
defineConstants(WebSocket,
  { CONNECTING: kConnecting, OPEN: kOpen, CLOSING: kClosing, CLOSED: kClosed });
// Workers' older names.
for (const name of ["CONNECTING", "OPEN", "CLOSING", "CLOSED"]) {
  ObjectDefineProperty(WebSocket, "READY_STATE_" + name,
    { __proto__: null, value: WebSocket[name], enumerable: true });
}

/** `new WebSocketPair()`: two connected WebSockets, as its properties 0 and 1. */
class WebSocketPair {
  constructor() {
    const client = new End(), server = new End();
    client.peer = server;
    server.peer = client;
    this[0] = new WebSocket(kAdopt, client);
    this[1] = new WebSocket(kAdopt, server);
  }
}
configureInterface(WebSocketPair);

function requireAccepted(end, what) {
  if (end.handed) {
    throw new TypeError("Can't use a WebSocket that was already used in a response.");
  }
  if (!end.accepted) {
    throw new TypeError(`You must call accept() on this WebSocket before ${what}.`);
  }
}

/** A string, or a Uint8Array: to be read before any script runs. */
function toMessage(data) {
  if (isObject(data)) {
    if (isArrayBuffer(data) || ArrayBufferIsView(data)) {
      return native.viewBytes(data);
    }
    const { blob } = internals;
    if (blob !== undefined && blob.isBlob(data)) return blob.bytesOf(data);
  }
  return converters.USVString(data, "Failed to execute 'send' on 'WebSocket'", "argument 1");
}

/** What a script may close with; a server's code may also name a reason of the protocol's. */
function isUsableCode(code, standard) {
  if (code === 1000 || (code >= 3000 && code <= 4999)) return true;
  return !standard && code > 1000 && code < 5000 && code !== 1004 && code !== kNoStatus &&
    code !== kAbnormal && code !== 1015;
}

// ---- the client ---------------------------------------------------------------------------------

function toProtocols(value, prefix) {
  if (isObject(value)) {
    const method = iteratorMethod(value, prefix, "argument 2");
    if (method !== undefined) return toProtocolList(value, prefix, "argument 2");
  }
  return [converters.DOMString(value, prefix, "argument 2")];
}

function checkProtocols(list, prefix) {
  const seen = [];
  for (let i = 0; i < list.length; i++) {
    const lower = StringPrototypeToLowerCase(list[i]);
    if (RegExpPrototypeExec(token, list[i]) === null || ArrayPrototypeIncludes(seen, lower)) {
      throw domException("SyntaxError",
        `${prefix}: '${list[i]}' is no subprotocol, or stands twice.`);
    }
    ArrayPrototypePush(seen, lower);
  }
}

/** The ws: or wss: URL. */
function toSocketUrl(text, prefix) {
  const href = native.resolveUrl(text);
  if (href === undefined) {
    throw domException("SyntaxError", `${prefix}: '${text}' is not an absolute URL.`);
  }
  let socketUrl = href;
  if (StringPrototypeStartsWith(href, "http:") || StringPrototypeStartsWith(href, "https:")) {
    socketUrl = "ws" + StringPrototypeSlice(href, 4);
  }
  if (!StringPrototypeStartsWith(socketUrl, "ws:") &&
      !StringPrototypeStartsWith(socketUrl, "wss:")) {
    throw domException("SyntaxError",
      `${prefix}: the URL's scheme must be ws, wss, http or https.`);
  }
  if (StringPrototypeIndexOf(href, "#") >= 0) {
    throw domException("SyntaxError", `${prefix}: the URL has a fragment.`);
  }
  return socketUrl;
}

/** scheme://host[:port] */
function originOf(href) {
  const begin = StringPrototypeIndexOf(href, "//") + 2;
  const host = StringPrototypeSlice(href, begin, StringPrototypeIndexOf(href, "/", begin));
  const at = StringPrototypeIndexOf(host, "@");
  return StringPrototypeSlice(href, 0, begin) + StringPrototypeSlice(host, at + 1);
}

/** https://websockets.spec.whatwg.org/#concept-websocket-establish */
async function establish(invocation, end, protocols) {
  let list = protocols.length > 0 ? protocols[0] : "";
  for (let i = 1; i < protocols.length; i++) list += ", " + protocols[i];
  const op = startOp(invocation);
  op.makeValue = (hasBytes, status, flat, bodyId) => ({ status, flat, bodyId });
  op.makeError = (code, detail) => new TypeError(detail);
  end.op = op;
  const id = newSocketId();
  native.fetchStart(op.id, invocation.slot, "GET", "http" + StringPrototypeSlice(end.url, 2),
    list === "" ? null : ["sec-websocket-protocol", list], undefined, undefined, id);
  invocation.pending++;
  try {
    const { status, flat, bodyId } = await op.promise;
    if (status !== 101) {
      if (bodyId !== undefined && invocation.open) native.bodyCancel(bodyId);
      throw new TypeError(`The server answered with status ${status}.`);
    }
    end.connect(invocation, id);
    const protocol = headerOf(flat, "sec-websocket-protocol");
    if (protocols.length > 0 ? !ArrayPrototypeIncludes(protocols, protocol) : protocol !== "") {
      native.socketClose(id, kAbnormal, "");
      end.end();
      throw new TypeError("The server chose a subprotocol that was not offered.");
    }
    end.protocol = protocol;
    end.extensions = headerOf(flat, "sec-websocket-extensions");
    end.readyState = kOpen;
    end.start();
    fire(end.target, new Event("open"));
  } catch (error) {
    end.readyState = kClosed;
    end.closeReceived = end.closeSent = true;
    end.fireError(error.message);
    fire(end.target, new CloseEvent("close",
      { __proto__: null, code: kAbnormal, reason: "", wasClean: false }));
  }
  release(invocation);
}

function headerOf(flat, name) {
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i] === name) return flat[i + 1];
  }
  return "";
}

// ---- for Response and fetch ---------------------------------------------------------------------

/** The socket that a response hands to the client: gives the host's id for it. */
function prepare(socket) {
  const end = endOf(socket);
  if (end.handed) {
    throw new TypeError("Can't return WebSocket that was already used in a response.");
  }
  if (end.standard || end.accepted) {
    throw new TypeError("Can't return WebSocket in a Response after calling accept().");
  }
  end.handed = true;
  return end.id === 0 ? newSocketId() : end.id;
}

/** The response is on its way. */
function handOver(invocation, socket, id) {
  const end = endOf(socket);
  if (end.id !== 0) {
    end.end();  // Its peer and the client talk to each other from now on.
    return;
  }
  const { inbox, peer } = end;
  end.peer = peer.peer = null;
  end.inbox = [];
  peer.connect(invocation, id);
  if (peer.accepted) peer.start();
  flush(peer, inbox);
}

/** The WebSocket that a fetch has opened. */
function ofFetch(invocation, id, flat) {
  const end = new End();
  end.connect(invocation, id);
  end.protocol = headerOf(flat, "sec-websocket-protocol");
  end.extensions = headerOf(flat, "sec-websocket-extensions");
  return new WebSocket(kAdopt, end);
}

internals.webSockets = { handOver, isWebSocket, ofFetch, prepare };
defineGlobal("WebSocket", WebSocket);
defineGlobal("WebSocketPair", WebSocketPair);
