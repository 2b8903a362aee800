import { Hono } from "hono";
import { HTTPException } from "hono/http-exception";

// Env is made from wrangler.jsonc by `atoll types`.
const app = new Hono<{ Bindings: Env }>();

app.get("/", (c) => c.text(`${c.env.GREETING} from Hono\n`));

app.get("/hello/:name", (c) => c.json({ greeting: `${c.env.GREETING}, ${c.req.param("name")}!` }));

app.post("/sum", async (c) => {
  const numbers: unknown = await c.req.json().catch(() => null);
  if (!Array.isArray(numbers) || !numbers.every((value) => typeof value === "number")) {
    throw new HTTPException(400, { message: "send a JSON list of numbers" });
  }
  return c.json({ sum: numbers.reduce((sum, value) => sum + value, 0) });
});

app.notFound((c) => c.json({ error: `there is no ${c.req.path}` }, 404));

app.onError((error, c) => {
  if (error instanceof HTTPException) return c.json({ error: error.message }, error.status);
  console.error(error);
  return c.json({ error: "something went wrong" }, 500);
});

export default app;
