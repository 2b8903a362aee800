// Passes requests on to an origin, named by the variable ORIGIN, and marks what comes back. Neither
// body enters JavaScript: the node streams both straight through.

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const target = new URL(url.pathname + url.search, env.ORIGIN ?? "https://example.com");

    let answer;
    try {
      answer = await fetch(new Request(target, request));
    } catch (error) {
      return new Response(`${target.host} does not answer: ${error.message}\n`, { status: 502 });
    }
    const response = new Response(answer.body, answer);
    response.headers.set("x-served-by", "atoll");
    return response;
  },
};
