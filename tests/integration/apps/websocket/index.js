// An echo and a chat as Hono's own documentation has them; Hono comes from npm, unmodified.
import { Hono } from 'hono';
import { upgradeWebSocket } from 'hono/cloudflare-workers';

const app = new Hono();

app.get('/', (c) => c.text('a page beside the sockets'));
app.get('/echo', upgradeWebSocket(() => ({
  onMessage(event, ws) {
    ws.send(event.data);
  },
})));
app.get('/shout', upgradeWebSocket((c) => ({
  onMessage(event, ws) {
    ws.send(`${c.req.query('name')}: ${event.data.toUpperCase()}!`);
    ws.close(4000, 'said');
  },
})));

export default app;
