// Functions and objects of the global scope.

type BufferSource = ArrayBufferView | ArrayBuffer;
type AllowSharedBufferSource = ArrayBufferView | ArrayBufferLike;
type Transferable = ArrayBuffer | MessagePort;
interface StructuredSerializeOptions {
  transfer?: Transferable[];
}

interface ServiceWorkerGlobalScopeEventMap {
  error: ErrorEvent;
  unhandledrejection: PromiseRejectionEvent;
  rejectionhandled: PromiseRejectionEvent;
  /** Of scripts in the older form, which export no handlers. */
  fetch: FetchEvent;
  scheduled: ScheduledEvent;
  [type: string]: Event;
}
declare function addEventListener<K extends keyof ServiceWorkerGlobalScopeEventMap>(type: K,
  listener: EventListenerOrEventListenerObject<ServiceWorkerGlobalScopeEventMap[K]> | null,
  options?: boolean | AddEventListenerOptions): void;
declare function removeEventListener<K extends keyof ServiceWorkerGlobalScopeEventMap>(type: K,
  listener: EventListenerOrEventListenerObject<ServiceWorkerGlobalScopeEventMap[K]> | null,
  options?: boolean | EventListenerOptions): void;
declare function dispatchEvent(event: Event): boolean;
declare var onerror:
  ((message: any, source?: string, line?: number, column?: number, error?: any) => any) | null;
declare var onunhandledrejection: ((event: PromiseRejectionEvent) => any) | null;
declare var onrejectionhandled: ((event: PromiseRejectionEvent) => any) | null;

declare var self: typeof globalThis;

declare function atob(data: string): string;
declare function btoa(data: string): string;
declare function queueMicrotask(callback: () => void): void;
declare function reportError(error: any): void;
declare function structuredClone<T = any>(value: T, options?: StructuredSerializeOptions): T;

declare function setTimeout<Args extends any[]>(callback: (...args: Args) => void,
  milliseconds?: number, ...args: Args): number;
declare function setInterval<Args extends any[]>(callback: (...args: Args) => void,
  milliseconds?: number, ...args: Args): number;
declare function clearTimeout(id?: number | null): void;
declare function clearInterval(id?: number | null): void;

interface SchedulerWaitOptions {
  signal?: AbortSignal;
}
interface Scheduler {
  wait(milliseconds: number, options?: SchedulerWaitOptions): Promise<void>;
}
declare var scheduler: Scheduler;

interface Navigator {
  readonly userAgent: string;
  readonly language: string;
  readonly hardwareConcurrency: number;
  readonly platform: string;
  sendBeacon(url: string | URL, data?: BodyInit | null): boolean;
}
declare var Navigator: {
  prototype: Navigator;
  new (): never;
};
declare var navigator: Navigator;
/** Always "null". */
declare var origin: string;
