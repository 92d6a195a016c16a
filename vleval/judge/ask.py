"""Asking the judge: one request an answer, verdicts cached by their content, replies that name no mark asked again and counted."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from vldata.errors import DataError, UsageError
from vleval.inference import openai_wire
from vleval.inference.addresses import read_address
from vleval.inference.ask import Ask, AskTurn, Sampler, request_key
from vleval.inference.client import Client, Endpoint, Outcome, run_client
from vleval.inference.journal import AnswerJournal, read_journal
from vleval.inference.lines import make_prediction
from vleval.inference.retry import Answer, as_sentence
from vleval.judge.prompts import JudgePrompts, load_prompts
from vleval.metrics.llm_match import parse_mark
from vleval.metrics.marks import read_mark
from vleval.prediction import Prediction
from vleval.rows import Row
from vleval.settings import Judging

# As upstream asks; ours is greedy, with room for a model that thinks before it marks.
_SAMPLERS = {
    "upstream": Sampler(max_tokens=32, temperature=0.2, seed=1234),
    "robust": Sampler(max_tokens=2_048, temperature=0.0, seed=0),
}
_AGAIN = 2


class Judge(msgspec.Struct, frozen=True, kw_only=True):
    """A judge: where it is asked, in which wording, and where its verdicts are kept (None: nowhere)."""

    base_url: str
    model: str
    prompts: JudgePrompts
    cache: Path | None = None
    concurrency: int = 16
    timeout_s: float = 120.0

    @property
    def signature(self) -> str:
        """What a score's signature says of the judge."""
        return f"{self.model}/{self.prompts.mode}:{self.prompts.digest}"


def make_judge(judging: Judging, predictions: str | Path | None) -> Judge:
    """Make the judge of the options; its verdicts are kept next to the predictions file, if there is one.

    Raises:
        UsageError: the judge's model is not named, or prompts that its mode cannot use.
    """
    if not judging.model:
        raise UsageError("--judge needs --judge-model.", cure="Name the model as the server lists it.")
    beside = None if predictions in (None, "-") else Path(f"{predictions}.judge")
    prompts = load_prompts(judging.mode, judging.prompts, judging.rubric)
    return Judge(base_url=judging.url, model=judging.model, prompts=prompts, cache=judging.cache or beside)


def judge_rows(judge: Judge, rows: Sequence[Row], *, api_key: str = "", tell: Callable[[str], None] = lambda _: None) -> dict[str, str]:
    """Return the judge's reply for every row that has an answer, by id.

    Raises:
        DataError: replies without a mark remain after asking again, or the judge could not be asked.
    """
    read = parse_mark if judge.prompts.mode == "upstream" else read_mark
    asks = {row.id: _ask(row, judge.prompts) for row in rows if row.prediction is not None and not row.error}
    found = ask_judge(judge, asks, lambda reply: read(reply) is not None, what="mark", api_key=api_key)
    again = f", {found.again:,} replies without a mark asked again" if found.again else ""
    tell(f"Judged by {judge.signature}: {len(asks):,} answers, {found.cached:,} verdicts from the cache{again}.")
    return found.replies


class Replies(NamedTuple):
    """A judge's replies by the id of the ask, how many came from the cache, and how many were asked again since they said nothing."""

    replies: dict[str, str]
    cached: int
    again: int


def ask_judge(judge: Judge, asks: Mapping[str, Ask], accepts: Callable[[str], bool], *, what: str, api_key: str = "") -> Replies:
    """Ask everything that the cache does not hold; a reply that says nothing is asked again with another seed.

    Args:
        judge: who is asked.
        asks: the questions by id.
        accepts: whether a reply says what is wanted.
        what: what is wanted, for messages: "mark".
        api_key: the key, if one is needed.

    Raises:
        DataError: replies that say nothing remain, or the judge could not be asked.
    """
    sampler = _SAMPLERS[judge.prompts.mode]
    keys = {row_id: request_key(ask, backend="judge", model=judge.model, sampler=sampler) for row_id, ask in asks.items()}
    kept = read_journal(judge.cache) if judge.cache else {}
    known = {key: p for key, p in kept.items() if p.prediction is not None and accepts(p.prediction)}
    cached = sum(key in known for key in keys.values())
    unparsed = 0
    for attempt in range(1 + _AGAIN):
        left = {keys[row_id]: ask for row_id, ask in asks.items() if keys[row_id] not in known}
        if not left:
            break
        if attempt:
            unparsed += len(left)
            sampler = msgspec.structs.replace(sampler, seed=(sampler.seed or 0) + attempt)
        _collect(judge, sampler, left, known, accepts, api_key)
    failed = [row_id for row_id, key in keys.items() if key not in known]
    if failed:
        raise DataError(
            f"the judge gave no {what} for {len(failed):,} of {len(asks):,} answers, the first {failed[0]!r}.",
            where=judge.model,
            cure="Look at what it says (vleval ping), or take a model that follows instructions; verdicts so far are kept.",
        )
    return Replies({row_id: known[key].prediction or "" for row_id, key in keys.items()}, cached, unparsed)


def _collect(
    judge: Judge, sampler: Sampler, left: dict[str, Ask], known: dict[str, Prediction], accepts: Callable[[str], bool], api_key: str
) -> None:
    address = read_address(judge.base_url)
    endpoint = Endpoint(
        base_url=openai_wire.normalise_base_url(address.url),
        basic=address.basic,
        model=judge.model,
        sampler=sampler,
        concurrency=judge.concurrency,
        timeout_s=judge.timeout_s,
    )
    errors: list[str] = []

    def take(outcome: Outcome, journal: AnswerJournal | None) -> None:
        if not isinstance(outcome.result, Answer):
            errors.append(outcome.result.reason)
            return
        prediction = make_prediction(outcome.ask, outcome.result)
        if prediction.prediction is not None and accepts(prediction.prediction):
            known[outcome.key] = prediction
            if journal:
                journal.append(outcome.key, prediction)

    with AnswerJournal(judge.cache) if judge.cache else contextlib.nullcontext() as journal:
        run_client(Client(endpoint, openai_wire, api_key=api_key), iter(left.items()), lambda outcome: take(outcome, journal))
    if errors:
        raise DataError(
            as_sentence(f"{len(errors):,} answers could not be judged; the first: {errors[0]}"),
            where=endpoint.base_url,
            cure="Run again: verdicts so far are kept.",
        )


def _ask(row: Row, prompts: JudgePrompts) -> Ask:
    if not row.references:
        raise DataError("has no reference to judge by.", where=row.id, cure="Give them with --references FILE or DIR/NAME.")
    turn = AskTurn("user", (prompts.fill(row),))
    return Ask(id=row.id, turns=(turn,), images=(), image_names=(), references=row.references, meta={}, question=row.question)
