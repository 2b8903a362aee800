// Request. https://fetch.spec.whatwg.org/#request-class

const {
  MapPrototypeGet, RegExpPrototypeExec, StringPrototypeStartsWith, StringPrototypeToUpperCase,
  TypeError,
} = internals.primordials;
const {
  configureInterface, converters, createEnumConverter, isObject, requiredArguments,
} = internals.webidl;
const {
  HeaderList, copyList, fillList, listAppend, listGet, listHas, listOfRequest, requestSlot, wrap,
  wrapNoCors,
} = internals.headers;
const {
  bodyOfInbound, bodyOfRequest, cloneBody, defineBodyMixin, extractBody, isUsed, checkUsable,
  transferBody, typeTexts, kTypeNone,
} = internals.body;
const abort = internals.abort;

/** Fields of native.requestField(); src/webapi/request.cc has the same numbers. */
const kFieldMethod = 0, kFieldUrl = 1, kFieldConnection = 2;

class RequestState {
  /** Of a request that a client sent; its parts stay with the host until somebody asks. */
  invocation = null;
  method = undefined;
  url = undefined;
  list = null;
  headers = null;
  immutable = false;
  body = null;
  redirect = "follow";
  cache = "default";
  /** What few requests set (request_options.js); null for none of it. */
  options = null;
  /** What a blob: URL stood for when the request was made. */
  blob = null;
  /** The signal to follow, and the request's own once somebody asked for it. */
  follows = null;
  signal = null;
  cf = undefined;
  /** Workers' own: with "manual", fetch() gives a response's body as it came. */
  encodeResponseBody = "automatic";
}

const kAdopt = Symbol("adopt");

class Request {
  #state;

  /** undefined constructor(RequestInfo input, optional RequestInit init = {}); */
  constructor(input, init = undefined) {
    if (input === kAdopt) {
      this.#state = init;
      return;
    }
    const prefix = "Failed to construct 'Request'";
    requiredArguments(arguments.length, 1, prefix);
    this.#state = makeState(input, init, prefix);
  }

  static is(value) {
    return typeof value === "object" && value !== null && #state in value;
  }

  static stateOf(request) {
    return request.#state;
  }

  get method() {
    return methodOf(this.#state);
  }

  get url() {
    return urlOf(this.#state);
  }

  get headers() {
    const state = this.#state;
    if (state.headers === null) {
      state.headers = modeOf(state) === "no-cors" ? wrapNoCors(listFor(state))
        : wrap(listFor(state), state.immutable);
    }
    return state.headers;
  }

  get redirect() {
    return this.#state.redirect;
  }

  get signal() {
    return signalOf(this.#state);
  }

  /** Workers' own: what the node knows of the client's connection, or what the init said. */
  get cf() {
    const state = this.#state;
    if (state.cf === undefined && state.invocation !== null && state.invocation.open) {
      state.cf = native.requestField(state.invocation.slot, kFieldConnection);
    }
    return state.cf;
  }

  get cache() {
    return this.#state.cache;
  }

  get credentials() {
    const { options } = this.#state;
    return options === null ? "same-origin" : options.credentials;
  }

  get destination() {
    this.#state;
    return "";
  }

  get integrity() {
    const { options } = this.#state;
    return options === null ? "" : options.integrity;
  }

  get isHistoryNavigation() {
    this.#state;
    return false;
  }

  get isReloadNavigation() {
    this.#state;
    return false;
  }

  get keepalive() {
    const { options } = this.#state;
    return options !== null && options.keepalive;
  }

  get mode() {
    return modeOf(this.#state);
  }

  get referrer() {
    const { options } = this.#state;
    return options === null ? "about:client" : options.referrer;
  }

  get referrerPolicy() {
    const { options } = this.#state;
    return options === null ? "" : options.referrerPolicy;
  }

  get duplex() {
    this.#state;
    return "half";
  }

  /** Workers' own: a service binding to fetch from; there are none here. */
  get fetcher() {
    this.#state;
    return null;
  }

  clone() {
    const state = this.#state;
    checkNotUsed(state);
    const copy = new RequestState();
    copy.body = cloneBody(state.body);
    copy.invocation = state.invocation;
    copy.method = state.method;
    copy.url = state.url;
    copy.list = state.list === null ? null : copyList(state.list);
    copy.immutable = state.immutable;
    copy.redirect = state.redirect;
    copy.cache = state.cache;
    copy.options = state.options;
    copy.blob = state.blob;
    copy.follows = followable(state);
    copy.cf = state.cf;
    copy.encodeResponseBody = state.encodeResponseBody;
    return new Request(kAdopt, copy);
  }
}
const { is: isRequest, stateOf } = Request;
delete Request.is;
delete Request.stateOf;

defineBodyMixin(Request, (request) => stateOf(request).body,
  (request) => listGet(listFor(stateOf(request)), "content-type"));
configureInterface(Request);

// ---- parts on demand ----------------------------------------------------------------------------

function modeOf({ options }) {
  return options === null ? "cors" : options.mode;
}

function methodOf(state) {
  if (state.method === undefined) {
    state.method = native.requestField(requestSlot(state.invocation), kFieldMethod);
  }
  return state.method;
}

function urlOf(state) {
  if (state.url === undefined) {
    state.url = native.requestField(requestSlot(state.invocation), kFieldUrl);
  }
  return state.url;
}

function listFor(state) {
  if (state.list === null) {
    state.list = state.invocation === null ? new HeaderList() : listOfRequest(state.invocation);
  }
  return state.list;
}

function signalOf(state) {
  if (state.signal !== null) return state.signal;
  const { follows, invocation } = state;
  if (follows !== null) {
    state.signal = abort.dependentOn([follows]);
  } else if (invocation !== null && invocation.open) {
    state.signal = signalOfInvocation(invocation);
  } else {
    state.signal = abort.createSignal();
  }
  return state.signal;
}

/** The signal that aborts when the client of an invocation goes away: one for all its requests. */
function signalOfInvocation(invocation) {
  if (invocation.clientSignal === undefined) {
    const signal = abort.createSignal();
    invocation.clientSignal = signal;
    invocation.onClientGone = () => {
      abort.signalAbort(signal,
        internals.domException("AbortError", "The client has disconnected."));
    };
  }
  return invocation.clientSignal;
}

/**
 * The signal that requests made from this one follow; null if there is none. As on Workers, the
 * client's going away does not abort what a handler passes on: that takes {signal: request.signal}.
 */
function followable(state) {
  if (state.invocation !== null) return null;
  return state.signal !== null ? state.signal : state.follows;
}

function checkNotUsed(state) {
  if (state.body !== null) checkUsable(state.body);
}

// ---- the constructor ----------------------------------------------------------------------------

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const normalized = new Map([
  ["GET", "GET"], ["HEAD", "HEAD"], ["POST", "POST"], ["PUT", "PUT"], ["DELETE", "DELETE"],
  ["OPTIONS", "OPTIONS"]]);

/** https://fetch.spec.whatwg.org/#concept-method-normalize, refusing what fetch() may not send. */
function normalizeMethod(value, prefix) {
  const text = converters.ByteString(value, prefix, "method");
  if (RegExpPrototypeExec(token, text) === null) {
    throw new TypeError(`${prefix}: '${text}' is not a valid HTTP method.`);
  }
  const upper = StringPrototypeToUpperCase(text);
  if (upper === "CONNECT" || upper === "TRACE" || upper === "TRACK") {
    throw new TypeError(`${prefix}: the method ${upper} cannot be used.`);
  }
  return MapPrototypeGet(normalized, upper) ?? text;
}

function parseRequestUrl(text, prefix) {
  const href = native.resolveUrl(text);
  if (href === undefined) {
    throw new TypeError(`${prefix}: Invalid URL: '${text}'. It must be absolute, as in ` +
      "https://example.com/path.");
  }
  if (native.urlHasCredentials(href)) {
    throw new TypeError(`${prefix}: the URL contains a user name or password. Use an ` +
      "Authorization header.");
  }
  return href;
}

/** https://fetch.spec.whatwg.org/#dom-request */
function makeState(input, init, prefix) {
  const state = new RequestState();
  let source = null;
  if (isRequest(input)) {
    source = stateOf(input);
  } else {
    state.url = parseRequestUrl(converters.USVString(input, prefix, "argument 1"), prefix);
    state.method = "GET";
    if (StringPrototypeStartsWith(state.url, "blob:")) {
      internals.load("web/local_fetch.js");
      state.blob = internals.localFetch.resolve(state.url);
    }
  }
  if (source !== null) {
    state.url = urlOf(source);
    state.method = methodOf(source);
    state.redirect = source.redirect;
    state.cache = source.cache;
    state.options = source.options;
    state.blob = source.blob;
    state.cf = source.cf;
    state.encodeResponseBody = source.encodeResponseBody;
  }
  const given = init !== undefined && init !== null;
  if (given && !isObject(init)) throw new TypeError(`${prefix}: the init must be an object.`);
  let body, headers, signal;
  if (given) ({ body, headers, signal } = readInit(state, init, prefix));
  state.follows = signal === undefined ? (source === null ? null : followable(source)) : signal;
  if (headers !== undefined && headers !== null) {
    state.list = new HeaderList();
    fillList(state.list, headers, prefix);
  } else if (source !== null) {
    state.list = copyList(listFor(source));
  }
  if (state.list !== null && modeOf(state) === "no-cors") {
    internals.load("web/no_cors.js");
    state.list = internals.noCors.filtered(state.list);
  }
  takeBody(state, source, body, prefix);
  return state;
}

const toCacheMode = createEnumConverter("RequestCache", [
  "default", "force-cache", "no-cache", "no-store", "only-if-cached", "reload"]);

function readInit(state, init, prefix) {
  const {
    body, cache, cf, credentials, duplex, encodeResponseBody, headers, integrity, keepalive, method,
    mode, priority, redirect, referrer, referrerPolicy, signal, window,
  } = init;
  if (cache !== undefined) state.cache = toCacheMode(cache, prefix, "cache");
  if (cf !== undefined && cf !== null) state.cf = cf;
  if (encodeResponseBody !== undefined) {
    const mode = converters.DOMString(encodeResponseBody, prefix, "encodeResponseBody");
    if (mode !== "automatic" && mode !== "manual") {
      throw new TypeError(`${prefix}: encodeResponseBody: unexpected value: ${mode}. It must be ` +
        '"automatic" or "manual".');
    }
    state.encodeResponseBody = mode;
  }
  if (credentials !== undefined || duplex !== undefined || integrity !== undefined ||
      keepalive !== undefined || mode !== undefined || priority !== undefined ||
      referrer !== undefined || referrerPolicy !== undefined || window !== undefined) {
    internals.load("web/request_options.js");
    state.options = internals.requestOptions.read(state.options, { credentials, duplex, integrity,
      keepalive, mode, priority, referrer, referrerPolicy, window }, prefix);
  }
  if (method !== undefined && method !== null) state.method = normalizeMethod(method, prefix);
  if (redirect !== undefined && redirect !== null) {
    const mode = converters.DOMString(redirect, prefix, "redirect");
    if (mode !== "follow" && mode !== "manual" && mode !== "error") {
      throw new TypeError(`${prefix}: Invalid redirect value, must be one of "follow" or ` +
        `"manual", not "${mode}".`);
    }
    state.redirect = mode;
  }
  if (state.cache === "only-if-cached" && modeOf(state) !== "same-origin") {
    throw new TypeError(`${prefix}: the cache mode "only-if-cached" needs the mode "same-origin".`);
  }
  if (modeOf(state) === "no-cors" && state.method !== "GET" && state.method !== "HEAD" &&
      state.method !== "POST") {
    throw new TypeError(`${prefix}: the method ${state.method} needs another mode than "no-cors".`);
  }
  if (signal !== undefined && signal !== null && !abort.isSignal(signal)) {
    throw new TypeError(`${prefix}: the signal is not an AbortSignal.`);
  }
  return { body, headers, signal };
}

function takeBody(state, source, value, prefix) {
  const hasBody = value !== undefined && value !== null;
  const inherits = value === undefined && source !== null && source.body !== null;
  if ((hasBody || inherits) && (state.method === "GET" || state.method === "HEAD")) {
    if (hasBody) {
      throw new TypeError("Request with a GET or HEAD method cannot have a body.");
    }
    if (source.method !== state.method) {
      throw new TypeError("Request with a GET or HEAD method cannot have a body.");
    }
  }
  if (hasBody) {
    state.body = extractBody(value);
    if (state.body.stream !== null && state.options !== null && state.options.keepalive) {
      throw new TypeError(`${prefix}: a stream cannot be the body of a request with keepalive.`);
    }
    const type = state.body.stream !== null ? kTypeNone : state.body.type;
    if (type !== kTypeNone) {
      if (state.list === null) state.list = new HeaderList();
      if (!listHas(state.list, "content-type")) {
        listAppend(state.list, "content-type", typeof type === "number" ? typeTexts[type] : type);
      }
    }
  } else if (inherits) {
    checkUsable(source.body);
    state.body = transferBody(source.body);
  }
}

/**
 * The request of an invocation. `content` is undefined (no body), `true` (the host has it whole) or
 * the id of a body that flows.
 */
function requestOfInvocation(invocation, content, length) {
  const state = new RequestState();
  state.invocation = invocation;
  state.immutable = true;
  // What a proxy sends on is what came: redirects are for the client to follow.
  state.redirect = "manual";
  if (content === true) state.body = bodyOfRequest(invocation);
  else if (content !== undefined) state.body = bodyOfInbound(invocation, content, length);
  return new Request(kAdopt, state);
}

internals.request = {
  Request, isRequest, listFor, makeState, methodOf, requestOfInvocation, signalOf, stateOf, urlOf,
  followable,
};
internals.defineGlobal("Request", Request);
