// WebSockets on both sides, TCP, server-sent events, and a page rewritten on its way.
import { connect } from 'cloudflare:sockets';

class Links implements HTMLRewriterElementContentHandlers {
  count = 0;

  async element(element: Element) {
    this.count++;
    const href = element.getAttribute('href');
    if (href) element.setAttribute('href', href.replace('http:', 'https:'));
    for (const [name, value] of element.attributes) console.log(name, value);
    element.onEndTag((tag) => { tag.after('<!-- link -->', { html: true }); });
  }
  text(chunk: Text) {
    if (!chunk.lastInTextNode) chunk.replace(chunk.text.trim());
  }
}

function echo(): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  const [, again] = Object.values(new WebSocketPair()) as [WebSocket, WebSocket];
  again.accept();
  server.accept();
  server.binaryType = 'arraybuffer';
  server.addEventListener('message', ({ data }) => server.send(data as string | ArrayBuffer));
  server.addEventListener('close', (event) => console.log(event.code, event.reason));
  return new Response(null, { status: 101, webSocket: client });
}

async function ask(): Promise<string> {
  const socket = connect({ hostname: 'example.com', port: 443 }, { secureTransport: 'on' });
  const writer = socket.writable.getWriter();
  await writer.write('GET / HTTP/1.0\r\n\r\n');
  const text = await new Response(socket.readable).text();
  await socket.close();
  return text;
}

addEventListener('unhandledrejection', (event) => console.error(event.reason));

export default {
  async fetch(request: Request): Promise<Response> {
    if (request.headers.get('upgrade') === 'websocket') return echo();
    const source = new EventSource('https://example.com/events');
    source.onmessage = (event) => console.log(event.data, event.lastEventId);
    const upstream = await fetch('https://example.com', { headers: { Upgrade: 'websocket' } });
    upstream.webSocket?.accept();
    console.log(await ask(), WebSocket.OPEN, source.readyState === EventSource.CLOSED);
    return new HTMLRewriter()
      .on('a[href]', new Links())
      .on('p', { comments(comment) { comment.remove(); } })
      .onDocument({ doctype: (type) => console.log(type.name), end: (end) => { end.append('!'); } })
      .transform(new Response('<a href="http://x/">x</a>'));
  },
} satisfies ExportedHandler;
