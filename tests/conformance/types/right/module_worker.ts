// A module worker as tutorials have it: bindings, routing, JSON, KV, forms, the cache.

interface Env {
  KV: KVNamespace;
  GREETING: string;
  OTHER: Fetcher;
}
interface Visit {
  count: number;
  last: string;
}

const pattern = new URLPattern({ pathname: '/users/:id' });

async function visits(env: Env): Promise<Visit> {
  const visit = (await env.KV.get<Visit>('visits', 'json')) ?? { count: 0, last: '' };
  visit.count++;
  visit.last = new Date().toISOString();
  await env.KV.put('visits', JSON.stringify(visit), { expirationTtl: 3600, metadata: { by: 'me' } });
  const { value, metadata } = await env.KV.getWithMetadata<{ by: string }>('visits');
  console.log(value?.length, metadata?.by);
  const many: Map<string, string | null> = await env.KV.get(['a', 'b']);
  console.log(many.size);
  let cursor: string | undefined;
  do {
    const page = await env.KV.list<{ by: string }>({ prefix: 'v', limit: 10, cursor });
    for (const key of page.keys) console.log(key.name, key.expiration, key.metadata?.by);
    cursor = page.list_complete ? undefined : page.cursor;
  } while (cursor);
  return visit;
}

async function cached(request: Request, ctx: ExecutionContext): Promise<Response> {
  const found = await caches.default.match(request);
  if (found) return found;
  const named = await caches.open('pages');
  const response = new Response('fresh', { headers: { 'cache-control': 'max-age=60' } });
  ctx.waitUntil(named.put(request, response.clone()));
  return response;
}

export default {
  async fetch(request, env, ctx): Promise<Response> {
    const url = new URL(request.url);
    const match = pattern.exec(request.url);
    if (match) return Response.json({ id: match.pathname.groups.id });
    console.log(request.cf?.httpProtocol, request.headers.get('user-agent') ?? 'nobody');
    switch (url.pathname) {
      case '/visits':
        return Response.json(await visits(env));
      case '/cached':
        return cached(request, ctx);
      case '/form': {
        const form = await request.formData();
        const file = form.get('file');
        const size = file instanceof File ? file.size : file?.length;
        return new Response(String(size), { status: 201, headers: [['x-size', String(size)]] });
      }
      case '/other':
        return env.OTHER.fetch(new Request(request, { headers: { 'x-from': 'here' } }));
      case '/slow': {
        const timer = setTimeout((text: string) => console.log(text), 10, 'late');
        clearTimeout(timer);
        await scheduler.wait(10, { signal: request.signal });
        return fetch('https://example.com/', {
          method: 'POST', body: new URLSearchParams({ a: '1' }), redirect: 'manual',
          signal: AbortSignal.any([request.signal, AbortSignal.timeout(1000)]),
          cf: { cacheTtl: 5 },
        });
      }
      default:
        return new Response(`${env.GREETING}\n`);
    }
  },
  async scheduled(controller, env, ctx) {
    ctx.waitUntil(env.KV.put('ran', controller.cron));
  },
} satisfies ExportedHandler<Env>;
