"""`vleval score`: from a predictions file to numbers that can be trusted."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vleval.cli import options as o
from vleval.cli.settings import api_key

if TYPE_CHECKING:
    from vleval.explain import Explanation
    from vleval.judge.ask import Judge
    from vleval.judge.prompts import JudgePrompts
    from vleval.results import ScoreResult
    from vleval.stats.agreement import Agreement


def score(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="Predictions of any known tool; - for stdin.")] = None,
    references: o.References = None,
    profile: o.Profile = "vlkit",
    metric: o.Metrics = None,
    format: o.Format = "",
    group_by: o.GroupBy = None,
    allow_missing: o.AllowMissing = False,
    allow_duplicates: o.AllowDuplicates = False,
    allow_extra: o.AllowExtra = False,
    strip_think: o.StripThink = None,
    coord_space: o.CoordSpace = "",
    reference_space: o.ReferenceSpace = "",
    iou: o.Iou = 0.5,
    allow_remote_code: o.AllowRemoteCode = False,
    marks: o.Marks = None,
    judge: o.JudgeUrl = "",
    judge_model: o.JudgeModel = "",
    judge_mode: o.JudgeMode = "robust",
    judge_prompts: o.JudgePrompts = None,
    judge_rubric: o.JudgeRubric = None,
    human_marks: o.HumanMarks = None,
    per_record: Annotated[Path | None, typer.Option("--per-record", metavar="FILE", help="Write one JSON line per record here.")] = None,
    explain: Annotated[bool, typer.Option("--explain", help="Show the score under all profiles and the records that flip.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="Print which metric each profile defines, and stop.")] = False,
    seed: o.Seed = 0,
    json: o.Json = False,
) -> None:
    """Score predictions, and say what the score is worth."""
    from vldata import terminal
    from vldata.errors import UsageError

    if list_:
        _print_table(json)
        return
    if file is None:
        raise UsageError("no predictions file.", cure="Example: vleval score preds.jsonl")
    from vleval.cli.settings import metric_options
    from vleval.joining import Allow
    from vleval.judge.prompts import load_prompts
    from vleval.scoring import score as run_score

    settings = metric_options(strip_think, coord_space, reference_space, iou, allow_remote_code)
    result = run_score(
        file,
        references=references,
        profile=profile,
        metrics=metric or (),
        format=format,
        group_by=group_by,
        options=settings,
        allow=Allow(missing=allow_missing, duplicates=allow_duplicates, extra=allow_extra),
        marks=marks,
        judge=_make_judge(judge, judge_model, load_prompts(judge_mode, judge_prompts, judge_rubric), file) if judge else None,
        judge_key=api_key(),
        seed=seed,
        tell=terminal.note,
    )
    if per_record is not None:
        _write_per_record(per_record, result.per_record())
        terminal.note(f"{per_record}: {len(result.rows):,} lines.")
    agreed = _agreement(result, human_marks, seed) if human_marks is not None else None
    explanation = None
    if explain:
        from vleval.explain import explain as run_explain

        explanation = run_explain(result, settings)
    _print(result, explanation, agreed, json)


def _make_judge(url: str, model: str, prompts: JudgePrompts, file: str) -> Judge:
    """The judge of the flags; its verdicts are kept beside the predictions."""
    from vldata.errors import UsageError
    from vleval.judge.ask import Judge

    if not model:
        raise UsageError("--judge needs --judge-model.", cure="Name the model as the server lists it.")
    cache = None if file == "-" else Path(f"{file}.judge")
    return Judge(base_url=url, model=model, prompts=prompts, cache=cache)


def _agreement(result: ScoreResult, human_marks: str, seed: int) -> Agreement:
    """How far the judge's marks of these rows and those of people agree."""
    import msgspec

    from vldata.errors import UsageError
    from vleval.compare import agreement
    from vleval.joining import join_marks
    from vleval.readers import read_marks

    given = {row.id: row.extra["mark"] for row in result.rows if "mark" in row.extra}
    if not given:
        raise UsageError("--human-marks needs a judge's marks to compare with.", cure="Give --judge and --judge-model, or --marks.")
    bare = [msgspec.structs.replace(row, extra={}) for row in result.rows]
    people = {row.id: row.extra["mark"] for row in join_marks(bare, read_marks(human_marks), human_marks) if row.extra}
    return agreement(people, given, result.rows, seed=seed)


def _print(result: ScoreResult, explanation: Explanation | None, agreed: Agreement | None, json: bool) -> None:
    from vldata import terminal

    if json:
        document = result.document()
        if explanation is not None:
            import msgspec

            document["explain"] = msgspec.to_builtins(explanation)
        if agreed is not None:
            document["agreement"] = dataclasses.asdict(agreed)
        terminal.say_json(document)
        return
    from vleval.report.compare_text import agreement_lines
    from vleval.report.text import explain_lines, score_lines

    for line in score_lines(result):
        terminal.say(line)
    for line in explain_lines(explanation) if explanation is not None else ():
        terminal.say(line)
    for line in agreement_lines(agreed, "people", "the judge") if agreed is not None else ():
        terminal.say(line)


def _print_table(json: bool) -> None:
    from vldata import terminal
    from vleval import profiles
    from vleval.readers.formats import FORMATS
    from vleval.report.text import table_lines

    formats = [(name, kind.title) for name, kind in FORMATS.items()]
    if json:
        terminal.say_json({"metrics": {name: list(defining) for name, defining in profiles.table()}, "formats": dict(formats)})
        return
    for line in table_lines(profiles.table(), formats):
        terminal.say(line)


def _write_per_record(path: Path, records: Iterable[dict[str, object]]) -> None:
    import msgspec

    from vldata.files.durable import write_atomic

    encode = msgspec.json.Encoder().encode
    write_atomic(path, b"".join(encode(record) + b"\n" for record in records))
