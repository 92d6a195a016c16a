"""Servers that stand in for real ones, pages that are asked, and the grammar of a Modelfile."""

from __future__ import annotations

import base64
import contextlib
import io
import time
import urllib.request
from collections.abc import Callable, Iterator

from PIL import Image

from tests.servers.modelfile_rules import modelfile_fault as modelfile_fault
from tests.vleval.inference.server import FakeServer, serve


class Slow(FakeServer):
    """Answers after a while."""

    delay_s = 0.0

    async def reply(self, head: bytes, body: dict[str, object]) -> bytes | str:
        """Wait, then answer as the fake does."""
        import asyncio

        if body:
            await asyncio.sleep(self.delay_s)
        return await super().reply(head, body)


@contextlib.contextmanager
def fake(*, model: str, tokens_a_picture: int = 66, delay_s: float = 0.0) -> Iterator[FakeServer]:
    """A server of OpenAI's wire and Ollama's for the length of the block."""
    server = Slow(model=model, tokens_a_picture=tokens_a_picture)
    server.delay_s = delay_s
    with serve(server):
        yield server


def is_image(text: str) -> bool:
    """Whether base64 of an image's file."""
    with Image.open(io.BytesIO(base64.b64decode(text))) as image:
        return image.width > 0


def poll(url: str, done: Callable[[str], bool], *, seconds: float = 30) -> str:
    """Ask a page until it says what is waited for; returns what it said last."""
    body = ""
    for _ in range(int(seconds * 4)):
        with contextlib.suppress(OSError):
            with urllib.request.urlopen(url, timeout=5) as reply:
                body = reply.read().decode()
            if done(body):
                break
        time.sleep(0.25)
    return body


@contextlib.contextmanager
def failing(*, model: str, status: int, times: int) -> Iterator[FakeServer]:
    """A server that answers with an error so many times before it answers each question."""
    from tests.vleval.inference.server import http

    server = FakeServer(
        lambda attempt, _body: http(status, '{"error":"later"}', "Retry-After: 0") if attempt <= times else None, model=model
    )
    with serve(server):
        yield server
