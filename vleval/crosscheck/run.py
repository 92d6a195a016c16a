"""The comparison: the same records and the same probes to each backend, one after the other."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vleval.crosscheck.backends import Witness
from vleval.crosscheck.divergence import ServerDivergence, earliest, find_in_probes, find_in_record
from vleval.crosscheck.probes import Prober, Verdict
from vleval.crosscheck.views import Expected, Expecting, Reply, renders_exactly
from vleval.inference.ask import Ask, Sampler, iter_asks, no_records
from vleval.inference.preflight import without_pictures

_ORIENTATION = 274


class SeenRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One record by one backend; `blind_tokens` are those of the prompt without its pictures."""

    record: str
    reply: Reply
    blind_tokens: int
    divergence: ServerDivergence | None


class ComparedRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One backend: its records, what the probes found, and what differs first."""

    label: str
    seen: tuple[SeenRecord, ...]
    verdicts: tuple[Verdict, ...]
    first: ServerDivergence | None


class Parity(msgspec.Struct, frozen=True, kw_only=True):
    """The whole comparison. `rendered` are our own prompts by record id; empty without a model folder."""

    sampler: Sampler
    rendered: dict[str, Expected]
    backends: tuple[ComparedRecord, ...]
    first: ServerDivergence | None

    @property
    def same(self) -> bool:
        """Whether no record shows a difference."""
        return self.first is None or self.first.reach == "probe"


def compare_backends(
    dataset: Dataset,
    backends: Sequence[Witness],
    *,
    sampler: Sampler,
    limit: int = 3,
    rendering: Path | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> Parity:
    """Ask every backend the first `limit` records and the probes, and name what differs first.

    `rendering` is a model folder whose template and tokenizer render the prompts that are expected; by default that of the first
    backend in this process. Where our rendering does not know the family's prompts, backends are compared with the first alone.

    Raises:
        DataError: the dataset is empty, or a server does not answer at all.
    """
    asks = list(iter_asks(dataset, limit))
    if not asks:
        raise no_records(dataset)
    folder = rendering or next((Path(backend.folder) for backend in backends if backend.folder), None)
    if folder is not None and not renders_exactly(folder):
        note(
            f"What the processor of {folder.name} writes around pictures is not known: {backends[0].label} is what the others are held to."
        )
        folder = None
    expecting = Expecting(folder, dataset) if folder else None
    rendered = {ask.id: expecting.of(ask) for ask in asks} if expecting else {}
    traits = frozenset().union(*(_traits(ask) for ask in asks))
    compared: list[ComparedRecord] = []
    with tempfile.TemporaryDirectory() as drawn:
        prober = Prober(Path(drawn), asks[0].question or "What is shown?")
        for backend in backends:
            note(f"Asking {backend.label} ...")
            verdicts = tuple(prober.run(backend, backends[0]))
            replies = [(backend.ask(ask), backend.ask(without_pictures(ask)).prompt_tokens if ask.images else -1) for ask in asks]
            firsts = [seen.reply for seen in compared[0].seen] if compared else [reply for reply, _ in replies]
            seen = tuple(
                SeenRecord(
                    record=ask.id,
                    reply=reply,
                    blind_tokens=blind,
                    divergence=find_in_record(backend.label, ask.id, reply, rendered.get(ask.id), first, verdicts, blind),
                )
                for ask, (reply, blind), first in zip(asks, replies, firsts, strict=True)
            )
            found = [one.divergence for one in seen if one.divergence]
            found += find_in_probes(backend.label, verdicts, compared[0].verdicts if compared else verdicts, traits)
            compared.append(ComparedRecord(label=backend.label, seen=seen, verdicts=verdicts, first=earliest(found)))
    firsts_found = [backend.first for backend in compared if backend.first]
    return Parity(sampler=sampler, rendered=rendered, backends=tuple(compared), first=earliest(firsts_found))


def document(parity: Parity) -> dict[str, Any]:
    """The comparison as one JSON object."""
    value: dict[str, Any] = msgspec.to_builtins(parity)
    return {"schema": "vlkit.parity/1", "same": parity.same, **value}


def _traits(ask: Ask) -> set[str]:
    """What an ask has that a probe looks at: places of pictures, and what no picture written by vldata has."""
    from PIL import Image

    found = {"swapped"} if len(set(ask.image_names)) > 1 else set()
    if any(part is None and before is not None for turn in ask.turns for before, part in itertools.pairwise(turn.parts)):
        found.add("before the text")
    for path in ask.images:
        try:
            with path.open() as file, Image.open(file) as image:
                if image.getexif().get(_ORIENTATION, 1) != 1:
                    found.add("orientation")
                if image.mode == "P":
                    found.add("palette")
                if "A" in image.mode or "transparency" in image.info:
                    found.add("transparency")
        except OSError as error:
            raise DataError(f"cannot be decoded: {error}.", where=str(path), cure="Run: vldata validate") from None
    return found
