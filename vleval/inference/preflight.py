"""Before the run: is the model there, does it answer, under which name, does it see pictures, and count their tokens as we do."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence

import aiohttp
import msgspec

from vldata.errors import DataError
from vldata.secrets import redact_bytes
from vleval.inference.ask import Ask, AskTurn
from vleval.inference.client import Client, Endpoint, StopRun, read_reply
from vleval.inference.reasons import no_server
from vleval.inference.retry import Answer, AskFault, as_sentence
from vleval.inference.wire import Wire


class Check(msgspec.Struct, frozen=True):
    """One thing looked at: `good` is None where the server does not let us know; where it is False, `detail` says so by itself.

    Without what is `vital` an answer means nothing, and nothing is asked.
    """

    name: str
    good: bool | None
    detail: str
    vital: bool = False


class Preflight(msgspec.Struct, frozen=True):
    """What the server is like. `names` are those the model may answer under: the one it is asked by, and another it is known by.

    `first_token` and `prompt_tokens` are of the probe: the first question with its pictures.
    """

    names: tuple[str, ...]
    checks: tuple[Check, ...]
    first_token: str = ""
    prompt_tokens: int = -1


def preflight(endpoint: Endpoint, wire: Wire, ask: Ask, expected_vision: int, *, api_key: str = "") -> Preflight:
    """Look at a server.

    Args:
        endpoint: the server.
        wire: how it is spoken to.
        ask: the first question of the run: its pictures are the probe.
        expected_vision: tokens we count for its pictures, delimiters included.
        api_key: the key, if one is needed.

    Raises:
        StopRun: it refuses the key, or does not list the model.
    """
    return asyncio.run(_preflight(endpoint, wire, ask, expected_vision, api_key))


async def _preflight(endpoint: Endpoint, wire: Wire, ask: Ask, expected_vision: int, api_key: str) -> Preflight:
    quick = msgspec.structs.replace(
        endpoint, retries=min(endpoint.retries, 2), sampler=msgspec.structs.replace(endpoint.sampler, max_tokens=1)
    )
    client = Client(quick, wire, api_key=api_key)
    async with client.session() as session:
        listed, models = await _model_listed(session, endpoint, wire)
        shown = await client.ask(session, "", ask)
        blind = await client.ask(session, "", without_pictures(ask))
        told = [outcome.result.model for outcome in (shown, blind) if isinstance(outcome.result, Answer)]
        if told and told[0] not in ("", endpoint.model):  # one reply under another name may be a stray one: what is the next?
            again = await client.ask(session, "", ask)
            told.append(again.result.model if isinstance(again.result, Answer) else "")
    if isinstance(shown.result, AskFault):
        return Preflight(
            (endpoint.model,), (listed, Check("a picture is answered", False, f"no answer to a picture: {shown.result.reason}"))
        )
    checks = [listed, Check("a picture is answered", True, f"in {shown.latency_s:.2f} s")]
    names, named = _name_check(endpoint.model, told, models)
    checks.append(named)
    if ask.images:
        checks.append(_token_check(shown.result, blind.result, expected_vision))
    return Preflight(names, tuple(checks), shown.result.text, shown.result.prompt_tokens)


async def _model_listed(session: aiohttp.ClientSession, endpoint: Endpoint, wire: Wire) -> tuple[Check, Mapping[str, str]]:
    """Whether the model is listed, and the whole list."""
    url = endpoint.base_url + wire.MODELS_PATH
    try:
        async with session.get(url, allow_redirects=False) as response:
            status, content = response.status, await read_reply(response)
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        cure = "Start the server, or correct --base-url."
        raise StopRun(no_server(error), where=endpoint.base_url, cure=cure) from None
    if status in (401, 403):
        cure = "Set the key in the environment (VLEVAL_API_KEY or OPENAI_API_KEY)."
        raise StopRun(f"HTTP {status}: the key is refused.", where=endpoint.base_url, cure=cure)
    names = wire.read_models(redact_bytes(content)) if status == 200 else None
    if names is None:
        return Check("model is listed", None, f"{url} answers HTTP {status} without a list of models"), {}
    if not names:  # transformers serve lists what is in its cache, not the folder it serves
        return Check("model is listed", None, f"{url} lists no model at all"), {}
    if endpoint.model not in names:
        shown = ", ".join(list(names)[:5])
        raise StopRun(f"the server does not list {endpoint.model!r}.", where=url, cure=f"It serves: {shown}. Name one with --model.")
    return Check("model is listed", True, endpoint.model), names


def _name_check(asked: str, told: Sequence[str], models: Mapping[str, str]) -> tuple[tuple[str, ...], Check]:
    """The names that answers may carry.

    A name that was not asked for counts when every reply carries it, since a server may know a model by its folder or a date; but not
    when the server lists it as another model: then that one has answered.
    """
    question = "the model that was asked answers"
    strange = sorted({*told} - {asked, ""})
    if not strange:
        named = asked in told
        return (asked,), Check(question, named or None, asked if named else "the server names no model")
    name = strange[0]
    if {*told} == {name} and models.get(name, asked) in (asked, models.get(asked)):
        return (asked, name), Check(question, True, f"as {name!r}")
    return (asked,), Check(question, False, f"{', '.join(map(repr, strange))} answered instead of {asked!r}; such answers are errors")


def _token_check(shown: Answer, blind: Answer | AskFault, expected: int) -> Check:
    """Pictures cost the difference of two prompts, with and without them: no tokenizer is needed to know it."""
    name = "pictures cost the tokens we count"
    if isinstance(blind, AskFault) or shown.prompt_tokens < 0 or blind.prompt_tokens < 0:
        return Check(name, None, "the server tells no prompt tokens")
    cost = shown.prompt_tokens - blind.prompt_tokens
    if cost <= 0:
        return Check(name, False, "the prompt costs the same with and without pictures: the server does not see them", vital=True)
    if cost != expected:
        return Check(
            name,
            False,
            f"pictures cost {cost:,} tokens on the server, {expected:,} by our count: it resizes them, or has another processor",
        )
    return Check(name, True, f"{cost:,}")


def without_pictures(ask: Ask) -> Ask:
    """The same ask without its pictures."""
    turns = tuple(AskTurn(turn.role, tuple(part for part in turn.parts if part is not None) or ("?",)) for turn in ask.turns)
    return msgspec.structs.replace(ask, turns=turns, images=(), image_names=())


def announce(checks: Sequence[Check], note: Callable[[str], None], *, strict: bool, blind: bool = False) -> None:
    """Warn of every check that did not hold.

    Raises:
        DataError: one that is vital did not hold and `blind` does not allow it, or `strict` and any did not.
    """
    lost = next((check for check in checks if check.good is False and check.vital), None)
    if lost is not None and not blind:
        cure = "Serve a model with its vision tower, or give --allow-blind to ask all the same."
        raise DataError(_failure(lost), where="preflight", cure=cure)
    for check in checks:
        if check.good is False:
            note(f"Warning: {_failure(check)}")
    if strict:
        require_good(checks)


def require_good(checks: Sequence[Check]) -> None:
    """Make warnings errors, for --strict.

    Raises:
        DataError: naming the first check that did not hold.
    """
    for check in checks:
        if check.good is False:
            raise DataError(_failure(check), where="preflight", cure="Drop --strict to go on all the same.")


def _failure(check: Check) -> str:
    return as_sentence(check.detail)
