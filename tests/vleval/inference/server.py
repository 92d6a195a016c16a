"""A model server that can be told to misbehave: OpenAI's wire and Ollama's, on 127.0.0.1, in a thread of its own."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# A misbehaviour gets the number of the attempt at this question (from 1) and returns raw bytes to send, None to answer as it
# should, "reset" to drop the connection, "hang" to say nothing, "drip" for a byte now and then, "endless" for a body without an end.
Misbehave = Callable[[int, dict[str, Any]], bytes | str | None]


def http(status: int, body: bytes | str, *headers: str, length: int | None = None) -> bytes:
    """A raw reply."""
    content = body.encode() if isinstance(body, str) else body
    lines = [
        f"HTTP/1.1 {status} X",
        "Content-Type: application/json",
        f"Content-Length: {len(content) if length is None else length}",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + content


def answer_to(question: str, images: int) -> str:
    """What the model says: the same for the same question and number of pictures."""
    return hashlib.sha256(f"{question}/{images}".encode()).hexdigest()[:8]


class FakeServer:
    """Counts every question it is asked."""

    def __init__(self, misbehave: Misbehave | None = None, *, model: str = "tiny", tokens_a_picture: int = 86, key: str = "") -> None:
        self.model = model
        self.asked: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.most_at_once = 0
        self.at_once = 0
        self._misbehave = misbehave or (lambda _attempt, _body: None)
        self._tokens = tokens_a_picture
        self._key = key
        self.url = ""
        self.listed = [{"id": model}]

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = int(
                    next((line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), b"0")
                )
                body = json.loads(await reader.readexactly(length)) if length else {}
                self.at_once += 1
                self.most_at_once = max(self.most_at_once, self.at_once)
                try:
                    reply = await self.reply(head, body)
                finally:
                    self.at_once -= 1
                if reply == "reset":
                    writer.transport.abort()
                    return
                if reply in ("drip", "endless"):
                    await self._pour(writer, slowly=reply == "drip")
                    return
                assert isinstance(reply, bytes)
                writer.write(reply)
                await writer.drain()
                if b"Connection: close" in reply:
                    return
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    async def _pour(self, writer: asyncio.StreamWriter, *, slowly: bool) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000000000\r\n\r\n")
        while True:
            writer.write(b" " if slowly else b" " * 65_536)
            await writer.drain()
            await asyncio.sleep(0.02 if slowly else 0)

    async def reply(self, head: bytes, body: dict[str, Any]) -> bytes | str:
        path = head.split(b" ")[1].decode()
        if self._key and f"authorization: bearer {self._key}".encode() not in head.lower():
            return http(401, '{"error":"Unauthorized"}')
        if path.endswith("/models"):
            return http(200, json.dumps({"data": self.listed}))
        if path == "/api/tags":
            return http(200, json.dumps({"models": [{"name": f"{self.model}:latest"}]}))
        if body.get("model") != self.model:
            return http(404, '{"error":{"message":"The model does not exist.","code":404}}')
        ollama = path == "/api/chat"
        question, images = _read_ollama(body) if ollama else _read_openai(body)
        self.asked[question] += 1
        self.bodies.append(body)
        await asyncio.sleep(0.002)
        odd = self._misbehave(self.asked[question], body)
        if odd == "hang":
            await asyncio.sleep(30)
        if odd is not None:
            return odd
        text, tokens = answer_to(question, images), 10 + images * self._tokens
        if ollama:
            message = {"role": "assistant", "content": text}
            return http(
                200, json.dumps({"model": self.model, "message": message, "done": True, "done_reason": "stop", "prompt_eval_count": tokens})
            )
        choice = {"message": {"content": text}, "finish_reason": "stop"}
        return http(200, json.dumps({"model": self.model, "choices": [choice], "usage": {"prompt_tokens": tokens, "completion_tokens": 4}}))


def _read_openai(body: dict[str, Any]) -> tuple[str, int]:
    content = body["messages"][-1]["content"]
    if isinstance(content, str):
        return content, 0
    return "".join(p.get("text", "") for p in content), sum(p["type"] == "image_url" for p in content)


def _read_ollama(body: dict[str, Any]) -> tuple[str, int]:
    message = body["messages"][-1]
    assert message["content"].count("[img]") == len(message.get("images", []))
    return message["content"].replace("[img]", ""), len(message.get("images", []))


@contextmanager
def serve(server: FakeServer) -> Iterator[FakeServer]:
    """Run a server for the length of the block."""
    loop = asyncio.new_event_loop()
    started = threading.Event()
    stop = asyncio.Event()

    async def main() -> None:
        listener = await asyncio.start_server(server.handle, "127.0.0.1", 0, limit=1 << 26)
        server.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
        started.set()
        await stop.wait()
        listener.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    started.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(5)
        loop.close()
