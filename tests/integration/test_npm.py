"""Programs from npm, unmodified: what they really do is asked of them, over curl."""

import json
import sqlite3
import subprocess
import tempfile
import unittest
import urllib.parse
from pathlib import Path

from support.apps import project
from support.curl import curl
from support.server import Server

JSON = [("content-type", "application/json")]


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())


class Program(unittest.TestCase):
    """One application of apps/, deployed for the class."""

    app = None

    @classmethod
    def setUpClass(cls):
        if cls.app is None:
            raise unittest.SkipTest("the base of those below")
        cls.folder = cls.enterClassContext(project(cls.app))
        server.deploy(cls.folder)

    def ask(self, target, **options):
        answer = curl(server, f"{self.app}.localhost", target, **options)
        self.assertEqual(answer.code, 0, answer.error)
        return answer

    def post(self, target, value):
        return self.ask(target, method="POST", body=json.dumps(value), headers=JSON)


class Itty(Program):
    app = "itty"

    def test_routes(self):
        """itty-router matches parameters, greedy ones and optional ones, and parses the query"""
        self.assertEqual(self.ask("/items/1").json(), {"id": "1", "name": "lamp"})
        self.assertEqual(self.ask("/files/a/b?x=1&x=2").json(), {"path": "a/b", "x": ["1", "2"]})
        self.assertEqual(self.ask("/download/a.txt").json(), {"name": "a", "type": "txt"})
        self.assertEqual(self.ask("/cookies", headers=[("Cookie", "a=1; b=2")]).json(),
                         {"a": "1", "b": "2"})

    def test_middleware(self):
        """bodies are parsed, nested routers guarded, errors answered, CORS headers added"""
        made = self.ask("/items/7", method="PUT", body='{"name": "table"}', headers=JSON)
        self.assertEqual((made.status, made.json()), (201, {"id": "7", "name": "table"}))
        self.assertEqual(self.ask("/items/7", method="PUT", body="{}", headers=JSON).status, 422)
        self.assertEqual(self.ask("/admin/me").status, 401)
        self.assertEqual(self.ask("/admin/me", headers=[("Authorization", "Bearer anna")]).json(),
                         {"user": "anna", "shop": "corner"})
        thrown = self.ask("/throws")
        self.assertEqual((thrown.status, thrown.json()["failed"]), (500, "on purpose"))
        origin = ("Origin", "https://example.com")
        preflight = self.ask("/items/1", method="OPTIONS", headers=[
            origin, ("Access-Control-Request-Method", "PUT")])
        self.assertEqual(preflight.status, 204)
        shared = self.ask("/shared", headers=[origin])
        self.assertEqual(shared.headers["access-control-allow-origin"], "https://example.com")


class Jose(Program):
    app = "jose"
    SIGNED = ("HS256", "HS512", "RS256", "PS384", "ES256", "ES384", "ES512", "EdDSA", "ML-DSA-65")
    SEALED = (("dir", "A256GCM"), ("dir", "A128CBC-HS256"), ("A128KW", "A256GCM"),
              ("A256GCMKW", "A128GCM"), ("RSA-OAEP-256", "A192CBC-HS384"), ("ECDH-ES", "A256GCM"),
              ("ECDH-ES+A256KW", "A256CBC-HS512"), ("PBES2-HS256+A128KW", "A128GCM"))

    def test_signatures(self):
        """tokens of every family verify here and under Node, in both directions"""
        answers = {}
        for algorithm in self.SIGNED:
            answer = self.ask(f"/sign?alg={algorithm}").json()
            self.assertEqual(answer["payload"]["scope"], ["read", "write"])
            self.assertEqual(answer["refusal"], "ERR_JWS_SIGNATURE_VERIFICATION_FAILED", algorithm)
            answers[algorithm] = answer
        made = subprocess.run(["node", "reference.mjs"], cwd=self.folder, capture_output=True,
                              input=json.dumps(answers), check=True, text=True)
        for algorithm, theirs in json.loads(made.stdout).items():
            with self.subTest(algorithm):
                self.assertEqual(theirs["sub"], "anna")
                answer = self.post("/verify", theirs)
                self.assertEqual((answer.status, answer.json()["payload"]["sub"]), (200, "node"))
                theirs["token"] = theirs["token"][:-8] + "AAAAAAAA"
                forged = self.post("/verify", theirs)
                self.assertEqual((forged.status, forged.json()["code"]),
                                 (401, "ERR_JWS_SIGNATURE_VERIFICATION_FAILED"))

    def test_encryption(self):
        """what is encrypted to a key opens with it, and not when changed, by each way to agree"""
        for algorithm, encryption in self.SEALED:
            with self.subTest(f"{algorithm} {encryption}"):
                query = urllib.parse.urlencode({"alg": algorithm, "enc": encryption})
                self.assertEqual(self.ask(f"/seal?{query}").json(),
                                 {"plaintext": "grüße", "refusal": "ERR_JWE_DECRYPTION_FAILED"})


class Zod(Program):
    app = "zod"
    ORDER = {
        "id": "9b2c1e7e-0f0e-4c1e-9d6b-1f0c1c1c1c1c", "email": "anna@example.com",
        "placed": "2026-01-01T00:00:00Z", "site": "https://example.com/",
        "lines": [{"sku": " lamp ", "count": "2", "price": "1.25"}],
        "payment": {"kind": "card", "number": "1234123412341234", "month": 3},
    }

    def issues(self, order, target="/"):
        answer = self.post(target, order)
        self.assertEqual(answer.status, 422)
        return {issue["path"]: issue["code"] for issue in answer.json()}

    def test_parses(self):
        """a good order is parsed, transformed, coerced and filled up"""
        answer = self.post("/", self.ORDER)
        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.json(), {
            **self.ORDER, "placed": "2026-01-01T00:00:00.000Z", "notes": {}, "total": 250,
            "lines": [{"sku": "lamp", "count": 2, "price": 125}]})

    def test_refuses(self):
        """a bad one is refused with every place that is wrong, asynchronous checks too"""
        self.assertEqual(self.issues({**self.ORDER, "email": "x", "extra": 1,
                                      "payment": {"kind": "card", "number": "1", "month": 13}}),
                         {"email": "invalid_format", "payment.number": "too_small",
                          "payment.month": "too_big", "": "unrecognized_keys"})
        self.assertEqual(self.issues({**self.ORDER, "lines": self.ORDER["lines"] * 4}),
                         {"lines": "custom"})
        self.assertEqual(self.issues({"name": "taken"}, "/unique"), {"name": "custom"})
        self.assertEqual(self.post("/unique", {"name": "free"}).status, 200)

    def test_schema(self):
        """a schema says itself as JSON Schema"""
        schema = self.ask("/schema").json()
        self.assertEqual(schema["properties"]["payment"]["oneOf"][0]["properties"]["month"],
                         {"type": "integer", "minimum": 1, "maximum": 12})


class Yoga(Program):
    app = "yoga"

    def query(self, text, **variables):
        return self.post("/graphql", {"query": text, "variables": variables}).json()

    def test_queries(self):
        """GraphQL queries resolve over types, interfaces, arguments and bindings"""
        self.assertEqual(self.query("""{ shop node(id: 2) { __typename id }
            books(first: 1) { title(upper: true) author { name books { id } } } }""")["data"], {
                "shop": "corner", "node": {"__typename": "Book", "id": "2"},
                "books": [{"title": "MOMO", "author": {"name": "Ende", "books": [{"id": "1"}]}}]})
        types = self.query("{ __schema { types { name } } }")["data"]["__schema"]["types"]
        self.assertIn({"name": "NewBook"}, types)

    def test_mutations(self):
        """mutations take input objects, and files by multipart"""
        self.assertEqual(self.query("mutation ($book: NewBook!) { add(book: $book) { title } }",
                                    book={"title": "Krabat", "author": "preußler"})["data"],
                         {"add": {"title": "Krabat"}})
        upload = self.ask("/graphql", words=[
            "-F", 'operations={"query": "mutation ($f: File!) { upload(file: $f) }"}',
            "-F", 'map={"0": ["variables.f"]}', "-F", "0=hello;filename=a.txt;type=text/plain"])
        self.assertEqual(upload.json()["data"], {"upload": "a.txt text/plain hello"})

    def test_errors(self):
        """wrong queries are told why; what a resolver throws stays inside"""
        self.assertIn('Did you mean "node"?', self.query("{ nope }")["errors"][0]["message"])
        broken = self.query("{ broken }")
        self.assertEqual((broken["data"], broken["errors"][0]["message"]),
                         ({"broken": None}, "Unexpected error."))

    def test_subscriptions(self):
        """a subscription is a stream of server-sent events that ends"""
        query = json.dumps({"query": "subscription { countdown(from: 3) }"})
        answer = self.ask("/graphql", method="POST", body=query,
                          headers=[*JSON, ("Accept", "text/event-stream")])
        self.assertEqual(answer.headers["content-type"], "text/event-stream")
        data = [line[6:] for line in answer.text().splitlines() if line.startswith("data: {")]
        self.assertEqual([json.loads(line)["data"]["countdown"] for line in data], [3, 2, 1, 0])


class React(Program):
    app = "react"

    def test_streams(self):
        """the shell with its fallbacks comes first, and each part when its data is there"""
        page = self.ask("/?name=a&name=b").text()
        order = ["<h1 style=\"font-size:12px;color:red\">Shell</h1>", "waiting for <!-- -->a",
                 "waiting for <!-- -->b", "loaded a &lt;&amp;&gt;", "loaded b", "</html>"]
        places = [page.find(part) for part in order]
        self.assertNotIn(-1, places)
        self.assertEqual(places, sorted(places))
        self.assertIn('class="dark"', page)
        self.assertIn("<title>2 items</title>", page)

    def test_waits(self):
        """allReady gives the whole page at once, with a fallback where the data failed"""
        page = self.ask("/static?name=a&name=broken").text()
        self.assertNotIn("waiting for <!-- -->a", page)
        self.assertIn("loaded a", page)
        self.assertIn('data-dgst="digest of the data is gone"', page)
        self.assertIn("waiting for <!-- -->broken", page)

    def test_shell_error(self):
        """an error before the shell rejects, for the script to answer"""
        answer = self.ask("/shell-error")
        self.assertEqual((answer.status, answer.text()), (500, "failed: no shell"))


class SqlJs(Program):
    app = "sqljs"

    def test_sql(self):
        """SQLite in WebAssembly makes tables, computes, and says what is wrong"""
        answer = self.ask("/", method="POST", body="""
            CREATE TABLE t (a, b); CREATE INDEX by_b ON t (b);
            WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
              INSERT INTO t SELECT i, i * i FROM n;
            SELECT count(*), sum(b) FROM t; SELECT a FROM t WHERE b = 40000;
            SELECT json_extract('{"a": [1, "zwölf"]}', '$.a[1]') AS found""").json()
        self.assertEqual([table["values"] for table in answer],
                         [[[20000, sum(i * i for i in range(20001))]], [[200]], [["zwölf"]]])
        bad = self.ask("/", method="POST", body="SELECT nope")
        self.assertEqual((bad.status, bad.json()["error"]), (400, "no such column: nope"))

    def test_files(self):
        """its database files are SQLite's, in both directions"""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file.db")
            path.write_bytes(self.ask("/file").body)
            with sqlite3.connect(path) as database:
                rows = database.execute("SELECT name, data FROM kept").fetchall()
                self.assertEqual(rows, [("grüße", b"\x00\xff")])
                database.execute("UPDATE kept SET name = 'from outside', data = NULL")
            database.close()
            opened = self.ask("/open", method="POST", body=path.read_bytes()).json()
        self.assertEqual(opened[0]["values"], [[1, "from outside", None]])


# The base is for those above only.
del Program
