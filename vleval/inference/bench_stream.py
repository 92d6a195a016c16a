"""One streaming request, timed: to the first token, to the end."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from vldata.secrets import redact
from vleval.inference import openai_wire
from vleval.inference.client import MAX_REPLY_BYTES, Endpoint, read_reply
from vleval.inference.reasons import reason_of
from vleval.inference.replies import read_answer
from vleval.inference.retry import AskFault
from vleval.inference.wire import Wire

BUFFER = 1 << 23
"""Bytes a session reads ahead: with aiohttp's 64 KiB a long line of a stream stops the reading, and the server looks slow."""


_KEPT = 256  # connections that an open loop may find closed


class Timing(msgspec.Struct, frozen=True):
    """One answered request: seconds to the first token, to the end, and how many tokens came."""

    first_s: float
    total_s: float
    tokens: int


async def measure(session: aiohttp.ClientSession, endpoint: Endpoint, wire: Wire, body: bytes, started: float) -> Timing | str:
    """Send one streaming request; a sentence instead of a timing when it fails.

    Args:
        session: with a read buffer of `BUFFER`.
        endpoint: where it goes.
        wire: how its server is spoken to.
        body: the ready request.
        started: when the clock began, by `time.perf_counter`: now, or when the request was due.
    """
    first = 0.0
    pieces = counted = 0
    ended = False
    try:
        async with await _post(session, endpoint.base_url + wire.CHAT_PATH, body, endpoint.concurrency or _KEPT) as response:
            if response.status != 200:
                fault = read_answer(wire, response.status, await read_reply(response))
                return fault.reason if isinstance(fault, AskFault) else f"HTTP {response.status}"
            async for event in _events(response):
                if event.get("error"):
                    return redact(f"an error inside the stream: {openai_wire.error_text(event, b'')}")
                if _has_text(event):
                    pieces += 1
                    first = first or time.perf_counter() - started
                counted = _token_count(event) or counted
                ended = ended or _is_end(event)
    except (msgspec.DecodeError, RecursionError) as error:
        return f"an event of the stream is not JSON: {error}"
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

    As many as `kept` of them may be in the pool, and each goes from there when it is found out.
    """
    for _ in range(kept):
        try:
            return await session.post(url, data=body, allow_redirects=False)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
            continue
    return await session.post(url, data=body, allow_redirects=False)


def streaming(body: bytes, wire: Wire) -> bytes:
    """Ask for a stream: the flag is put in front of the ready body, whose pictures need not be parsed again."""
    if wire is openai_wire:
        return b'{"stream":true,"stream_options":{"include_usage":true},' + body[1:]
    return body.replace(b'"stream":false', b'"stream":true', 1)


async def _events(response: aiohttp.ClientResponse) -> AsyncIterator[dict[str, Any]]:
    """Yield the JSON objects of a server-sent stream or of NDJSON; its `[DONE]` as `{"done": true}`, which is how NDJSON says it."""
    decode = msgspec.json.Decoder().decode
    async for line in _lines(response):
        text = line.strip().removeprefix(b"data:").strip()
        if text == b"[DONE]":
            yield {"done": True}
        if text.startswith(b"{"):
            value = decode(text)
            if isinstance(value, dict):
                yield value


async def _lines(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    """Yield the lines of a stream, taking all that has arrived at once: a wait for every line costs more than the line.

    Raises:
        aiohttp.ClientError: a line is longer than `MAX_REPLY_BYTES`.
    """
    parts: list[bytes] = []
    held = 0
    async for block in response.content.iter_any():
        head, end, rest = block.rpartition(b"\n")
        if end:
            lines = (b"".join([*parts, head])).split(b"\n")
            parts, held = [], 0
            for line in lines:
                yield line
        parts.append(rest)
        held += len(rest)
        if held > MAX_REPLY_BYTES:
            raise aiohttp.ClientPayloadError(f"a line of the stream is longer than {MAX_REPLY_BYTES:,} bytes")
    yield b"".join(parts)


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
