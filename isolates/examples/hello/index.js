// The sample that tools/quickstart deploys: a greeting, and a counter that survives in KV.
//
//   atoll deploy isolates/examples/hello && curl http://hello.localhost:8080/visits

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === "/") return new Response("Hello from Atoll\n");
    if (pathname === "/visits") {
      const visits = Number(await env.VISITS.get("count")) + 1;
      await env.VISITS.put("count", String(visits));
      return Response.json({ visits });
    }
    return new Response("There is / and /visits.\n", { status: 404 });
  },
};
