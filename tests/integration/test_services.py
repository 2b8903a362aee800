"""Scripts that call each other: service bindings, method calls, entrypoints, the older forms."""

import unittest

from support.curl import curl
from support.server import Server

CALLEE = r"""
import { WorkerEntrypoint, RpcTarget } from "cloudflare:workers";

class Counter extends RpcTarget {
  #count = 0;
  increment(by = 1) { return this.#count += by; }
  get value() { return this.#count; }
}

class Own extends Error { name = "OwnError"; code = "E_OWN"; }

export default class extends WorkerEntrypoint {
  async fetch(request) {
    const url = new URL(request.url);
    if (url.pathname === "/throw") throw new RangeError("from the callee");
    if (url.pathname === "/echo") return new Response(request.body, { headers: request.headers });
    return Response.json({ path: url.pathname, method: request.method, var: this.env.WHO,
      props: this.ctx.props });
  }
  add(a, b) { return a + b; }
  async echo(value) { return value; }
  counter() { return new Counter(); }
  async call(callback) { return await callback("ping") + "!"; }
  async each(list, callback) {
    const out = [];
    for (const item of list) out.push(await callback(item));
    return out;
  }
  adder(n) { return (m) => n + m; }
  fail() { throw new Own("broken"); }
  later() { this.ctx.waitUntil(new Promise((done) => setTimeout(done, 1))); return "soon"; }
  stream() { return new Response("streamed ".repeat(20000)).body; }
  response() { return new Response("made", { status: 201, headers: { "x-made": "yes" } }); }
  async consume(request) { return request.method + " " + await request.text(); }
  secret = "not to be seen";
}

export class Named extends WorkerEntrypoint {
  greet(name) { return `Hello ${name} from ${this.ctx.props.from ?? "nowhere"}`; }
}
export const plain = { double(n, env, ctx) { return [n * 2, env.WHO, typeof ctx.waitUntil]; } };
"""

CALLER = r"""
const cases = {
  async fetch({ S }) {
    const answer = await S.fetch("http://x/some/path", { method: "POST", body: "b" });
    return [answer.status, await answer.json()];
  },
  async echo({ S }) {
    const body = "x".repeat(300000);
    const headers = { "x-a": "1" };
    const answer = await S.fetch("http://x/echo", { method: "POST", body, headers });
    return [(await answer.text()) === body, answer.headers.get("x-a")];
  },
  async thrown({ S }) {
    try { await S.fetch("http://x/throw"); } catch (e) { return [e.name, e.message]; }
  },
  async methods({ S }) {
    const date = new Date(5);
    const value = await S.echo({ a: [1, new Map([["k", new Set([1])]])], date, u: undefined,
      n: null, big: 10n, bytes: new Uint8Array([1, 2]) });
    return [await S.add(2, 3), value.a[1].get("k").has(1), value.date.getTime(), "u" in value,
      String(value.big), [...value.bytes]];
  },
  async targets({ S }) {
    const counter = await S.counter();
    const first = await counter.increment();
    const second = await counter.increment(5);
    const value = await counter.value;
    counter[Symbol.dispose]();
    return [first, second, value];
  },
  async pipelined({ S }) { return [await S.counter().increment(7), await S.adder(1)(2)]; },
  async callbacks({ S }) {
    return [await S.call((text) => text + "-pong"), await S.each([1, 2, 3], async (n) => n * n)];
  },
  async functions({ S }) { const add = await S.adder(10); return [await add(1), await add(2)]; },
  async error({ S }) {
    try { await S.fail(); } catch (e) {
      return [e.name, e.message, e.code, e.remote, e instanceof Error];
    }
  },
  async missing({ S }) {
    const failures = [];
    for (const call of [() => S.gone(), () => S.secret(), () => S.hasOwnProperty("x")]) {
      try { failures.push(String(await call())); } catch (e) { failures.push(e.message); }
    }
    return failures;
  },
  async uncloneable({ S }) {
    try { await S.echo(new (class Thing {})()); } catch (e) {
      return [e.name, e.message.includes("Thing")];
    }
  },
  async streams({ S }) {
    const text = await new Response(await S.stream()).text();
    const made = await S.response();
    return [text.length, made.status, made.headers.get("x-made"), await made.text(),
      await S.consume(new Request("http://x/", { method: "PUT", body: "body" }))];
  },
  async named({ N, P }) { return [await N.greet("Ann"), await P.double(4)]; },
  async many({ S }) {
    const all = await Promise.all(Array.from({ length: 50 }, (_, i) => S.add(i, i)));
    return all.reduce((a, b) => a + b);
  },
  async later({ S }) { return S.later(); },
  async badEntry({ BAD }) {
    const failures = [];
    try { await BAD.fetch("http://x/"); } catch (e) { failures.push(e.message.includes("gone")); }
    try { await BAD.method(); } catch (e) { failures.push(e.message.includes("gone")); }
    return failures;
  },
  async self(env, ctx) {
    const { Inner } = ctx.exports;
    return [await Inner.twice(21), await Inner({ props: { p: 1 } }).props()];
  },
  async depth(env, ctx) {
    try { return await ctx.exports.Inner.recurse(0); } catch (e) {
      return e.message.includes("depth limit");
    }
  },
};
import { WorkerEntrypoint } from "cloudflare:workers";
export class Inner extends WorkerEntrypoint {
  twice(n) { return n * 2; }
  props() { return this.ctx.props; }
  recurse(n) { return this.ctx.exports.Inner.recurse(n + 1); }
}
export default {
  async fetch(request, env, ctx) {
    return Response.json(await cases[new URL(request.url).pathname.slice(1)](env, ctx) ?? null);
  },
};
"""

EXPECTED = {
    "fetch": [200, {"path": "/some/path", "method": "POST", "var": "callee",
                    "props": {"from": "caller"}}],
    "echo": [True, "1"],
    "thrown": ["RangeError", "from the callee"],
    "methods": [5, True, 5, True, "10", [1, 2]],
    "targets": [1, 6, 6],
    "pipelined": [7, 3],
    "callbacks": ["ping-pong!", [1, 4, 9]],
    "functions": [11, 12],
    "error": ["OwnError", "broken", "E_OWN", True, True],
    "missing": [f'The RPC receiver does not implement the method "{name}".'
                for name in ("gone", "secret", "hasOwnProperty")],
    "uncloneable": ["DataCloneError", True],
    "streams": [180000, 201, "yes", "made", "PUT body"],
    "named": ["Hello Ann from here", [8, "callee", "function"]],
    "many": 2450,
    "later": "soon",
    "badEntry": [True, True],
    "self": [42, {"p": 1}],
    "depth": True,
}

SERVICES = [
    {"binding": "S", "service": "callee", "props": {"from": "caller"}},
    {"binding": "N", "service": "callee", "entrypoint": "Named", "props": {"from": "here"}},
    {"binding": "P", "service": "callee", "entrypoint": "plain"},
    {"binding": "BAD", "service": "callee", "entrypoint": "gone"},
]


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())
    server.deploy_source("callee", CALLEE, config={"vars": {"WHO": "callee"}})
    server.deploy_source("caller", CALLER, config={
        "services": SERVICES, "compatibility_date": "2026-11-01"})


class Services(unittest.TestCase):
    def test_missing_script(self):
        """a binding to a script that does not exist is refused when deployed"""
        made = server.deploy_source(
            "lost", "export default { fetch: () => new Response('x') };",
            config={"services": [{"binding": "S", "service": "no-such-script"}]}, check=False)
        self.assertNotEqual(made.code, 0)
        self.assertIn("no-such-script", made.err)

    def test_redeployed(self):
        """the script behind a binding may change under its callers"""
        server.deploy_source("changing", "export default { fetch: () => new Response('one') };")
        server.deploy_source(
            "asks", "export default { fetch: (r, env) => env.S.fetch('http://x/') };",
            config={"services": [{"binding": "S", "service": "changing"}]})
        self.assertEqual(curl(server, "asks.localhost").text(), "one")
        server.deploy_source("changing", "export default { fetch: () => new Response('two') };")
        self.assertEqual(curl(server, "asks.localhost").text(), "two")


class OlderForms(unittest.TestCase):
    def test_service_worker(self):
        """a script that listens for fetch answers, with its bindings as globals"""
        server.deploy_source("older", """
            addEventListener("fetch", (event) => {
              event.waitUntil(Promise.resolve());
              event.respondWith(answer(event.request));
            });
            async function answer(request) {
              return new Response(GREETING + new URL(request.url).pathname);
            }""", config={"vars": {"GREETING": "hi "}})
        self.assertEqual(curl(server, "older.localhost", "/there").text(), "hi /there")

    def test_no_response(self):
        """one that answers nothing is told so"""
        server.deploy_source("silent", "addEventListener('fetch', () => {});")
        self.assertEqual(curl(server, "silent.localhost").status, 500)


class Compatibility(unittest.TestCase):
    SOURCE = "export default { fetch: () => new Response('x') };"

    def test_floor(self):
        """a date before the floor is refused, and the error says the floor"""
        made = server.deploy_source("old", self.SOURCE,
                                    config={"compatibility_date": "2021-01-01"}, check=False)
        self.assertNotEqual(made.code, 0)
        self.assertIn("2022-11-30", made.err)

    def test_unknown_flag(self):
        """an unknown flag is refused with what may have been meant"""
        made = server.deploy_source("flag", self.SOURCE,
                                    config={"compatibility_flags": ["nodejs_compta"]}, check=False)
        self.assertNotEqual(made.code, 0)
        self.assertIn('did you mean "nodejs_compat"', made.err)


def _case(name, expected):
    def test(self):
        answer = curl(server, "caller.localhost", "/" + name)
        self.assertEqual(answer.status, 200, server.log_text())
        self.assertEqual(answer.json(), expected)
    test.__doc__ = f"one script calls another: {name}"
    return test


for _name, _expected in EXPECTED.items():
    setattr(Services, "test_call_" + _name, _case(_name, _expected))
