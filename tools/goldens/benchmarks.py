"""Compare the benchmarks with the code they equal: `python -m tools.goldens.benchmarks DIR`, where DIR holds check-outs as README.md says.

Needs pandas next to the project. Every definition is cut out of its file and runs as it stands; generated questions and answers go
through both.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from benchmarks_choices import choices, erqa, mmmu, pope_official, yes_no
from benchmarks_documents import ccocr, mathvista, mathvista_vlmevalkit
from benchmarks_ocr import ocrbench_v2
from benchmarks_texts import chart_pro, marks, ocrbench, refcoco, texts, vsibench

COMPARISONS = (
    yes_no,
    pope_official,
    choices,
    ocrbench,
    mmmu,
    vsibench,
    texts,
    refcoco,
    erqa,
    marks,
    chart_pro,
    mathvista,
    mathvista_vlmevalkit,
    ccocr,
    ocrbench_v2,
)


def main() -> int:
    """Compare all, print a line each, and exit 1 where anything differs; what is not there is said to be unchecked."""
    root, different = Path(sys.argv[1]), 0
    for compare in COMPARISONS:
        try:
            checks = compare(root, random.Random(0))
        except (FileNotFoundError, LookupError, ImportError) as error:
            if isinstance(error, (KeyError, IndexError)):
                raise  # a fault of ours; `cut` says with a bare LookupError that a definition is gone
            print(f"{compare.__name__}: NOT CHECKED ({type(error).__name__}: {error})")
            continue
        for name, compared, differs in checks:
            print(f"{name}: {compared:,} values compared, {differs:,} differ")
            different += differs
    return int(different > 0)


if __name__ == "__main__":
    raise SystemExit(main())
