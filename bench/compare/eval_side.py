"""The evaluation side: which answers each harness takes for right that a person does not, and the other way round; and what it says."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from bench.compare.answers import JOBS, rows, write
from bench.compare.data_side import said_by
from bench.compare.harnesses import judges, verdicts

METRICS = {"letters": ("multiple_choice",), "numbers": ("relaxed_accuracy", "numeric_match")}


def run(work: Path, upstream: Path) -> dict[str, Any]:
    """Every answer by every way: {job: {way: [verdict an answer]}}, with what `vleval` says of files that are wrong as a whole."""
    files = write(work / "answers")
    table: dict[str, dict[str, list[Any]]] = {job: {} for job in JOBS}
    for name, jobs in judges(upstream).items():
        for job, judge in jobs.items():
            table[job][name] = verdicts(judge, JOBS[job])
    said = {}
    for job, file in files.items():
        for metric in METRICS[job]:
            scores = work / "answers" / f"{metric}.jsonl"
            scores.unlink(missing_ok=True)
            words = ("vleval", "score", file.name, "--metric", metric, "--per-record", scores.name)
            said[metric] = said_by(sys.executable, "-m", *words, cwd=file.parent)
            marks = {row["id"]: row for row in map(json.loads, scores.read_text().splitlines())}
            table[job][f"vleval {metric}"] = [marks[str(number)][metric] == 1.0 for number in range(len(JOBS[job]))]
    return {"scores": table, "said": said, "files": whole_files(work / "answers")}


def whole_files(folder: Path) -> dict[str, str]:
    """What `vleval score` says of a row twice, a failed row, a missing answer: the last line it prints."""
    good = rows("numbers")[:6]
    cases = {
        "one id twice, with two answers": [*good, {**good[0], "prediction": "17"}],
        "a row with an error in the place of an answer": [*good[:5], {**good[5], "prediction": "", "error": "TimeoutError: 60 s"}],
    }
    said = {}
    for name, given in cases.items():
        file = folder / "whole.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in given))
        said[name] = said_by(sys.executable, "-m", "vleval", "score", file.name, "--metric", "relaxed_accuracy", cwd=folder)
    return said
