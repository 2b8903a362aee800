"""Which script answers: by hostname and path, the most specific first; and who answers if none."""

import socket
import ssl
import unittest

from support import http1, http2
from support.curl import TRANSPORTS, curl
from support.server import Server

NAMED = "export default { fetch: (request, env) => new Response(env.NAME) };"


def setUpModule():
    global server
    server = unittest.enterModuleContext(Server())
    for name, routes in {
            "any": ["*.example.com"],
            "exact": ["www.example.com"],
            "deep": ["*.deep.example.com"],
            "api": ["www.example.com/api/*"],
            "users": ["www.example.com/api/users/*"],
            "wildapi": ["*.example.com/api/*"]}.items():
        server.deploy_source(name, NAMED, config={"vars": {"NAME": name}})
        for pattern in routes:
            status, answer = server.api("POST", "/routes", {"pattern": pattern, "script": name})
            if status not in (200, 201):
                raise RuntimeError(f"{pattern}: {status} {answer}")


class Routing(unittest.TestCase):
    def test_most_specific(self):
        """the most specific route wins: exact host before wildcard, then the longer path"""
        for url, script in {
                "www.example.com/": "exact",
                "www.example.com/apix": "exact",
                "www.example.com/api/": "api",
                "www.example.com/api/x": "api",
                "www.example.com/api/users/7": "users",
                "blog.example.com/": "any",
                "blog.example.com/api/x": "wildapi",
                "a.b.example.com/": "any",
                "x.deep.example.com/": "deep"}.items():
            host, path = url.split("/", 1)
            with self.subTest(url):
                self.assertEqual(http1.request(server.http, host, "/" + path).text(), script)

    def test_host_spelling(self):
        """the case of a host, its port and a final dot do not matter"""
        for host in ("WWW.Example.COM", "www.example.com:8080", "www.example.com."):
            with self.subTest(host):
                self.assertEqual(http1.request(server.http, host).text(), "exact")

    def test_default_names(self):
        """a script answers on <script>.localhost without any route"""
        for transport in TRANSPORTS:
            with self.subTest(transport):
                self.assertEqual(curl(server, "any.localhost", "/", transport).text(), "any")

    def test_unknown_host(self):
        """a host that nobody has is 404 no_route, in every transport, with a ray to ask by"""
        for transport in TRANSPORTS:
            for host in ("nobody.localhost", "example.com", "example.org"):
                with self.subTest(transport=transport, host=host):
                    answer = curl(server, host, "/", transport)
                    self.assertEqual(answer.status, 404)
                    self.assertEqual(answer.headers["atoll-error"], "no_route")
                    self.assertTrue(answer.headers["atoll-ray"])

    def test_removed(self):
        """a route that is removed no longer answers"""
        server.deploy_source("brief", NAMED, config={"vars": {"NAME": "brief"}})
        server.api("POST", "/routes", {"pattern": "brief.example.org", "script": "brief"})
        self.assertEqual(http1.request(server.http, "brief.example.org").text(), "brief")
        status, _ = server.api("DELETE", "/routes?pattern=brief.example.org")
        self.assertLess(status, 300)
        self.assertEqual(http1.request(server.http, "brief.example.org").status, 404)

    def test_bad_patterns(self):
        """a route pattern that can match nothing is refused with its reason"""
        for pattern in ("", "exa mple.com", "www.*.com", "http://", "example.com:99999/", "a..b"):
            with self.subTest(pattern):
                route = {"pattern": pattern, "script": "any"}
                status, answer = server.api("POST", "/routes", route)
                self.assertEqual(status, 400, answer)
                self.assertGreater(len(answer["error"]["message"]), 10)


class Names(unittest.TestCase):
    """TLS names against HTTP names."""

    def tls(self, *protocols):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_alpn_protocols(list(protocols))
        return context

    def test_no_sni(self):
        """a client that sends no SNI is served"""
        answer = http1.request(server.https, "any.localhost", tls=self.tls("http/1.1"), sni=None)
        self.assertEqual(answer.text(), "any")

    def test_strange_sni(self):
        """SNI of a name nobody has gets the default certificate; the Host decides the rest"""
        answer = http1.request(server.https, "nobody.invalid", tls=self.tls("http/1.1"),
                               sni="nobody.invalid")
        self.assertEqual((answer.status, answer.get("atoll-error")), (404, "no_route"))

    def test_alpn(self):
        """ALPN decides between HTTP/2 and HTTP/1.1, and no ALPN means HTTP/1.1"""
        for offered, chosen in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), ([], None)):
            context = self.tls(*offered) if offered else self.tls_without_alpn()
            with http1.Connection(server.https, tls=context, sni="any.localhost") as connection:
                self.assertEqual(connection.socket.selected_alpn_protocol(), chosen)

    def tls_without_alpn(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def test_old_tls(self):
        """TLS 1.1 and garbage are refused without harm"""
        context = self.tls("http/1.1")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("ALL:@SECLEVEL=0")
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            http1.request(server.https, "any.localhost", tls=context, sni="any.localhost")
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", bytes(300), b"\x16\x03\x01\xff\xff" + bytes(99)):
            with socket.create_connection(("127.0.0.1", server.https), 30) as raw:
                raw.sendall(garbage)
                raw.shutdown(socket.SHUT_WR)
                while raw.recv(4096):
                    pass
        answer = http1.request(server.https, "any.localhost", tls=self.tls("http/1.1"))
        self.assertEqual(answer.status, 200)

    def test_both_versions(self):
        """TLS 1.2 and 1.3 are served"""
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = self.tls("http/1.1")
            context.minimum_version = context.maximum_version = version
            with self.subTest(version):
                answer = http1.request(server.https, "any.localhost", tls=context,
                                       sni="any.localhost")
                self.assertEqual(answer.text(), "any")

    def test_h2_over_tls(self):
        """HTTP/2 frames over TLS reach the script of their :authority"""
        with http2.Connection(server.https, tls=self.tls("h2"), sni="any.localhost") as connection:
            connection.established()
            fields = http2.request_fields("exact.localhost", scheme="https")
            connection.request(1, fields)
            status, _, body = connection.response(1)
        # One connection may carry several names only if the certificate covers them all.
        self.assertIn((status, body), ((200, b"exact"), (421, body)))
