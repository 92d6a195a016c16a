"""10,000 resamples of 1,636 rows in 137 clusters, from sufficient statistics, against the same resamples row by row.

    python bench/score_bootstrap.py

Prints one JSON line: seconds of ours (2 s are allowed), seconds of the row-by-row loop for the same number of resamples (measured on 200
of them), their ratio, and both intervals.
"""

from __future__ import annotations

import json
import time

import numpy as np

from vleval.metric import CorpusStats
from vleval.stats.bootstrap import RESAMPLES, corpus_interval
from vleval.stats.groups import Groups

ROWS, CLUSTERS, COLUMNS, TRIED = 1_636, 137, 10, 200


def main() -> None:
    """Time both and print the figures."""
    generator = np.random.default_rng(0)
    rows = generator.integers(0, 12, (ROWS, COLUMNS)).astype(float) + 1
    index = np.concatenate([np.arange(CLUSTERS), generator.integers(0, CLUSTERS, ROWS - CLUSTERS)])
    corpus = CorpusStats(rows, lambda sums: np.exp(np.log(sums[:, :4] / sums[:, 4:8]).mean(axis=1)))
    start = time.perf_counter()
    interval = corpus_interval(corpus, Groups("scene", index, CLUSTERS, ""))
    ours = time.perf_counter() - start
    members = [np.flatnonzero(index == cluster) for cluster in range(CLUSTERS)]
    start = time.perf_counter()
    values = []
    for _ in range(TRIED):
        taken = np.concatenate([members[cluster] for cluster in generator.integers(0, CLUSTERS, CLUSTERS)])
        values.append(float(corpus.value(rows[taken].sum(axis=0, keepdims=True))[0]))
    slow = (time.perf_counter() - start) * RESAMPLES / TRIED
    low, high = np.quantile(values, (0.025, 0.975))
    figures = {"seconds": round(ours, 3), "allowed": 2, "row_by_row_seconds": round(slow, 1), "ratio": round(slow / ours, 1)}
    print(json.dumps(figures | {"interval": [interval.low, interval.high], "row_by_row": [float(low), float(high)]}))


if __name__ == "__main__":
    main()
