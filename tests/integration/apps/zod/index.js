// Orders, checked by a schema with most of what zod has: transforms, unions, refinements, codecs.
import * as z from 'zod';

const Money = z.string().regex(/^\d+\.\d\d$/).transform((text) => Math.round(Number(text) * 100));

const Payment = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('card'), number: z.string().length(16),
    month: z.int().min(1).max(12) }),
  z.object({ kind: z.literal('transfer'), iban: z.string().min(15).toUpperCase() }),
]);

const Order = z.strictObject({
  id: z.uuid(),
  email: z.email(),
  placed: z.iso.datetime().transform((text) => new Date(text)),
  site: z.url().optional(),
  lines: z.array(z.object({ sku: z.string().trim(), count: z.coerce.number().int().positive(),
    price: Money })).min(1),
  payment: Payment,
  notes: z.record(z.string(), z.union([z.string(), z.number(), z.null()])).default({}),
}).refine((order) => order.lines.length < 4, { error: 'too many lines', path: ['lines'] });

const Unique = z.object({ name: z.string().refine(async (name) => {
  await scheduler.wait(1);
  return name !== 'taken';
}, 'name is taken') });

export default {
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === '/schema') return Response.json(z.toJSONSchema(Order, { io: 'input' }));
    const schema = pathname === '/unique' ? Unique : Order;
    const result = await schema.safeParseAsync(await request.json());
    if (!result.success) {
      return Response.json(result.error.issues.map(({ path, code, message }) =>
        ({ path: path.join('.'), code, message })), { status: 422 });
    }
    const { lines = [] } = result.data;
    return Response.json({ ...result.data,
      total: lines.reduce((sum, { count, price }) => sum + count * price, 0) });
  },
};
