"""The row: one prediction next to what it is judged by. Readers yield rows, metrics score them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from vleval.kept import Mapped


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One prediction with its references.

    `prediction` is None when there is no answer (then `error` says why); "" is an answer that is empty. Nothing here is stripped or
    changed: a profile that copies an upstream tool scores the raw string.
    """

    id: str
    prediction: str | None
    references: tuple[str, ...]
    error: str = ""
    finish_reason: str = ""
    question: str = ""
    choices: tuple[str, ...] = ()
    category: str = ""
    task: str = ""
    kind: str = ""  # ChartQA: "human" or "augmented"
    lang: str = ""
    width: int = 0  # pixels of the picture as the model saw it; 0: unknown
    height: int = 0
    groups: dict[str, str] = {}  # scene, episode, image, cluster and other keys that rows may be clustered by
    extra: dict[str, str] = {}  # other text fields of the row, for metrics that need them (for example judge marks)
    sample: int = -1  # of several answers to one question, the number of this one from 0; -1: the only one
    images: tuple[str, ...] = ()  # paths, for the report's gallery


def ids_of(rows: Sequence[Row]) -> Sequence[str]:
    """The ids of rows, each read when it is asked for."""
    return Mapped(_id_of, rows)


def _id_of(row: Row) -> str:
    return row.id
