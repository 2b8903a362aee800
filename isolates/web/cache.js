// The Cache API, as Workers have it: caches.default, caches.open(name); match, put and delete.
// https://developers.cloudflare.com/workers/runtime-apis/cache/
// https://w3c.github.io/ServiceWorker/#cache-interface
//
// What is kept, for how long, and what suits a request is the host's to decide, from the headers.

const {
  RegExpPrototypeExec, TypeError, TypedArrayPrototypeGetByteLength,
} = internals.primordials;
const {
  configureInterface, converters, illegalConstructor, isObject, requiredArguments,
} = internals.webidl;
const { copyList, listDelete, listFlat, listGet } = internals.headers;
const {
  isRequest, listFor, makeState, methodOf, stateOf: requestStateOf, urlOf,
} = internals.request;
const { headersOf, isResponse, planForStored, responseOfFetch, stateOf } = internals.response;
const { outgoing } = internals.body;
const { checkSubrequest, currentInvocation, startOp, kTakeBytes } = internals.kernel;

/** Operations of native.cacheAsk(). */
const kMatch = 1, kPut = 2, kDelete = 3;
const kNameLengthMax = 1024;

/** Asks the host: a promise of {status, flat, content, length}, or of undefined. */
function ask(operation, name, request, status, flat, content, length) {
  const invocation = currentInvocation();
  const bytes = typeof content === "string" ? content.length :
    typeof content === "object" ? TypedArrayPrototypeGetByteLength(content) : 0;
  checkSubrequest(invocation, bytes);
  const op = startOp(invocation, bytes);
  op.makeValue = makeAnswer;
  native.cacheAsk(op.id, invocation.slot, operation, name, urlOf(request),
    listFlat(copyList(listFor(request))), status, flat, content, length);
  return op.promise;
}

function makeAnswer(hasBytes, status, flat, bodyId, length) {
  if (status === undefined) return undefined;
  return { status, flat, content: hasBytes ? native.takeBytes(kTakeBytes) : bodyId, length };
}

function toRequest(value, prefix) {
  const state = isRequest(value) ? requestStateOf(value) : makeState(value, undefined, prefix);
  if (!native.urlIsHttp(urlOf(state))) {
    throw new TypeError(`${prefix}: only http: and https: URLs can be cached.`);
  }
  return state;
}

const kCreate = Symbol("create");

class Cache {
  #name;

  constructor(token, name) {
    if (token !== kCreate) throw illegalConstructor();
    this.#name = name;
  }

  /** Promise<Response or undefined> match(RequestInfo request, optional CacheQueryOptions) */
  async match(request, options = undefined) {
    const name = this.#name;
    const prefix = "Failed to execute 'match' on 'Cache'";
    requiredArguments(arguments.length, 1, prefix);
    const state = toRequest(request, prefix);
    if (methodOf(state) !== "GET" && !ignoresMethod(options, prefix)) return undefined;
    const answer = await ask(kMatch, name, state, undefined, null, undefined, undefined);
    if (answer === undefined) return undefined;
    return responseOfFetch(currentInvocation(), answer, "", false, true, true, null);
  }

  /** Promise<undefined> put(RequestInfo request, Response response) */
  async put(request, response) {
    const name = this.#name;
    const prefix = "Failed to execute 'put' on 'Cache'";
    requiredArguments(arguments.length, 2, prefix);
    const state = toRequest(request, prefix);
    if (!isResponse(response)) throw new TypeError(`${prefix}: argument 2 is not a Response.`);
    if (methodOf(state) !== "GET") throw new TypeError("Cannot cache response to non-GET request.");
    const { body, status } = stateOf(response);
    checkStorable(status, headersOf(response));
    const invocation = currentInvocation();
    if (status === 304) return;
    // The list is copied: what the codings need is not for the script to see.
    let list = copyList(headersOf(response));
    let content, length;
    if (body !== null) {
      const { plan, length: known, list: sent } = planForStored(stateOf(response), list);
      list = sent;
      content = outgoing(invocation, body, plan);
      if (typeof content === "number") length = known;
    }
    listDelete(list, "cf-cache-status");
    await ask(kPut, name, state, status, listFlat(list), content, length);
  }

  /** Promise<boolean> delete(RequestInfo request, optional CacheQueryOptions) */
  async delete(request, options = undefined) {
    const name = this.#name;
    const prefix = "Failed to execute 'delete' on 'Cache'";
    requiredArguments(arguments.length, 1, prefix);
    const state = toRequest(request, prefix);
    if (methodOf(state) !== "GET" && !ignoresMethod(options, prefix)) return false;
    return (await ask(kDelete, name, state, undefined, null, undefined, undefined)) !== undefined;
  }
}
configureInterface(Cache);

function ignoresMethod(options, prefix) {
  if (options === undefined || options === null) return false;
  if (!isObject(options)) throw new TypeError(`${prefix}: argument 2 is not an object.`);
  return !!options.ignoreMethod;
}

const star = /(?:^|,)\s*\*\s*(?:,|$)/;

function checkStorable(status, list) {
  if (status === 206) {
    throw new TypeError("Cannot cache response to a range request (206 Partial Content).");
  }
  const vary = listGet(list, "vary");
  if (vary !== null && RegExpPrototypeExec(star, vary) !== null) {
    throw new TypeError("Cannot cache response with 'Vary: *' header.");
  }
}

class CacheStorage {
  #default;

  constructor(token) {
    if (token !== kCreate) throw illegalConstructor();
    this.#default = new Cache(kCreate, "");
  }

  /** Workers' own: the cache of every request. */
  get default() {
    return this.#default;
  }

  /** Promise<Cache> open(DOMString cacheName) */
  async open(cacheName) {
    this.#default;
    const prefix = "Failed to execute 'open' on 'CacheStorage'";
    requiredArguments(arguments.length, 1, prefix);
    const name = converters.USVString(cacheName, prefix, "argument 1");
    if (name.length > kNameLengthMax) {
      throw new TypeError(`Cache name is too long: ${kNameLengthMax} characters at the most.`);
    }
    return new Cache(kCreate, `named:${name}`);
  }
}
configureInterface(CacheStorage);

internals.defineGlobal("Cache", Cache);
internals.defineGlobal("CacheStorage", CacheStorage);
internals.defineGlobal("caches", new CacheStorage(kCreate));
