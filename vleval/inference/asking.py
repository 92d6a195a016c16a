"""Where a run stands: what is asked, what earlier runs have answered, and where each answer is in the journal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vleval.inference.ask import Ask, iter_asks, request_key
from vleval.inference.client import Outcome
from vleval.inference.engine_args import read_engine_args
from vleval.inference.journal import AnswerJournal, iter_journal
from vleval.inference.keys import KeyTable
from vleval.inference.lines import make_prediction
from vleval.inference.options import RunOptions
from vleval.inference.retry import Answer, AskFault
from vleval.prediction import Prediction


def answering_model(options: RunOptions) -> str:
    """What answers, as part of a request's key: model, adapter, and whatever changes its arithmetic."""
    parts = [options.model, options.adapter, "" if options.dtype == "auto" else options.dtype]
    if options.engine_args:
        parts.append(msgspec.json.encode(read_engine_args(options.engine_args), order="sorted").decode())
    return "+".join(part for part in parts if part)


class Asking:
    """For each request of a run the place of its line in the journal. Records are read again whenever they are needed.

    A line that begins at byte n is noted as n when it holds an answer, as -2 - n when it holds an error.
    """

    def __init__(self, dataset: Dataset, options: RunOptions, on_progress: Callable[[int, int], None]) -> None:
        self._dataset = dataset
        self._options = options
        self._on_progress = on_progress
        self._model = answering_model(options)
        self._lines = KeyTable(len(dataset) if options.limit is None else min(options.limit, len(dataset)))
        self.total = self.taken_over = self._settled = 0
        self._began = 0  # where this run's lines begin
        self.fingerprints: dict[str, None] = {}

    def keyed(self) -> Iterator[tuple[str, Ask]]:
        """Every ask with its key, in dataset order, one at a time."""
        for ask in iter_asks(self._dataset, self._options.limit):
            yield request_key(ask, backend=self._options.backend, model=self._model, sampler=self._options.sampler), ask

    def take_over(self, journal: Path) -> None:
        """Find the answers of earlier runs, and look through all records: nothing is asked while one cannot be.

        Raises:
            DataError: a record has no answer to withhold, or the journal is damaged.
        """
        for offset, line in iter_journal(journal):
            if line.prediction.error is None:
                self._lines.set(line.key, offset)
                self._began = offset + 1
        for key, _ in self.keyed():
            self.total += 1
            self.taken_over += self._lines.get(key) is not None
        self._settled = self.taken_over

    def left(self) -> Iterator[tuple[str, Ask]]:
        """What earlier runs have not answered."""
        for key, ask in self.keyed():
            place = self._lines.get(key)
            if place is None or not 0 <= place < self._began:
                yield key, ask

    def settle(self, outcome: Outcome, journal: AnswerJournal) -> None:
        """Write down what came of an ask; of equal requests an answer counts before an error."""
        place, known = journal.append(outcome.key, _to_prediction(outcome)), self._lines.get(outcome.key)
        if isinstance(outcome.result, Answer):
            self._lines.set(outcome.key, place)
        elif known is None or known < 0:
            self._lines.set(outcome.key, -2 - place)
        if isinstance(outcome.result, Answer) and outcome.result.fingerprint:
            self.fingerprints[outcome.result.fingerprint] = None
        self._settled += 1
        self._on_progress(self._settled, self.total)

    def predictions(self, journal: AnswerJournal) -> Iterator[Prediction]:
        """Every prediction in dataset order; equal requests of several records share one answer under their own ids."""
        with journal.reader() as reader:
            for key, ask in self.keyed():
                place = self._lines.get(key)
                if place is None:
                    raise DataError("changed while it was asked.", where=self._dataset.name, cure="Run the same command again.")
                yield msgspec.structs.replace(
                    reader.at(place if place >= 0 else -2 - place), id=ask.id, references=ask.references, meta=ask.meta
                )


def _to_prediction(outcome: Outcome) -> Prediction:
    result = outcome.result
    if isinstance(result, AskFault):
        result = msgspec.structs.replace(result, reason=f"{result.reason} (after {outcome.attempts} attempts)")
    return make_prediction(outcome.ask, result, latency_s=round(outcome.latency_s, 4))
