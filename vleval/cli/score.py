"""`vleval score`: from a predictions file to numbers that can be trusted."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vleval.cli import options as o
from vleval.settings import Judging, Reading, Scoring


def score(
    *,
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="Predictions of any known tool; - for stdin.")] = None,
    references: o.References = None,
    per_record: Annotated[Path | None, typer.Option("--per-record", metavar="FILE", help="Write one JSON line per record here.")] = None,
    card: Annotated[
        Path | None, typer.Option("--card", metavar="DIR", help="Write the scores into the card of the adapter or model that answered.")
    ] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the score under all profiles and the records that flip.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Print which metric each profile defines, and stop.")] = False,
    list_benchmarks: Annotated[
        bool, typer.Option("--list-benchmarks", help="Print the benchmarks, whose code each equals, and stop.")
    ] = False,
    json: o.Json = False,
    reading: Reading,
    scoring: Scoring,
    judging: Judging,
) -> None:
    """Score predictions, and say what the score is worth."""
    from vldata import terminal
    from vldata.errors import UsageError
    from vldata.files.urls import refuse_urls

    refuse_urls({"--per-record": per_record, "--card": card})
    if list_:
        _print_table(json)
        return
    if list_benchmarks:
        _print_benchmarks(json)
        return
    if file is None:
        raise UsageError("no predictions file.", cure="Example: vleval score preds.jsonl")
    from vleval.scoring import score as run_score

    result = run_score(
        file, references, reading=reading, scoring=scoring, judging=judging, judge_key=o.api_key(), explain=explain, tell=terminal.note
    )
    if per_record is not None:
        result.write_per_record(per_record)
        terminal.note(f"{per_record}: {len(result.rows):,} lines.")
    if card is not None:
        from vleval.reports.model_card import add_scores

        terminal.note(f"{add_scores(card, result)}: scores written.")
    terminal.say_result(result, json=json)


score.reaches = {"file": "tree", "references": "answers"}  # type: ignore[attr-defined]  # as `vleval.scoring.score`, which it calls


def _print_table(json: bool) -> None:
    from vldata import terminal
    from vleval import profiles
    from vleval.readers.formats import FORMATS
    from vleval.reports.text import table_lines

    formats = [(name, kind.title) for name, kind in FORMATS.items()]
    if json:
        terminal.say_json({"metrics": {name: list(defining) for name, defining in profiles.table()}, "formats": dict(formats)})
        return
    for line in table_lines(profiles.table(), formats):
        terminal.say(line)


def _print_benchmarks(json: bool) -> None:
    from vldata import terminal
    from vleval.benchmarks.table import benchmark_documents, benchmark_lines

    if json:
        terminal.say_json({"benchmarks": benchmark_documents()})
        return
    for line in benchmark_lines():
        terminal.say(line)
