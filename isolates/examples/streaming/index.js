// Streams a response: a line every 200 ms, written while the client reads. A client that goes away
// stops the loop, for the stream's cancel() is called.
//
//   curl -N http://streaming.localhost:8080/?lines=10

export default {
  fetch(request) {
    const asked = Number(new URL(request.url).searchParams.get("lines") ?? 5);
    const lines = Math.min(Math.max(asked, 1), 100);
    const encoder = new TextEncoder();
    let open = true;

    const stream = new ReadableStream({
      async start(controller) {
        for (let i = 1; open && i <= lines; i++) {
          controller.enqueue(encoder.encode(`line ${i} of ${lines}\n`));
          await scheduler.wait(200);
        }
        if (open) controller.close();
      },
      cancel() {
        open = false;
      },
    });
    return new Response(stream, { headers: { "content-type": "text/plain; charset=utf-8" } });
  },
};
