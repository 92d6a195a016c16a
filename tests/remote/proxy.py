"""A proxy before an S3 server that does to requests what stores and networks do: busy, torn, lost, stale, refused."""

from __future__ import annotations

import http.client
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_ERROR = '<?xml version="1.0"?><Error><Code>{0}</Code><Message>signed with testing-key-id</Message></Error>'
Answer = tuple[int, bytes] | None


class Proxy:
    """Listens on 127.0.0.1; `before` may answer a request itself, `tear` says which bodies break off."""

    def __init__(self, upstream: int) -> None:
        self.seen: Counter[str] = Counter()
        self.before: Callable[[str, str], Answer] = lambda method, path: None
        self.after: Callable[[str, str], None] = lambda method, path: None
        self.tear: Callable[[str, str], bool] = lambda method, path: False
        self._lock = threading.Lock()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                body = self._body()
                kind = "LIST" if self.command == "GET" and "list-type" in self.path else self.command
                with proxy._lock:
                    proxy.seen[kind] += 1
                    answer = proxy.before(kind, self.path)
                if answer is not None:
                    self._send(answer[0], answer[1], [])
                    return
                connection = http.client.HTTPConnection("127.0.0.1", upstream, timeout=60)
                headers = {name: value for name, value in self.headers.items() if name.lower() not in ("transfer-encoding", "expect")}
                headers["Content-Length"] = str(len(body))
                connection.request(self.command, self.path, body=body, headers=headers)
                found = connection.getresponse()
                data = found.read()
                kept = [pair for pair in found.getheaders() if pair[0].lower() not in ("connection", "transfer-encoding")]
                connection.close()
                if proxy.tear(kind, self.path) and len(data) > 1:
                    self._send(found.status, data, kept, torn=True)
                else:
                    self._send(found.status, data, kept)
                with proxy._lock:
                    proxy.after(kind, self.path)

            def _body(self) -> bytes:
                if "chunked" in self.headers.get("Transfer-Encoding", ""):
                    body = bytearray()
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                    return bytes(body)
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _send(self, status: int, data: bytes, headers: list[tuple[str, str]], *, torn: bool = False) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() != "content-length" or self.command == "HEAD":
                        self.send_header(name, value)
                if self.command != "HEAD":
                    self.send_header("Content-Length", str(len(data)))
                elif not headers:
                    self.send_header("Content-Length", "0")
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data[: len(data) // 2] if torn else data)
                if torn:
                    self.close_connection = True

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _handle

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def calm(self) -> None:
        """No more faults; counts begin anew."""
        self.before, self.after, self.tear = (lambda m, p: None), (lambda m, p: None), (lambda m, p: False)
        self.seen.clear()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def error(status: int, code: str) -> Answer:
    """An answer as S3 refuses."""
    return status, _ERROR.format(code).encode()
