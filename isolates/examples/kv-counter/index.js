// Counts the visits of each path in a KV namespace, bound as COUNTS.
//
// Reads are local to the node; a write resolves once it is committed and visible here. Two visits
// at the same instant may count as one: KV has no transactions.

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/favicon.ico") return new Response(null, { status: 404 });

    const key = `visits:${pathname}`;
    const visits = Number(await env.COUNTS.get(key)) + 1;
    await env.COUNTS.put(key, `${visits}`, { metadata: { last: new Date().toISOString() } });
    return new Response(`${pathname} was visited ${visits} time${visits === 1 ? "" : "s"}.\n`);
  },
};
