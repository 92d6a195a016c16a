"""A scripted model behind the OpenAI wire on loopback, for harnesses that are run whole: what it says of each item is known before.

The item is told by the question ("Which colour is box 7?"). Every request is kept: the text it came with, and the size of its pictures.

    python -m bench.compare.scripted_model PORT LOG
"""

from __future__ import annotations

import base64
import io
import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any, NamedTuple

from bench.compare.answers import LETTERS

ITEM = re.compile(r"box (\d+)\?")
CUT = len(LETTERS)  # an answer that ends in the middle, as max_tokens cuts it
FAILS = len(LETTERS) + 1  # HTTP 500, each time
ITEMS = len(LETTERS) + 2


class Asked(NamedTuple):
    """A request: the item (-1: none was named), its text, its system prompt, the sizes of its pictures, and its sampling."""

    item: int
    text: str
    system: str
    pictures: tuple[tuple[int, int], ...]
    sampling: dict[str, Any]


def said_to(item: int) -> tuple[str, str]:
    """What the model says of an item, and how it ended."""
    if item == CUT:
        return "<think>The box in A is red, and the one in", "length"
    return (LETTERS[item].text, "stop") if 0 <= item < len(LETTERS) else ("", "stop")


def read_request(body: Mapping[str, Any]) -> Asked:
    """Take a chat request apart."""
    text, system, pictures = [], [], []
    for message in body.get("messages", []):
        content = message.get("content")
        parts = [{"type": "text", "text": content}] if isinstance(content, str) else content or []
        for part in parts:
            if part.get("type") == "image_url":
                pictures.append(size_of(part["image_url"]["url"]))
            elif part.get("type") == "text":
                (system if message.get("role") == "system" else text).append(part["text"])
    found = ITEM.search("\n".join(text))
    sampling = {name: body[name] for name in ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed") if name in body}
    return Asked(int(found[1]) if found else -1, "\n".join(text), "\n".join(system), tuple(pictures), sampling)


def size_of(url: str) -> tuple[int, int]:
    """Width and height of a picture in a data URL; (0, 0) of one that cannot be read."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))) as picture:
            return picture.size
    except (OSError, ValueError):
        return 0, 0


class Model(ThreadingHTTPServer):
    """The server; `asked` holds every request in the order in which they came."""

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.asked: list[Asked] = []
        self.lock = Lock()

    @property
    def url(self) -> str:
        """The base URL, as clients of OpenAI take it."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    """One request."""

    protocol_version = "HTTP/1.1"
    server: Model

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """The list of models."""
        self.reply(200, {"object": "list", "data": [{"id": "scripted", "object": "model", "created": 0, "owned_by": "nobody"}]})

    def do_POST(self) -> None:
        """A chat request."""
        asked = read_request(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        with self.server.lock:
            self.server.asked.append(asked)
        if asked.item == FAILS:
            self.reply(500, {"error": {"message": "the engine died", "type": "server_error"}})
            return
        words, end = said_to(asked.item)
        choice = {"index": 0, "message": {"role": "assistant", "content": words}, "finish_reason": end}
        cost = len(asked.text) // 4 + sum((width // 32) * (height // 32) + 2 for width, height in asked.pictures)
        usage = {"prompt_tokens": cost, "completion_tokens": len(words.split()), "total_tokens": cost + len(words.split())}
        told = {
            "id": "x",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": "scripted",
            "choices": [choice],
            "usage": usage,
        }
        self.reply(200, told)

    def reply(self, status: int, document: Mapping[str, Any]) -> None:
        """Send a document."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def answering(port: int = 0) -> Iterator[Model]:
    """Serve until the block ends."""
    model = Model(port)
    thread = Thread(target=model.serve_forever, daemon=True)
    thread.start()
    try:
        yield model
    finally:
        model.shutdown()
        model.server_close()
        thread.join()


def main() -> int:
    """Serve on a port until the input ends, then write what was asked."""
    with answering(int(sys.argv[1])) as model:
        print(model.url, flush=True)
        sys.stdin.read()
        Path(sys.argv[2]).write_text("".join(json.dumps(asked._asdict()) + "\n" for asked in model.asked))
    return 0


if __name__ == "__main__":
    sys.exit(main())
