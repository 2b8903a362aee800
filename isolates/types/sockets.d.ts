// WebSockets, server-sent events and TCP.

interface WebSocketEventMap {
  open: Event;
  message: MessageEvent;
  close: CloseEvent;
  error: ErrorEvent;
  [type: string]: Event;
}
interface WebSocketAcceptOptions {
  /** The other side's Close is not answered by itself. */
  allowHalfOpen?: boolean;
}
interface WebSocket extends EventTarget<WebSocketEventMap> {
  readonly url: string | null;
  readonly readyState: 0 | 1 | 2 | 3;
  readonly protocol: string | null;
  readonly extensions: string | null;
  readonly bufferedAmount: number;
  binaryType: "blob" | "arraybuffer";
  onopen: ((this: WebSocket, event: Event) => any) | null;
  onmessage: ((this: WebSocket, event: MessageEvent) => any) | null;
  onclose: ((this: WebSocket, event: CloseEvent) => any) | null;
  onerror: ((this: WebSocket, event: ErrorEvent) => any) | null;
  /** Makes this end the script's own, so that messages arrive. */
  accept(options?: WebSocketAcceptOptions): void;
  send(message: string | ArrayBuffer | ArrayBufferView | Blob): void;
  close(code?: number, reason?: string): void;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
}
declare var WebSocket: {
  prototype: WebSocket;
  new (url: string | URL, protocols?: string | string[]): WebSocket;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;
  readonly READY_STATE_CONNECTING: 0;
  readonly READY_STATE_OPEN: 1;
  readonly READY_STATE_CLOSING: 2;
  readonly READY_STATE_CLOSED: 3;
};

interface WebSocketPair {
  0: WebSocket;
  1: WebSocket;
}
declare var WebSocketPair: {
  prototype: WebSocketPair;
  new (): WebSocketPair;
};

interface EventSourceEventMap {
  open: Event;
  message: MessageEvent;
  error: Event;
  [type: string]: Event;
}
interface EventSourceInit {
  withCredentials?: boolean;
  fetcher?: Fetcher;
}
interface EventSource extends EventTarget<EventSourceEventMap> {
  readonly url: string | null;
  readonly withCredentials: boolean;
  readonly readyState: 0 | 1 | 2;
  onopen: ((this: EventSource, event: Event) => any) | null;
  onmessage: ((this: EventSource, event: MessageEvent) => any) | null;
  onerror: ((this: EventSource, event: Event) => any) | null;
  close(): void;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
}
declare var EventSource: {
  prototype: EventSource;
  new (url: string | URL, init?: EventSourceInit): EventSource;
  /** Events from a stream that is already there. */
  from(stream: ReadableStream): EventSource;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSED: 2;
};

interface SocketAddress {
  hostname: string;
  port: number;
}
interface SocketOptions {
  /** "starttls" is not available. */
  secureTransport?: "off" | "on";
  allowHalfOpen?: boolean;
}
interface SocketInfo {
  remoteAddress?: string;
  localAddress?: string;
}
/** Made by connect() of "cloudflare:sockets". */
interface Socket {
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly writable: WritableStream<ArrayBuffer | ArrayBufferView | string>;
  readonly opened: Promise<SocketInfo>;
  readonly closed: Promise<void>;
  readonly upgraded: boolean;
  readonly secureTransport: "off" | "on";
  close(): Promise<void>;
  /** Not available: throws. @deprecated */
  startTls(): never;
}
