// The older form: a listener, and bindings that are globals.
declare const GREETING: string;

addEventListener('fetch', (event) => {
  event.passThroughOnException();
  event.waitUntil(Promise.resolve());
  event.respondWith(handle(event.request));
});

async function handle(request: Request): Promise<Response> {
  return new Response(`${GREETING} ${request.method} ${self.navigator.userAgent} ${btoa('x')}`);
}
