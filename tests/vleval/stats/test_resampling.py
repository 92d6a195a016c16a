from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vleval.metric import CorpusStats
from vleval.stats import bootstrap
from vleval.stats.agreement import judge_agreement
from vleval.stats.groups import Groups
from vleval.stats.paired import holm, mcnemar, questions_needed, sign_flip, swap_test


def alone(count: int) -> Groups:
    return Groups("", np.arange(count), count, "")


def ratio(rows: np.ndarray) -> CorpusStats:
    return CorpusStats(rows, lambda sums: sums[:, 0] / sums[:, 1])


def test_sign_flip_is_exact_for_few_groups():
    # differences 1, 2, 3: of the 8 sign patterns only +++ and --- reach |6|
    assert sign_flip(np.array([1.0, 2.0, 3.0]), alone(3)) == pytest.approx(2 / 8)
    # rows of a group move together: one group of 3 and 3 rows, |6| is reached by both patterns of one group
    assert sign_flip(np.array([1.0, 2.0, 3.0]), Groups("scene", np.array([0, 0, 0]), 1, "")) == 1.0
    assert sign_flip(np.zeros(5), alone(5)) == 1.0


def test_sign_flip_of_many_groups_is_near_the_normal_tail():
    differences = np.random.default_rng(7).normal(0.1, 1.0, 400)
    z = abs(differences.sum()) / np.sqrt(np.square(differences).sum())
    from math import erfc, sqrt

    assert sign_flip(differences, alone(400)) == pytest.approx(erfc(z / sqrt(2)), abs=0.02)


def test_swap_test_of_a_mean_is_the_sign_flip():
    generator = np.random.default_rng(8)
    a, b = generator.random(12), generator.random(12)
    first, second = (ratio(np.stack([values, np.ones(12)], axis=1)) for values in (a, b))
    assert swap_test(first, second, alone(12)) == pytest.approx(sign_flip(b - a, alone(12)))
    assert swap_test(first, first, alone(12)) == 1.0


# statsmodels.stats.contingency_tables.mcnemar(exact=True)
@pytest.mark.parametrize(("b", "c", "p"), [(3, 9, 0.14599609375), (40, 61, 0.046044066929342785), (0, 0, 1.0), (5, 5, 1.0)])
def test_mcnemar(b, c, p):
    assert mcnemar(b, c) == pytest.approx(p, rel=1e-9)


def test_holm():
    # statsmodels.stats.multitest.multipletests(method="holm")
    assert holm([0.01, 0.04, 0.03, 0.2, 0.005]) == pytest.approx([0.04, 0.09, 0.09, 0.2, 0.025])
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_never_lowers_a_p_and_keeps_the_order(values):
    adjusted = holm(values)
    assert all(0 <= p <= q <= 1 for p, q in zip(values, adjusted, strict=True))
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(np.array(adjusted)[order]) >= 0)


def test_questions_needed():
    # (1.96 + 0.84)^2 * (0.02 / 0.04)^2 * 1000 - 1000 = 960
    assert questions_needed(0.04, 0.02, 1000) == 960
    assert questions_needed(0.08, 0.02, 1000) == 0
    assert questions_needed(0.0, 0.02, 1000) is None


def test_quadratic_kappa():
    # sklearn.metrics.cohen_kappa_score(weights="quadratic")
    first, second = [1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 3, 3], [1, 3, 3, 4, 4, 5, 5, 3, 1, 1, 2, 4]
    found = judge_agreement(first, second)
    assert found.kappa == pytest.approx(0.8636363636363636)
    assert found.exact == pytest.approx(6 / 12)
    assert judge_agreement([3, 3], [3, 3]).kappa is None


def test_agreement_has_correlations_and_intervals():
    # scipy.stats.pearsonr and spearmanr of the same marks
    first, second = [1, 2, 3, 4, 5, 5, 4, 3, 2, 1, 3, 3], [1, 3, 3, 4, 4, 5, 5, 3, 1, 1, 2, 4]
    found = judge_agreement(first, second)
    assert found.pearson == pytest.approx(0.867227382716513)
    assert found.spearman == pytest.approx(0.8807354275501538)
    for name in ("exact", "kappa", "pearson", "spearman"):
        low, high = found.intervals[name]
        assert low < getattr(found, name) < high <= 1 + 1e-9
    wide = judge_agreement(first, second, Groups("scene", np.arange(12) // 3, 4, ""))
    assert wide.clustered_by == "scene" and wide.intervals["pearson"] != found.intervals["pearson"]
    assert judge_agreement(first, second) == found, "seeded"
    alike = judge_agreement(first, first)
    assert alike.intervals["exact"] == pytest.approx((12 / (12 + 1.959963984540054**2), 1.0)) and "kappa" not in alike.intervals
    never = judge_agreement([3, 3, 3], [1, 2, 3])
    assert never.pearson is None and never.spearman is None and "pearson" not in never.intervals


def _clusters(count: int, key: str = "scene", note: str = "by scene") -> Groups:
    return Groups(key, np.arange(count, dtype=np.intp), count, note)


def _all_signs(count: int) -> np.ndarray:
    return ((np.arange(2**count)[:, None] >> np.arange(count)) & 1) * 2.0 - 1.0


def test_more_clusters_than_are_tried_one_by_one_are_folded(monkeypatch):
    """Fewer clusters than blocks: folding changes nothing; the border itself is not folded."""
    values = np.random.default_rng(3).normal(size=12)
    whole = sign_flip(values, _clusters(12))
    monkeypatch.setattr("vleval.stats.paired._MAX_CLUSTERS", 11)
    assert sign_flip(values, _clusters(12)) == whole
    monkeypatch.setattr(bootstrap, "MAX_BLOCKS", 4)
    folded = sign_flip(values, _clusters(12), seed=5)
    assert folded != whole and folded * 16 == int(folded * 16)  # all patterns of four blocks
    assert folded == sign_flip(values, _clusters(12), seed=5) and any(sign_flip(values, _clusters(12), seed=n) != folded for n in range(9))
    monkeypatch.setattr("vleval.stats.paired._MAX_CLUSTERS", 12)
    assert sign_flip(values, _clusters(12)) == whole


def test_random_patterns_come_near_all_patterns():
    values = np.random.default_rng(1).normal(0.3, 1.0, size=14)
    exact = float(np.mean(np.abs(_all_signs(14) @ values) >= abs(values.sum()) - 1e-9))
    found = sign_flip(values, _clusters(14), permutations=20_000)
    assert found == pytest.approx(exact, abs=0.01)
    assert (
        found
        == sign_flip(values, _clusters(14), permutations=20_000, seed=0)
        != sign_flip(values, _clusters(14), permutations=20_000, seed=1)
    )
    few = sign_flip(values, _clusters(14), permutations=99)
    assert few * 100 == pytest.approx(round(few * 100)) and few >= 0.01  # the observed pattern counts among them
    equal = np.full(40, 1.0)
    assert sign_flip(equal, _clusters(40), permutations=499) == pytest.approx(1 / 500)
    assert sign_flip(equal, _clusters(40), permutations=2_500) == pytest.approx(1 / 2_501)  # more than a batch


def test_an_equal_pattern_counts_as_reached():
    assert sign_flip(np.array([1.0, 1.0]), _clusters(2)) == 0.5
    assert sign_flip(np.array([0.1, 0.2, 0.3]), _clusters(3)) == 0.25
    assert sign_flip(np.array([1e-9, 1e-9]), _clusters(2)) == 0.5


def test_swapping_compares_the_corpora_themselves():
    dice = np.random.default_rng(2)
    first, second = dice.integers(0, 5, (14, 2)).astype(float), dice.integers(1, 6, (14, 2)).astype(float)

    def value(sums):
        return sums[:, 0] / sums[:, 1]

    signs = (_all_signs(14) + 1) / 2
    ours = signs[:, :, None] * first + (1 - signs[:, :, None]) * second
    theirs = signs[:, :, None] * second + (1 - signs[:, :, None]) * first
    gaps = np.abs(value(theirs.sum(axis=1)) - value(ours.sum(axis=1)))
    observed = abs(float((value(second.sum(axis=0)[None]) - value(first.sum(axis=0)[None]))[0]))
    exact = float(np.mean(gaps >= observed - 1e-12))
    found = swap_test(CorpusStats(first, value), CorpusStats(second, value), _clusters(14), permutations=20_000)
    assert found == pytest.approx(exact, abs=0.01)
    small = slice(0, 6)
    pair = [CorpusStats(rows[small], value) for rows in (first, second)]
    gaps = np.abs(
        value((signs[:64, small, None] * second[small] + (1 - signs[:64, small, None]) * first[small]).sum(axis=1))
        - value((signs[:64, small, None] * first[small] + (1 - signs[:64, small, None]) * second[small]).sum(axis=1))
    )
    observed = abs(float((value(pair[1].rows.sum(axis=0)[None]) - value(pair[0].rows.sum(axis=0)[None]))[0]))
    assert swap_test(*pair, _clusters(6)) == pytest.approx(float(np.mean(gaps >= observed - 1e-12)))
    assert swap_test(pair[0], pair[0], _clusters(6)) == 1.0


def test_agreement_takes_texts_of_numbers_and_says_its_clusters():
    first, second = ["1", "2", "3", "4", "5", "5"], [1, 2, 3, 4, 5, 4]
    alone = judge_agreement(first, second)
    assert (alone.n, alone.clustered_by) == (6, "") and alone.exact == pytest.approx(5 / 6)
    assert judge_agreement(second, first).exact == alone.exact
    grouped = judge_agreement(first, second, groups=Groups("scene", np.array([0, 0, 1, 1, 2, 2], dtype=np.intp), 3, "note"))
    assert grouped.clustered_by == "scene"


@pytest.mark.parametrize("seed", range(8))
def test_agreement_by_its_definitions(seed):
    """Kappa against every pair of marks as if dealt anew, Pearson against numpy, Spearman as Pearson of mean ranks."""
    dice = np.random.default_rng(seed)
    first = dice.integers(1, 5, 9).astype(float)
    second = np.clip(first + dice.integers(-1, 4, 9), 1, 6) * (0.01 if seed == 7 else 1.0)
    first = first * (0.01 if seed == 7 else 1.0)
    found = judge_agreement(first, second, Groups("scene", np.zeros(9, np.intp), 1, ""))

    def ranks(values):
        return [np.sum(values < value) + (np.sum(values == value) + 1) / 2 for value in values]

    dealt = np.mean(np.square(first[:, None] - second[None, :]))
    assert found.kappa == pytest.approx(1 - np.mean(np.square(first - second)) / dealt)
    assert found.pearson == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert found.spearman == pytest.approx(np.corrcoef(ranks(first), ranks(second))[0, 1])
    assert (found.exact, found.n, found.intervals) == (pytest.approx(np.mean(first == second)), 9, {}), "one cluster has no interval"


def test_agreement_has_intervals_of_two_clusters_and_a_seed():
    first, second = [1, 2, 3, 4, 5, 5], [1, 3, 3, 4, 4, 5]
    two = judge_agreement(first, second, Groups("scene", np.array([0, 0, 0, 1, 1, 1]), 2, ""))
    assert set(two.intervals) == {"exact", "kappa", "pearson", "spearman"}
    alone = judge_agreement(first, second)
    assert alone == judge_agreement(first, second, seed=0)
    assert alone.intervals["pearson"] != judge_agreement(first, second, seed=1).intervals["pearson"]
    never = judge_agreement([3, 3, 3], [1, 2, 4])
    assert (never.pearson, never.spearman) == (None, None) == (judge_agreement([1, 2, 4], [3, 3, 3]).pearson, None)


def test_a_table_of_tests_of_few_rows():
    assert mcnemar(1, 0) == mcnemar(0, 1) == 1.0 and mcnemar(2, 0) == 0.5
    assert holm([0.9]) == [0.9] and holm([0.5, 0.5]) == [1.0, 1.0]
    thirteen, fourteen = np.ones(13), np.ones(14)
    assert sign_flip(thirteen, alone(13)) == 2 / 2**13, "every pattern is tried"
    assert sign_flip(fourteen, alone(14), permutations=9) == 1 / 10, "of nine at random"


def test_corpora_are_folded_together(monkeypatch):
    """Both systems' clusters are put into the same blocks, or a system would differ from itself."""
    monkeypatch.setattr(bootstrap, "MAX_BLOCKS", 7)
    rows = np.random.default_rng(1).random((60, 2)) + 0.1
    better = rows + np.array([1.0, 0.0])
    assert swap_test(ratio(rows), ratio(better), alone(60), seed=3) == 2 / 2**7
    assert swap_test(ratio(rows), ratio(rows), alone(60), seed=3) == 1.0
    monkeypatch.setattr(bootstrap, "MAX_BLOCKS", 20)
    mixed = rows + np.where(np.arange(60) % 3 == 0, -0.4, 0.25)[:, None] * np.array([1.0, 0.0])
    found = [swap_test(ratio(rows), ratio(mixed), alone(60), seed=seed, permutations=300) for seed in (3, 3, 4)]
    assert found[0] == found[1] != found[2]
