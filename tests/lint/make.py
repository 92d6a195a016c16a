"""Write a corpus for a real trainer to run: `python -m tests.lint.make llamafactory OUT`."""

from __future__ import annotations

import shutil
import sys
from importlib import import_module
from pathlib import Path

from tests.lint.cases import draw, write

if __name__ == "__main__":
    consumer, out = sys.argv[1], Path(sys.argv[2])
    shutil.rmtree(out, ignore_errors=True)
    draw(out / "pictures")
    cases = import_module(f"tests.lint.corpus_{consumer}").corpus()
    for case in cases:
        write(case, out / "cases", out / "pictures")
    print(f"{len(cases)} cases, {sum(len(case.meant) for case in cases)} rows")
