// A small shop's API as itty-router's documentation builds one; the package is unmodified.
import { AutoRouter, cors, error, json, StatusError, withContent, withCookies } from 'itty-router';

const items = new Map([['1', { id: '1', name: 'lamp' }]]);
const { preflight, corsify } = cors({
  origin: 'https://example.com',
  allowMethods: ['GET', 'PUT'],
});

const withUser = (request) => {
  request.user = request.headers.get('authorization')?.replace(/^Bearer /, '');
  if (!request.user) return error(401, 'who are you?');
};

const admin = AutoRouter({ base: '/admin' })
  .all('*', withUser)
  .get('/me', ({ user }, env) => ({ user, shop: env.SHOP }));

const router = AutoRouter({
  before: [preflight, withCookies],
  catch: (thrown) => error(thrown.status ?? 500, { failed: thrown.message }),
});

router
  .get('/items/:id', ({ params }) => items.get(params.id) ?? error(404, 'no such item'))
  .put('/items/:id', withContent, ({ params, content }) => {
    if (typeof content?.name !== 'string') throw new StatusError(422, 'name is missing');
    items.set(params.id, { id: params.id, name: content.name });
    return json(items.get(params.id), { status: 201 });
  })
  .get('/files/:path+', ({ params, query }) => ({ path: params.path, ...query }))
  .get('/download/:name.:type?', ({ params }) => params)
  .get('/shared', (request) => corsify(json({ shared: true }), request))
  .get('/cookies', ({ cookies }) => cookies)
  .get('/throws', () => { throw new Error('on purpose'); })
  .all('/admin/*', admin.fetch);

export default { ...router };
