from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.errors import UsageError
from vleval.rows import Row
from vleval.stats.groups import Groups, choose_groups
from vleval.stats.intervals import clustered_bounded, clustered_mean, wilson
from vleval.stats.student import t_quantile_975

# statsmodels 0.14: OLS on a constant, cov_type="cluster", use_correction=True (its factor for one column is C/(C-1) too)
SIZES = (3, 5, 2, 8, 1, 4, 6, 2, 7)
VALUES = (0.805, 0.808, 0.515, 0.286, 0.054, 0.383, 0.408, 0.045, 0.049, 0.999, 0.652, 0.235, 0.435, 0.974, 0.898, 0.844, 0.392, 0.493,
          0.677, 0.061, 0.556, 0.271, 0.88, 0.064, 0.679, 0.87, 0.227, 0.895, 0.872, 0.019, 0.707, 0.001, 0.503, 0.437, 0.203, 0.325,
          0.806, 0.316)  # fmt: skip
CLUSTERED_SE = 0.0582213384267531


def test_clustered_standard_error_of_statsmodels():
    groups = Groups("scene", np.repeat(np.arange(9), SIZES), 9, "")
    interval = clustered_mean(np.array(VALUES), groups)
    mean, half = 0.4906315789473685, t_quantile_975(8) * CLUSTERED_SE
    assert interval.se == pytest.approx(CLUSTERED_SE, rel=1e-12)
    assert (interval.low, interval.high) == pytest.approx((mean - half, mean + half))
    assert interval.method == "cluster-t:scene"


def test_without_groups_it_is_the_textbook_error():
    values = np.array(VALUES)
    interval = clustered_mean(values, Groups("", np.arange(len(values)), len(values), ""))
    assert interval.se == pytest.approx(values.std(ddof=1) / math.sqrt(len(values)))


def test_one_cluster_allows_no_interval():
    interval = clustered_mean(np.array([0.0, 1.0]), Groups("scene", np.zeros(2, np.intp), 1, ""))
    assert (interval.low, interval.high) == (None, None)


# statsmodels.stats.proportion.proportion_confint(method="wilson")
@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (0, 10, 0.0, 0.27753279986288926),
        (10, 10, 0.7224672001371106, 1.0),
        (7, 12, 0.31951131254954973, 0.8067396863412435),
        (940, 1250, 0.7273119669071183, 0.7751439022683587),
    ],
)
def test_wilson(k, n, low, high):
    interval = wilson(k, n)
    assert (interval.low, interval.high) == pytest.approx((low, high), abs=1e-12)


def nine(key: str = "scene") -> Groups:
    return Groups(key, np.repeat(np.arange(9), SIZES), 9, "")


@pytest.mark.parametrize("right", [0, 1])
def test_shares_of_none_and_of_all_are_wilsons_with_a_cluster_as_one_trial(right):
    found, trials = clustered_bounded(np.full(38, float(right)), nine(), 0.0, 1.0), wilson(9 * right, 9)
    assert (found.low, found.high) == pytest.approx((trials.low, trials.high), abs=1e-12)
    assert found.method == "wilson:scene"
    assert clustered_bounded(np.full(38, 100.0 * right), nine(), 0.0, 100.0).high == pytest.approx(100 * trials.high)


def test_differences_that_do_not_vary_are_bounded_by_the_range():
    unseen = 1.959963984540054**2 / (9 + 1.959963984540054**2)
    found = clustered_bounded(np.zeros(38), nine(), -1.0, 1.0)
    assert (found.low, found.high) == pytest.approx((-unseen, unseen))
    found = clustered_bounded(np.full(38, 0.5), nine(), -1.0, 1.0)
    assert (found.low, found.high) == pytest.approx((0.5 - 1.5 * unseen, 0.5 + 0.5 * unseen))


def test_what_varies_is_not_touched_and_what_is_out_of_range_allows_none():
    assert clustered_bounded(np.array(VALUES), nine(), 0.0, 1.0) == clustered_mean(np.array(VALUES), nine())
    assert clustered_bounded(np.full(38, 7.0), nine(), 0.0, 1.0).low is None


@given(st.integers(2, 60), st.floats(0, 1), st.integers(1, 4))
def test_an_interval_is_never_of_no_width(clusters, value, size):
    values = np.full(clusters * size, value)
    found = clustered_bounded(values, Groups("scene", np.repeat(np.arange(clusters), size), clusters, ""), 0.0, 1.0)
    assert 0 <= found.low <= value + 1e-9 and value - 1e-9 <= found.high <= 1 + 1e-9
    assert found.high - found.low > 0.05


def rows(**groups: list[str]) -> list[Row]:
    count = len(next(iter(groups.values())))
    return [
        Row(id=str(n), prediction="", references=(), groups={key: values[n] for key, values in groups.items() if values[n]})
        for n in range(count)
    ]


def test_groups_are_chosen_in_order_and_said():
    found = choose_groups(rows(image=["a", "a", "b"], scene=["s", "t", "s"]))
    assert (found.key, found.count) == ("scene", 2)
    assert "clustered by scene: 2 groups in 3 rows" in found.note
    assert choose_groups(rows(image=["a", "a", "b"])).key == "image"
    assert choose_groups(rows(image=["a", "b", "c"])).key == ""
    assert choose_groups(rows(scene=["s", "s", "s"]), "none").key == ""
    assert choose_groups(rows(scene=["s", "s", "t"], camera=["x", "y", "y"]), "camera").count == 2


def test_rows_without_the_key_stand_alone_and_are_counted():
    found = choose_groups(rows(scene=["s", "s", "", ""]))
    assert found.count == 3
    assert "2 rows have no scene and stand alone" in found.note


def test_an_unknown_key_names_the_known_ones():
    with pytest.raises(UsageError, match="no row has a field 'place'") as caught:
        choose_groups(rows(scene=["s", "t"]), "place")
    assert "scene" in caught.value.cure
