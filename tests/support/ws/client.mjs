// A WebSocket client for the tests, by npm's ws: node client.mjs MODULES SCENARIO URL [OPTIONS].
// Prints one line of JSON.

import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

const [modules, scenario, url, options = '{}'] = process.argv.slice(2);
const { WebSocket } = createRequire(`${modules}/`)('ws');
const { protocols = [], ...rest } = JSON.parse(options);

const hash = (data) => createHash('sha256').update(data).digest('hex');

function open() {
  // Every name is this machine.
  const lookup = (name, { all }, done) =>
    all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4);
  const socket = new WebSocket(url, protocols, { rejectUnauthorized: false, lookup, ...rest });
  const queue = [], waiting = [];
  const put = (item) => (waiting.length > 0 ? waiting.shift()(item) : queue.push(item));
  socket.on('message', (data, binary) => put({ data, binary }));
  socket.on('close', (code, reason) => put({ code, reason: String(reason) }));
  socket.on('pong', (data) => put({ pong: String(data) }));
  socket.on('unexpected-response', (request, response) => put({ status: response.statusCode }));
  socket.on('error', (error) => put({ error: error.message }));
  socket.next = () => (queue.length > 0 ? Promise.resolve(queue.shift()) :
    new Promise((resolve) => waiting.push(resolve)));
  socket.opened = new Promise((resolve) => {
    socket.once('open', () => resolve(true));
    for (const type of ['error', 'unexpected-response']) socket.once(type, () => resolve(false));
  });
  return socket;
}

const scenarios = {
  /** Every size and kind comes back as it was sent. */
  async echo() {
    const socket = open();
    await socket.opened;
    const messages = ['', 'a', 'grüße €', 'x'.repeat(125), 'x'.repeat(126), 'x'.repeat(65535),
      'compressible '.repeat(80000), randomBytes(0), randomBytes(1), randomBytes(65536),
      randomBytes(1 << 20), 'y'.repeat(1 << 20)];
    let same = 0;
    for (const message of messages) {
      socket.send(message);
      const { data, binary } = await socket.next();
      if (binary === (typeof message !== 'string') && hash(data) === hash(message)) ++same;
    }
    socket.close(3005, 'enough');
    const { code, reason } = await socket.next();
    return { same, of: messages.length, code, reason, extensions: socket.extensions,
      protocol: socket.protocol };
  },

  /** A message in many fragments, with pings in between. */
  async fragments() {
    const socket = open();
    await socket.opened;
    for (let i = 0; i < 100; ++i) {
      socket.send(`part ${i} `.repeat(200), { fin: false });
      if (i % 10 === 0) socket.ping(String(i));
    }
    socket.send('', { fin: true });
    const seen = { pongs: 0 };
    for (;;) {
      const item = await socket.next();
      if (item.pong !== undefined) ++seen.pongs;
      else if (item.data !== undefined) {
        seen.bytes = item.data.length;
        break;
      } else return item;
    }
    socket.close();
    return seen;
  },

  /** Thousands of messages are on their way at once; the order stays. */
  async flood() {
    const socket = open();
    await socket.opened;
    const count = 5000;
    for (let i = 0; i < count; ++i) socket.send(`${i}:${'z'.repeat(i % 500)}`);
    for (let i = 0; i < count; ++i) {
      const { data } = await socket.next();
      if (!data || parseInt(String(data), 10) !== i) return { broken: i, got: String(data) };
    }
    socket.terminate();
    return { count };
  },

  /** Sends a text (or nothing), and tells the first things that come back. */
  async say() {
    const socket = open();
    if (!await socket.opened) return socket.next();
    if (rest.text !== undefined) socket.send(rest.text);
    const heard = [];
    for (let i = 0; i < (rest.count ?? 1); ++i) {
      const item = await socket.next();
      heard.push(item.data === undefined ? item : String(item.data));
    }
    socket.terminate();
    return { heard, protocol: socket.protocol };
  },
};

console.log(JSON.stringify(await scenarios[scenario]()));
process.exit(0);
