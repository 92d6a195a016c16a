"""Write the golden tables of tests/golden from the real packages.

    python tools/goldens/make_tables.py --python PYTHON --repos DIR

One JSON Lines file per oracle: a first line that says where the values come from, then {"p", "r", ..., "values": {metric: value}}. A value
is null where upstream drops the row and "crash" where it raises.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import pairs as generate
import parity

STYLES = (
    ("45", "45"),
    ("45%", "45"),
    ("45", "45%"),
    ("45%", "45%"),
    ("0.45", "45%"),
    ("45.0", "45"),
    ("47.25", "45"),
    ("47.26", "45"),
    ("1.05", "1.0"),
    ("0.95", "1"),
    ("0", "0"),
    ("0.0", "0"),
    ("0.001", "0"),
    ("0%", "0"),
    ("1,234", "1234"),
    ("1234", "1,234"),
    ("$5", "5"),
    ("5 ", "5"),
    (" 5", "5"),
    ("5.", "5"),
    ("3.5M", "3.5"),
    ("3.5 million", "3.5M"),
    ("2008", "2010"),
    ("2010", "2010"),
    ("Yes", "yes"),
    ("yes.", "Yes"),
    (" Yes", "Yes"),
    ("The answer is 45.", "45"),
    ("ANSWER: 45", "45"),
    ("Answer: **45%**", "45%"),
    ("<think>it is 45</think>45", "45"),
    ("[1, 2]", "[1, 2]"),
    ("[2010, 2011]", "[2010, 2012]"),
    ("['a', 'b']", "[a, b]"),
    ("a, b", "[a, b]"),
    ("-3", "3"),
    ("1e3", "1000"),
    ("nan", "nan"),
    ("inf", "inf"),
    ("", ""),
    ("", "45"),
    ("Light Blue", "light blue"),
    ("lightblue", "light blue"),
    ("light  blue", "light blue"),
    ("dark blue", "light blue"),
    ("ab", "cd"),
    ("abcd", "abef"),
    ("C++ and AT&T", "C++ and AT&T"),
    ("two\n\nlines", "two\n\nlines"),
    ("这是一个测试。", "这是一个测试！"),
    ("？好吗……", "好吗？……"),
)


def pairs_of(check: parity.Check, count: int) -> list[dict[str, Any]]:
    """The provoking cases, where the check takes texts, and generated ones."""
    styles = [{"p": answer, "r": [reference]} for answer, reference in STYLES] if check.make is generate.text_pairs else []
    return styles + check.make(count, 1)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", required=True)
    parser.add_argument("--repos", type=Path, default=Path(os.environ.get("UPSTREAM") or "/nonexistent"))
    parser.add_argument("--pairs", type=int, default=120)
    parser.add_argument("--out", type=Path, default=Path("tests/golden"))
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    script = Path(__file__).with_name("oracles.py")
    for check in parity.CHECKS:
        made = pairs_of(check, args.pairs)
        with tempfile.TemporaryDirectory() as folder:
            source, out = Path(folder) / "pairs.jsonl", Path(folder) / "out.jsonl"
            source.write_text("".join(json.dumps(pair) + "\n" for pair in made), encoding="utf-8")
            command = [args.python, str(script), check.oracle, str(source), str(out), "--repos", str(args.repos.resolve())]
            subprocess.run(command, check=True)
            values = [json.loads(line) for line in out.read_text(encoding="utf-8").split("\n") if line]
        name = f"{check.oracle}.{check.make.__name__}"
        head = {"oracle": check.oracle, "profile": check.profile, "tolerance": check.tolerance}
        lines = [head, *(pair | {"values": value} for pair, value in zip(made, values, strict=True))]
        target = args.out / f"{name}.jsonl"
        target.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")
        print(f"{target}: {len(made)} rows")
    return 0


if __name__ == "__main__":
    sys.exit(main())
