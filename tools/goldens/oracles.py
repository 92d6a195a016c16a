"""Upstream's own values for a file of pairs. Runs in the environment of the real packages, knows nothing of vleval.

    python oracles.py ORACLE pairs.jsonl out.jsonl [--repos DIR]

Each line out is {"metric": value, ...}; null is a row that upstream drops, "crash" one where it raises.
Functions of repositories are cut out of their files by name and run alone, since importing the packages would pull in half the world.
"""

from __future__ import annotations

import argparse
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import oracles_packages
import oracles_structured
import oracles_suites
from upstream import Pair, Values

ORACLES: dict[str, Callable[[list[Pair], Path], list[Values]]] = {
    "llamafactory": oracles_packages.llamafactory,
    "msswift": oracles_packages.msswift,
    "lmms_eval": oracles_suites.lmms_eval,
    "vlmevalkit": oracles_suites.vlmevalkit,
    "vlmevalkit_choice": oracles_structured.vlmevalkit_choice,
    "pix2struct": oracles_suites.pix2struct,
    "qwen_vl": oracles_suites.qwen_vl,
    "evalscope": oracles_suites.evalscope,
    "chartqapro": oracles_suites.chartqapro,
    "vqa_official": oracles_suites.vqa_official,
    "vqa_2016": oracles_suites.vqa_2016,
    "inspect": oracles_suites.inspect,
    "evalscope_choice": oracles_structured.evalscope_choice,
    "inspect_choice": oracles_structured.inspect_choice,
    "packages": oracles_packages.packages,
    "cider": oracles_packages.cider,
    "json_packages": oracles_structured.json_packages,
    "coco": oracles_structured.coco,
    "donut": oracles_structured.donut,
    "ccocr": oracles_structured.ccocr,
    "mp_docvqa": oracles_packages.mp_docvqa,
    "openeqa": oracles_packages.openeqa,
}


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("oracle", choices=ORACLES)
    parser.add_argument("pairs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--repos", type=Path, default=Path("/nonexistent"))
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    pairs = [json.loads(line) for line in args.pairs.read_text(encoding="utf-8").split("\n") if line]
    try:
        values = ORACLES[args.oracle](pairs, args.repos)
    except (FileNotFoundError, LookupError, ImportError) as error:
        missing = Path(error.filename) if isinstance(error, FileNotFoundError) else None
        inside = missing is not None and missing.is_relative_to(args.repos)
        print(f"no {missing.relative_to(args.repos)}" if missing and inside else f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    args.out.write_text("".join(json.dumps(value) + "\n" for value in values), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
