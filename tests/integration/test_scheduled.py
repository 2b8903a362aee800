"""Ticks: what fires a script's scheduled handler, and what the handler and its caller are told."""

import json
import unittest

from support.curl import curl
from support.server import Server

PATH = "/cdn-cgi/handler/scheduled"

SOURCE = r"""
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

export default {
  async fetch(request, env) {
    return new Response(await env.KV.get("last") ?? new URL(request.url).pathname);
  },
  async scheduled(controller, env, ctx) {
    const { cron, scheduledTime } = controller;
    if (cron === "throw") throw new RangeError("from the tick");
    if (cron === "spin") for (;;);
    if (cron === "hang") await new Promise(() => {});
    controller.noRetry();
    ctx.waitUntil((async () => {
      await sleep(20);
      await env.KV.put("last", JSON.stringify({ cron, scheduledTime }));
    })());
  },
};
"""


def setUpModule():
    global server
    server = Server(config="[script]\ncpu_ms_max = 100\n", shards=1)
    server.start()
    unittest.addModuleCleanup(server.stop)
    server.deploy_source("ticked", SOURCE,
                         config={"kv_namespaces": [{"binding": "KV"}]})


def tick(host, query="", **options):
    return curl(server, host, PATH + query, **options)


class Scheduled(unittest.TestCase):
    def test_told(self):
        """a tick tells its cron expression and time; the answer comes when all its work is done"""
        answer = tick("ticked.localhost", "?cron=*/5+*+*+*+*&time=1745856238000")
        self.assertEqual((answer.status, answer.text()), (200, "ok"), server.log_text())
        self.assertEqual(json.loads(curl(server, "ticked.localhost").text()),
                         {"cron": "*/5 * * * *", "scheduledTime": 1745856238000})

    def test_fails(self):
        """a tick that throws, hangs or spins is answered as a request that does"""
        for cron, code in (("throw", "script_exception"), ("hang", "script_hung"),
                           ("spin", "cpu_limit")):
            with self.subTest(cron):
                answer = tick("ticked.localhost", "?cron=" + cron)
                self.assertEqual(answer.headers.get("atoll-error"), code)

    def test_wrong(self):
        """a time that is none is refused, and the refusal says what a time is"""
        answer = tick("ticked.localhost", "?time=noon")
        self.assertEqual((answer.status, answer.headers.get("atoll-error")), (400, "bad_request"))
        self.assertIn("time is a number", answer.text())

    def test_not_from_elsewhere(self):
        """what a proxy passed on, and any other method, is the script's own to answer"""
        server.deploy_source("own", "export default { fetch: (r) => new Response('mine') };")
        self.assertEqual(tick("own.localhost", headers=[("X-Forwarded-For", "192.0.2.1")]).text(),
                         "mine")
        self.assertEqual(tick("own.localhost", method="POST").text(), "mine")
        answer = tick("own.localhost")
        self.assertEqual(answer.status, 500)
        self.assertEqual(answer.headers.get("atoll-error"), "script_exception")

    def test_class(self):
        """the default export may be a class"""
        server.deploy_source("classy", """
            import { WorkerEntrypoint } from "cloudflare:workers";
            let seen = "nothing";
            export default class extends WorkerEntrypoint {
              fetch() { return new Response(seen); }
              async scheduled(controller) {
                seen = `${this.env.WHO} ${controller.cron} ${typeof this.ctx.waitUntil}`;
              }
            }""", config={"vars": {"WHO": "me"}})
        self.assertEqual(tick("classy.localhost", "?cron=a").text(), "ok")
        self.assertEqual(curl(server, "classy.localhost").text(), "me a function")

    def test_service_worker(self):
        """a script that listens for scheduled events is told too"""
        server.deploy_source("listens", """
            let seen = "nothing";
            addEventListener("fetch", (event) => event.respondWith(new Response(seen)));
            addEventListener("scheduled", (event) => event.waitUntil((async () => {
              await new Promise((done) => setTimeout(done, 5));
              seen = event.type + " " + event.cron + " " + event.scheduledTime;
            })()));""")
        self.assertEqual(tick("listens.localhost", "?cron=a&time=5").text(), "ok")
        self.assertEqual(curl(server, "listens.localhost").text(), "scheduled a 5")


if __name__ == "__main__":
    unittest.main()
