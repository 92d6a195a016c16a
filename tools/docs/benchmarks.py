"""docs/benchmarks.md, from the table of benchmarks."""

from __future__ import annotations

from vleval.benchmarks.table import BENCHMARKS

_HEAD = """# Benchmarks

`vleval score preds.xlsx --benchmark NAME` computes the number that a benchmark is quoted by, offline and without a judge. The benchmark
sets profile, metric, extraction, grouping and aggregation; `--profile` and `--metric` next to it are refused. Intervals, ceiling, floor and
signature are those of docs/scoring.md. Numbers are percent.

```sh
vleval score POPE.xlsx --benchmark pope
vleval score answers.jsonl --references HallusionBench.tsv --benchmark hallusionbench --json
vleval score --list-benchmarks
```

```python
from vleval import Scoring, score

score("POPE.xlsx", scoring=Scoring(benchmark="pope"))
```

What a benchmark is counted by must be in the rows or in `--references`, and the run stops where it is not: the category (OCRBench, POPE's
splits), `question_type` (VSI-Bench), `answer_type` (MathVista), `l2-category` and `split` (CC-OCR), `type`, `eval`, `bbox` and `content`
(OCRBench v2), options (multiple choice), ids as VD_illusion_2_0_1_0 (HallusionBench). Every row stays in
the denominator: a failed request or an answer that cannot be read is wrong, and counted as such. Where an upstream guesses at
random, we do not.

"""

_TAIL = """
"Equal" means: `python -m tools.goldens.benchmarks DIR` ran the named code at the named commit next to ours on at least 1,000 generated
answers, and no value differed. With a judge in the place of exact matching, VLMEvalKit's number
is another one.
"""


def render() -> str:
    """The page."""
    lines = ["| name | number | source | commit | file | what is equal |", "|---|---|---|---|---|---|"]
    lines += [f"| {name} | {one.title} | {one.source} | {one.commit[:8]} | {one.file} | {one.equal} |" for name, one in BENCHMARKS.items()]
    return _HEAD + "\n".join(lines) + "\n" + _TAIL
