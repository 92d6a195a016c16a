"""What lint says against what the real trainer did, case by case.

    python -m tests.lint.parity llamafactory REAL.json      the agreement, and every difference
    python -m tests.lint.parity llamafactory REAL.json --write

`--write` keeps the outcomes as tests/lint/golden/NAME.json, which `make test` holds lint to. REAL.json is what real_NAME.py wrote.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

from tests.lint.cases import Case, draw, truth, write
from vldata.errors import DataError, UsageError
from vldata.linting import CONSUMERS
from vldata.linting.consumer import Options
from vldata.linting.outcomes import OUTCOMES, worst
from vldata.linting.run import lint_path
from vldata.linting.texts import Counter

HERE = Path(__file__).parent
NO_ROWS_LEFT = ("Cannot find valid samples", "DROP", "integer division or modulo by zero")


NO_LIMIT = 10**9


def limit_of(settings: Mapping[str, Any], default: int | None) -> int | None:
    """The most tokens a row may have under these settings; a limit that is None is none."""
    for name in ("cutoff_len", "max_length"):
        if name in settings:
            return settings[name] or NO_LIMIT
    return default


class Pair(NamedTuple):
    """One row, or a whole dataset where rows cannot be told apart: what really happened, and what lint says."""

    case: str
    real: str
    said: str


def tokenizer() -> Any:
    """The tokenizer of the tiny model that the real trainers used."""
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(HERE / "tokenizer.json"))


def outcomes_of(case: Case, ran: Mapping[str, Any], cutoff: int) -> list[str]:
    """The outcomes of a case: of each row, or one for all where the trainer stopped or rows are missing."""
    rows = ran["rows"]
    if ran["stage"]:
        return ["drop" if any(word in ran["message"] for word in NO_ROWS_LEFT) else "crash"]
    if len(rows) != len(case.meant):
        return ["drop"]
    return [truth(meant, said, cutoff) for meant, said in zip(case.meant, rows, strict=True)]


def lint_case(consumer: str, case: Case, folder: Path, counter: Counter) -> list[str]:
    """What lint says of a case, row by row; one outcome where it cannot be opened."""
    settings = case.spec.get("settings", {})
    options = Options(
        cutoff=limit_of(settings, None),
        settings=settings,
        counter=counter,
        stage=case.spec.get("stage", "sft"),
        dataset=case.spec.get("dataset", ""),
    )
    target = folder / case.spec["file"] if "file" in case.spec else folder
    try:
        with contextlib.chdir(folder):  # where the real ones were started
            linted = lint_path(target, CONSUMERS[consumer], consumer, options, each=True)
    except (DataError, UsageError):
        return ["crash"]
    verdicts = [outcome for part in linted.parts for _, outcome in part.verdicts]
    everything = [*verdicts, *linted.outcomes]
    return verdicts if len(verdicts) == len(case.meant) and not _moved(linted.outcomes, verdicts) else [worst(everything)]


def _moved(outcomes: Mapping[str, int], verdicts: Sequence[str]) -> bool:
    """Whether rows were counted under an outcome without saying which rows."""
    return any(verdicts.count(name) != count for name, count in outcomes.items())


def pairs(consumer: str, real: Mapping[str, list[str]], root: Path) -> Iterator[Pair]:
    """Lint every case and set it beside the real outcome."""
    draw(root / "pictures")
    counter = Counter(tokenizer())
    for case in import_module(f"tests.lint.corpus_{consumer}").corpus():
        happened = real[case.name]
        said = lint_case(consumer, case, write(case, root / "cases", root / "pictures"), counter)
        if len(happened) != len(said):
            happened, said = [worst(list(happened))], [worst(list(said))]
        rows = sorted(set(zip(happened, said, strict=True)))
        for one, other in rows:
            yield Pair(case.name, one, "train" if not OUTCOMES[other].fault else other)


def golden(consumer: str) -> dict[str, Any]:
    """The kept outcomes of the real trainer."""
    kept: dict[str, Any] = json.loads((HERE / "golden" / f"{consumer}.json").read_text(encoding="utf-8"))
    rows = {case.name: len(case.meant) for case in import_module(f"tests.lint.corpus_{consumer}").corpus()}
    for name, found in kept["outcomes"].items():
        if not isinstance(found, list):
            kept["outcomes"][name] = [found["each"]] * rows[name] if isinstance(found, dict) else [found]
    return kept


def main() -> int:
    """Compare, and with `--write` keep the outcomes."""
    consumer, ran = sys.argv[1], json.loads(Path(sys.argv[2]).read_text(encoding="utf-8"))
    cases = import_module(f"tests.lint.corpus_{consumer}").corpus()
    one = CONSUMERS[consumer]
    real = {}
    for case in cases:
        cutoff = limit_of(case.spec.get("settings", {}), one.default_cutoff) or NO_LIMIT
        real[case.name] = outcomes_of(case, ran[case.name], cutoff)
    if "--write" in sys.argv:
        short = {
            name: found[0] if len(found) == 1 else found if len(set(found)) > 1 else {"each": found[0]} for name, found in real.items()
        }
        kept = {"consumer": one.title, "version": one.version, "outcomes": short}
        (HERE / "golden" / f"{consumer}.json").write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    with tempfile.TemporaryDirectory() as root:
        found = list(pairs(consumer, real, Path(root)))
    differ = [pair for pair in found if pair.real != pair.said]
    for pair in differ:
        print(f"{pair.case}: really {pair.real} ({ran[pair.case]['message'][:90]}), lint says {pair.said}")
    missed = [pair.case for pair in differ if pair.said == "train"]
    share = 1 - len(differ) / len(found)
    print(json.dumps({"lint": consumer, "version": one.version, "rows": len(found), "agree": round(share, 4), "fine_where_wrong": missed}))
    return 0 if share >= 0.98 and not missed else 1


if __name__ == "__main__":
    raise SystemExit(main())
