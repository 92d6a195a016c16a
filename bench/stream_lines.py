"""Whether a client that reads a stream keeps up with long lines: ours, and a session with the usual buffer, beside a bare socket.

    python -m bench.stream_lines [--lines 2000] [--bytes 65536] [--repeat 5]

A server in a process of its own sends lines of server-sent events, 64 KB each by default, as fast as the socket takes them (vLLM issue
39963: clients that stop reading at their buffer's limit made a server look ten times slower). Printed are MB/s and the ratio to a socket
that is read and thrown away, the median of the rounds; for a client the JSON of each line is decoded as well.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import statistics
import time
from typing import Any

import aiohttp

from vleval.inference import openai_wire
from vleval.inference.ask import Sampler
from vleval.inference.bench_stream import BUFFER, Timing, measure
from vleval.inference.client import Endpoint

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def body_of(lines: int, size: int) -> bytes:
    """A stream whose lines have `size` bytes each, as a server sends that reports its prompt in every chunk."""
    delta = {"choices": [{"index": 0, "delta": {"content": "x"}}], "prompt_token_ids": ""}
    delta["prompt_token_ids"] = "7" * max(1, size - len(json.dumps(delta)) - 8)
    line = b"data: " + json.dumps(delta).encode() + b"\n\n"
    end = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    return HEAD + line * lines + end


def serve(port: Any, lines: int, size: int) -> None:
    """Answer every connection with the stream until the process is ended."""
    body = memoryview(body_of(lines, size))
    listener = socket.create_server(("127.0.0.1", 0))
    port.send(listener.getsockname()[1])
    while True:
        peer, _ = listener.accept()
        with peer:
            head = b""
            while b"\r\n\r\n" not in head:
                head += peer.recv(65_536)
            peer.sendall(body)


def read_bare(port: int) -> float:
    """Seconds of a socket that is read and thrown away."""
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as peer:
        peer.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
        while peer.recv(1 << 18):
            pass
    return time.perf_counter() - started


def read_client(port: int, buffer: int) -> float:
    """Seconds of the reader of `vleval bench`, in a session with such a buffer."""

    async def main() -> float:
        endpoint = Endpoint(base_url=f"http://127.0.0.1:{port}", model="m", sampler=Sampler())
        async with aiohttp.ClientSession(read_bufsize=buffer) as session:
            started = time.perf_counter()
            timing = await measure(session, endpoint, openai_wire, b"{}", started)
            assert isinstance(timing, Timing), timing
            return timing.total_s

    return asyncio.run(main())


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=2_000)
    parser.add_argument("--bytes", type=int, default=65_536)
    parser.add_argument("--repeat", type=int, default=5)
    given = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(theirs, given.lines, given.bytes), daemon=True)
    server.start()
    port = ours.recv()
    megabytes = given.lines * given.bytes / 1e6
    readers = {
        "bare socket": lambda: read_bare(port),
        "vleval bench": lambda: read_client(port, BUFFER),
        "buffer of 64 KiB": lambda: read_client(port, 1 << 16),
    }
    rounds = [{name: read() for name, read in readers.items()} for _ in range(given.repeat)]
    bare = [one["bare socket"] for one in rounds]
    for name in readers:
        seconds = [one[name] for one in rounds]
        ratio = statistics.median(mine / base for mine, base in zip(seconds, bare, strict=True))
        print(f"{name:<17} {megabytes / statistics.median(seconds):8,.0f} MB/s   {ratio:6.2f} x the time of the bare socket")
    server.terminate()
    server.join()


if __name__ == "__main__":
    main()
