// Fetch and the cache. https://fetch.spec.whatwg.org/

type HeadersInit = Headers | Record<string, string> | Iterable<readonly string[]>;
interface Headers {
  append(name: string, value: string): void;
  delete(name: string): void;
  get(name: string): string | null;
  /** Only of "Set-Cookie"; getSetCookie() is the standard's form. */
  getAll(name: string): string[];
  getSetCookie(): string[];
  has(name: string): boolean;
  set(name: string, value: string): void;
  entries(): IterableIterator<[string, string]>;
  keys(): IterableIterator<string>;
  values(): IterableIterator<string>;
  forEach(callback: (value: string, key: string, parent: Headers) => void,
    thisArgument?: any): void;
  [Symbol.iterator](): IterableIterator<[string, string]>;
}
declare var Headers: {
  prototype: Headers;
  new (init?: HeadersInit): Headers;
};

type BodyInit =
  | ReadableStream
  | string
  | ArrayBuffer
  | ArrayBufferView
  | Blob
  | URLSearchParams
  | FormData
  | Iterable<ArrayBuffer | ArrayBufferView>
  | AsyncIterable<ArrayBuffer | ArrayBufferView>;

interface Body {
  readonly body: ReadableStream<Uint8Array<ArrayBuffer>> | null;
  readonly bodyUsed: boolean;
  arrayBuffer(): Promise<ArrayBuffer>;
  blob(): Promise<Blob>;
  bytes(): Promise<Uint8Array<ArrayBuffer>>;
  formData(): Promise<FormData>;
  json<T = any>(): Promise<T>;
  text(): Promise<string>;
}

type RequestInfo<CfHostMetadata = unknown, Cf = CfProperties<CfHostMetadata>> =
  | Request<CfHostMetadata, Cf>
  | string;
type RequestRedirect = "follow" | "manual" | "error";
type RequestCache =
  "default" | "force-cache" | "no-cache" | "no-store" | "only-if-cached" | "reload";
type RequestCredentials = "include" | "omit" | "same-origin";
type RequestMode = "cors" | "no-cors" | "same-origin";
type RequestPriority = "auto" | "high" | "low";
type ReferrerPolicy = "" | "no-referrer" | "no-referrer-when-downgrade" | "origin" |
  "origin-when-cross-origin" | "same-origin" | "strict-origin" |
  "strict-origin-when-cross-origin" | "unsafe-url";

/** What the node knows of how a request came in. */
interface IncomingRequestCfProperties<HostMetadata = unknown> {
  /** The client's Accept-Encoding, whole. */
  clientAcceptEncoding?: string;
  /** "HTTP/1.1", "HTTP/2". */
  httpProtocol: string;
  /** "TLSv1.3"; absent without TLS. */
  tlsVersion?: string;
  tlsCipher?: string;
  hostMetadata?: HostMetadata;
  [property: string]: unknown;
}
/** Accepted, and of no effect: there is nothing between a node and the origin. */
interface RequestInitCfProperties {
  [property: string]: unknown;
}
type CfProperties<HostMetadata = unknown> =
  | IncomingRequestCfProperties<HostMetadata>
  | RequestInitCfProperties;

interface RequestInit<Cf = CfProperties> {
  method?: string;
  headers?: HeadersInit;
  body?: BodyInit | null;
  redirect?: RequestRedirect;
  signal?: AbortSignal | null;
  cache?: RequestCache;
  credentials?: RequestCredentials;
  /** "sha256-..." and its kind: a body that is another is an error. */
  integrity?: string;
  keepalive?: boolean;
  mode?: RequestMode;
  priority?: RequestPriority;
  referrer?: string;
  referrerPolicy?: ReferrerPolicy;
  window?: null;
  cf?: Cf;
  /** A service binding to ask instead of the network. */
  fetcher?: Fetcher | null;
  duplex?: "half";
  /** "manual" leaves the response's body as it came. */
  encodeResponseBody?: "automatic" | "manual";
}

interface Request<CfHostMetadata = unknown, Cf = CfProperties<CfHostMetadata>> extends Body {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly redirect: RequestRedirect;
  readonly signal: AbortSignal;
  readonly cf?: Cf;
  readonly cache: RequestCache;
  readonly credentials: RequestCredentials;
  readonly destination: "";
  readonly integrity: string;
  readonly isHistoryNavigation: boolean;
  readonly isReloadNavigation: boolean;
  readonly keepalive: boolean;
  readonly mode: RequestMode | "navigate";
  readonly referrer: string;
  readonly referrerPolicy: ReferrerPolicy;
  readonly duplex: "half";
  readonly fetcher: Fetcher | null;
  clone(): Request<CfHostMetadata, Cf>;
}
declare var Request: {
  prototype: Request;
  new <CfHostMetadata = unknown, Cf = CfProperties<CfHostMetadata>>(
    input: RequestInfo<CfHostMetadata, Cf> | URL, init?: RequestInit<Cf> | Request,
  ): Request<CfHostMetadata, Cf>;
};

interface ResponseInit {
  status?: number;
  statusText?: string;
  headers?: HeadersInit;
  cf?: any;
  /** The client's end of a WebSocketPair, with status 101. */
  webSocket?: WebSocket | null;
  /** "manual" says that the body is already as Content-Encoding has it. */
  encodeBody?: "automatic" | "manual";
}
interface Response extends Body {
  readonly type: "default" | "error";
  readonly url: string;
  readonly redirected: boolean;
  readonly status: number;
  readonly ok: boolean;
  readonly statusText: string;
  readonly headers: Headers;
  readonly cf?: any;
  readonly webSocket: WebSocket | null;
  clone(): Response;
}
declare var Response: {
  prototype: Response;
  new (body?: BodyInit | null, init?: ResponseInit | Response): Response;
  error(): Response;
  redirect(url: string | URL, status?: number): Response;
  json(data: unknown, init?: ResponseInit | Response): Response;
};

declare function fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;

/** Another script of the tenant, or an entrypoint; with T, its methods as well. */
type Fetcher<T extends Rpc.EntrypointBranded | undefined = undefined,
  Reserved extends string = never> =
  & (T extends Rpc.EntrypointBranded ? Rpc.Provider<T, Reserved | "fetch" | "connect"> : unknown)
  & { fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response> };

interface CacheQueryOptions {
  ignoreMethod?: boolean;
}
/** In the node's own store. There is no add(), addAll() or keys(). */
interface Cache {
  match(request: RequestInfo | URL, options?: CacheQueryOptions): Promise<Response | undefined>;
  put(request: RequestInfo | URL, response: Response): Promise<void>;
  delete(request: RequestInfo | URL, options?: CacheQueryOptions): Promise<boolean>;
}
declare var Cache: {
  prototype: Cache;
  new (): never;
};
interface CacheStorage {
  readonly default: Cache;
  open(name: string): Promise<Cache>;
}
declare var CacheStorage: {
  prototype: CacheStorage;
  new (): never;
};
declare var caches: CacheStorage;
