"""Bootstrap over clusters from sufficient statistics: a resample is a vector of cluster counts, its corpus one product of matrices.

Drawing the counts of a cluster resample is a multinomial draw, so 10,000 resamples need no text and no row. Above `MAX_BLOCKS` clusters
these are first folded at random into that many blocks, whose totals vary as the clusters' do.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from vleval.metric import CorpusStats, Floats
from vleval.stats.groups import Groups
from vleval.stats.intervals import Interval

RESAMPLES = 10_000
MAX_BLOCKS = 2_000
_BATCH = 1_000


def corpus_interval(corpus: CorpusStats, groups: Groups, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """The percentile interval (2.5 to 97.5 %) of a corpus metric; resamples that are all alike allow none."""
    method = f"bootstrap:{groups.key}" if groups.key else "bootstrap"
    if groups.count < 2:
        return Interval(None, None, method)
    values = np.concatenate(list(_resampled([corpus], groups, seed, resamples)), axis=1)[0]
    return _percentiles(values, method)


def paired_interval(first: CorpusStats, second: CorpusStats, groups: Groups, *, seed: int = 0, resamples: int = RESAMPLES) -> Interval:
    """The percentile interval of second minus first, both resampled with the same clusters; differences that are all alike allow none."""
    method = f"paired-bootstrap:{groups.key}" if groups.key else "paired-bootstrap"
    if groups.count < 2:
        return Interval(None, None, method)
    values = np.concatenate(list(_resampled([first, second], groups, seed, resamples)), axis=1)
    return _percentiles(values[1] - values[0], method)


def _percentiles(values: Floats, method: str) -> Interval:
    low, high = (float(bound) for bound in np.quantile(values, (0.025, 0.975)))
    if high - low <= 1e-12 * max(1.0, abs(high)):
        return Interval(None, None, method)
    return Interval(low, high, method, float(values.std(ddof=1)))


def block_sums(rows: Floats, groups: Groups, seed: int) -> Floats:
    """Statistics summed over clusters, folded into at most `MAX_BLOCKS` blocks."""
    sums = groups.sums(rows)
    if len(sums) <= MAX_BLOCKS:
        return sums
    order = np.random.default_rng(seed).permutation(len(sums))
    block = np.empty(len(sums), np.intp)
    block[order] = np.arange(len(sums)) % MAX_BLOCKS
    folded = np.zeros((MAX_BLOCKS, sums.shape[1]))
    np.add.at(folded, block, sums)
    return folded


def _resampled(corpora: list[CorpusStats], groups: Groups, seed: int, resamples: int) -> Iterator[Floats]:
    """Batches of shape (number of corpora, resamples in the batch)."""
    sums = [block_sums(corpus.rows, groups, seed) for corpus in corpora]
    blocks = len(sums[0])
    generator = np.random.default_rng(seed)
    shares = np.full(blocks, 1.0 / blocks)
    for start in range(0, resamples, _BATCH):
        counts = generator.multinomial(blocks, shares, size=min(_BATCH, resamples - start)).astype(np.float64)
        yield np.stack([corpus.value(counts @ total) for corpus, total in zip(corpora, sums, strict=True)])
