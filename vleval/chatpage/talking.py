"""Backends that answer while they speak: a model in this process, or a server's stream; the last reply is the whole one."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Protocol

import aiohttp

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.secrets import redact, redact_growing
from vleval.crosscheck.backends import Spec
from vleval.crosscheck.views import Reply, digest_files
from vleval.inference.ask import Ask, Sampler
from vleval.inference.backends import HF, find_server
from vleval.inference.bench_stream import streaming
from vleval.inference.client import MAX_REPLY_BYTES, Client
from vleval.inference.hf import HfModel
from vleval.inference.options import RunOptions
from vleval.inference.pictures import PictureCache
from vleval.inference.reasons import no_server
from vleval.inference.replies import read_answer
from vleval.inference.retry import Answer
from vleval.inference.server import make_endpoint

OnText = Callable[[str], None]


class Talker(Protocol):
    """Answers an ask bit by bit."""

    label: str

    def stream(self, ask: Ask, sampler: Sampler) -> Iterator[Reply]:
        """Yield what there is of the answer, again and again; the last is whole, or an error."""


def open_talker(spec: Spec, *, dtype: str = "auto", timeout_s: float = 300.0, key: str = "") -> Talker:
    """Load the model, or make the server's client.

    Raises:
        UsageError: a server is to take an adapter.
    """
    if spec.name == HF:
        return HfTalker(spec.label, HfModel(spec.model, adapter=spec.adapter, dtype=dtype))
    options = RunOptions(backend=spec.name, model=spec.model, adapter=spec.adapter, base_url=spec.base_url, timeout_s=timeout_s)
    return ServerTalker(spec.label, options, key)


class HfTalker:
    """The model in this process."""

    def __init__(self, label: str, model: HfModel) -> None:
        self.label = label
        self._model = model

    def stream(self, ask: Ask, sampler: Sampler) -> Iterator[Reply]:
        """Yield the answer as tokens come."""

        def work(on_text: OnText) -> Reply:
            try:
                look = self._model.look(ask, sampler=sampler, on_text=on_text)
            except DataError as error:
                return Reply(error=str(error))
            ended = "stop" if look.finished else "length"
            return Reply(answer=look.text, finish_reason=ended, model="hf", prompt_tokens=len(look.ids))

        return _as_it_comes(work)


class ServerTalker:
    """A server over its wire."""

    def __init__(self, label: str, options: RunOptions, key: str) -> None:
        self.label = label
        self._wire, url = find_server(options.backend)
        self._endpoint = make_endpoint(options, self._wire, url)
        self._client = Client(self._endpoint, self._wire, api_key=key)
        self._pictures = PictureCache()

    def stream(self, ask: Ask, sampler: Sampler) -> Iterator[Reply]:
        """Yield the answer as it arrives."""
        if reason := self._wire.refuse(ask):
            return iter([Reply(error=reason)])
        return _as_it_comes(lambda on_text: asyncio.run(self._talk(ask, sampler, on_text)))

    async def _talk(self, ask: Ask, sampler: Sampler, on_text: OnText) -> Reply:
        body = streaming(self._wire.build_body(ask, self._endpoint.model, sampler, self._pictures), self._wire)
        url = self._endpoint.base_url + self._wire.CHAT_PATH
        whole, text = bytearray(), ""
        try:
            async with self._client.session() as session, session.post(url, data=body, allow_redirects=False) as response:
                async for line in response.content:
                    whole += line
                    if len(whole) > MAX_REPLY_BYTES:
                        return Reply(error=f"the answer is longer than {MAX_REPLY_BYTES:,} bytes")
                    if response.status == 200 and (piece := _text_of(line)):
                        text += piece
                        on_text(redact_growing(text))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return Reply(answer=redact(text), error=redact(f"{url}: {no_server(error)}"))
        found = read_answer(self._wire, response.status, bytes(whole))
        if not isinstance(found, Answer):
            return Reply(answer=redact(text), error=found.reason)
        return Reply(
            answer=found.text,
            finish_reason=found.finish_reason,
            model=found.model,
            prompt_tokens=found.prompt_tokens,
            sent=digest_files(ask.images),
        )


def _text_of(line: bytes) -> str:
    """The text that one event of a stream adds, by either wire; "" where it adds none."""
    content = line.strip().removeprefix(b"data:").strip()
    if not content.startswith(b"{"):
        return ""
    try:
        event: Any = strictjson.loads(content)
    except strictjson.StrictJsonError:
        return ""
    choices = event.get("choices") if isinstance(event, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    message = choice.get("delta") or (event.get("message") if isinstance(event, dict) else None)
    piece = message.get("content") if isinstance(message, dict) else None
    return piece if isinstance(piece, str) else ""


def _as_it_comes(work: Callable[[OnText], Reply]) -> Iterator[Reply]:
    """Run `work` at the same time, and yield what it says meanwhile, then what it returns; an error of it is raised here."""
    said: queue.SimpleQueue[str | Reply | BaseException] = queue.SimpleQueue()

    def run() -> None:
        try:
            said.put(work(said.put))
        except BaseException as error:
            said.put(error)

    threading.Thread(target=run, daemon=True).start()
    while isinstance(found := said.get(), str):
        yield Reply(answer=found)
    if isinstance(found, BaseException):
        raise found
    yield found
