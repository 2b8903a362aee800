// Calls between scripts: what of a class can be called from another, and how it looks from there.
// https://developers.cloudflare.com/workers/runtime-apis/rpc/

declare namespace Rpc {
  interface RpcTargetBranded {
    __RPC_TARGET_BRAND: never;
  }
  interface WorkerEntrypointBranded {
    __WORKER_ENTRYPOINT_BRAND: never;
  }
  type EntrypointBranded = WorkerEntrypointBranded;

  /** What is passed by reference. */
  type Stubable = RpcTargetBranded | ((...args: any[]) => any);

  interface StubBase<T extends Stubable> extends Disposable {
    __RPC_STUB_BRAND: T;
    dup(): this;
  }
  type Stub<T extends Stubable> = Provider<T> & StubBase<T>;

  /** What is passed by copy as it is. */
  type BaseType = void | undefined | null | boolean | number | bigint | string | Date | Error |
    RegExp | ArrayBuffer | ArrayBufferView | ReadableStream<Uint8Array> |
    WritableStream<any> | Request | Response | Headers;

  /** What a result looks like to who called: classes and functions are stubs. */
  type Stubify<T> =
    T extends Stubable ? Stub<T>
    : T extends BaseType ? T
    : T extends Map<infer K, infer V> ? Map<Stubify<K>, Stubify<V>>
    : T extends Set<infer V> ? Set<Stubify<V>>
    : T extends readonly (infer V)[] ? Stubify<V>[]
    : T extends object ? { [K in keyof T]: Stubify<T[K]> }
    : T;
  /** What an argument may be: the thing itself, or a stub of it. */
  type Unstubify<T> =
    T extends StubBase<infer V> ? T | V
    : T extends Stubable ? T | Stub<T>
    : T extends BaseType ? T
    : T extends readonly (infer V)[] ? Unstubify<V>[]
    : T extends object ? { [K in keyof T]: Unstubify<T[K]> }
    : T;
  type UnstubifyAll<A extends any[]> = { [I in keyof A]: Unstubify<A[I]> };

  type MaybeProvider<T> = T extends object ? Provider<T> : unknown;
  type MaybeDisposable<T> = T extends object ? Disposable : unknown;
  /** A result: awaited for its value, or called on right away. */
  type Result<R> = R extends Stubable ? Promise<Stub<R>> & Provider<R> & Disposable
    : R extends BaseType ? Promise<R>
    : Promise<Stubify<R> & MaybeDisposable<R>> & MaybeProvider<R> & Disposable;

  type MethodOrProperty<V> = V extends (...args: infer P) => infer R
    ? (...args: UnstubifyAll<P>) => Result<Awaited<R>>
    : Result<Awaited<V>>;
  type MaybeCallable<T> = T extends (...args: any[]) => any ? MethodOrProperty<T> : unknown;
  type Provider<T extends object, Reserved extends string = never> = MaybeCallable<T> & {
    [K in Exclude<keyof T, Reserved | symbol | `__${string}` | "dup" | "env" | "ctx">]: MethodOrProperty<T[K]>;
  };
}

/** A service binding to a script's entrypoint: Service<typeof import("./other").Name>. */
type Service<T extends (new (...args: any[]) => Rpc.EntrypointBranded)
  | Rpc.EntrypointBranded | ExportedHandler<any, any, any, any> | undefined = undefined> =
  T extends new (...args: any[]) => infer Instance
    ? Instance extends Rpc.EntrypointBranded ? Fetcher<Instance> : Fetcher
    : T extends Rpc.EntrypointBranded ? Fetcher<T>
    : Fetcher;
