"""Replays every row of the five tutorials with a tiny model, drawn data and installed commands, and prints what came of each.

    python -m tests.e2e.rows --bin .venv/bin [--web BIN] [--llamafactory BIN] [--trl BIN] [--only 0.6,2.12] [--work DIR] [--json FILE]

A row is one function of `tests/e2e/replay`, which runs commands and notes what it saw: exit codes, files, numbers. Its verdict follows:

    whole             everything that was looked at is as it should be
    whole here        the same, and a part of the row needs what this machine has not
    cannot run here   nothing of it can be seen on this machine
    partly, not       some, or nothing, is as it should be; the script ends with 1
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from tests.e2e.replay import boxes, chartqa, idcards, openeqa, pairs
from tests.e2e.replay.bench import Bench, Look, NotHereError

TUTORIALS = {
    "Open-EQA, QLoRA, Ollama, LMDeploy": openeqa.ROWS,
    "identity cards": idcards.ROWS,
    "merge, four bits, detection": boxes.ROWS,
    "pairs on a CPU": pairs.ROWS,
    "ChartQA, Unsloth, vLLM": chartqa.ROWS,
}

# Rows that go on with what an earlier one left in the work folder.
AFTER = {
    "0.3": "0.1", "0.7": "0.6", "0.9": "0.1", "0.12": "0.11", "0.18": "0.17", "0.30": "0.6", "1.5": "1.4", "1.7": "1.4", "2.9": "2.8",
    "2.11": "2.8", "2.14": "2.13", "2.15": "2.13", "2.16": "2.13", "2.17": "2.13", "2.18": "2.8", "2.19": "2.8", "2.22": "2.8",
    "3.3": "3.2", "3.13": "3.2", "4.3": "4.2", "4.4": "4.3", "4.5": "4.1", "4.7": "4.2", "4.8": "4.7",
}  # fmt: skip


class Outcome(NamedTuple):
    """A row as it was replayed."""

    row: str
    what: str
    verdict: str
    ran: list[str]
    failed: list[str]
    seen: list[str]
    needs: list[str]
    seconds: float


def replay(bench: Bench, row: str, what: str, function: Callable[[Look], None]) -> Outcome:
    """Replay one row. What it dies of counts as something that is not as it should be."""
    look, began = Look(bench), time.monotonic()
    try:
        function(look)
    except NotHereError as reason:
        look.needs(str(reason))
    except Exception as error:  # whatever it is, it is this row's
        place = traceback.extract_tb(error.__traceback__)[-1]
        look.see(f"ended with {type(error).__name__}: {str(error)[:300]} ({Path(place.filename).name}:{place.lineno})", False)
    failed, seen = ([what for what, holds in look.seen if holds is wanted] for wanted in (False, True))
    return Outcome(row, what, look.verdict, look.ran, failed, seen, look.elsewhere, time.monotonic() - began)


def with_earlier(rows: Iterable[str]) -> set[str]:
    """The rows, and those that they go on with.

    Raises:
        SystemExit: there is no such row.
    """
    found, known = set(), {row for table in TUTORIALS.values() for row, _, _ in table}
    for row in rows:
        if row not in known:
            raise SystemExit(f"there is no row {row!r}")
        while row and row not in found:
            found.add(row)
            row = AFTER.get(row, "")
    return found


def show(outcome: Outcome) -> None:
    """Print a row, and under it what was not as it should be, or what it needs."""
    print(f"{outcome.row:<5} {outcome.verdict:<16} {outcome.what:<48} {len(outcome.seen):>2} seen, {outcome.seconds:4.0f} s", flush=True)
    for line in outcome.failed:
        print(f"        not so: {line}")
    for line in outcome.needs:
        print(f"        needs: {line}")


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", type=Path, required=True, help="folder of the installed commands")
    for name in ("web", "llamafactory", "trl"):
        parser.add_argument(f"--{name}", type=Path, help=f"bin folder of a venv with {name}")
    parser.add_argument("--only", default="", help="rows, with commas between them; those that they go on with are replayed too")
    parser.add_argument("--work", type=Path, help="folder to work in; by default one that is removed")
    parser.add_argument("--json", type=Path, help="file for the outcome")
    parser.add_argument("--commands", action="store_true", help="print what each row ran")
    arguments = parser.parse_args()
    only = with_earlier(name for name in arguments.only.split(",") if name)
    venvs = {
        name: path.absolute()
        for name in ("web", "llamafactory", "trl")
        if (path := getattr(arguments, name)) and (path / "python").exists()
    }
    outcomes, began = [], time.monotonic()
    with tempfile.TemporaryDirectory(prefix="rows-") as kept:
        work = (arguments.work or Path(kept)).absolute()
        work.mkdir(parents=True, exist_ok=True)
        bench = Bench(work, arguments.bin.absolute(), root=Path(__file__).parents[2], **venvs)
        for title, rows in TUTORIALS.items():
            if chosen := [row for row in rows if not only or row[0] in only]:
                print(f"\n{title}")
            for row, what, function in chosen:
                outcomes.append(replay(bench, row, what, function))
                show(outcomes[-1])
                if arguments.commands:
                    print("".join(f"        $ {line}\n" for line in outcomes[-1].ran), end="")
    counts = Counter(outcome.verdict for outcome in outcomes)
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    print(f"\n{len(outcomes)} rows: {told}; {bench.commands} commands, {time.monotonic() - began:.0f} s.")
    if arguments.json:
        arguments.json.write_text(json.dumps([outcome._asdict() for outcome in outcomes], indent=1, ensure_ascii=False) + "\n")
    return 1 if counts["partly"] or counts["not"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
