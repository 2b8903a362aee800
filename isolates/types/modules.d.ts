// Modules that can be imported, and files that become modules.

declare module "cloudflare:workers" {
  /** The base of a class that handles requests and calls: an instance for each. */
  export abstract class WorkerEntrypoint<Env = Cloudflare.Env, Props = any>
    implements Rpc.WorkerEntrypointBranded {
    __WORKER_ENTRYPOINT_BRAND: never;
    constructor(ctx: ExecutionContext<Props>, env: Env);
    protected ctx: ExecutionContext<Props>;
    protected env: Env;
    fetch?(request: Request): Response | Promise<Response>;
  }
  /** The base of a class whose objects other scripts get references to. */
  export abstract class RpcTarget implements Rpc.RpcTargetBranded {
    __RPC_TARGET_BRAND: never;
  }
  export type RpcStub<T extends Rpc.Stubable> = Rpc.Stub<T>;
  export const RpcStub: {
    new <T extends Rpc.Stubable>(value: T): Rpc.Stub<T>;
  };
  export const RpcPromise: { new (): never };
  export const RpcProperty: { new (): never };
  export const ServiceStub: { new (): never };
  /** Not on this platform: can be extended, throws when made. @deprecated */
  export const DurableObject: { new (...args: any[]): never };
  /** Not on this platform: can be extended, throws when made. @deprecated */
  export const WorkflowEntrypoint: { new (...args: any[]): never };

  export const env: Cloudflare.Env;
  export const exports: Cloudflare.Exports;
  export function waitUntil(promise: Promise<unknown>): void;
  export function withEnv<T>(env: object, callback: () => T): T;
  export function withExports<T>(exports: object, callback: () => T): T;
  export function withEnvAndExports<T>(env: object, exports: object, callback: () => T): T;
}

declare module "cloudflare:sockets" {
  export function connect(address: string | SocketAddress, options?: SocketOptions): Socket;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}
declare module "*.txt" {
  const text: string;
  export default text;
}
declare module "*.html" {
  const text: string;
  export default text;
}
declare module "*.sql" {
  const text: string;
  export default text;
}
declare module "*.bin" {
  const data: ArrayBuffer;
  export default data;
}
