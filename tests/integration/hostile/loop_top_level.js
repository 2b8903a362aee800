// ends: refused
for (;;) {}
export default { fetch: () => new Response('x') };
