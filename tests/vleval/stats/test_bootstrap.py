"""Intervals from resampled clusters: against a resampling row by row, against the closed form, and to the bit under one seed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vleval.metric import CorpusStats
from vleval.stats import bootstrap
from vleval.stats.bootstrap import block_sums, corpus_interval, paired_interval
from vleval.stats.groups import Groups
from vleval.stats.intervals import Interval, clustered_mean


def alone(count: int) -> Groups:
    return Groups("", np.arange(count), count, "")


def ratio(rows: np.ndarray) -> CorpusStats:
    return CorpusStats(rows, lambda sums: sums[:, 0] / sums[:, 1])


def test_bootstrap_of_sums_is_the_bootstrap_of_rows():
    generator = np.random.default_rng(3)
    rows = np.stack([generator.random(300), generator.random(300) + 0.5], axis=1)
    groups = Groups("scene", generator.integers(0, 40, 300), 40, "")
    found = corpus_interval(ratio(rows), groups)
    members = [np.flatnonzero(groups.index == g) for g in range(40)]
    slow = []
    for _ in range(2_000):
        taken = rows[np.concatenate([members[g] for g in generator.integers(0, 40, 40)])].sum(axis=0)
        slow.append(taken[0] / taken[1])
    assert (found.low, found.high) == pytest.approx(np.quantile(slow, (0.025, 0.975)), abs=0.006)


def test_bootstrap_of_a_mean_agrees_with_the_closed_form():
    generator = np.random.default_rng(4)
    values = generator.random(500)
    rows = np.stack([values, np.ones(500)], axis=1)
    found, closed = corpus_interval(ratio(rows), alone(500)), clustered_mean(values, alone(500))
    assert (found.low, found.high) == pytest.approx((closed.low, closed.high), abs=0.002)


def test_the_same_seed_gives_the_same_interval_and_many_groups_are_folded(monkeypatch):
    rows = np.random.default_rng(5).random((300, 2)) + 0.1

    def interval(seed: int = 0) -> Interval:
        return corpus_interval(ratio(rows), alone(300), seed=seed, resamples=2_000)

    assert interval(seed=1) == interval(seed=1)
    whole = interval()
    monkeypatch.setattr(bootstrap, "MAX_BLOCKS", 150)
    folded = interval()
    assert folded.se == pytest.approx(whole.se, rel=0.1) and folded != whole
    assert interval(seed=1) == interval(seed=1) != folded


def test_resamples_that_are_all_alike_allow_no_interval():
    rows = np.random.default_rng(6).random((50, 2)) + 0.1
    assert paired_interval(ratio(rows), ratio(rows), alone(50)).low is None, "a system with itself"
    rows[:, 0] = 0.0
    assert corpus_interval(ratio(rows), alone(50)).low is None


def drawn(corpora: list[CorpusStats], sums: list[np.ndarray], seed: int, sizes: tuple[int, ...]) -> np.ndarray:
    """The values of each corpus under resamples that are drawn batch by batch from one generator."""
    generator, clusters = np.random.default_rng(seed), len(sums[0])
    counts = np.concatenate([generator.multinomial(clusters, np.full(clusters, 1 / clusters), size=size) for size in sizes])
    return np.stack([corpus.value(counts @ total) for corpus, total in zip(corpora, sums, strict=True)])


@pytest.mark.parametrize(("resamples", "sizes"), [(300, (300,)), (1_000, (1_000,)), (2_300, (1_000, 1_000, 300))])
def test_a_seed_gives_these_resamples(resamples, sizes):
    dice = np.random.default_rng(11)
    groups = Groups("scene", np.repeat(np.arange(12), 5), 12, "")
    first, second = ratio(dice.random((60, 2)) + 0.1), ratio(dice.random((60, 2)) + 0.1)
    values = drawn([first, second], [groups.sums(first.rows), groups.sums(second.rows)], 7, sizes)
    for found, expected, method in (
        (corpus_interval(first, groups, seed=7, resamples=resamples), values[0], "bootstrap:scene"),
        (paired_interval(first, second, groups, seed=7, resamples=resamples), values[1] - values[0], "paired-bootstrap:scene"),
    ):
        assert (found.low, found.high) == pytest.approx(np.quantile(expected, (0.025, 0.975)))
        assert (found.se, found.method) == (pytest.approx(expected.std(ddof=1)), method)


def test_two_clusters_have_an_interval_and_one_has_none():
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0], [1.0, 9.0]])
    two, one = Groups("scene", np.array([0, 0, 1, 1]), 2, ""), Groups("scene", np.zeros(4, np.intp), 1, "")
    other = ratio(rows[::-1].copy())
    assert corpus_interval(ratio(rows), two).low == pytest.approx(6 / 15)  # the second twice, in a quarter of all resamples
    assert corpus_interval(ratio(rows), two).high == pytest.approx(4 / 6)
    assert paired_interval(ratio(rows), other, two).high == pytest.approx(4 / 6 - 6 / 15)
    for found, method in (
        (corpus_interval(ratio(rows), one), "bootstrap:scene"),
        (paired_interval(ratio(rows), other, one), "paired-bootstrap:scene"),
        (corpus_interval(ratio(rows[:1]), alone(1)), "bootstrap"),
        (paired_interval(ratio(rows[:1]), ratio(rows[1:2]), alone(1)), "paired-bootstrap"),
        (corpus_interval(CorpusStats(rows, lambda sums: sums[:, 0] * 0 + 3.0), two), "bootstrap:scene"),
    ):
        assert (found.low, found.high, found.method) == (None, None, method) and math.isnan(found.se)


@pytest.mark.parametrize(("scale", "wide"), [(1e-6, True), (1e-13, False), (1e9, True)])
def test_alike_is_what_rounding_cannot_tell(scale, wide):
    """Differences far below the number itself are rounding; a small number that varies is none."""
    rows = np.stack([1.0 + np.arange(20) * scale if scale < 1 else np.arange(20) * scale, np.ones(20)], axis=1)
    found = corpus_interval(ratio(rows), alone(20), resamples=500)
    assert (found.low is not None) is wide
    tiny = corpus_interval(ratio(np.stack([np.arange(20) * 1e-9, np.ones(20)], axis=1)), alone(20), resamples=500)
    assert tiny.low is not None
    great = corpus_interval(ratio(np.stack([1e9 + np.arange(20) * 1e-6, np.ones(20)], axis=1)), alone(20), resamples=500)
    assert great.low is None


def test_folding_keeps_the_sum_and_fills_blocks_evenly(monkeypatch):
    monkeypatch.setattr(bootstrap, "MAX_BLOCKS", 10)
    rows = np.stack([np.ones(25), np.arange(25.0)], axis=1)
    folded = block_sums(rows, alone(25), seed=3)
    assert sorted(folded[:, 0]) == [2.0] * 5 + [3.0] * 5 and folded[:, 1].sum() == 300.0
    assert np.array_equal(folded, block_sums(rows, alone(25), seed=3))
    assert not np.array_equal(folded, block_sums(rows, alone(25), seed=4))
    assert not np.array_equal(np.sort(folded[:, 1]), np.sort(rows[:, 1][:20].reshape(2, 10).sum(axis=0))), "at random, not in order"
    assert block_sums(rows[:10], alone(10), seed=3).tolist() == rows[:10].tolist(), "as many clusters as blocks are left alone"
    scenes = Groups("scene", np.repeat(np.arange(10), 2), 10, "")
    assert block_sums(rows[:20], scenes, seed=3).tolist() == scenes.sums(rows[:20]).tolist()
