// KV namespaces, as values of env. https://developers.cloudflare.com/kv/api/

type KVNamespaceGetType = "text" | "json" | "arrayBuffer" | "stream";
interface KVNamespaceGetOptions<Type extends KVNamespaceGetType | undefined> {
  type: Type;
  /** Seconds, 30 at least; reads are local, so it changes nothing. */
  cacheTtl?: number;
}
interface KVNamespacePutOptions {
  /** Seconds since 1970. */
  expiration?: number;
  /** Seconds from now, 60 at least. */
  expirationTtl?: number;
  /** At most 1024 bytes of JSON. */
  metadata?: any | null;
}
interface KVNamespaceListOptions {
  limit?: number;
  prefix?: string | null;
  cursor?: string | null;
}
interface KVNamespaceListKey<Metadata, Key extends string = string> {
  name: Key;
  expiration?: number;
  metadata?: Metadata;
}
type KVNamespaceListResult<Metadata, Key extends string = string> =
  | { list_complete: false; keys: KVNamespaceListKey<Metadata, Key>[]; cursor: string;
    cacheStatus: string | null }
  | { list_complete: true; keys: KVNamespaceListKey<Metadata, Key>[];
    cacheStatus: string | null };
interface KVNamespaceGetWithMetadataResult<Value, Metadata> {
  value: Value | null;
  metadata: Metadata | null;
  cacheStatus: string | null;
}

interface KVNamespace<Key extends string = string> {
  get(key: Key, options?: Partial<KVNamespaceGetOptions<undefined>>): Promise<string | null>;
  get(key: Key, type: "text"): Promise<string | null>;
  get<Value = unknown>(key: Key, type: "json"): Promise<Value | null>;
  get(key: Key, type: "arrayBuffer"): Promise<ArrayBuffer | null>;
  get(key: Key, type: "stream"): Promise<ReadableStream | null>;
  get(key: Key, options: KVNamespaceGetOptions<"text">): Promise<string | null>;
  get<Value = unknown>(key: Key, options: KVNamespaceGetOptions<"json">): Promise<Value | null>;
  get(key: Key, options: KVNamespaceGetOptions<"arrayBuffer">): Promise<ArrayBuffer | null>;
  get(key: Key, options: KVNamespaceGetOptions<"stream">): Promise<ReadableStream | null>;
  get(keys: Key[], type?: "text" | Partial<KVNamespaceGetOptions<"text" | undefined>>):
    Promise<Map<string, string | null>>;
  get<Value = unknown>(keys: Key[], type: "json" | KVNamespaceGetOptions<"json">):
    Promise<Map<string, Value | null>>;

  getWithMetadata<Metadata = unknown>(key: Key,
    options?: "text" | Partial<KVNamespaceGetOptions<"text" | undefined>>):
    Promise<KVNamespaceGetWithMetadataResult<string, Metadata>>;
  getWithMetadata<Value = unknown, Metadata = unknown>(key: Key,
    options: "json" | KVNamespaceGetOptions<"json">):
    Promise<KVNamespaceGetWithMetadataResult<Value, Metadata>>;
  getWithMetadata<Metadata = unknown>(key: Key,
    options: "arrayBuffer" | KVNamespaceGetOptions<"arrayBuffer">):
    Promise<KVNamespaceGetWithMetadataResult<ArrayBuffer, Metadata>>;
  getWithMetadata<Metadata = unknown>(key: Key,
    options: "stream" | KVNamespaceGetOptions<"stream">):
    Promise<KVNamespaceGetWithMetadataResult<ReadableStream, Metadata>>;
  getWithMetadata<Metadata = unknown>(keys: Key[],
    options?: "text" | Partial<KVNamespaceGetOptions<"text" | undefined>>):
    Promise<Map<string, KVNamespaceGetWithMetadataResult<string, Metadata>>>;
  getWithMetadata<Value = unknown, Metadata = unknown>(keys: Key[],
    options: "json" | KVNamespaceGetOptions<"json">):
    Promise<Map<string, KVNamespaceGetWithMetadataResult<Value, Metadata>>>;

  /** Resolves when the value is committed, and visible on this node. */
  put(key: Key, value: string | ArrayBuffer | ArrayBufferView | ReadableStream,
    options?: KVNamespacePutOptions): Promise<void>;
  list<Metadata = unknown>(options?: KVNamespaceListOptions):
    Promise<KVNamespaceListResult<Metadata, Key>>;
  /** One key, or at most 100 in one commit. */
  delete(keys: Key | Key[]): Promise<void>;
}
