// node:http as its users write it; the second port speaks HTTP/2 in the clear.
import http from 'node:http';
import http2 from 'node:http2';
import { PassThrough } from 'node:stream';
import { HELLO, LONG, PAGE, WORK, hex } from './payload.js';
import { ROW } from './row.js';

const entries = new Map();

async function read(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const handlers = {
  hello(request, response) {
    response.setHeader('content-type', 'text/plain;charset=UTF-8');
    response.end(HELLO);
  },
  async echo(request, response) {
    const text = JSON.stringify(JSON.parse(await read(request)));
    response.setHeader('content-type', 'application/json');
    response.end(text);
  },
  page(request, response) {
    response.setHeader('content-type', 'text/html');
    response.end(PAGE);
  },
  stream(request, response) {
    request.pipe(response);
  },
  async sha256(request, response) {
    response.end(hex(await crypto.subtle.digest('SHA-256', await read(request))));
  },
  url: (request, response) => response.end(WORK.url()),
  clone: (request, response) => response.end(WORK.clone()),
  decode: (request, response) => response.end(WORK.decode()),
  gzip: async (request, response) => response.end(await WORK.gzip()),
  passthrough(request, response) {
    request.pipe(new PassThrough()).pipe(response);
  },
  rewrite(request, response) {  // Node has no HTMLRewriter.
    response.statusCode = 501;
    response.end();
  },
  json(request, response) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(LONG));
  },
  async kv(request, response) {
    if (request.method === 'PUT') {
      entries.set('key', (await read(request)).toString());
      response.statusCode = 204;
      return response.end();
    }
    response.end(entries.get('key'));
  },
};

const [port, h2Port] = process.argv.slice(2).map(Number);
http.createServer(handlers[ROW]).listen(port, '127.0.0.1');
http2.createServer(handlers[ROW]).listen(h2Port, '127.0.0.1');
