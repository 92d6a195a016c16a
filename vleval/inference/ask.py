"""The ask: what a backend is given of a record, the last assistant turn withheld."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vldata.files.gate import SafePath, below
from vldata.flags import Flag, OptionGroup
from vldata.records.record import IMAGE_TAG, Message, Record
from vldata.records.solutions import accepted_answers

AskRole = Literal["system", "user", "assistant", "tool"]
_ROLES: dict[str, AskRole] = {
    "system": "system",
    "user": "user",
    "assistant": "assistant",
    "observation": "tool",
    "function_call": "assistant",
}


MOST_TOKENS = 1_048_576  # the longest context there is
MOST_SEED = 2**31 - 1  # what every server takes


_SENT = frozenset({"max_tokens", "temperature", "top_p", "seed", "stop"})


class Sampler(OptionGroup, frozen=True, kw_only=True):
    """How answers are drawn. Greedy by default: a score that moves from run to run is no score."""

    PANEL: ClassVar[str] = "Sampling"

    max_tokens: Annotated[int, Flag("Most tokens of an answer.", metavar="N", least=1, most=MOST_TOKENS)] = 256
    temperature: Annotated[float, Flag("0: greedy.", least=0, most=100)] = 0.0
    top_p: Annotated[float, Flag("Nucleus sampling, with a temperature.", least=0, most=1)] = 1.0
    seed: Annotated[int | None, Flag("Seed sent to the server.", least=0, most=MOST_SEED)] = 0
    thinking: Annotated[
        Literal["auto", "on", "off"], Flag("Ask a model that can do both to think before it answers, or not; auto: as its template does.")
    ] = "auto"
    stop: Annotated[tuple[str, ...], Flag("Text that ends an answer; may be given more than once.", show_default=False)] = ()
    omit: Annotated[
        str, Flag("Fields that the server refuses and that are left out: max_tokens,temperature,seed.", metavar="A,B", show_default=False)
    ] = ""
    extra: Annotated[dict[str, Any], Flag("JSON object of further request fields.", metavar="JSON", show_default=False, json=True)] = {}  # noqa: RUF012 - msgspec copies it

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            UsageError: as `OptionGroup`, or a field to be left out that is never sent.
        """
        super().__post_init__()
        if unknown := sorted(self.left_out - _SENT):
            raise UsageError(f"--omit: there is no field {unknown[0]!r}.", cure="Fields: " + ", ".join(sorted(_SENT)))

    @property
    def thinks(self) -> bool | None:
        """What a template's switch is set to; None leaves it alone."""
        return None if self.thinking == "auto" else self.thinking == "on"

    @property
    def left_out(self) -> frozenset[str]:
        """The fields that are not sent."""
        return frozenset(name.strip() for name in self.omit.split(",") if name.strip())


class AskTurn(msgspec.Struct, frozen=True):
    """One turn: text, and None where the next picture stands."""

    role: AskRole
    parts: tuple[str | None, ...]


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """One question to a model. `images` are the files in the order the None parts ask for them; the gate opens them."""

    id: str
    turns: tuple[AskTurn, ...]
    images: tuple[SafePath, ...]
    image_names: tuple[str, ...]
    references: tuple[str, ...]
    meta: dict[str, str]
    question: str


def make_ask(record: Record, folder: Path) -> Ask:
    """Withhold the last assistant turn of a record and what follows it; a prompt with a solution is asked as it stands.

    Raises:
        DataError: the record has no assistant turn and no solution, or shows a video.
    """
    if record.videos:
        cure = "Convert its videos to frames: vldata convert --help names the options."
        raise DataError(f"record {record.id!r} shows a video, and backends are asked with pictures.", cure=cure)
    folder = folder.absolute()
    shown, references = _shown(record)
    count = sum(message.content.count(IMAGE_TAG) for message in shown)
    names = record.images[:count]
    turns = tuple(AskTurn(_ROLES[message.role], split_places(message.content)) for message in shown)
    question = shown[-1].content.replace(IMAGE_TAG, "").strip()
    return Ask(
        id=record.id,
        turns=turns,
        images=tuple(below(folder, name, f"record {record.id!r}") for name in names),
        image_names=names,
        references=references,
        meta=record.meta,
        question=question,
    )


def _shown(record: Record) -> tuple[tuple[Message, ...], tuple[str, ...]]:
    """The turns that a model is shown of a record, and the accepted answers."""
    if record.solution is not msgspec.UNSET and record.messages[-1:] and record.messages[-1].role == "user":
        return record.messages, accepted_answers(record)
    last = max((i for i, message in enumerate(record.messages) if message.role == "assistant"), default=-1)
    if last < 1:
        raise DataError(f"record {record.id!r} has no answer to withhold.", cure="Run: vldata validate")
    return record.messages[:last], accepted_answers(record)


def iter_asks(dataset: Dataset, limit: int | None = None) -> Iterator[Ask]:
    """Yield the asks of a dataset, in its order."""
    for number, record in enumerate(dataset):
        if limit is not None and number >= limit:
            return
        yield make_ask(record, dataset.paths.out)


def no_records(dataset: Dataset) -> DataError:
    """Make the message for a dataset in which there is nothing to ask."""
    return DataError("has no records: there is nothing to ask.", where=dataset.name, cure="Convert it again, or name another with --data.")


def request_key(ask: Ask, *, backend: str, model: str, sampler: Sampler) -> str:
    """Name a request by everything that decides its answer: pictures count by the digests in their names."""
    drawn = msgspec.to_builtins(sampler)
    if sampler.thinks is None:  # as before there was a choice: answers of older runs are still found
        del drawn["thinking"]
    payload = (backend, model, drawn, ask.turns, ask.image_names)
    return hashlib.blake2b(msgspec.msgpack.encode(payload), digest_size=16).hexdigest()


def split_places(content: str) -> tuple[str | None, ...]:
    """Cut a text at its places of pictures: the pieces that are not empty, and None for each place."""
    parts: list[str | None] = []
    for index, piece in enumerate(content.split(IMAGE_TAG)):
        if index:
            parts.append(None)
        if piece:
            parts.append(piece)
    return tuple(parts)
