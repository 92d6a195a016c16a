"""The backends of a comparison: a model in this process, or a server; each answers an ask and tells what it knows about it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import msgspec

from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vldata.secrets import redact
from vleval.crosscheck.views import Reply, digest_files, plain_places
from vleval.inference import ollama_wire, openai_wire
from vleval.inference.ask import Ask, Sampler
from vleval.inference.backends import HF, find_server
from vleval.inference.client import Client, Endpoint, read_reply
from vleval.inference.hf import HfModel
from vleval.inference.options import RunOptions
from vleval.inference.pictures import PictureCache
from vleval.inference.reasons import no_server
from vleval.inference.replies import read_answer
from vleval.inference.retry import Answer
from vleval.inference.server import make_endpoint
from vleval.inference.wire import Wire

# What servers can be asked to tell; the first set that a server does not refuse is used.
_TELLING: dict[str, tuple[dict[str, Any], ...]] = {
    openai_wire.CHAT_PATH: (
        {"logprobs": True, "top_logprobs": 1, "return_token_ids": True, "return_prompt_text": True},
        {"logprobs": True, "top_logprobs": 1},
        {},
    ),
    ollama_wire.CHAT_PATH: ({"logprobs": True}, {}),
}
_NEUTRAL: dict[str, dict[str, Any]] = {
    openai_wire.CHAT_PATH: {"repetition_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0},
    ollama_wire.CHAT_PATH: {"repeat_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0},
}


class Witness(Protocol):
    """Answers asks."""

    label: str
    folder: str

    def ask(self, ask: Ask, *, neutral: bool = False) -> Reply:
        """Answer one ask; `neutral` sends the penalties that change nothing, for servers with defaults of their own."""


class Spec(msgspec.Struct, frozen=True):
    """A backend as it is written: `NAME[@MODEL[+ADAPTER]][=URL]`."""

    name: str
    model: str
    base_url: str = ""
    adapter: str = ""

    @property
    def label(self) -> str:
        """How tables call it: folders by their last part."""
        parts = [Path(part).name if Path(part).is_dir() else part for part in (self.model, self.adapter) if part]
        return f"{self.name}@{'+'.join(parts)}"


def parse_backends(text: str, model: str, adapter: str = "") -> list[Spec]:
    """Read `NAME[@MODEL[+ADAPTER]][=URL],...`; `model` and `adapter` are those of backends that name no model.

    Raises:
        UsageError: an unknown backend, fewer than two, or one without a model.
    """
    specs = [parse_backend(part, model, adapter) for part in filter(None, (piece.strip() for piece in text.split(",")))]
    if len(specs) < 2:
        cure = "For example: --backends hf@merged,vllm@tuned=http://127.0.0.1:8000"
        raise UsageError("a comparison needs two backends.", cure=cure)
    return specs


def parse_backend(part: str, model: str, adapter: str = "") -> Spec:
    """Read one `NAME[@MODEL[+ADAPTER]][=URL]`.

    Raises:
        UsageError: an unknown backend, or one without a model.
    """
    head, _, url = part.partition("=")
    name, _, own = head.partition("@")
    if name != HF:
        find_server(name)
    if not (own or model):
        raise UsageError(f"{part!r} names no model.", cure=f"Write {name}@MODEL, or give --model.")
    named, _, its = own.partition("+") if name == HF else (own, "", "")
    return Spec(name, named or model, url, its or (adapter if name == HF and not own else ""))


def open_backend(
    spec: Spec,
    *,
    sampler: Sampler,
    dtype: str = "auto",
    timeout_s: float = 300.0,
    key: str = "",
    tell: bool = True,
) -> Witness:
    """Load the model, or make the server's client; `tell`: ask the server for all it can tell, and not for the answer alone.

    Raises:
        UsageError: a server is to take an adapter.
    """
    if spec.name == HF:
        return HfWitness(spec, HfModel(spec.model, adapter=spec.adapter, dtype=dtype, sampler=sampler))
    options = RunOptions(
        backend=spec.name,
        model=spec.model,
        adapter=spec.adapter,
        base_url=spec.base_url,
        sampler=sampler,
        timeout_s=timeout_s,
        retries=2,
    )
    wire, url = find_server(spec.name)
    return ServerWitness(spec, make_endpoint(options, wire, url), wire, key, tell=tell)


class HfWitness:
    """The model in this process."""

    def __init__(self, spec: Spec, model: HfModel) -> None:
        self.label = spec.label
        self.folder = spec.model
        self._model = model

    def ask(self, ask: Ask, *, neutral: bool = False) -> Reply:
        """Answer one ask; there are no penalties here."""
        try:
            look = self._model.look(ask)
        except DataError as error:
            return Reply(error=str(error))
        return Reply(
            answer=look.text,
            finish_reason="stop" if look.finished else "length",
            model="hf",
            prompt=plain_places(look.prompt),
            ids=look.ids,
            prompt_tokens=len(look.ids),
            tokens=look.tokens,
            sent=digest_files(ask.images),
            patches=look.patches,
            grid=look.grid,
        )


class ServerWitness:
    """A server over its wire."""

    def __init__(self, spec: Spec, endpoint: Endpoint, wire: Wire, key: str, *, tell: bool) -> None:
        self.label = spec.label
        self.folder = ""
        self._endpoint = endpoint
        self._wire = wire
        self._client = Client(endpoint, wire, api_key=key)
        self._telling = list(_TELLING.get(wire.CHAT_PATH, ({},))) if tell else [{}]
        self._tell = tell
        self._pictures = PictureCache()

    def ask(self, ask: Ask, *, neutral: bool = False) -> Reply:
        """Answer one ask.

        Raises:
            DataError: no server answers.
        """
        return asyncio.run(self._ask(ask, neutral))

    async def _ask(self, ask: Ask, neutral: bool) -> Reply:
        if reason := self._wire.refuse(ask):
            return Reply(error=reason)
        async with self._client.session() as session:
            while True:
                body = self._body(ask, self._telling[0], neutral=neutral)
                status, content = await self._post(session, self._wire.CHAT_PATH, body)
                if status in (400, 422) and len(self._telling) > 1:
                    self._telling.pop(0)
                    continue
                break
            result = read_answer(self._wire, status, content)
            if not isinstance(result, Answer):
                return Reply(error=result.reason, sent=digest_files(ask.images))
            value = _read_object(content)
            prompt = redact(value["prompt_text"]) if isinstance(value.get("prompt_text"), str) else None
            if prompt is None and self._tell:
                prompt = await self._rendered(session, ask)
        ids = value.get("prompt_token_ids")
        return Reply(
            answer=result.text,
            finish_reason=result.finish_reason,
            model=result.model,
            prompt=plain_places(prompt) if prompt is not None else None,
            ids=tuple(ids) if isinstance(ids, list) and all(isinstance(token, int) for token in ids) else None,
            prompt_tokens=result.prompt_tokens,
            tokens=_read_logprobs(value),
            sent=digest_files(ask.images),
        )

    def _body(self, ask: Ask, extra: dict[str, Any], *, neutral: bool = False) -> bytes:
        sampler = self._endpoint.sampler
        if neutral:
            sampler = msgspec.structs.replace(sampler, extra={**sampler.extra, **_NEUTRAL.get(self._wire.CHAT_PATH, {})})
        body = self._wire.build_body(ask, self._endpoint.model, sampler, self._pictures)
        return body[:-1] + b"," + msgspec.json.encode(extra)[1:] if extra else body

    async def _rendered(self, session: aiohttp.ClientSession, ask: Ask) -> str | None:
        """The prompt as llama-server's /apply-template or Ollama's render-only mode shows it; None where there is neither."""
        root = self._endpoint.base_url.removesuffix("/v1")
        if self._wire is ollama_wire:
            status, content = await self._post(session, self._wire.CHAT_PATH, self._body(ask, {"_debug_render_only": True}))
            found = _read_object(content).get("_debug_info") if status == 200 else None
            text = found.get("rendered_template") if isinstance(found, dict) else None
        else:
            status, content = await self._post(session, "/apply-template", self._body(ask, {}), base=root)
            text = _read_object(content).get("prompt") if status == 200 else None
        return redact(text) if isinstance(text, str) else None

    async def _post(self, session: aiohttp.ClientSession, path: str, body: bytes, *, base: str = "") -> tuple[int, bytes]:
        url = (base or self._endpoint.base_url) + path
        try:
            async with session.post(url, data=body, allow_redirects=False) as response:
                return response.status, await read_reply(response)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            cure = "Start the server, or correct its address in --backends."
            raise DataError(no_server(error), where=url, cure=cure) from None


def _read_object(content: bytes) -> dict[str, Any]:
    try:
        value = strictjson.loads(content)
    except strictjson.StrictJsonError:
        return {}
    return value if isinstance(value, dict) else {}


def _read_logprobs(value: dict[str, Any]) -> tuple[tuple[str, float], ...]:
    """The answer's tokens as OpenAI's wire has them in its choice, or Ollama's at the top; () where there are none."""
    choices = value.get("choices")
    holder = choices[0].get("logprobs") if isinstance(choices, list) and choices and isinstance(choices[0], dict) else value.get("logprobs")
    rows = holder.get("content") if isinstance(holder, dict) else holder
    if not isinstance(rows, list):
        return ()
    found = [(row.get("token"), row.get("logprob")) for row in rows if isinstance(row, dict)]
    return tuple((token, float(value)) for token, value in found if isinstance(token, str) and isinstance(value, int | float))
