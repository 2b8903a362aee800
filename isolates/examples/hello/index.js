// The smallest useful function: a greeting, and a counter in the key-value store.
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/') {
      return new Response(`${env.GREETING}\n`);
    }
    if (pathname === '/visits') {
      const visits = Number((await env.VISITS.get('count')) ?? 0) + 1;
      await env.VISITS.put('count', String(visits));
      return Response.json({ visits });
    }
    return new Response('Not here. Try / or /visits.\n', { status: 404 });
  },
};
