"""What a backend is: one method that answers questions, however it does so, and a line in a table that opens it.

`vleval.inference.backends.BACKENDS` is the table. Other packages add lines by the entry point group `vlkit.backends`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from vldata.datasets.dataset import Dataset
from vleval.inference.ask import Ask
from vleval.inference.client import Outcome
from vleval.inference.options import RunOptions
from vleval.inference.retry import Answer
from vleval.inference.wire import Wire

__all__ = ["Answer", "Ask", "Backend", "BackendKind", "Keyed", "Opening", "Outcome"]

Keyed = tuple[str, Ask]


class Backend(Protocol):
    """Answers questions. `names` are those that the model may answer under; none for a model in this process."""

    names: Sequence[str]

    def answer(self, asks: Iterable[Keyed], on_done: Callable[[Outcome], None]) -> None:
        """Answer every question, in any order, and report each outcome as soon as it is known.

        Raises:
            StopRun: nothing more can be answered.
        """


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a backend is opened with. `first` is one of the questions, to try it with; `note` is given what a person should know."""

    dataset: Dataset
    options: RunOptions
    first: Ask
    api_key: str
    note: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class BackendKind:
    """A line of the table.

    Attributes:
        open: makes the backend: loads the model, or looks at the server.
        check: refuses options that cannot work, before anything is opened.
        wire: how its server is spoken to; None for a backend without one.
        url: where its server listens unless told otherwise.
        in_process: whether the model of such options runs in this process.
    """

    open: Callable[[Opening], Backend]
    check: Callable[[RunOptions], None]
    wire: Wire | None = None
    url: str = ""
    in_process: Callable[[RunOptions], bool] = lambda _: False
