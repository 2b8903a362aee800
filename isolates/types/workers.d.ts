// The programming model: handlers, contexts, and the names by which existing code knows them.

declare namespace Cloudflare {
  /** The bindings of the script: declare yours here, and `env` of "cloudflare:workers" has them. */
  interface Env {}
  /** For ctx.exports: interface GlobalProps { mainModule: typeof import("./index") } */
  interface GlobalProps {}
  type GlobalProp<K extends string, Default> =
    K extends keyof GlobalProps ? GlobalProps[K] : Default;
  type MainModule = GlobalProp<"mainModule", {}>;
  type Exports = {
    [K in keyof MainModule]: MainModule[K] extends new (...args: any[]) => infer T
      ? T extends Rpc.EntrypointBranded
        ? Fetcher<T> & ((options: { props?: any }) => Fetcher<T>)
        : never
      : Fetcher & ((options: { props?: any }) => Fetcher);
  };
}

interface ExecutionContext<Props = unknown> {
  /** Keeps the invocation open until the promise settles. */
  waitUntil(promise: Promise<any>): void;
  /** Accepted: there is no origin behind the node to pass on to. */
  passThroughOnException(): void;
  readonly props: Props;
  readonly exports: Cloudflare.Exports;
}
declare var ExecutionContext: {
  prototype: ExecutionContext;
  new (): never;
};

interface ScheduledController {
  readonly scheduledTime: number;
  readonly cron: string;
  noRetry(): void;
}
interface Message<Body = unknown> {
  readonly id: string;
  readonly timestamp: Date;
  readonly body: Body;
  readonly attempts: number;
  ack(): void;
  retry(options?: { delaySeconds?: number }): void;
}
interface MessageBatch<Body = unknown> {
  readonly queue: string;
  readonly messages: readonly Message<Body>[];
  ackAll(): void;
  retryAll(options?: { delaySeconds?: number }): void;
}

type ExportedHandlerFetchHandler<Env = unknown, CfHostMetadata = unknown, Props = any> = (
  request: Request<CfHostMetadata, IncomingRequestCfProperties<CfHostMetadata>>, env: Env,
  ctx: ExecutionContext<Props>) => Response | Promise<Response>;
type ExportedHandlerScheduledHandler<Env = unknown, Props = any> = (
  controller: ScheduledController, env: Env, ctx: ExecutionContext<Props>) => void | Promise<void>;
type ExportedHandlerQueueHandler<Env = unknown, Body = unknown, Props = any> = (
  batch: MessageBatch<Body>, env: Env, ctx: ExecutionContext<Props>) => void | Promise<void>;

/** `export default { ... } satisfies ExportedHandler<Env>` */
interface ExportedHandler<Env = unknown, QueueMessage = unknown, CfHostMetadata = unknown,
  Props = any> {
  fetch?: ExportedHandlerFetchHandler<Env, CfHostMetadata, Props>;
  /** GET /cdn-cgi/handler/scheduled from the node's own machine calls it. */
  scheduled?: ExportedHandlerScheduledHandler<Env, Props>;
  /** May be exported; nothing calls it yet. */
  queue?: ExportedHandlerQueueHandler<Env, QueueMessage, Props>;
}

/** Of scripts in the older form: addEventListener("fetch", (event) => event.respondWith(...)). */
interface ExtendableEvent extends Event {
  waitUntil(promise: Promise<any>): void;
}
interface ScheduledEvent extends ExtendableEvent {
  readonly scheduledTime: number;
  readonly cron: string;
  noRetry(): void;
}
interface FetchEvent extends ExtendableEvent {
  readonly request: Request;
  respondWith(response: Response | Promise<Response>): void;
  passThroughOnException(): void;
}
