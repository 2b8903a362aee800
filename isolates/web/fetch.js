// fetch(). https://fetch.spec.whatwg.org/#fetch-method
//
// The host does one hop at a time; redirects are followed here, where the rules about methods,
// bodies and credentials are.

const {
  Error, EvalError, RangeError, ReferenceError, RegExpPrototypeExec, StringPrototypeCharCodeAt,
  StringPrototypeIndexOf, StringPrototypeSlice, StringPrototypeToLowerCase, SyntaxError, TypeError,
  TypedArrayPrototypeGetByteLength, URIError, Uint8Array,
} = internals.primordials;
const { requiredArguments } = internals.webidl;
const {
  HeaderList, copyList, listAppend, listDelete, listFlat, listGet, listHas,
} = internals.headers;
const { outgoing } = internals.body;
const { isRedirectStatus, responseOfFetch } = internals.response;
const { followable, listFor, makeState } = internals.request;
const { cancelOp, checkSubrequest, currentInvocation, startOp } = internals.kernel;
const { newSocketId } = internals.socketEvents;
const abort = internals.abort;

const kRedirectsMax = 20;

const functions = {
  /** Promise<Response> fetch(RequestInfo input, optional RequestInit init = {}); */
  fetch(input, init = undefined) {
    return follow(arguments.length, input, init, null);
  },
};
const { fetch } = functions;

/** Answered by the script behind `service` (service.js), or, for null, over the network. */
async function follow(given, input, init, service) {
  requiredArguments(given, 1, "Failed to execute 'fetch'");
  const invocation = currentInvocation();
  const request = makeState(input, init, "Failed to execute 'fetch'");
  const signal = followable(request);
  if (signal !== null && abort.isAborted(signal)) {
    const reason = abort.reasonOf(signal);
    if (request.body !== null && request.body.stream !== null) {
      const { acquireReader, cancel } = internals.bodyStreams;
      cancel(acquireReader(request.body.stream), reason);
    }
    throw reason;
  }

  if (service === null && !native.urlIsHttp(request.url)) return fetchLocal(request, signal);

  const hop = {
    invocation, signal, method: request.method, url: request.url,
    list: request.list === null ? null : copyList(listFor(request)), body: request.body,
    service,
  };
  if (request.cache !== "default") applyCacheMode(hop, request.cache);
  // What another script encodes is decoded without having been asked for.
  const codingIsOurs = service !== null || askForCoding(hop);
  let redirects = 0;
  for (;;) {
    const answer = await send(hop);
    const location = isRedirectStatus(answer.status) && request.redirect !== "manual" ?
      headerOf(answer.flat, "location") : null;
    if (location === null) {
      if (answer.status === 101) answer.webSocket = webSocketOf(hop, answer);
      // Nothing was sent; the body is there all the same, and empty.
      if (answer.content === undefined && hop.method !== "HEAD") answer.content = "";
      const response = responseOfFetch(invocation, answer, hop.url, redirects > 0,
        request.encodeResponseBody !== "manual", codingIsOurs, signal);
      return checked(request, response);
    }
    discard(hop, answer);
    if (request.redirect === "error") {
      throw new TypeError(`Fetch of ${hop.url} was redirected, and its redirect mode is "error".`);
    }
    if (++redirects > kRedirectsMax) {
      throw new TypeError(`Too many redirects, ${kRedirectsMax} at the most: ${request.url}`);
    }
    redirect(hop, answer.status, location);
  }
}

/** A URL of this isolate's own. https://fetch.spec.whatwg.org/#scheme-fetch */
function fetchLocal(request, signal) {
  internals.load("web/local_fetch.js");
  const { blob, list, method, url } = request;
  const answer = internals.localFetch.answer(url, method, blob,
    list === null ? null : listGet(list, "range"));
  return checked(request, responseOfFetch(null, answer, url, false, false, false, signal));
}

/** The response, if it is what the request's `integrity` wants. */
function checked({ options }, response) {
  if (options === null || options.integrity === "") return response;
  internals.load("web/integrity.js");
  return internals.integrity.check(response, options.integrity);
}

/**
 * What a cache mode asks of the caches on the way; there is none behind fetch() itself.
 * https://fetch.spec.whatwg.org/#http-network-or-cache-fetch
 */
function applyCacheMode(hop, mode) {
  if (mode === "only-if-cached") {
    throw new TypeError(`Failed to fetch ${hop.url}: fetch() has no cache that could have it.`);
  }
  if (mode === "force-cache") return;
  if (hop.list === null) hop.list = new HeaderList();
  const unset = !listHas(hop.list, "cache-control");
  if (mode === "no-cache") {
    if (unset) listAppend(hop.list, "cache-control", "max-age=0");
    return;
  }
  if (!listHas(hop.list, "pragma")) listAppend(hop.list, "pragma", "no-cache");
  if (unset) listAppend(hop.list, "cache-control", "no-cache");
}

/**
 * Content codings are asked for where the script says nothing; a part of an encoded whole could not
 * be decoded. https://fetch.spec.whatwg.org/#http-network-or-cache-fetch
 */
function askForCoding(hop) {
  if (hop.list === null) hop.list = new HeaderList();
  if (listHas(hop.list, "accept-encoding")) return false;
  listAppend(hop.list, "accept-encoding", listHas(hop.list, "range") ? "identity" : "gzip, br");
  return true;
}

/** Asks the host for one hop: a promise of {status, flat, content, length}. */
async function send(hop) {
  const { invocation, signal } = hop;
  if (!native.urlIsHttp(hop.url)) {
    throw new TypeError(`Fetch API cannot load: ${hop.url}. Only http: and https: can be fetched.`);
  }
  const body = replayable(hop);
  const plan = body === null || body.coding === undefined ? undefined : planCoding(hop, body);
  const length = body === null || (plan !== undefined && !plan.raw) ? undefined : body.length;
  let op;
  const content = body === null ? undefined :
    outgoing(invocation, body, plan, (error) => cancelOp(op, error));
  const bytes = typeof content === "string" ? content.length :
    typeof content === "object" ? TypedArrayPrototypeGetByteLength(content) : 0;
  checkSubrequest(invocation, bytes);
  op = startOp(invocation, bytes);
  const socketId = asksForWebSocket(hop) ? newSocketId() : 0;
  op.makeValue = makeAnswer;
  const known = typeof content === "number" ? length : undefined;
  const flat = hop.list === null ? null : listFlat(hop.list);
  if (hop.service === null) {
    op.makeError = networkError;
    native.fetchStart(op.id, invocation.slot, hop.method, hop.url, flat, content, known, socketId);
  } else {
    const { binding, entrypoint, props } = hop.service;
    op.makeError = serviceError;
    native.serviceStart(op.id, invocation.slot, binding, entrypoint, props, false, hop.method,
      hop.url, flat, content, known);
  }
  hop.socketId = socketId;
  if (signal === null) return op.promise;
  const onAbort = (reason) => cancelOp(op, reason);
  abort.addAlgorithm(signal, onAbort);
  try {
    return await op.promise;
  } finally {
    abort.removeAlgorithm(signal, onAbort);
  }
}

/** A fetched body that is sent on under the Content-Encoding it came with goes as it came. */
function planCoding(hop, body) {
  internals.load("web/body_coding.js");
  const value = hop.list === null ? null : listGet(hop.list, "content-encoding");
  const named = value === null ? undefined : native.contentCoding(value);
  return internals.bodyCoding.planFor(body, named === body.coding ? named : undefined, true, 1);
}

/** The body to send now. One that is all there is kept for a redirect that sends it again. */
function replayable(hop) {
  const { body } = hop;
  if (body === null) return null;
  if (body.stream === null && (body.text !== null || body.bytes !== null)) {
    hop.body = internals.body.cloneBody(body);
  }
  return body;
}

/** Workers' way to open a WebSocket: a GET with `Upgrade: websocket`. */
function asksForWebSocket({ list, method, service }) {
  if (list === null || method !== "GET" || service !== null) return false;
  const upgrade = listGet(list, "upgrade");
  return upgrade !== null && StringPrototypeToLowerCase(upgrade) === "websocket";
}

function webSocketOf({ invocation, socketId }, { flat }) {
  internals.load("web/web_socket.js");
  return internals.webSockets.ofFetch(invocation, socketId, flat);
}

function makeAnswer(hasBytes, status, flat, bodyId, length, reason) {
  const content = hasBytes ? native.takeBytes(internals.kernel.kTakeBytes) : bodyId;
  return { status, flat, content, length, reason };
}

function networkError(code, detail) {
  return new TypeError(`Network connection lost: ${detail}`);
}

const errorTypes = {
  __proto__: null, EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError,
};

/** What another script threw comes as "Name: message". */
function serviceError(code, detail) {
  const cut = StringPrototypeIndexOf(detail, ": ");
  const name = cut > 0 ? StringPrototypeSlice(detail, 0, cut) : "";
  const type = errorTypes[name];
  if (type !== undefined) return new type(StringPrototypeSlice(detail, cut + 2));
  return new Error(name === "Error" ? StringPrototypeSlice(detail, cut + 2) : detail);
}

function headerOf(flat, name) {
  for (let i = 0; i < flat.length; i += 2) {
    if (flat[i] === name) return flat[i + 1];
  }
  return null;
}

/** Nobody will read the body of an answer that only said where to go. */
function discard(hop, { content }) {
  if (typeof content === "number" && hop.invocation.open) native.bodyCancel(content);
}

/** https://fetch.spec.whatwg.org/#http-redirect-fetch */
function redirect(hop, status, location) {
  const target = native.resolveUrl(textOfHeader(location), hop.url);
  if (target === undefined) {
    throw new TypeError(`${hop.url} redirects to an invalid URL: ${location}`);
  }
  if (status !== 303 && hop.body !== null && hop.body.used) {
    throw new TypeError(`${hop.url} redirects with status ${status}, which sends the body again; ` +
      "a stream can be sent only once. Send a string or bytes.");
  }
  const toGet = status === 303 ? hop.method !== "GET" && hop.method !== "HEAD" :
    (status === 301 || status === 302) && hop.method === "POST";
  if (toGet) {
    hop.method = "GET";
    hop.body = null;
    dropHeaders(hop, [
      "content-encoding", "content-language", "content-length", "content-location",
      "content-type"]);
  }
  if (!native.urlSameOrigin(hop.url, target)) {
    dropHeaders(hop, ["authorization", "cookie", "host", "proxy-authorization"]);
  }
  hop.url = target;
}

const beyondAscii = /[\x80-\xff]/;

/** A header's bytes, which come as a character each, taken for UTF-8. */
function textOfHeader(value) {
  if (RegExpPrototypeExec(beyondAscii, value) === null) return value;
  const bytes = new Uint8Array(value.length);
  for (let i = 0; i < value.length; i++) bytes[i] = StringPrototypeCharCodeAt(value, i);
  return native.decodeUtf8(bytes, false, true);
}

function dropHeaders(hop, names) {
  if (hop.list === null) return;
  for (let i = 0; i < names.length; i++) listDelete(hop.list, names[i]);
}

internals.fetch = {
  fetch, errorTypes, serviceError,
  viaService: (service, input, init) => follow(1, input, init, service),
};
internals.defineGlobal("fetch", fetch);
internals.defineLazy("EventSource", "web/event_source.js");
internals.defineLazy("HTMLRewriter", "web/html_rewriter.js");
internals.defineLazy("WebSocket", "web/web_socket.js");
internals.defineLazy("WebSocketPair", "web/web_socket.js");
