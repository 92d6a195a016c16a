from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from fixtures.shapes import shape_bytes
from vldata.conversion import convert
from vldata.output.options import ConvertOptions
from vldata.sources import jsonl, remote, sharegpt
from vldata.sources.addresses import is_public
from vldata.sources.errors import RowError
from vldata.sources.locate import plain_url
from vldata.validation import validate

CIRCLE = shape_bytes("circle")


class _Handler(BaseHTTPRequestHandler):
    busy = 0

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path == "/moved.png":
            self._answer(302, b"", Location="/circle.png")
        elif path == "/loop.png":
            self._answer(302, b"", Location="/loop.png")
        elif path == "/inside.png":
            self._answer(302, b"", Location="http://127.0.0.1:9/a.png")
        elif path == "/busy.png" and type(self).busy < 2:
            type(self).busy += 1
            self._answer(503, b"")
        elif path == "/cut.png":
            self._answer(200, CIRCLE, **{"Content-Length": str(len(CIRCLE) + 9)})
        elif path in ("/circle.png", "/busy.png"):
            self._answer(200, CIRCLE)
        elif path == "/large.png":
            type(self).busy += 1
            self._answer(200, b"x" * 5_000)
        elif path == "/headers.png":
            self._drip(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000)
        elif path == "/continue.png":
            self._drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000)
        elif path == "/body.png":
            self._drip(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000)
        else:
            self._answer(404, b"")

    def _drip(self, data: bytes) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            for place in range(0, len(data), 5):
                self.wfile.write(data[place : place + 5])
                self.wfile.flush()
                threading.Event().wait(0.02)

    def _answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A server that stands at a public address, as far as the code under test can tell."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    judged = remote.public_address
    address = ("127.0.0.1", server.server_port)
    monkeypatch.setattr(remote, "public_address", lambda host, port, end: address if host == "pictures.test" else judged(host, port, end))
    monkeypatch.setattr(remote.time, "sleep", lambda _: None)
    _Handler.busy = 0
    yield "http://pictures.test"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["circle.png", "moved.png", "busy.png", "circle.png?token=secret"])
def test_what_can_be_fetched(name: str, site: str) -> None:
    assert remote.fetch(f"{site}/{name}") == CIRCLE


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("absent.png", "the server answers 404"),
        ("loop.png", "more than 3 redirects"),
        ("inside.png", "'127.0.0.1' is a private address"),
        ("cut.png", "3 times"),
        ("large.png", "more than 1,000 bytes"),
    ],
)
def test_what_cannot_be_fetched(name: str, reason: str, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "large.png":
        monkeypatch.setattr(remote, "MAX_BYTES", 1_000)
    with pytest.raises(RowError, match=reason) as caught:
        remote.fetch(f"{site}/{name}")
    assert caught.value.code == "VL213"


def test_a_body_over_the_limit_is_asked_for_once(site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "MAX_BYTES", 1_000)
    with pytest.raises(RowError, match="more than 1,000 bytes"):
        remote.fetch(f"{site}/large.png")
    assert _Handler.busy == 1


@pytest.mark.parametrize("name", ["headers.png", "continue.png", "body.png"])
def test_what_drips_ends_at_the_deadline(name: str, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "TOTAL_TIMEOUT_S", 0.4)
    begun = time.monotonic()
    with pytest.raises(RowError, match=r"takes more than 0\.4 s"):
        remote.fetch(f"{site}/{name}")
    assert time.monotonic() - begun < 10


def test_a_name_that_is_not_resolved_ends_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "TOTAL_TIMEOUT_S", 0.2)
    monkeypatch.setattr("vldata.sources.addresses.socket.getaddrinfo", lambda *_, **__: threading.Event().wait(3))
    with pytest.raises(RowError, match=r"takes more than 0\.2 s"):
        remote.fetch("http://slow.test/a.png")


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b:1::a00:1", False),
        ("2002:7f00:1::", False),
        ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", False),
        ("::7f00:1", False),
        ("::5db8:d822", False),
        ("224.0.0.1", False),
        ("239.1.2.3", False),
        ("ff02::1", False),
        ("ff0e::1", False),
        ("240.0.0.1", False),
        ("255.255.255.255", False),
        ("100.64.0.1", False),
        ("192.88.99.1", False),
        ("192.0.2.1", False),
        ("198.18.0.1", False),
        ("2001:db8::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("fec0::1", False),
        ("::", False),
    ],
)
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "10.0.0.1", "192.168.1.1", "169.254.169.254", "[::1]", "0.0.0.0"])
def test_private_addresses_are_never_asked(host: str) -> None:
    with pytest.raises(RowError, match="private address"):
        remote.fetch(f"http://{host}/a.png")


def test_only_http() -> None:
    with pytest.raises(RowError, match="only http and https"):
        remote.fetch("file:///etc/passwd")
    assert plain_url("https://me:pw@host.org/a.png?token=x#y") == "https://host.org/a.png"


def test_conversions_over_http(site: str, tmp_path: Path) -> None:
    lines = "".join(f'{{"image": "{site}/{name}.png", "caption": "A circle."}}\n' for name in ("circle", "absent", "moved"))
    (tmp_path / "pairs.jsonl").write_text(lines)
    (opened,) = jsonl.open_source(tmp_path / "pairs.jsonl", allow_remote=True)
    result = convert(opened, ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1))
    assert result.counts.written == 2 and result.reject_counts == {"VL213": 1} and result.rejects[0].where == "pairs.jsonl:2"
    row = (
        '{"messages": [{"role": "user", "content": "<image>?"}, {"role": "assistant", "content": "!"}], "images": ["%s/circle.png?a=b"]}\n'
    )
    (tmp_path / "talks.jsonl").write_text(row % site)
    (talks,) = sharegpt.open_source(tmp_path / "talks.jsonl", allow_remote=True)
    assert convert(talks, ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1)).counts.written == 1
    assert '"source":"http://pictures.test/circle.png"' in (tmp_path / "out" / "talks.media.jsonl").read_text()
    assert validate(tmp_path / "out", workers=1).findings.total == 0


def test_order_is_kept_ahead_of_time() -> None:
    assert list(remote.map_ahead(lambda number: number * 2, range(100))) == [number * 2 for number in range(100)]


def test_an_interrupt_does_not_wait_for_servers() -> None:
    release = threading.Event()
    results = remote.map_ahead(lambda number: number if number == 0 else release.wait(30), range(100))
    assert next(results) == 0
    begun = time.monotonic()
    results.close()  # what an interrupt does to the generator
    assert time.monotonic() - begun < 10
    release.set()


def test_results_come_in_order_and_errors_where_they_belong() -> None:
    assert list(remote.map_ahead(lambda number: number * 2, range(200))) == [number * 2 for number in range(200)]

    def odd(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    results = remote.map_ahead(odd, range(5))
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(results)
