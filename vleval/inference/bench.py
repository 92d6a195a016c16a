"""Latency and throughput of a server at several numbers of requests in flight, by this client's clock.

Answers are streamed, so that the time to the first token is seen. Requests that fail are counted and left out of the times. Every
request of a level shows another picture where the dataset has them; `fresh_images` changes a pixel in each, so that no cache of
pictures can help.
"""

from __future__ import annotations

import asyncio
import io
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import aiohttp
import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.files.gate import SafePath
from vldata.secrets import redact
from vleval.inference import openai_wire
from vleval.inference.ask import Ask
from vleval.inference.client import Endpoint, read_reply, request_headers
from vleval.inference.pictures import PictureCache
from vleval.inference.reasons import reason_of
from vleval.inference.replies import read_answer
from vleval.inference.retry import Fault, as_sentence
from vleval.inference.wire import Wire

PERCENTILES = (50, 95, 99)


class Timing(msgspec.Struct, frozen=True):
    """One answered request: seconds to the first token, to the end, and how many tokens came."""

    first_s: float
    total_s: float
    tokens: int


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """What one number of requests in flight gave. Times in milliseconds, by percentile."""

    concurrency: int
    requests: int
    errors: int
    first_error: str
    seconds: float
    requests_per_s: float
    tokens_per_s: float
    ttft_ms: dict[str, float]
    per_token_ms: dict[str, float]
    total_ms: dict[str, float]


def bench(
    endpoint: Endpoint,
    wire: Wire,
    asks: Sequence[Ask],
    levels: Sequence[int],
    *,
    requests: int = 0,
    warmup: int = 2,
    fresh_images: bool = False,
    api_key: str = "",
) -> list[Level]:
    """Measure each level, `requests` of them (0: eight times the level, at least 16), after a warm-up that is not counted.

    Raises:
        DataError: there is nothing to ask, or not one request was answered.
    """
    if not asks:
        raise DataError("there is nothing to ask.", cure="Name a dataset with records: --data DIR/NAME.")
    return asyncio.run(_bench(endpoint, wire, asks, levels, requests, warmup, fresh_images, api_key))


async def _bench(
    endpoint: Endpoint, wire: Wire, asks: Sequence[Ask], levels: Sequence[int], requests: int, warmup: int, fresh: bool, key: str
) -> list[Level]:
    headers = request_headers(endpoint, key)
    timeout = aiohttp.ClientTimeout(total=endpoint.timeout_s, sock_connect=10)
    widest = msgspec.structs.replace(endpoint, concurrency=max(levels))
    connector = aiohttp.TCPConnector(limit=widest.concurrency)
    source = itertools.cycle(asks)
    serial = itertools.count()
    pictures = _FreshPictures(serial) if fresh else PictureCache()
    results = []
    async with aiohttp.ClientSession(timeout=timeout, connector=connector, headers=headers) as session:

        async def one() -> Timing | str:
            return await _measure(session, widest, wire, next(source), pictures)

        for _ in range(warmup):
            await one()
        for level in levels:
            results.append(await _level(level, requests or max(16, 8 * level), one))
    if not any(result.requests > result.errors for result in results):
        words = as_sentence(f"no request was answered; the first: {results[0].first_error}")
        raise DataError(words, where=endpoint.base_url, cure="Look with: vleval ping")
    return results


async def _level(concurrency: int, requests: int, one: Callable[[], Awaitable[Timing | str]]) -> Level:
    left = iter(range(requests))
    timings: list[Timing] = []
    errors: list[str] = []

    async def work() -> None:
        for _ in left:
            outcome = await one()
            if isinstance(outcome, Timing):
                timings.append(outcome)
            else:
                errors.append(outcome)

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(concurrency)))
    seconds = time.perf_counter() - started
    spans = [(t.total_s - t.first_s) / (t.tokens - 1) for t in timings if t.tokens > 1]
    return Level(
        concurrency=concurrency,
        requests=requests,
        errors=len(errors),
        first_error=errors[0] if errors else "",
        seconds=round(seconds, 4),
        requests_per_s=round(len(timings) / seconds, 3),
        tokens_per_s=round(sum(t.tokens for t in timings) / seconds, 3),
        ttft_ms=_percentiles([t.first_s for t in timings]),
        per_token_ms=_percentiles(spans),
        total_ms=_percentiles([t.total_s for t in timings]),
    )


async def _measure(session: aiohttp.ClientSession, endpoint: Endpoint, wire: Wire, ask: Ask, pictures: PictureCache) -> Timing | str:
    """Send one streaming request; a sentence instead of a timing when it fails."""
    if reason := wire.refuse(ask):
        return reason
    body = _streaming(wire.build_body(ask, endpoint.model, endpoint.sampler, pictures), wire)
    started = time.perf_counter()
    first = 0.0
    pieces = counted = 0
    ended = False
    try:
        async with await _post(session, endpoint.base_url + wire.CHAT_PATH, body, endpoint.concurrency) as response:
            if response.status != 200:
                fault = read_answer(wire, response.status, await read_reply(response))
                return fault.reason if isinstance(fault, Fault) else f"HTTP {response.status}"
            async for event in _events(response):
                if event.get("error"):
                    return redact(f"an error inside the stream: {openai_wire.error_text(event, b'')}")
                if _has_text(event):
                    pieces += 1
                    first = first or time.perf_counter() - started
                counted = _token_count(event) or counted
                ended = ended or _is_end(event)
    except strictjson.StrictJsonError as error:
        return f"an event of the stream is {error}"
    except TimeoutError:
        return f"no end within {endpoint.timeout_s:g} s"
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return redact(reason_of(error))
    total = time.perf_counter() - started
    if not ended:
        return "the stream breaks off"
    if not pieces and not counted:
        return "the stream ended without a token"
    return Timing(first or total, total, counted or pieces)


async def _post(session: aiohttp.ClientSession, url: str, body: bytes, kept: int) -> aiohttp.ClientResponse:
    """Send a request; again where a kept connection turns out to be closed, as llama-server's is after every stream.

    As many as `kept` of them may lie in the pool, and each goes from there when it is found out.
    """
    for _ in range(kept):
        try:
            return await session.post(url, data=body, allow_redirects=False)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            continue
    return await session.post(url, data=body, allow_redirects=False)


def _streaming(body: bytes, wire: Wire) -> bytes:
    """Ask for a stream: the flag is put in front of the ready body, whose pictures need not be parsed again."""
    if wire is openai_wire:
        return b'{"stream":true,"stream_options":{"include_usage":true},' + body[1:]
    return body.replace(b'"stream":false', b'"stream":true', 1)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the JSON objects of a server-sent stream or of NDJSON; its `[DONE]` as `{"done": true}`, which is how NDJSON says it."""
    async for line in response.content:
        text = line.strip().removeprefix(b"data:").strip()
        if text == b"[DONE]":
            yield {"done": True}
        if text.startswith(b"{"):
            value = strictjson.loads(text)
            if isinstance(value, dict):
                yield value


def _has_text(event: dict[str, Any]) -> bool:
    choices = event.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        delta = choices[0].get("delta") or {}
        return bool(delta.get("content") or delta.get("reasoning_content") or delta.get("reasoning"))
    message = event.get("message")
    return isinstance(message, dict) and bool(message.get("content") or message.get("thinking"))


def _is_end(event: dict[str, Any]) -> bool:
    choices = event.get("choices")
    told = isinstance(choices, list) and choices and isinstance(choices[0], dict) and choices[0].get("finish_reason")
    return bool(told) or event.get("done") is True


def _token_count(event: dict[str, Any]) -> int:
    usage = event.get("usage")
    found = usage.get("completion_tokens") if isinstance(usage, dict) else event.get("eval_count")
    return found if isinstance(found, int) else 0


def _percentiles(seconds: Sequence[float]) -> dict[str, float]:
    ordered = sorted(seconds)
    if not ordered:
        return {}
    return {f"p{p}": round(ordered[-(-len(ordered) * p // 100) - 1] * 1000, 3) for p in PERCENTILES}


class _FreshPictures(PictureCache):
    """Pictures with a pixel of their own in every request: the same work for the server, nothing for its cache."""

    def __init__(self, serial: itertools.count[int]) -> None:
        super().__init__()
        self._serial = serial

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
