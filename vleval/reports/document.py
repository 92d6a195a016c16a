"""The report as data: what the HTML and Markdown pages show, and what `--out report.json` holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from vldata.version import __version__
from vleval.compared import Compared
from vleval.comparison import Pair
from vleval.reports.gallery import GalleryItem, gallery_items
from vleval.results import MetricScore, RowCounts, ScorePart
from vleval.score_result import ScoreResult

SCHEMA: Literal["vlkit.report/1"] = "vlkit.report/1"


class SystemReport(msgspec.Struct, frozen=True, kw_only=True):
    """One predictions file: where it came from, its scores, how its rows fared."""

    name: str
    source: str
    format: str
    metrics: dict[str, MetricScore]
    counts: RowCounts
    by_category: dict[str, dict[str, ScorePart]]
    groups: str
    verdicts: dict[str, int]
    notes: tuple[str, ...] = ()


class Gallery(msgspec.Struct, frozen=True, kw_only=True):
    """The rows a person can look at. `note` says which of all rows they are."""

    total: int
    note: str
    items: tuple[GalleryItem, ...]


class ReportDocument(msgspec.Struct, frozen=True, kw_only=True):
    """A whole report. It names no time, host or absolute path: equal inputs give an equal report."""

    schema: Literal["vlkit.report/1"]
    version: str
    title: str
    profile: str
    systems: tuple[SystemReport, ...]
    comparison: tuple[Pair, ...]
    gallery: Gallery


def build_report(
    compared: Compared | None, results: Sequence[ScoreResult], names: Sequence[str], *, title: str, limit: int, seed: int
) -> ReportDocument:
    """Make the report of one or more systems over the same rows; `limit` is how many rows the gallery shows."""
    items, verdicts, note = gallery_items(results, limit=limit, seed=seed)
    systems = tuple(
        SystemReport(
            name=name,
            source=Path(result.name).name,
            format=result.format,
            metrics=result.metrics,
            counts=result.counts,
            by_category=result.by_category,
            groups=result.groups.note,
            verdicts=counted,
            notes=tuple(_without_folders(note, result.name) for note in result.notes),
        )
        for name, result, counted in zip(names, results, verdicts, strict=True)
    )
    return ReportDocument(
        schema=SCHEMA,
        version=__version__,
        title=title,
        profile=results[0].profile,
        systems=systems,
        comparison=() if compared is None else compared.comparison.pairs,
        gallery=Gallery(total=len(results[0].rows), note=note, items=items),
    )


def _without_folders(note: str, name: str) -> str:
    """A note with the predictions file called by its bare name: a report tells no path of the machine it was made on."""
    return note.replace(name, Path(name).name)
