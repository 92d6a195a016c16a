"""The tables of docs/compare.md, written between its marks from what was run."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.compare.answers import JOBS, Given
from bench.compare.data_side import AS_MEANT, ENTRY_LINES, ORDER, WAYS
from bench.compare.scripted_model import FAILS, ITEMS
from bench.compare.whole import WAY_NAMES, judged_otherwise

PAGE = Path(__file__).resolve().parents[2] / "docs/compare.md"


def write(results: Mapping[str, Any]) -> None:
    """Put the tables into the page."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), results), encoding="utf-8")


def filled(text: str, results: Mapping[str, Any]) -> str:
    """The page with its tables."""
    for name, table in tables(results).items():
        mark = re.compile(rf"(<!-- {name} -->\n)(?:(?!<!-- ).*\n)*(<!-- end -->)")  # never beyond its own end, also where it is empty
        text = mark.sub(lambda found, table=table: f"{found[1]}{table}\n{found[2]}", text)  # type: ignore[misc]
    return text


def tables(results: Mapping[str, Any]) -> dict[str, str]:
    """Every table by the name of its mark."""
    data, answers = results["data"], results["answers"]["scores"]
    whole = {"whole": _whole(results["whole"]["ways"])} if "whole" in results else {}
    return {
        **whole,
        "sums": _sums(data),
        "work": _work(data),
        "faults": _faults(data["faults"]),
        "wrong": _wrong(answers),
        "letters": _answers("letters", answers["letters"]),
        "numbers": _answers("numbers", answers["numbers"]),
    }


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _ways() -> list[str]:
    return [way.name for way in WAYS]


def _sums(data: Mapping[str, Any]) -> str:
    counts = {way: Counter(fault[way][0] for fault in data["faults"].values()) for way in _ways()}
    rows = [[outcome, *(counts[way][outcome] or "" for way in _ways())] for outcome in ORDER]
    lost = ["good rows beside them that were not trained", *(sum(fault[way][1] for fault in data["faults"].values()) for way in _ways())]
    return _table([f"of {len(data['faults'])} faults", *_ways()], [*rows, lost])


def _work(data: Mapping[str, Any]) -> str:
    lines = {"LLaMA-Factory": ENTRY_LINES, "ms-swift": 0, "by hand": script_lines(), "vldata": 0}
    took = {way: f"{data['seconds'][way]:.1f}" if way in data["seconds"] else "" for way in _ways()}
    faults = [fault for fault in data["faults"].values() if fault["LLaMA-Factory"][0] != AS_MEANT]
    untold = [fault["what"] for fault in faults if not fault["lint"]]
    told = f"Of the {len(faults)} that LLaMA-Factory does not train as meant, `vldata lint --as llamafactory`, which converts nothing, "
    told += f"tells of {len(faults) - len(untold)} before training; not of: {'; '.join(untold)}."
    table = _table(
        ["", *_ways()],
        [
            ["lines that the user writes", *(lines[way] for way in _ways())],
            ["commands before training", *(1 if way in data["seconds"] else 0 for way in _ways())],
            ["seconds for 300 clean rows", *(took[way] for way in _ways())],
        ],
    )
    return f"{table}\n\n{told}"


def script_lines() -> int:
    """Lines of the hand-written script, without its docstring and blank lines."""
    text = (Path(__file__).parent / "handwritten.py").read_text(encoding="utf-8")
    docstring = ast.parse(text).body[0]
    return sum(bool(line.strip()) for line in text.splitlines()[docstring.end_lineno :])


def _faults(faults: Mapping[str, Any]) -> str:
    rows = [
        [fault["what"].replace("|", "\\|"), *(fault[way][0] for way in _ways()), "yes" if fault["lint"] else "no"]
        for fault in faults.values()
    ]
    return _table(["what is wrong", *_ways(), "told by `lint`"], rows)


def _wrong(scores: Mapping[str, Mapping[str, Sequence[Any]]]) -> str:
    rows = []
    for job, answers in JOBS.items():
        for name, verdicts in scores[job].items():
            wrong = sum(said is not given.right for said, given in zip(verdicts, answers, strict=True))
            rows.append([job, name.replace("vleval ", "vleval: "), f"{wrong} of {len(answers)}", verdicts.count(None) or ""])
    return _table(["answers", "read by", "judged otherwise than by a person", "of these by luck"], rows)


def _answers(job: str, scores: Mapping[str, Sequence[Any]]) -> str:
    rows = []
    for number, given in enumerate(JOBS[job]):
        said = [verdicts[number] for verdicts in scores.values()]
        if any(verdict is not given.right for verdict in said):
            rows.append([_shown(given), given.accepted, _word(given.right), *(_cell(verdict, given) for verdict in said)])
    return _table(
        ["answer", "accepted", "a person", *(f"vleval: `{name.removeprefix('vleval ')}`" if "_" in name else name for name in scores)], rows
    )


def _whole(ways: Mapping[str, Any]) -> str:
    rows = []
    for way in WAY_NAMES:
        if way not in ways:
            continue
        one = ways[way]
        wrong = judged_otherwise(one["verdicts"])
        judged = [verdict for verdict in one["verdicts"].values() if verdict is not None]
        number = f"{100 * sum(judged) / len(judged):.1f} % of {len(judged)}" if judged else "none"
        told = f"{len(wrong)} of {ITEMS - 1}" if judged else ""
        rows.append([f"`{way}`" if " --" in way else way, one["commands"], one["lines"], one["seconds"], number, told, _of_failing(one)])
    head = ["", "commands", "lines that the user writes", "seconds", "its number", "judged otherwise than by a person"]
    return _table([*head, "the request that fails"], rows)


def _of_failing(one: Mapping[str, Any]) -> str:
    """What became of the item whose request fails each time."""
    verdict = one["verdicts"][str(FAILS)]
    if all(given is None for given in one["verdicts"].values()):
        became = "stops the run"
    elif verdict is None:
        became = "is left out of the number"
    else:
        became = "counts as right" if verdict else "counts as wrong"
    return f"asked {one['of_the_failing']} times, {became}"


def _shown(given: Given) -> str:
    text = given.text.replace("\n", "⏎").replace("|", "\\|")
    return f"`{text}`" if text else "(empty)"


def _word(right: Any) -> str:
    return {True: "right", False: "wrong", None: "by luck"}[right]


def _cell(verdict: Any, given: Given) -> str:
    return "" if verdict is given.right else f"**{_word(verdict)}**"
