// Takes JSON, gives JSON back, and says what is wrong with everything else.
//
//   curl -d '{"name":"Ada"}' http://json-echo.localhost:8080/

export default {
  async fetch(request) {
    if (request.method !== "POST") {
      return new Response("Send JSON with POST.\n", { status: 405, headers: { allow: "POST" } });
    }
    try {
      return Response.json({ received: await request.json() });
    } catch (error) {
      return Response.json({ error: error.message }, { status: 400 });
    }
  },
};
