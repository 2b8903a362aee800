// Response. https://fetch.spec.whatwg.org/#response-class

const {
  JSONStringify, RangeError, RegExpPrototypeExec, StringPrototypeIndexOf, StringPrototypeSlice,
  TypeError,
} = internals.primordials;
const { configureInterface, converters, isObject, requiredArguments } = internals.webidl;
const {
  HeaderList, Headers, copyList, fillList, listAppend, listDelete, listFlat, listGet, listHas,
  listOf, listOfFlat, wrap,
} = internals.headers;
const {
  bodyOfBytes, bodyOfInbound, bodyOfText, checkUsable, cloneBody, defineBodyMixin, extractBody,
  followSignal,
  outgoing, streamOf, typeTexts, kTypeNone, kTypeJson,
} = internals.body;
const { closeInvocation, isAboutToEnd } = internals.kernel;
// Taken out for every answer: see kernel.js.
const { respond } = native;

const reasonPhrase = /^[\t\x20-\x7e\x80-\xff]*$/;

class ResponseState {
  type = "default";
  url = "";
  redirected = false;
  status = 200;
  statusText = "";
  /** A HeaderList; null while it holds nothing but `contentType`. */
  list = null;
  headers = null;
  immutable = false;
  body = null;
  /** Workers' own: with "manual", the body has the Content-Encoding that the headers name. */
  encodeBody = "automatic";
  /** The Content-Type that the body brings, until it is in the list: a kType... or a string. */
  contentType = kTypeNone;
  cf = undefined;
  /** The WebSocket of a response with status 101. */
  webSocket = null;
}

const kAdopt = Symbol("adopt");

class Response {
  #state;

  /** undefined constructor(optional BodyInit? body = null, optional ResponseInit init = {}); */
  constructor(body = null, init = undefined) {
    if (body === kAdopt) {
      this.#state = init;
      return;
    }
    const state = new ResponseState();
    this.#state = state;
    const prefix = "Failed to construct 'Response'";
    if (init !== undefined && init !== null) applyInit(state, init, prefix);
    if (body !== null) attachBody(state, body);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #state in value;
  }

  static stateOf(response) {
    return response.#state;
  }

  /** https://fetch.spec.whatwg.org/#dom-response-error */
  static error() {
    const state = new ResponseState();
    state.type = "error";
    state.status = 0;
    state.immutable = true;
    return new Response(kAdopt, state);
  }

  /** https://fetch.spec.whatwg.org/#dom-response-redirect */
  static redirect(url, status = 302) {
    const prefix = "Failed to execute 'redirect' on 'Response'";
    requiredArguments(arguments.length, 1, prefix);
    const text = converters.USVString(url, prefix, "argument 1");
    const code = converters.unsignedShort(status, prefix, "argument 2");
    const location = native.resolveUrl(text);
    if (location === undefined) {
      throw new TypeError(`${prefix}: '${text}' is not an absolute URL. Use ` +
        "new Response(null, {status: 302, headers: {Location: path}}) to redirect to a path.");
    }
    if (!isRedirectStatus(code)) {
      throw new RangeError(
        `${prefix}: ${code} is not a redirect status (301, 302, 303, 307, 308).`);
    }
    const state = new ResponseState();
    state.status = code;
    state.list = new HeaderList();
    state.immutable = true;
    listAppend(state.list, "location", location);
    return new Response(kAdopt, state);
  }

  /** https://fetch.spec.whatwg.org/#dom-response-json */
  static json(data, init = undefined) {
    const prefix = "Failed to execute 'json' on 'Response'";
    requiredArguments(arguments.length, 1, prefix);
    const text = JSONStringify(data);
    if (text === undefined) throw new TypeError(`${prefix}: the value cannot be written as JSON.`);
    const state = new ResponseState();
    if (init !== undefined && init !== null) applyInit(state, init, prefix);
    attachSource(state, bodyOfText(text, kTypeJson), kTypeJson);
    return new Response(kAdopt, state);
  }

  get type() {
    return this.#state.type;
  }

  get url() {
    return this.#state.url;
  }

  get redirected() {
    return this.#state.redirected;
  }

  get status() {
    return this.#state.status;
  }

  get ok() {
    const { status } = this.#state;
    return status >= 200 && status <= 299;
  }

  get statusText() {
    return this.#state.statusText;
  }

  get headers() {
    const state = this.#state;
    if (state.headers === null) state.headers = wrap(materialize(state), state.immutable);
    return state.headers;
  }

  /** Workers' own: what the init said, or the fetched response's. */
  get cf() {
    return this.#state.cf;
  }

  /** Workers' own: the client's end of a WebSocket, or what a fetch has opened. */
  get webSocket() {
    return this.#state.webSocket;
  }

  clone() {
    const state = this.#state;
    if (state.webSocket !== null) {
      throw new TypeError("Cannot clone a response to a WebSocket handshake.");
    }
    const copy = copyHead(state);
    copy.body = cloneBody(state.body);
    copy.immutable = state.immutable;
    return new Response(kAdopt, copy);
  }
}
function copyHead(state) {
  const copy = new ResponseState();
  copy.type = state.type;
  copy.url = state.url;
  copy.redirected = state.redirected;
  copy.status = state.status;
  copy.statusText = state.statusText;
  copy.contentType = state.contentType;
  copy.cf = state.cf;
  copy.encodeBody = state.encodeBody;
  if (state.list !== null) copy.list = copyList(state.list);
  return copy;
}
const { is: isResponse, stateOf } = Response;
delete Response.is;
delete Response.stateOf;

defineBodyMixin(Response, (response) => stateOf(response).body, (response) => {
  const state = stateOf(response);
  return listGet(materialize(state), "content-type");
});
configureInterface(Response);

/** Reads ResponseInit; a Response will do. https://fetch.spec.whatwg.org/#initialize-a-response */
function applyInit(state, init, prefix) {
  if (!isObject(init)) throw new TypeError(`${prefix}: the init must be an object.`);
  const { cf, encodeBody, headers, status, statusText, webSocket } = init;
  if (cf !== undefined) state.cf = cf;
  if (encodeBody !== undefined) {
    const mode = converters.DOMString(encodeBody, prefix, "encodeBody");
    if (mode !== "automatic" && mode !== "manual") {
      throw new TypeError(`${prefix}: encodeBody: unexpected value: ${mode}. It must be ` +
        '"automatic" or "manual".');
    }
    state.encodeBody = mode;
  } else if (isResponse(init)) {
    state.encodeBody = stateOf(init).encodeBody;
  }
  if (webSocket !== undefined && webSocket !== null) {
    if (internals.webSockets === undefined || !internals.webSockets.isWebSocket(webSocket)) {
      throw new TypeError(`${prefix}: webSocket must be a WebSocket.`);
    }
    state.webSocket = webSocket;
  }
  if (status !== undefined) {
    const code = converters.unsignedShort(status, prefix, "status");
    if (state.webSocket !== null && code !== 101) {
      throw new RangeError("Responses with a WebSocket must have status code 101.");
    }
    if (state.webSocket === null && (code < 200 || code > 599)) {
      throw new RangeError("Responses may only be constructed with status codes in the range 200 " +
        `to 599, inclusive; this one is ${code}.`);
    }
    state.status = code;
  } else if (state.webSocket !== null) {
    throw new RangeError("Responses with a WebSocket must have status code 101.");
  }
  if (statusText !== undefined) {
    const text = converters.ByteString(statusText, prefix, "statusText");
    if (RegExpPrototypeExec(reasonPhrase, text) === null) {
      throw new TypeError(`${prefix}: the statusText contains a control character.`);
    }
    state.statusText = text;
  }
  if (headers !== undefined && headers !== null) {
    state.list = new HeaderList();
    fillList(state.list, headers, prefix);
  }
}

function attachBody(state, value) {
  if (value === undefined) return;
  const body = extractBody(value);
  // A stream brings no type, whatever it was made from.
  attachSource(state, body, body.stream !== null ? kTypeNone : body.type);
}

function attachSource(state, body, type) {
  const { status } = state;
  if (isNullBodyStatus(status)) {
    throw new TypeError(
      "Response with null body status (101, 204, 205, or 304) cannot have a body.");
  }
  state.body = body;
  state.contentType = type;
  if (state.list !== null) mergeType(state);
}

function mergeType(state) {
  const { contentType, list } = state;
  if (contentType === kTypeNone) return;
  state.contentType = kTypeNone;
  if (listHas(list, "content-type")) return;
  listAppend(list, "content-type",
    typeof contentType === "number" ? typeTexts[contentType] : contentType);
}

/** The header list, made now if it was not needed before. */
function materialize(state) {
  if (state.list === null) {
    state.list = new HeaderList();
    mergeType(state);
  }
  return state.list;
}

/** https://fetch.spec.whatwg.org/#null-body-status */
function isNullBodyStatus(status) {
  return status === 204 || status === 304 || status === 205 || status === 101;
}

function isRedirectStatus(status) {
  return status === 301 || status === 302 || status === 303 || status === 307 || status === 308;
}

/** Answers an invocation; uses the response up. */
function sendResponse(invocation, response) {
  const state = stateOf(response);
  if (state.type === "error") {
    throw new TypeError("The handler returned Response.error(), which cannot be sent. Return a " +
      "response with a status, or throw.");
  }
  const { body, status, webSocket } = state;
  const socketId = webSocket === null ? 0 : internals.webSockets.prepare(webSocket);
  if (typeof state.contentType !== "number") materialize(state);
  let { list } = state;
  let plan, length;
  if (body !== null) {
    ({ length } = body);
    const coding = list === null ? null : listGet(list, "content-encoding");
    if (coding !== null || body.coding !== undefined) {
      plan = planCoding(invocation, state, coding);
      if (!plan.raw && (plan.encode !== undefined || body.coding !== undefined)) length = undefined;
      if (plan.drop) {
        list = copyList(list);
        listDelete(list, "content-encoding");
      }
    }
  }
  const content = body === null ? undefined : outgoing(invocation, body, plan);
  const last = socketId === 0 && isAboutToEnd(invocation);
  respond(invocation.slot, status, list === null ? null : listFlat(list),
    state.contentType, content, typeof content === "number" ? length : undefined, socketId, last);
  if (last) closeInvocation(invocation);
  if (socketId !== 0) internals.webSockets.handOver(invocation, webSocket, socketId);
}

/** How the body goes with the Content-Encoding: see bodyCoding.planFor(). */
function planCoding(invocation, { body, encodeBody }, coding) {
  internals.load("web/body_coding.js");
  const named = coding === null ? undefined : native.contentCoding(coding);
  const said = named === undefined ? 1 : native.clientAccepts(invocation.slot, named);
  return internals.bodyCoding.planFor(body, named, encodeBody === "manual", said);
}

/**
 * A fetched response. `content` is undefined, "", a Uint8Array, or the id of a body that flows.
 * `decode`: its Content-Encoding is for fetch() to undo; `codingIsOurs`: fetch() asked for it.
 * `signal`: what aborts it, or null.
 */
function responseOfFetch(invocation, answer, url, redirected, decode, codingIsOurs, signal) {
  const { status, flat, content, length, reason, webSocket } = answer;
  const state = new ResponseState();
  state.type = "basic";
  if (reason !== undefined) state.statusText = reason;
  const fragment = StringPrototypeIndexOf(url, "#");
  state.url = fragment < 0 ? url : StringPrototypeSlice(url, 0, fragment);
  state.redirected = redirected;
  state.status = status;
  state.list = listOfFlat(flat);
  state.immutable = true;
  if (webSocket !== undefined) state.webSocket = webSocket;
  if (isNullBodyStatus(status)) {
    if (typeof content === "number") native.bodyCancel(content);
  } else if (typeof content === "number") {
    state.body = bodyOfInbound(invocation, content, length);
  } else if (typeof content === "string") {
    state.body = bodyOfText(content, kTypeNone);
  } else if (content !== undefined) {
    state.body = bodyOfBytes(content, kTypeNone);
  }
  if (signal !== null && state.body !== null) followSignal(state.body, signal);
  if (decode && state.body !== null) {
    const coding = listGet(state.list, "content-encoding");
    if (coding !== null) {
      state.body.coding = native.contentCoding(coding);
      state.body.codingIsOurs = codingIsOurs;
    }
  }
  return new Response(kAdopt, state);
}

/** How a response's body is stored with its headers: as it came where they name its coding. */
function planForStored({ body }, list) {
  const value = listGet(list, "content-encoding");
  if (value === null && body.coding === undefined) {
    return { plan: undefined, length: body.length, list };
  }
  internals.load("web/body_coding.js");
  const named = value === null ? undefined : native.contentCoding(value);
  const plan = internals.bodyCoding.planFor(body, named, false, 1);
  const asIs = plan.raw || (plan.encode === undefined && body.coding === undefined);
  return { plan, length: asIs ? body.length : undefined, list };
}

/** The response with another body: what `replace` makes of the stream of the one it has. */
function withBody(response, replace) {
  const state = stateOf(response);
  const copy = copyHead(state);
  if (state.body !== null) {
    checkUsable(state.body);
    copy.body = extractBody(replace(streamOf(state.body)));
    if (copy.list !== null) listDelete(copy.list, "content-length");
  }
  return new Response(kAdopt, copy);
}

/** The stream of a body nobody has used; null if there is none. */
function streamOfResponse(response) {
  const { body } = stateOf(response);
  if (body !== null) checkUsable(body);
  return streamOf(body);
}

function inspectResponse(response) {
  const state = stateOf(response);
  return { status: state.status, type: listGet(materialize(state), "content-type"),
    url: state.url, stream: streamOf(state.body) };
}

internals.response = {
  headersOf: (response) => materialize(stateOf(response)), planForStored, stateOf,
  Response, inspectResponse, isRedirectStatus, isResponse, responseOfFetch, sendResponse,
  streamOfResponse, withBody,
};
internals.defineGlobal("Response", Response);
