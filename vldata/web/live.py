"""A page on 127.0.0.1 that is made again, and shown again, when the files behind it change; for `--serve`.

The page itself stays as it is written, under its own policy: a frame around it asks for the number of the last making and loads it again.
Only a browser that was given the address with its token is answered, under a name of this machine (as `vleval chat`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from vldata.errors import UsageError, VlkitError
from vldata.web.escaping import text
from vldata.web.hosts import is_own_host

HOST = "127.0.0.1"
_EVERY_S = 1.0
_PATIENCE_S = 30.0
_SCRIPT = """
let shown = null;
setInterval(async () => {
  try {
    const made = await (await fetch("stamp")).text();
    if (shown !== null && made !== shown) document.getElementById("page").src = "page?" + made;
    shown = made;
  } catch { /* the command has ended; the last page stays */ }
}, 1000);
"""
_STYLE = "html, body, iframe { margin: 0; border: 0; width: 100%; height: 100%; display: block; }"


class Live:
    """The page file, how often it was made, and the files that it is made of; of a folder, the files in it."""

    def __init__(self, page: Path, watched: Sequence[Path], make: Callable[[], None], tell: Callable[[str], None]) -> None:
        self.page = page
        self.made = 1
        self._watched, self._make, self._tell = watched, make, tell
        self._seen = _state(watched)
        self._changing: object = None

    def look(self) -> None:
        """Make the page again once a change has come to rest: between two looks nothing moved."""
        now = _state(self._watched)
        if now == self._seen:
            return
        if now != self._changing:
            self._changing = now
            return
        self._seen = now
        try:
            self._make()
        except (VlkitError, OSError) as error:  # a file is half written, wrong or gone: the last page stays until it is mended
            self._tell(f"Not made again: {error}")
            return
        self.made += 1
        self._tell(f"Made again ({self.made}): {self.page}")


def serve_live(live: Live, *, port: int, tell: Callable[[str], None], ended: threading.Event | None = None) -> None:
    """Serve until interrupted, or until `ended` is set.

    Raises:
        UsageError: the port is taken.
    """
    token = secrets.token_urlsafe(24)
    try:
        server = _Server((HOST, port), _handler(live, token))
    except OSError:
        raise UsageError(f"port {port} is taken.", cure="Name another: --port N, or 0 for any that is free.") from None
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    tell(f"Serving at http://{HOST}:{server.server_address[1]}/{token}/ until Ctrl-C.")
    ended = ended or threading.Event()
    try:
        while not ended.wait(_EVERY_S):
            live.look()
    except KeyboardInterrupt:
        pass
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that hangs up, as it does when a page is left while it loads."""


def watched_files(paths: Iterable[str | Path]) -> list[Path]:
    """Those that are here, of DIR/NAME its contract, records and shards; a URL or standard input cannot be watched."""
    named = [path for given in paths for path in (Path(given), Path(f"{given}.jsonl"), Path(f"{given}.contract.json"))]
    return [path for path in named if path.exists()]


def _state(paths: Sequence[Path]) -> object:
    found: list[tuple[str, int, int]] = []
    for path in paths:
        try:
            known = path.stat()
        except OSError:
            found.append((str(path), 0, 0))
            continue
        found.append((str(path), known.st_mtime_ns, known.st_size))
        if stat.S_ISDIR(known.st_mode):
            found += _state_inside(path)
    return found


def _state_inside(folder: Path) -> list[tuple[str, int, int]]:
    """Of the files in a folder, as shards are."""
    try:
        with os.scandir(folder) as entries:
            files = [(entry.path, entry.stat()) for entry in entries if entry.is_file()]
    except OSError:  # one went away in between; the next look tells
        return []
    return sorted((path, known.st_mtime_ns, known.st_size) for path, known in files)


def _handler(live: Live, token: str) -> type[BaseHTTPRequestHandler]:
    frame = _frame(live.page.name).encode()

    class Handler(BaseHTTPRequestHandler):
        timeout = _PATIENCE_S  # a client that says nothing keeps a thread no longer

        def do_GET(self) -> None:
            hosts = self.headers.get_all("Host", [])
            if len(hosts) != 1 or not is_own_host(hosts[0], HOST, int(self.connection.getsockname()[1])):
                self._answer(421, b"This address is not the page's own.")
                return
            given, _, rest = self.path.partition("?")[0].lstrip("/").partition("/")
            if not hmac.compare_digest(given.encode(), token.encode()):
                self._answer(401, b"Open the address that was printed: it holds a token.")
            elif rest == "":
                self._answer(200, frame, "text/html; charset=utf-8")
            elif rest == "page":
                self._page()
            elif rest == "stamp":
                self._answer(200, str(live.made).encode())
            else:
                self._answer(404, b"Nothing is here.")

        def _page(self) -> None:
            try:
                body = live.page.read_bytes()
            except OSError:
                self._answer(503, b"The page is gone. It is made again when a file behind it changes.")
            else:
                self._answer(200, body, "text/html; charset=utf-8")

        def _answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("Referrer-Policy", "no-referrer")
            self.send_header("X-Content-Type-Options", "nosniff")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return  # requests are no news

    return Handler


def _frame(title: str) -> str:
    def digest(content: str) -> str:
        return base64.b64encode(hashlib.sha256(content.encode()).digest()).decode("ascii")

    sources = f"script-src 'sha256-{digest(_SCRIPT)}'; style-src 'sha256-{digest(_STYLE)}'; connect-src 'self'; frame-src 'self'"
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'\">\n"
        f"<title>{text(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f'<iframe id="page" src="page" title="{text(title)}"></iframe>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n'
    )
