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

    assert interval.method == "t"


def test_two_rows_have_an_interval_of_one_degree_of_freedom():
    interval = clustered_mean(np.array([0.0, 1.0]), Groups("", np.arange(2), 2, ""))
    assert (interval.low, interval.high) == pytest.approx((0.5 - 12.706204736174694 / 2, 0.5 + 12.706204736174694 / 2))


def test_one_cluster_allows_no_interval():
    one = Groups("scene", np.zeros(2, np.intp), 1, "")
    for interval in (clustered_mean(np.array([0.0, 1.0]), one), clustered_bounded(np.array([1.0, 1.0]), one, 0.0, 1.0)):
        assert (interval.low, interval.high, interval.method) == (None, None, "cluster-t:scene")
        assert math.isnan(interval.se)


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
    assert (interval.method, interval.se) == ("wilson", pytest.approx(math.sqrt(k / n * (1 - k / n) / n)))
    percent = wilson(k, n, 100.0)
    assert (percent.low, percent.high, percent.se) == pytest.approx((100 * low, 100 * high, 100 * interval.se), abs=1e-10)


@pytest.mark.parametrize("n", [*range(1, 60), 333])
def test_wilson_ends_at_the_end_of_the_scale(n):
    """None right is 0 to a bit, all right is 1, whatever rounding does; every other share has room on both sides."""
    assert wilson(0, n).low == 0.0 and wilson(n, n).high == 1.0
    assert all(0.0 < wilson(k, n).low < k / n < wilson(k, n).high < 1.0 for k in range(1, n))


def test_a_share_of_nothing_has_no_interval():
    assert (wilson(0, 0).low, wilson(0, 0).high, wilson(0, 0).method) == (None, None, "wilson")


def nine(key: str = "scene") -> Groups:
    return Groups(key, np.repeat(np.arange(9), SIZES), 9, "")


@pytest.mark.parametrize("right", [0, 1])
def test_shares_of_none_and_of_all_are_wilsons_with_a_cluster_as_one_trial(right):
    found, trials = clustered_bounded(np.full(38, float(right)), nine(), 0.0, 1.0), wilson(9 * right, 9)
    assert (found.low, found.high) == pytest.approx((trials.low, trials.high), abs=1e-12)
    assert (found.method, found.se) == ("wilson:scene", pytest.approx((found.high - found.low) / (2 * 1.959963984540054)))
    rows = clustered_bounded(np.full(38, float(right)), Groups("", np.arange(38), 38, ""), 0.0, 1.0)
    assert (rows.low, rows.high) == pytest.approx((wilson(38 * right, 38).low, wilson(38 * right, 38).high), abs=1e-12)
    assert rows.method == "wilson"
    assert clustered_bounded(np.full(38, 100.0 * right), nine(), 0.0, 100.0).high == pytest.approx(100 * trials.high)


def test_differences_that_do_not_vary_are_bounded_by_the_range():
    unseen = 1.959963984540054**2 / (9 + 1.959963984540054**2)
    found = clustered_bounded(np.zeros(38), nine(), -1.0, 1.0)
    assert (found.low, found.high) == pytest.approx((-unseen, unseen))
    found = clustered_bounded(np.full(38, 0.5), nine(), -1.0, 1.0)
    assert (found.low, found.high) == pytest.approx((0.5 - 1.5 * unseen, 0.5 + 0.5 * unseen))
    assert found.se == pytest.approx((found.high - found.low) / (2 * 1.959963984540054))


def test_rounding_is_neither_variance_nor_out_of_range():
    """On a wide range that is symmetric about 0, where a bound that forgot the range's width would be none."""
    values = np.full(38, 10_000.0)
    values[::2] += 2e-9
    found = clustered_bounded(values, nine(), -10_000.0, 10_000.0)
    assert found.method == "wilson:scene" and found.low is not None
    for beyond in (10_000.5, -10_000.5):
        found = clustered_bounded(np.full(38, beyond), nine(), -10_000.0, 10_000.0)
        assert (found.low, found.high, found.method) == (None, None, "wilson:scene")


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


FOUND = "found in the rows; --group-by chooses another, --group-by none switches it off"
SHARED = "No two rows share a scene, episode or image: rows are taken as independent."


@pytest.mark.parametrize(
    ("fields", "asked", "key", "index", "note"),
    [
        ({"image": "aab", "scene": "sts"}, None, "scene", [0, 1, 0], f"Rows are clustered by scene: 2 groups in 3 rows ({FOUND})."),
        ({"image": "aab", "episode": "xyy"}, None, "episode", [0, 1, 1], f"Rows are clustered by episode: 2 groups in 3 rows ({FOUND})."),
        ({"image": "aab"}, None, "image", [0, 0, 1], f"Rows are clustered by image: 2 groups in 3 rows ({FOUND})."),
        ({"image": "abc", "sample": "ppq"}, None, "sample", [0, 0, 1], f"Rows are clustered by sample: 2 groups in 3 rows ({FOUND})."),
        ({"circle": "pqp"}, None, "circle", [0, 1, 0], f"Rows are clustered by circle: 2 groups in 3 rows ({FOUND})."),
        ({"image": "abc"}, None, "", [0, 1, 2], SHARED),
        ({"camera": "aab"}, None, "", [0, 1, 2], SHARED),
        ({"scene": "sss"}, "none", "", [0, 1, 2], "Rows are taken as independent, as asked."),
        ({"scene": "sss"}, "", "", [0, 1, 2], "Rows are taken as independent, as asked."),
        ({"scene": "sst", "camera": "xyy"}, "camera", "camera", [0, 1, 1], "Rows are clustered by camera: 2 groups in 3 rows (as asked)."),
        ({"image": "abc"}, "image", "image", [0, 1, 2], "Rows are clustered by image: 3 groups in 3 rows (as asked)."),
    ],
)
def test_groups_are_chosen_in_order_and_said(fields, asked, key, index, note):
    found = choose_groups(rows(**{name: list(values) for name, values in fields.items()}), asked)
    assert (found.key, found.index.tolist(), found.count, found.note) == (key, index, len(set(index)), note)
    values = np.array([1.0, 2.0, 4.0])
    sums = [sum(value for value, place in zip(values, index, strict=True) if place == cluster) for cluster in range(found.count)]
    assert found.sums(values).tolist() == sums
    assert found.sums(np.stack([values, 10 * values], axis=1)).tolist() == [[one, 10 * one] for one in sums]


def test_rows_without_the_key_stand_alone_and_are_counted():
    found = choose_groups(rows(scene=["s", "", "s", "", "t"]))
    assert (found.index.tolist(), found.count) == ([0, 2, 0, 3, 1], 4)
    assert found.note == f"Rows are clustered by scene: 2 groups in 5 rows ({FOUND}). 2 rows have no scene and stand alone."


def test_clusters_of_which_no_row_is_left_have_sums_of_nothing():
    groups = Groups("scene", np.array([0, 0]), 3, "")
    assert groups.sums(np.array([1.0, 2.0])).tolist() == [3.0, 0.0, 0.0]
    assert groups.sums(np.array([[1.0], [2.0]])).tolist() == [[3.0], [0.0], [0.0]]


def test_an_unknown_key_names_the_known_ones():
    with pytest.raises(UsageError, match="no row has a field 'place' to group by") as caught:
        choose_groups(rows(scene=["s", "t"], image=["a", ""]), "place")
    assert caught.value.cure == "Rows have: image, scene."
    with pytest.raises(UsageError) as caught:
        choose_groups(rows(scene=["", ""]), "place")
    assert caught.value.cure == "Rows have no group fields."


def test_some_rows_keep_their_clustering():
    groups = Groups("scene", np.array([0, 0, 1, 2, 2], dtype=np.intp), 3, "a note")
    taken = groups.take(np.array([4, 2, 3]))
    assert (taken.key, taken.index.tolist(), taken.count, taken.note) == ("scene", [1, 0, 1], 2, "a note")
    alone = Groups("", np.arange(5, dtype=np.intp), 5, "alone").take(np.array([4, 2]))
    assert (alone.key, alone.index.tolist(), alone.count, alone.note) == ("", [0, 1], 2, "alone")
