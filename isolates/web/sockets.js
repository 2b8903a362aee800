// cloudflare:sockets. https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/

const {
  Number, NumberIsInteger, PromiseWithResolvers, RegExpPrototypeExec, Symbol,
  StringPrototypeIncludes, StringPrototypeToLowerCase, TypeError,
} = internals.primordials;
const { configureInterface, converters, illegalConstructor, isObject, requiredArguments } =
  internals.webidl;
const core = internals.streamsCore;
const { InboundBody, OutboundBody, checkSubrequest, currentInvocation, startOp } = internals.kernel;

const kCreate = Symbol("create");
const address = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]/?#@\s]+):([0-9]{1,5})$/;
// Mail is sent by those who are known for it.
const kMailPort = 25;

class Socket {
  #connection;

  constructor(token, connection) {
    if (token !== kCreate) throw illegalConstructor();
    this.#connection = connection;
  }

  get readable() {
    return this.#connection.readable;
  }

  get writable() {
    return this.#connection.writable;
  }

  get opened() {
    return this.#connection.opened.promise;
  }

  get closed() {
    return this.#connection.closed.promise;
  }

  get upgraded() {
    this.#connection;
    return false;
  }

  get secureTransport() {
    return this.#connection.secureTransport;
  }

  close() {
    const connection = this.#connection;
    connection.close();
    return connection.closed.promise;
  }

  startTls() {
    this.#connection;
    throw new TypeError("startTls() is not available: connect with secureTransport: \"on\".");
  }
}
configureInterface(Socket);

/** What is written goes out by a body of the host's, and what is read comes in by another. */
class Connection {
  opened = PromiseWithResolvers();
  closed = PromiseWithResolvers();
  readable;
  writable;
  secureTransport;
  #outbound;
  #inbound = null;
  #sink = null;
  #wanted = false;
  #ended = false;
  #error = undefined;

  constructor(invocation, authority, secureTransport) {
    this.secureTransport = secureTransport;
    core.markHandled(this.opened.promise);
    core.markHandled(this.closed.promise);
    this.#outbound = new OutboundBody(invocation);
    this.#outbound.onGone = (error) => this.#end(error);
    this.readable = internals.bodyStreams.createBytes({
      pull: (sink) => this.#pull(sink),
      cancel: () => this.#cancelRead(),
    });
    this.writable = core.wrapWritable(core.makeWritable({
      write: (chunk) => this.#write(chunk),
      close: () => this.#outbound.close(),
      abort: () => this.close(),
    }, 1));
    const op = startOp(invocation);
    op.makeValue = (hasBytes, status, flat, bodyId) => bodyId;
    op.makeError = (code, detail) => new TypeError(`proxy request failed, cannot connect to the ` +
      `specified address. ${detail}`);
    native.connectStart(op.id, invocation.slot, secureTransport === "on", authority,
      this.#outbound.id);
    this.#open(op, invocation, authority);
  }

  async #open(op, invocation, remoteAddress) {
    try {
      const bodyId = await op.promise;
      const inbound = new InboundBody(invocation, bodyId, undefined);
      if (this.#ended) {
        inbound.cancel();
        return;
      }
      this.#inbound = inbound;
      inbound.start({
        chunk: (bytes) => this.#sink.chunk(bytes),
        end: () => this.#peerEnded(undefined),
        error: (error) => this.#peerEnded(error),
      });
      this.opened.resolve({ remoteAddress, localAddress: undefined });
      if (this.#wanted) inbound.pull();
    } catch (error) {
      this.opened.reject(error);
      this.#end(error);
    }
  }

  #pull(sink) {
    this.#sink = sink;
    if (this.#ended) this.#finish();
    this.#wanted = true;
    if (this.#inbound !== null) this.#inbound.pull();
  }

  #write(chunk) {
    const bytes = typeof chunk === "string" ? native.textToBytes(chunk) : native.viewBytes(chunk);
    if (bytes === undefined) {
      throw new TypeError("A socket's writable takes buffers, views of them, and strings.");
    }
    if (!this.#outbound.open) throw new TypeError("This socket is closed.");
    this.#outbound.write(bytes);
    return this.#outbound.ready();
  }

  #cancelRead() {
    const inbound = this.#inbound;
    this.#inbound = null;
    if (inbound !== null) inbound.cancel();
  }

  #peerEnded(error) {
    this.#inbound = null;
    this.#end(error);
  }

  close() {
    this.#end(undefined);
  }

  #finish() {
    if (this.#error === undefined) this.#sink.end();
    else this.#sink.error(this.#error);
  }

  /** Both directions are over. */
  #end(error) {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    this.#cancelRead();
    this.#outbound.close(error === undefined ? undefined : "the socket is closed");
    if (this.#sink !== null) this.#finish();
    if (error === undefined) {
      this.opened.reject(new TypeError("The socket was closed before it was open."));
      this.closed.resolve(undefined);
    } else {
      this.closed.reject(error);
    }
  }
}

/** connect("host:port" or {hostname, port}, {secureTransport}) */
function connect(target, options = undefined) {
  const prefix = "Failed to execute 'connect'";
  requiredArguments(arguments.length, 1, prefix);
  const { hostname, port } = toAddress(target, prefix);
  let secureTransport = "off";
  if (options !== undefined && options !== null) {
    if (!isObject(options)) throw new TypeError(`${prefix}: the options must be an object.`);
    const given = options.secureTransport;
    if (given !== undefined) secureTransport = converters.DOMString(given, prefix, "argument 2");
  }
  if (secureTransport === "starttls") {
    throw new TypeError(`${prefix}: secureTransport "starttls" is not available; use "on".`);
  }
  if (secureTransport !== "off" && secureTransport !== "on") {
    throw new TypeError(`Unsupported value in secureTransport socket option: ${secureTransport}`);
  }
  if (port === kMailPort) {
    throw new TypeError("proxy request failed, cannot connect to the specified address. " +
      "Connections to port 25 are prohibited.");
  }
  const invocation = currentInvocation();
  checkSubrequest(invocation, 0);
  return new Socket(kCreate, new Connection(invocation, `${hostname}:${port}`, secureTransport));
}

function toAddress(target, prefix) {
  let text;
  if (isObject(target)) {
    let { hostname, port } = target;
    hostname = converters.USVString(hostname, prefix, "hostname");
    port = Number(port);
    if (!NumberIsInteger(port)) throw new TypeError(`${prefix}: the port is not a number.`);
    const literal = StringPrototypeIncludes(hostname, ":") && hostname[0] !== "[";
    text = literal ? `[${hostname}]:${port}` : `${hostname}:${port}`;
  } else {
    text = converters.USVString(target, prefix, "argument 1");
  }
  const parts = RegExpPrototypeExec(address, text);
  const port = parts === null ? 0 : Number(parts[2]);
  if (port < 1 || port > 65535) {
    throw new TypeError("Specified address could not be parsed. It must be host:port.");
  }
  return { hostname: StringPrototypeToLowerCase(parts[1]), port };
}

internals.sockets = { connect };
