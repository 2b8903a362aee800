// One web worker for each tenant; the main thread takes the requests and hands them over.
const [port, folder] = Deno.args;
const tenants = new Map();
let last = 0;

function tenant(name) {
  let found = tenants.get(name);
  if (found) return found;
  const worker = new Worker(new URL('./deno_tenant.js', import.meta.url), { type: 'module' });
  found = { worker, waiting: new Map() };
  worker.onmessage = ({ data: { id, status, text } }) => {
    found.waiting.get(id)(new Response(text, { status }));
    found.waiting.delete(id);
  };
  worker.onerror = (event) => {
    event.preventDefault();
    tenants.delete(name);
    for (const answer of found.waiting.values()) answer(new Response('lost', { status: 503 }));
  };
  worker.postMessage({ module: `file://${folder}/${name}.js` });
  tenants.set(name, found);
  return found;
}

Deno.serve({ hostname: '127.0.0.1', port: Number(port), onListen() {} }, (request) => {
  const { worker, waiting } = tenant(request.headers.get('host').split('.')[0]);
  const id = ++last;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    worker.postMessage({ id, url: request.url });
  });
});
