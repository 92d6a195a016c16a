"""The comparison of docs/compare.md, run: by hand, LLaMA-Factory, ms-swift, VLMEvalKit, lmms-eval, evalscope, and vlkit.

    python -m bench.compare data --venvs FOLDER        # real trainers: FOLDER has llamafactory/ and swift/, which `make consumers` makes
    python -m bench.compare answers --upstream FOLDER  # VLMEvalKit, lmms-eval, and a wheel of evalscope unpacked in evalscope
    python -m bench.compare whole --venvs FOLDER --upstream FOLDER   # harnesses run whole, in venvs of bench/compare/setup_harnesses.sh
    python -m bench.compare page                       # the tables of docs/compare.md, from bench/compare/results.json

The first three keep what they saw in results.json. Five minutes on two cores.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.compare import data_side, page

RESULTS = Path(__file__).parent / "results.json"


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("side", choices=("data", "answers", "whole", "page"))
    parser.add_argument("--work", type=Path)
    parser.add_argument("--venvs", type=Path, default=Path(".venvs"))
    parser.add_argument("--upstream", type=Path)
    parser.add_argument("--only", nargs="*", default=[], metavar="FAULT", help="data, whole: only these, into the results that are there")
    args = parser.parse_args()
    work = (args.work or Path(tempfile.mkdtemp())).resolve()
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if args.side == "data":
        model = work / "tiny"
        make = (sys.executable, "-m", "vldata.models.tiny", str(model))
        subprocess.run(make, env=data_side.environment(), check=True, capture_output=True)
        found = data_side.run(work, args.venvs.resolve(), model, args.only)
        if args.only:
            results["data"]["faults"].update(found["faults"])
        else:
            results["data"] = {"date": str(datetime.date.today()), **found}
    elif args.side == "answers":
        if args.upstream is None:
            parser.error("answers needs --upstream FOLDER")
        from bench.compare import eval_side

        results["answers"] = {"date": str(datetime.date.today()), **eval_side.run(work, args.upstream.resolve())}
    elif args.side == "whole":
        if args.upstream is None:
            parser.error("whole needs --upstream FOLDER")
        from bench.compare import whole

        found = whole.run(work, whole.Places(args.venvs.resolve(), args.upstream.resolve()), tuple(args.only))
        ways = {**results.get("whole", {}).get("ways", {}), **whole.as_json(found)}
        results["whole"] = {"date": str(datetime.date.today()), "ways": ways}
    else:
        page.write(results)
        return 0
    RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + os.linesep)
    page.write(results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
