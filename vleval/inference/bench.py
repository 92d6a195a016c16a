"""Latency and throughput of a server, by this client's clock: in a closed loop (so many in flight) or an open one (so many a second).

Answers are streamed, so that the time to the first token is seen. Requests that fail are counted and left out of the times. Every
request of a level shows another picture where the dataset has them; `fresh_images` changes a pixel in each, so that no cache of
pictures can help; such requests are made before the clock starts. In the open loop requests arrive at random as people do (a Poisson
process), and a request's clock starts when it was due: a client that waits for answers hides the queue that it caused.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import random
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Literal

import aiohttp
import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.gate import SafePath
from vleval.inference.ask import Ask
from vleval.inference.bench_stream import BUFFER, Timing, measure, streaming
from vleval.inference.client import Endpoint, request_headers
from vleval.inference.pictures import PictureCache
from vleval.inference.retry import as_sentence
from vleval.inference.wire import Wire

PERCENTILES = (50, 95, 99)
Goal = Literal["first", "answer"]
_MOST_MADE = 1 << 30  # bytes of requests that are made before a level
_STEPS, _CLOSE = 12, 1.1  # of the search for a rate: doublings at most, and how near the bounds come
_IN_SEARCH = 32  # requests a rate
_FIRST, _LOWEST = 1.0, 1 / 16  # requests a second that a search begins with, and under which it gives up


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """What one load gave. Times in milliseconds, by percentile.

    Attributes:
        concurrency: requests in flight, or the most that were in an open loop.
        rate: requests a second that arrived; 0 in a closed loop.
        late_ms: how late this client sent requests that were due: beyond some milliseconds the times are the client's, not the server's.
    """

    concurrency: int
    rate: float = 0.0
    requests: int
    errors: int
    first_error: str
    seconds: float
    requests_per_s: float
    tokens_per_s: float
    ttft_ms: dict[str, float]
    per_token_ms: dict[str, float]
    total_ms: dict[str, float]
    late_ms: dict[str, float] = {}


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How a bench is run: levels in flight, or rates, or the search for the rate that keeps a goal.

    Attributes:
        levels: numbers of requests in flight.
        rates: requests a second; when there are any, `levels` are not used.
        goal_ms: search the highest rate whose 95th percentile stays below; 0: no search.
        goal: of which time.
        requests: of each level; 0: eight times the level and at least 16, or what arrives in ten seconds and at least 32.
        warmup: requests before, not counted.
        fresh_images: change a pixel in every request.
    """

    levels: tuple[int, ...] = (1,)
    rates: tuple[float, ...] = ()
    goal_ms: float = 0.0
    goal: Goal = "answer"
    requests: int = 0
    warmup: int = 2
    fresh_images: bool = False


def bench(endpoint: Endpoint, wire: Wire, asks: Sequence[Ask], run: Run, *, api_key: str = "") -> list[Level]:
    """Measure every level or rate, after a warm-up that is not counted; of a search, every rate that was tried.

    Raises:
        DataError: there is nothing to ask, or not one request was answered.
        UsageError: requests with fresh images that would not fit into memory.
    """
    if not asks:
        raise DataError("there is nothing to ask.", cure="Name a dataset with records: --data DIR/NAME.")
    return asyncio.run(_bench(endpoint, wire, asks, run, api_key))


def kept_goal(level: Level, run: Run) -> bool:
    """Whether a level kept the goal: every request answered, and the 95th percentile below it."""
    times = level.ttft_ms if run.goal == "first" else level.total_ms
    return not level.errors and times.get("p95", run.goal_ms + 1) <= run.goal_ms


async def _bench(endpoint: Endpoint, wire: Wire, asks: Sequence[Ask], run: Run, key: str) -> list[Level]:
    open_loop = bool(run.rates or run.goal_ms)
    timeout = aiohttp.ClientTimeout(total=endpoint.timeout_s, sock_connect=10)
    widest = msgspec.structs.replace(endpoint, concurrency=0 if open_loop else max(run.levels))
    source = _Bodies(endpoint, wire, asks, PictureCache() if not run.fresh_images else _FreshPictures())
    headers = request_headers(endpoint, key)
    connector = aiohttp.TCPConnector(limit=widest.concurrency)
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers, read_bufsize=BUFFER) as session:

        async def one(body: bytes | str, due: float = 0.0) -> Timing | str:
            if isinstance(body, str):
                return body
            return await measure(session, widest, wire, body, due or time.perf_counter())

        for _ in range(run.warmup):
            await one(source.make())
        if run.goal_ms:
            results = await _search(run, source, one)
        elif run.rates:
            results = [await _arriving(rate, _count_of(run, rate), source, one) for rate in run.rates]
        else:
            results = [await _in_flight(level, run.requests or max(16, 8 * level), source, one) for level in run.levels]
    if not any(result.requests > result.errors for result in results):
        words = as_sentence(f"no request was answered; the first: {results[0].first_error}")
        raise DataError(words, where=endpoint.base_url, cure="Look with: vleval ping")
    return results


class _Bodies:
    """Ready requests, the dataset over and over. A body that changes every time is made before the clock starts."""

    def __init__(self, endpoint: Endpoint, wire: Wire, asks: Sequence[Ask], pictures: PictureCache) -> None:
        self._source = itertools.cycle(asks)
        self._endpoint, self._wire, self._pictures = endpoint, wire, pictures

    def make(self) -> bytes | str:
        """The next request, or why it cannot be sent."""
        ask = next(self._source)
        if reason := self._wire.refuse(ask):
            return reason
        return streaming(self._wire.build_body(ask, self._endpoint.model, self._endpoint.sampler, self._pictures), self._wire)

    def take(self, count: int) -> Iterator[bytes | str]:
        """So many requests: all made now where each is made anew, else as they are taken.

        Raises:
            UsageError: they would not fit into memory.
        """
        if not isinstance(self._pictures, _FreshPictures):
            return (self.make() for _ in range(count))
        first = self.make()
        if len(first) * count > _MOST_MADE:
            size = len(first) * count / 2**30
            fault = f"{count:,} requests with fresh images take {size:.1f} GiB, and they are made before the clock starts."
            raise UsageError(fault, cure=f"Take fewer: --requests {_MOST_MADE // len(first)}.")
        return iter([first, *(self.make() for _ in range(count - 1))])


One = Callable[..., Awaitable[Timing | str]]


async def _in_flight(concurrency: int, requests: int, source: _Bodies, one: One) -> Level:
    left = source.take(requests)
    outcomes: list[Timing | str] = []

    async def work() -> None:
        for body in left:
            outcomes.append(await one(body))

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    return level_of(outcomes, time.perf_counter() - started, concurrency=concurrency)


def _count_of(run: Run, rate: float) -> int:
    return run.requests or max(_IN_SEARCH, int(10 * rate))


async def _arriving(rate: float, requests: int, source: _Bodies, one: One) -> Level:
    """Requests that arrive at random, `rate` of them a second, whether earlier ones were answered or not."""
    dice = random.Random(0)
    bodies = source.take(requests)
    outcomes: list[Timing | str] = []
    late: list[float] = []
    flying = most = 0

    async def send(body: bytes | str, due: float) -> None:
        nonlocal flying, most
        flying += 1
        most = max(most, flying)
        outcomes.append(await one(body, due))
        flying -= 1

    started = due = time.perf_counter()
    tasks = []
    for body in bodies:
        due += dice.expovariate(rate)
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late.append(max(0.0, time.perf_counter() - due))
        tasks.append(asyncio.create_task(send(body, due)))
    await asyncio.gather(*tasks)
    level = level_of(outcomes, time.perf_counter() - started, concurrency=most)
    return msgspec.structs.replace(level, rate=round(rate, 4), late_ms=_percentiles(late))


async def _search(run: Run, source: _Bodies, one: One) -> list[Level]:
    """Double the rate until the goal is missed, then halve the gap until the bounds are near."""
    tried: list[Level] = []

    async def keeps(rate: float) -> bool:
        tried.append(await _arriving(rate, run.requests or _IN_SEARCH, source, one))
        return kept_goal(tried[-1], run)

    rate = _FIRST
    while await keeps(rate):
        if len(tried) > _STEPS:
            return tried
        rate *= 2
    high, low = rate, rate / 2 if len(tried) > 1 else 0.0
    while len(tried) <= 2 * _STEPS and high > _CLOSE * low:
        middle = (low + high) / 2
        if middle < _LOWEST:
            break
        low, high = (middle, high) if await keeps(middle) else (low, middle)
    return tried


def level_of(outcomes: Sequence[Timing | str], seconds: float, *, concurrency: int, streamed: bool = True) -> Level:
    """The figures of a level from its answers and errors; without a stream nobody saw the first token."""
    timings = [outcome for outcome in outcomes if isinstance(outcome, Timing)]
    errors = [outcome for outcome in outcomes if isinstance(outcome, str)]
    spans = [(t.total_s - t.first_s) / (t.tokens - 1) for t in timings if t.tokens > 1]
    return Level(
        concurrency=concurrency,
        requests=len(outcomes),
        errors=len(errors),
        first_error=errors[0] if errors else "",
        seconds=round(seconds, 4),
        requests_per_s=round(len(timings) / seconds, 3),
        tokens_per_s=round(sum(t.tokens for t in timings) / seconds, 3),
        ttft_ms=_percentiles([t.first_s for t in timings] if streamed else []),
        per_token_ms=_percentiles(spans if streamed else []),
        total_ms=_percentiles([t.total_s for t in timings]),
    )


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {f"p{p}": round(ordered[-(-len(ordered) * p // 100) - 1] * 1000, 3) for p in PERCENTILES}


class _FreshPictures(PictureCache):
    """Pictures with a pixel of their own in every request: the same work for the server, nothing for its cache."""

    def __init__(self) -> None:
        super().__init__()
        self._serial = itertools.count()

    def base64(self, path: SafePath) -> bytes:
        import base64

        from PIL import Image

        number = next(self._serial)
        with path.open() as file, Image.open(file) as image:
            changed = image.convert("RGB")
        changed.putpixel((0, 0), (number & 255, number >> 8 & 255, number >> 16 & 255))
        buffer = io.BytesIO()
        changed.save(buffer, "PNG", compress_level=1)
        return base64.b64encode(buffer.getvalue())

    def data_url(self, path: SafePath) -> bytes:
        return b'"data:image/png;base64,' + self.base64(path) + b'"'
