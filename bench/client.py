"""What a request costs the client: processor time a request and requests a second, against a bare asyncio server on loopback.

    python bench/client.py [--requests 10000] [--concurrency 64] [--picture-bytes 75000]

The server answers a fixed reply as soon as it has the body, in a process of its own. A picture of 75,000 bytes is 100 KB in base64.
With httpx and openai installed, a plain httpx client and the OpenAI SDK ask the same in the same run, a tenth as often. Best in a venv of
its own: `pip install openai httpx -e .`
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import importlib.util
import itertools
import json
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from vleval.inference import openai_wire
from vleval.inference.ask import Ask, AskTurn, Sampler
from vleval.inference.client import Client, Endpoint

Send = Callable[[list[dict[str, Any]]], Coroutine[Any, Any, None]]
REPLY = json.dumps({"model": "m", "choices": [{"message": {"content": "Four."}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}})
RAW = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(REPLY)}\r\n\r\n{REPLY}".encode()


class Bare(asyncio.Protocol):
    """Counts body bytes and answers; nothing else."""

    def __init__(self) -> None:
        self._left = 0
        self._head = b""

    def connection_made(self, transport: Any) -> None:
        """Keep the transport."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take a block of the request."""
        if not self._left:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            start = self._head.lower().index(b"content-length:") + 15
            self._left = int(self._head[start : self._head.index(b"\r\n", start)]) - (len(self._head) - end - 4)
            self._head = b""
        else:
            self._left -= len(data)
        if self._left <= 0:
            self._left = 0
            self._transport.write(RAW)


def serve(port: Any) -> None:
    """Run the server until the process is ended."""

    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(Bare, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


def cpu_s() -> float:
    """Processor seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def asks(count: int, pictures: list[str]) -> Iterator[tuple[str, Ask]]:
    """Questions that show the pictures in turn."""
    for number, path in zip(range(count), itertools.cycle(pictures), strict=False):
        turn = AskTurn("user", (None, f"What is the value of bar {number}?"))
        yield str(number), Ask(id=str(number), turns=(turn,), images=(path,), image_names=(path,), references=(), meta={}, question="")


def measure_ours(url: str, count: int, concurrency: int, pictures: list[str]) -> tuple[float, float]:
    """(processor ms a request, requests a second) of our client."""
    endpoint = Endpoint(base_url=f"{url}/v1", model="m", sampler=Sampler(), concurrency=concurrency)
    done = 0

    def count_one(_: Any) -> None:
        nonlocal done
        done += 1

    started, used = time.perf_counter(), cpu_s()
    asyncio.run(Client(endpoint, openai_wire).run(asks(count, pictures), count_one))
    assert done == count
    return (cpu_s() - used) * 1000 / count, count / (time.perf_counter() - started)


def plain_messages(ask: Ask) -> list[dict[str, Any]]:
    """The messages of an ask as a script writes them: the file read and encoded for every request."""
    data = base64.b64encode(Path(ask.images[0]).read_bytes()).decode()
    picture = {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
    return [{"role": "user", "content": [picture, {"type": "text", "text": ask.turns[0].parts[1]}]}]


async def ask_all(send: Send, count: int, concurrency: int, pictures: list[str]) -> None:
    """Send everything, `concurrency` at a time."""
    queue = asks(count, pictures)

    async def work() -> None:
        for _, ask in queue:
            await send(plain_messages(ask))

    await asyncio.gather(*(work() for _ in range(concurrency)))


def measure_httpx(url: str, count: int, concurrency: int, pictures: list[str]) -> tuple[float, float]:
    """The same of httpx with bodies made by json."""
    import httpx

    async def main() -> None:
        limits = httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
        async with httpx.AsyncClient(limits=limits, timeout=60) as client:

            async def send(messages: list[dict[str, Any]]) -> None:
                (await client.post(f"{url}/v1/chat/completions", json={"model": "m", "messages": messages})).json()

            await ask_all(send, count, concurrency, pictures)

    return timed(main, count)


def measure_openai(url: str, count: int, concurrency: int, pictures: list[str]) -> tuple[float, float]:
    """The same of the OpenAI SDK."""
    import openai

    async def main() -> None:
        async with openai.AsyncOpenAI(base_url=f"{url}/v1", api_key="none", timeout=60) as client:

            async def send(messages: Any) -> None:
                reply = await client.chat.completions.create(model="m", messages=messages)
                assert reply.choices[0].message.content == "Four."

            await ask_all(send, count, concurrency, pictures)

    return timed(main, count)


def timed(main: Callable[[], Coroutine[Any, Any, None]], count: int) -> tuple[float, float]:
    """(processor ms a request, requests a second) of a run."""
    started, used = time.perf_counter(), cpu_s()
    asyncio.run(main())
    return (cpu_s() - used) * 1000 / count, count / (time.perf_counter() - started)


OTHERS = {"httpx": measure_httpx, "openai": measure_openai}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=64)
    parser.add_argument("--picture-bytes", type=int, default=75_000)
    args = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    with tempfile.TemporaryDirectory() as folder:
        pictures = [str(Path(folder) / f"{number}.jpg") for number in range(50)]
        for path in pictures:
            Path(path).write_bytes(os.urandom(args.picture_bytes))
        measure_ours(url, 200, args.concurrency, pictures)
        ms, rate = measure_ours(url, args.requests, args.concurrency, pictures)
        print(f"ours   {ms:.3f} ms of processor a request (limit 0.25), {rate:,.0f} requests/s (at least 4,000)")
        print(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
        for name, measure in OTHERS.items():
            if importlib.util.find_spec(name) is None:
                print(f"{name} is not installed")
                continue
            other = measure(url, args.requests // 10, args.concurrency, pictures)
            print(f"{name:<6} {other[0]:.3f} ms, {other[1]:,.0f} requests/s: {other[0] / ms:.1f} x the cost")
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
