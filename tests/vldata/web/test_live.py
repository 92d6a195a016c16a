"""A served page is made again when its files change, and answers nobody but who was given its address."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from vldata.errors import DataError, UsageError
from vldata.web import live as module
from vldata.web.live import Live, serve_live, watched_files


class Served:
    def __init__(self, folder: Path) -> None:
        self.source, self.page = folder / "source.txt", folder / "page.html"
        self.said: list[str] = []
        self.told = threading.Event()
        self.source.write_text("one")
        self.make()
        self.live = Live(self.page, [self.source], self.make, self.tell)

    def make(self) -> None:
        text = self.source.read_text()
        if text == "torn":
            raise DataError("is torn.", where="source.txt")
        self.page.write_text(f"<p>{text}</p>")

    def tell(self, line: str) -> None:
        self.said.append(line)
        self.told.set()

    def ask(self, path: str, host: str | None = None) -> tuple[int, str]:
        address = self.said[0].split()[2]
        port, token = address.split(":")[2].split("/")[:2]
        connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=10)
        connection.request("GET", path.replace("TOKEN", token), headers={"Host": host or f"127.0.0.1:{port}"})
        answer = connection.getresponse()
        found = answer.status, answer.read().decode()
        connection.close()
        return found


@pytest.fixture
def served(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    monkeypatch.setattr(module, "_EVERY_S", 0.01)
    found, ended = Served(tmp_path), threading.Event()
    thread = threading.Thread(target=serve_live, args=(found.live,), kwargs={"port": 0, "tell": found.tell, "ended": ended})
    thread.start()
    assert found.told.wait(10)
    yield found
    ended.set()
    thread.join(10)
    assert not thread.is_alive()


def test_a_change_is_made_and_shown(served: Served) -> None:
    assert served.ask("/TOKEN/page") == (200, "<p>one</p>") and served.ask("/TOKEN/stamp") == (200, "1")
    status, frame = served.ask("/TOKEN/")
    assert status == 200 and '<iframe id="page" src="page"' in frame and "default-src 'none'" in frame
    for text, heard in (("torn", "Not made again: "), ("three", "Made again (2)")):
        served.told.clear()
        served.source.write_text(text)
        assert served.told.wait(10) and served.said[-1].startswith(heard)
    assert served.ask("/TOKEN/page") == (200, "<p>three</p>") and served.ask("/TOKEN/stamp") == (200, "2")


def test_the_shards_of_a_dataset_are_watched(tmp_path: Path) -> None:
    shards = tmp_path / "sharded"
    shards.mkdir()
    (tmp_path / "sharded.contract.json").write_text("{}")
    (shards / "part-00000.jsonl").write_text("one")
    watched = watched_files([tmp_path / "sharded", "https://host.example/x"])
    assert watched == [shards, tmp_path / "sharded.contract.json"]
    made: list[str] = []
    live = Live(tmp_path / "page.html", watched, lambda: made.append("again"), lambda line: None)
    live.look()
    for change in ((shards / "part-00000.jsonl", "one and more"), (shards / "part-00001.jsonl", "two")):
        change[0].write_text(change[1])
        live.look()
        live.look()
    assert made == ["again", "again"]


def test_others_get_nothing(served: Served) -> None:
    assert served.ask("/")[0] == 401 and served.ask("/guess/page")[0] == 401
    assert served.ask("/TOKEN/page", host="evil.example:80")[0] == 421
    assert served.ask("/TOKEN/../../etc/passwd")[0] == 404


def test_a_port_that_is_taken_is_named(served: Served) -> None:
    port = int(served.said[0].split(":")[2].split("/")[0])
    with pytest.raises(UsageError, match=f"port {port} is taken"):
        serve_live(served.live, port=port, tell=served.tell)


def test_a_page_that_is_gone_and_a_browser_that_hangs_up_leave_no_traceback(served: Served, capfd: pytest.CaptureFixture[str]) -> None:
    served.page.unlink()
    assert served.ask("/TOKEN/page")[0] == 503
    port = int(served.said[0].split()[2].split(":")[2].split("/")[0])
    for sent in (b"GET /", b"\x16\x03\x01 nothing\r\n\r\n", b"GET / HTTP/1.1\r\nHost: " + b"a" * 70_000):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # hang up without a word
            client.sendall(sent)
    assert served.ask("/TOKEN/")[0] == 200
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.parametrize("path", ["/TOKEN/../source.txt", "/TOKEN//etc/passwd", "/TOKEN/page/../../source.txt", "/TOKEN/%2e%2e/source.txt"])
def test_no_name_of_a_browser_leads_to_a_file(path: str, served: Served) -> None:
    assert served.ask(path) == (404, "Nothing is here.")
