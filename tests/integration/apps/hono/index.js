// What an ordinary Hono application uses; Hono itself comes from npm, unmodified.
import { Hono } from 'hono';
import { cors } from 'hono/cors';
import { etag } from 'hono/etag';
import { HTTPException } from 'hono/http-exception';
import { jwt, sign } from 'hono/jwt';
import { requestId } from 'hono/request-id';
import { stream, streamSSE, streamText } from 'hono/streaming';
import { validator } from 'hono/validator';

const app = new Hono();

app.use('*', requestId());
app.use('*', async (c, next) => {
  await next();
  c.header('x-seen-by', 'middleware');
});
app.use('/shared/*', cors({ origin: 'https://example.com', allowMethods: ['GET', 'POST'] }));
app.use('/tagged/*', etag());

app.get('/', (c) => c.text('Hello Hono!'));
app.get('/users/:id/posts/:post{[0-9]+}', (c) => c.json(c.req.param()));
app.get('/search', (c) => c.json({ q: c.req.query('q'), tags: c.req.queries('tag') }));
app.get('/files/*', (c) => c.text(c.req.path));
app.get('/shared/data', (c) => c.json({ shared: true }));
app.get('/tagged/page', (c) => c.html('<h1>tagged</h1>'));
app.get('/redirect', (c) => c.redirect('/', 307));
app.get('/cookie', (c) => {
  c.header('set-cookie', 'a=1; Path=/', { append: true });
  c.header('set-cookie', 'b=2; Path=/', { append: true });
  return c.body(null, 204);
});
app.post('/echo', async (c) => c.json(await c.req.json(), 201));
app.post('/form', async (c) => c.json(await c.req.parseBody()));
app.post(
  '/validated',
  validator('json', (value, c) =>
    typeof value.name === 'string' ? { name: value.name } : c.text('name is missing', 422)),
  (c) => c.json(c.req.valid('json')),
);
app.get('/stream', (c) =>
  streamText(c, async (out) => {
    for (let i = 0; i < 5; i++) {
      await out.writeln(`line ${i}`);
      await out.sleep(1);
    }
  }));
app.get('/sse', (c) =>
  streamSSE(c, async (out) => {
    for (let id = 0; id < 3; id++) await out.writeSSE({ data: `event ${id}`, id: String(id) });
  }));
app.post('/upper', (c) =>
  stream(c, async (out) => {
    const upper = new TransformStream({
      transform: (text, controller) => controller.enqueue(text.toUpperCase()),
    });
    await out.pipe(
      c.req.raw.body
        .pipeThrough(new TextDecoderStream())
        .pipeThrough(upper)
        .pipeThrough(new TextEncoderStream()),
    );
  }));
app.get('/throws', () => {
  throw new Error('on purpose');
});
app.get('/teapot', () => {
  throw new HTTPException(418, { message: 'a teapot' });
});

app.post('/login', async (c) =>
  c.json({ token: await sign({ sub: 'anna' }, c.env.SECRET, 'HS256') }));
app.use('/private/*', (c, next) => jwt({ secret: c.env.SECRET, alg: 'HS256' })(c, next));
app.get('/private/me', (c) => c.json(c.get('jwtPayload')));

app.route('/api', new Hono().get('/nested', (c) => c.text('nested')));
app.notFound((c) => c.text(`nothing at ${c.req.path}`, 404));
app.onError((error, c) =>
  error instanceof HTTPException ? error.getResponse() : c.text(`caught: ${error.message}`, 500));

export default app;
