// An origin server for outbound fetch, speaking HTTP/1.1 and HTTP/2, in the clear and over TLS.
// Usage: node origin.mjs CERTIFICATE KEY. Prints one line of JSON with its ports.
import { readFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';

const [certificate, key] = process.argv.slice(2);
const tls = { cert: readFileSync(certificate), key: readFileSync(key) };

function onRequest(request, response) {
  const { pathname } = new URL(request.url, 'http://origin');
  if (pathname === '/redirect') {
    response.writeHead(302, { location: '/info' });
    return response.end();
  }
  if (pathname === '/loop') {
    response.writeHead(302, { location: '/loop' });
    return response.end();
  }
  if (pathname === '/large') {
    response.writeHead(200);
    let left = 320;
    const more = () => {
      while (left-- > 0) {
        if (!response.write(Buffer.alloc(65536, left & 0xff))) return response.once('drain', more);
      }
      response.end();
    };
    return more();
  }
  if (pathname === '/cut') {
    response.writeHead(200, { 'content-length': '100' });
    response.write('half');
    return setTimeout(() => response.destroy?.() ?? response.stream.destroy(), 50);
  }
  if (pathname === '/never') return;
  if (pathname === '/cookies') {
    response.setHeader('set-cookie', ['a=1', 'b=2']);
    return response.end();
  }
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({
      version: request.httpVersion,
      method: request.method,
      path: request.url,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    }));
  });
}

const servers = {
  http: http.createServer(onRequest),
  https: https.createServer(tls, onRequest),
  h2: http2.createSecureServer({ ...tls, allowHTTP1: false }, onRequest),
};
const ports = {};
for (const [name, server] of Object.entries(servers)) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  ports[name] = server.address().port;
}
console.log(JSON.stringify(ports));
