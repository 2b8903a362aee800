"""The suite's own server, as far as tests in workers need it: files with their .headers and .sub
substitutions, Python handlers, handlers of WebSockets (websocket.py). For a checkout of the suite
that has more than Debian's source package of nodejs.

Handlers are the suite's and are trusted like it; the server listens on loopback only."""

import base64
import email.utils
import html
import http.server
import json
import mimetypes
import re
import socketserver
import ssl
import sys
import threading
import types
import urllib.parse
import uuid
from pathlib import Path

import websocket

HOST = "localhost"
mimetypes.add_type("text/event-stream", ".event_stream")


class MultiDict(dict):
    """name -> list of values."""

    def __init__(self, pairs):
        super().__init__()
        for name, value in pairs:
            self.setdefault(name, []).append(value)

    def __getitem__(self, name):
        return self.first(name)

    def first(self, name, default=...):
        values = super().get(name)
        if values:
            return values[0]
        if default is ...:
            raise KeyError(name)
        return default

    def get(self, name, default=None):
        return self.first(name, default)

    def get_list(self, name):
        return super().get(name, [])


class Headers(dict):
    """Of a request: lower-case bytes -> bytes; asked for in any case."""

    @staticmethod
    def key(name):
        return (name if isinstance(name, bytes) else name.encode("latin-1")).lower()

    def __getitem__(self, name):
        return super().__getitem__(self.key(name))

    def __contains__(self, name):
        return super().__contains__(self.key(name))

    def get(self, name, default=None):
        return super().get(self.key(name), default)


class Stash:
    """What handlers keep from one request to the next."""

    def __init__(self):
        self.values = {}
        self.lock = threading.RLock()

    @staticmethod
    def key(key):
        return str(uuid.UUID(key.decode() if isinstance(key, bytes) else str(key)))

    def put(self, key, value, path=None):
        with self.lock:
            self.values[self.key(key)] = value

    def take(self, key, path=None):
        with self.lock:
            return self.values.pop(self.key(key), None)


def to_bytes(value):
    return value if isinstance(value, bytes) else str(value).encode("latin-1")


class ResponseHeaders:
    def __init__(self):
        self.pairs = []

    def set(self, name, value):
        self.pairs = [p for p in self.pairs if p[0].lower() != to_bytes(name).lower()]
        self.append(name, value)

    def append(self, name, value):
        self.pairs.append((to_bytes(name), to_bytes(value)))

    def update(self, pairs):
        for name, value in pairs:
            self.set(name, value)

    def get(self, name, default=None):
        found = [v for n, v in self.pairs if n.lower() == to_bytes(name).lower()]
        return found[0] if found else default

    def __contains__(self, name):
        return self.get(name) is not None


class Writer:
    """What a handler writes by itself, piece by piece."""

    def __init__(self, response):
        self.response = response

    def write(self, data):
        try:
            self.response.handler.wfile.write(to_bytes(data))
        except OSError:
            return False
        return True

    write_raw_content = write_content = write_data = write

    def write_status(self, code, message=None):
        self.response.started = True
        self.write(f"HTTP/1.1 {int(code)} {message or ''}\r\n")

    def write_header(self, name, value):
        self.write(to_bytes(name) + b": " + to_bytes(value) + b"\r\n")

    def end_headers(self):
        self.write(b"\r\n")

    def flush(self):
        pass


class Response:
    def __init__(self, handler):
        self.handler = handler
        self.status = 200
        self.headers = ResponseHeaders()
        self.content = b""
        self.writer = Writer(self)
        self.started = False
        self.close_connection = False
        self.add_required_headers = True

    @property
    def status_code(self):
        return self.status[0] if isinstance(self.status, tuple) else self.status

    def set_error(self, code, message=""):
        self.status = code
        self.content = json.dumps({"error": {"code": code, "message": str(message)}})

    def set_cookie(self, name, value, path="/", domain=None, max_age=None, **flags):
        cookie = to_bytes(name) + b"=" + to_bytes(value) + b"; Path=" + to_bytes(path)
        self.headers.append(b"Set-Cookie", cookie)

    def delete_cookie(self, name, path="/", domain=None):
        self.headers.append(b"Set-Cookie", to_bytes(name) + b"=; Max-Age=0; Path=" + to_bytes(path))

    def write_status_headers(self):
        """What follows is written by the handler, and ends with the connection."""
        self.started = True
        self.send_head(None)

    def send_head(self, length):
        status, message = self.status if isinstance(self.status, tuple) else (self.status, None)
        if message is None:
            message = http.server.BaseHTTPRequestHandler.responses.get(int(status), ("",))[0]
        lines = [b"HTTP/1.1 %d %s" % (int(status), to_bytes(message))]
        lines += [name + b": " + value for name, value in self.headers.pairs]
        bodiless = int(status) in (204, 304) or int(status) < 200
        if length is not None and b"content-length" not in self.headers and not bodiless:
            lines.append(b"Content-Length: %d" % length)
        if length is None:
            lines.append(b"Connection: close")
        if b"date" not in self.headers:
            lines.append(b"Date: " + email.utils.formatdate(usegmt=True).encode())
        self.handler.wfile.write(b"\r\n".join(lines) + b"\r\n\r\n")

    def send(self):
        if self.started:
            self.handler.close_connection = True
            return
        content = self.content
        if callable(content):
            content = content()
        if not isinstance(content, (bytes, str)):
            content = b"".join(map(to_bytes, content))
        if isinstance(content, str):
            content = content.encode()
        self.send_head(len(content))
        if self.handler.command != "HEAD" and int(self.status_code) not in (204, 304):
            self.handler.wfile.write(content)
        if self.close_connection:
            self.handler.close_connection = True


class Request:
    def __init__(self, handler, root):
        self.handler = handler
        self.method = handler.command
        self.request_path = handler.path
        self.client_address = handler.client_address
        self.url_parts = urllib.parse.urlsplit(f"http://{handler.headers['host']}{handler.path}")
        self.url = self.url_parts.geturl()
        self.raw_headers = handler.headers
        self.headers = Headers()
        for name, value in handler.headers.items():
            key, value = Headers.key(name), value.encode("latin-1")
            self.headers[key] = self.headers[key] + b", " + value if key in self.headers else value
        self.GET = MultiDict(
            (n.encode("latin-1"), v.encode("latin-1")) for n, v in urllib.parse.parse_qsl(
                self.url_parts.query, keep_blank_values=True, encoding="latin-1"))
        self.doc_root = str(root)
        self.server = types.SimpleNamespace(stash=handler.server.stash,
                                            config=handler.server.config)
        self.cookies = MultiDict(
            tuple(part.strip().split(b"=", 1))
            for part in self.headers.get("cookie", b"").split(b";") if b"=" in part)
        self._body = None

    @property
    def body(self):
        if self._body is None:
            self._body = self.handler.read_body()
        return self._body

    @property
    def raw_input(self):
        import io
        return io.BytesIO(self.body)

    @property
    def POST(self):
        return MultiDict(urllib.parse.parse_qsl(self.body, keep_blank_values=True))

    @property
    def auth(self):
        scheme, _, rest = self.headers.get("authorization", b"").partition(b" ")
        user, _, password = (base64.b64decode(rest).partition(b":") if scheme.lower() == b"basic"
                             else (None, None, None))
        return types.SimpleNamespace(username=user, password=password)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def read_body(self):
        if "chunked" in self.headers.get("transfer-encoding", ""):
            body = b""
            while size := int(self.rfile.readline().split(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body
        return self.rfile.read(int(self.headers.get("content-length") or 0))

    def answer(self):
        if self.headers.get("upgrade", "").lower() == "websocket":
            websocket.serve(self, self.server.root)
            self.close_connection = True
            return
        request, response = Request(self, self.server.root), Response(self)
        try:
            self.server.answer(request, response)
            request.body  # What was not read would be taken for the next request.
            response.send()
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:  # A handler's own.
            print(f"{self.path}: {error!r}", file=sys.stderr)
            if not response.started:
                response.status, response.content = 500, html.escape(repr(error))
                response.send()
            self.close_connection = True

    def __getattr__(self, name):
        if name.startswith("do_"):  # Any method.
            return self.answer
        raise AttributeError(name)


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, root, tls=None):
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        self.root = Path(root)
        self.stash = Stash()
        self.ports = {}
        self.config = {"ports": self.ports}
        self.modules = {}
        self.lock = threading.Lock()

    def finish_request(self, request, client_address):
        if self.tls:  # On the connection's own thread: a handshake may wait.
            request = self.tls.wrap_socket(request, server_side=True)
        super().finish_request(request, client_address)

    def handle_error(self, *_):
        pass

    # ---- what a path stands for ----

    def answer(self, request, response):
        path = urllib.parse.unquote(request.url_parts.path)
        file = (self.root / path.lstrip("/")).resolve()
        if not file.is_relative_to(self.root.resolve()) or not file.is_file():
            response.status, response.content = 404, "not found"
        elif file.suffix == ".py":
            self.run_handler(file, request, response)
        elif file.suffix == ".asis":
            response.started = True
            response.writer.write(file.read_bytes())
        else:
            self.serve_file(file, request, response)

    def serve_file(self, file, request, response):
        content = file.read_bytes()
        if ".sub." in file.name or "sub" in request.GET.get(b"pipe", b"").decode():
            text = re.sub(r"\{\{headers\[([\w-]+)\]\}\}",
                          lambda found: request.headers.get(found[1], b"").decode("latin-1"),
                          content.decode())
            content = self.substituted(text).encode()
        response.content = content
        response.headers.set("Content-Type",
                             mimetypes.guess_type(file.name)[0] or "application/octet-stream")
        for beside in (file.parent / "__dir__.headers", Path(f"{file}.headers")):
            for line in beside.read_text().splitlines() if beside.exists() else []:
                name, colon, value = line.partition(":")
                if colon:
                    response.headers.set(name, self.substituted(value.strip()))
        self.apply_pipes(request.GET.get(b"pipe", b"").decode(), response)

    @staticmethod
    def apply_pipes(pipes, response):
        for pipe in re.findall(r"(\w+)\(([^)]*)\)", pipes):
            words = [word.replace("\\,", ",") for word in re.split(r"(?<!\\),", pipe[1])]
            if pipe[0] == "header":
                add = response.headers.append if words[2:] else response.headers.set
                add(words[0], words[1])
            elif pipe[0] == "status":
                response.status = int(words[0])
            elif pipe[0] == "slice":
                at = [None if word in ("", "null") else int(word) for word in words]
                response.content = response.content[slice(*at)]
            elif pipe[0] == "gzip":
                import gzip
                response.content = gzip.compress(response.content)
                response.headers.set("Content-Encoding", "gzip")

    def substituted(self, text):
        def port(found):
            ports = self.ports.get(found[1]) or [self.server_port]
            return str(ports[min(int(found[2]), len(ports) - 1)])
        text = re.sub(r"\{\{ports\[([\w-]+)\]\[(\d)\]\}\}", port, text)
        text = re.sub(r"\{\{(?:host|domains\[\]|hosts\[\]\[\])\}\}", HOST, text)
        text = re.sub(r"\{\{(?:domains|hosts\[alt\])\[([^\]]*)\]\}\}",
                      lambda found: f"{found[1] or 'alt'}.{HOST}", text)
        return re.sub(r"\{\{location\[server\]\}\}", f"http://{HOST}:{self.server_port}", text)

    def run_handler(self, file, request, response):
        with self.lock:
            if file not in self.modules:
                self.modules[file] = load(file)
        result = self.modules[file].main(request, response)
        if result is None:
            return
        if not isinstance(result, tuple):
            response.content = result
            return
        if len(result) == 3:
            response.status = result[0]
        response.headers.update(result[-2])
        response.content = result[-1]


def load(file):
    module = types.ModuleType(file.stem)
    module.__file__ = str(file)
    exec(compile(file.read_text(), str(file), "exec"), module.__dict__)
    return module


def json_handler(function):
    """wptserve.handlers.json_handler"""
    def main(request, response):
        result = function(request, response)
        status, headers = 200, [("Content-Type", "application/json")]
        if isinstance(result, tuple):
            status = result[0]
            headers += result[1] if len(result) == 3 else []
            result = result[-1]
        return status, headers, json.dumps(result)
    return main


def install_modules():
    """The modules of wptserve and pywebsocket that handlers import."""
    def module(name, **members):
        made = sys.modules[name] = types.ModuleType(name)
        made.__dict__.update(members)
        return made
    utils = module("wptserve.utils",
                   isomorphic_decode=lambda s: s if isinstance(s, str) else s.decode("latin-1"),
                   isomorphic_encode=lambda s: s if isinstance(s, bytes) else s.encode("latin-1"))
    handlers = module("wptserve.handlers", json_handler=json_handler)
    module("wptserve", utils=utils, handlers=handlers)
    websocket.install_modules(module)


def start(root, certificate):
    """A server for each of two origins, in the clear and over TLS; (the first, how to stop all)."""
    install_modules()
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(*certificate)
    servers = [Server(root), Server(root), Server(root, tls), Server(root, tls)]
    ports = [server.server_port for server in servers]
    for server in servers:
        server.ports.update(http=ports[:2], ws=ports[:2], https=ports[2:], wss=ports[2:])
        server.stash = servers[0].stash
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def stop():
        for server in servers:
            server.shutdown()
            server.server_close()
    return servers[0], stop
