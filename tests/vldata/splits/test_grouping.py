"""Groups and the choice of whole groups: numbers, sizes, sides, and every sentence that is said of them."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.errors import DataError, UsageError
from vldata.records.record import Message, Record
from vldata.splits import sorting, subset_sum
from vldata.splits.grouping import SIDES, assign_sides, by_picture, count_of, group_keys, number_groups, row_split_leak
from vldata.splits.subset_sum import choose_exact, nearest_sums

sizes_and_target = st.lists(st.integers(1, 30), min_size=1, max_size=14).flatmap(
    lambda sizes: st.tuples(st.just(sizes), st.integers(0, sum(sizes) + 3))
)


def reachable(sizes: list[int]) -> set[int]:
    sums = {0}
    for size in sizes:
        sums |= {total + size for total in sums}
    return sums


@given(sizes_and_target, st.integers(0, 5))
def test_an_exact_choice_is_found_whenever_there_is_one(case: tuple[list[int], int], seed: int) -> None:
    sizes, target = case
    chosen = choose_exact(sizes, target, random.Random(seed))
    if target in reachable(sizes):
        assert chosen is not None and sum(sizes[i] for i in chosen) == target and len(set(chosen)) == len(chosen)
    else:
        assert chosen is None


@given(sizes_and_target)
def test_the_nearest_sums_are_the_nearest(case: tuple[list[int], int]) -> None:
    sizes, target = case
    sums = reachable(sizes) - {0}
    below, above = nearest_sums(sizes, target)
    assert below == max((s for s in sums if s < target), default=None)
    assert above == min((s for s in sums if s > target), default=None)


def test_large_inputs_are_solved_too(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(1)
    sizes = [rng.randint(1, 40) for _ in range(30_000)]
    monkeypatch.setattr(subset_sum, "_MAX_TABLE_BITS", 1 << 16)
    chosen = choose_exact(sizes, 60_001, random.Random(0))
    assert chosen is not None and sum(sizes[i] for i in chosen) == 60_001 and len(set(chosen)) == len(chosen)


def seen(*pictures: str, **meta: str) -> Record:
    turns = (Message("user", "<image>" * len(pictures) + "what?"), Message("assistant", "that"))
    return Record(id="/".join(pictures), messages=turns, images=pictures, references=("that",), meta=meta)


def test_records_that_share_a_picture_belong_together_directly_or_over_others() -> None:
    keys = list(group_keys([seen("a", "b"), seen("c"), seen("d", "c"), seen("b", "d"), seen("e"), seen()], "image"))
    assert len(set(keys[:4])) == 1 and keys[4] not in keys[:4] and keys[5] == ""
    assert list(group_keys([seen("a", image="x"), seen("a", image="y")], "image")) == ["x", "y"], "a meta key of that name comes first"


def test_the_leak_of_a_split_by_rows() -> None:
    assert row_split_leak(list(range(50)), 10, 0, seed=0) == 0.0  # every row its own group
    assert row_split_leak([0] * 50, 10, 5, seed=0) == 1.0  # one group
    pairs = [row // 2 for row in range(40)]
    assert row_split_leak(pairs, 20, 0, seed=0) == pytest.approx(20 / 39, abs=0.03)  # the partner is in train


def test_fractions_round_up_as_other_tools_do() -> None:
    assert count_of(0.125, 1378, "--val") == 173
    assert count_of(0.1, 30, "--val") == 3
    assert count_of(258, 1636, "--test") == 258


@given(
    st.lists(st.tuples(st.sampled_from(["", "a", "\u00e9", "\U0001f600", "\uffff", "b"]), st.text(max_size=2)), max_size=40),
    st.integers(1, 9),
)
@settings(max_examples=examples(60), deadline=None)
def test_groups_are_numbered_in_the_order_of_their_names_however_many_there_are(rows, run):
    records = [Record(id=id, messages=(), images=(), references=(), meta={"scene": scene}) for scene, id in rows]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "RUN", run)
        patch.setattr(sorting, "_BLOCK", 2)
        groups = number_groups(records, "scene")
    names = [scene or f"\x00{id}" for scene, id in rows]
    order = sorted(set(names))
    assert list(groups.of_row) == [order.index(name) for name in names]
    assert list(groups.sizes) == [names.count(name) for name in order]
    assert list(groups.seen) == [order.index(name) for name in dict.fromkeys(names)]


def test_a_choice_is_random_but_reproducible() -> None:
    """Groups of one size are chosen alike often, and a large group as often as its share asks for."""
    sizes = [1] * 12
    chosen = [tuple(choose_exact(sizes, 4, random.Random(seed)) or ()) for seed in range(600)]
    assert chosen == [tuple(choose_exact(sizes, 4, random.Random(seed)) or ()) for seed in range(600)]
    times = Counter(index for choice in chosen for index in choice)
    assert all(140 < times[index] < 260 for index in range(12)), "200 each"
    mixed = [8] * 4 + [1] * 32
    large = [sum(mixed[index] == 8 for index in choose_exact(mixed, 32, random.Random(seed)) or ()) for seed in range(300)]
    assert 1.6 < sum(large) / len(large) < 2.4 and set(large) >= {1, 2, 3}, "half of the rows: half of the large groups"


def test_what_cannot_be_chosen_of_very_many_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = [2] * 3_000
    monkeypatch.setattr(subset_sum, "_MAX_TABLE_BITS", 1 << 16)
    assert choose_exact(sizes, 2_001, random.Random(0)) is None
    chosen = choose_exact(sizes, 2_000, random.Random(0))
    assert chosen is not None and len(set(chosen)) == len(chosen) == 1_000
    assert list(chosen) != list(choose_exact(sizes, 2_000, random.Random(1)) or ()), "the seed decides"


def test_the_table_is_kept_small_where_most_is_filled_at_random(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of very many groups the last 400 that fit and 400 that did not are solved exactly."""
    solved: list[tuple[int, int]] = []
    real = subset_sum._solve

    def watched(sizes, order, target, rng):
        solved.append((len(order), target))
        return real(sizes, order, target, rng)

    monkeypatch.setattr(subset_sum, "_MAX_TABLE_BITS", 1 << 16)
    monkeypatch.setattr(subset_sum, "_solve", watched)
    sizes = [3] * 2_000 + [5] * 2_000
    chosen = choose_exact(sizes, 6_001, random.Random(0))
    assert chosen is not None and sum(sizes[index] for index in chosen) == 6_001
    assert [count for count, _ in solved] == [800] and 400 * 3 <= solved[0][1] <= 400 * 5
    monkeypatch.setattr(subset_sum, "_MAX_TABLE_BITS", 10 * 31)
    solved.clear()
    assert choose_exact([3] * 10, 30, random.Random(0)) is not None and solved == [(10, 30)], "what fits the table is solved at once"


# A split is named by its seed: the same one must come of it in every release.
DEALT = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9]
MANY = [2 + number * 7 % 8 for number in range(60)]


@pytest.mark.parametrize(
    ("seed", "chosen"),
    [(0, [6, 0, 2, 11, 5, 9, 1]), (1, [2, 4, 8, 6, 10, 14]), (2, [11, 5, 12, 3, 9]), (3, [3, 5, 7, 1, 11, 10])],
)
def test_a_seed_gives_this_choice(seed: int, chosen: list[int]) -> None:
    assert choose_exact(DEALT, 30, random.Random(seed)) == chosen


@pytest.mark.parametrize(
    ("seed", "chosen"),
    [
        (0, "12 33 29 36 44 42 47 5 7 50 55 58 23 27 28 59 0 1 41 38 14 15 17 10 40 51"),
        (1, "26 59 23 9 2 5 18 43 47 22 57 25 19 10 3 11 29 37 15 35 12 34 40 53"),
        (2, "49 31 41 9 15 57 6 20 36 30 43 26 39 29 8 4 18 35 22 0 21 7 24 44 14 59 33"),
    ],
)
def test_a_seed_gives_this_choice_of_very_many(seed: int, chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subset_sum, "_MAX_TABLE_BITS", 1 << 12)
    monkeypatch.setattr(subset_sum, "_POOL", 5)
    assert list(choose_exact(MANY, 150, random.Random(seed)) or ()) == [int(index) for index in chosen.split()]


@pytest.mark.parametrize(("seed", "sides"), [(0, "ttvt..vt....t.v"), (1, "t.tvvv..ttt...."), (2, "t..t.tt...tv.v.")])
def test_a_seed_gives_these_sides(seed: int, sides: str) -> None:
    found, _ = assign_sides(DEALT, 20, 15, seed, test_may_move=False, val_may_move=False)
    assert "".join(".vt"[side] for side in found) == sides  # of train, val and test


def test_a_choice_that_fails_by_chance_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty times; then it is given up."""
    tried: list[list[int]] = []
    real = subset_sum._fill_at_random

    def watched(sizes, order, target):
        tried.append(list(order))
        return real(sizes, order, target)

    monkeypatch.setattr(subset_sum, "_MAX_TABLE_BITS", 1 << 12)
    monkeypatch.setattr(subset_sum, "_POOL", 2)
    monkeypatch.setattr(subset_sum, "_fill_at_random", watched)
    assert choose_exact([2] * 60, 101, random.Random(0)) is None
    assert len(tried) == 20 and len({tuple(order) for order in tried}) == 20


def row(name: str, **meta: str) -> Record:
    return Record(id=name, messages=(), images=(), references=(), meta=meta)


def test_rows_of_no_group_are_groups_of_their_own() -> None:
    rows = [row("c", scene="s"), row("b", scene=""), row("a", scene=""), row("d", scene="s")]
    groups = number_groups(rows, "scene")
    assert (list(groups.of_row), list(groups.sizes), list(groups.firsts)) == ([2, 1, 0, 2], [1, 1, 2], [2, 1, 0])
    assert groups.seen.tolist() == [2, 1, 0]
    alone = number_groups(rows, "none")
    assert sorted(alone.of_row) == [0, 1, 2, 3] and list(alone.sizes) == [1] * 4
    assert list(group_keys(rows, "none")) == [""] * 4


def test_a_key_that_some_record_lacks() -> None:
    with pytest.raises(DataError) as caught:
        list(group_keys([row("a", scene="s", image="i"), row("b", room="r", floor="1")], "scene"))
    assert str(caught.value) == "record 'b' has no meta key 'scene'.\n  Group by one of: room, floor, image, none."


def test_image_means_pictures_unless_it_is_a_key() -> None:
    assert by_picture([row("a"), row("b", scene="s")], "image")
    assert not by_picture([row("a"), row("b", image="x")], "image") and not by_picture([row("a")], "scene")
    video = Record(id="v", messages=(), images=("a",), references=(), meta={}, videos=("v.mp4",))
    keys = list(
        group_keys(
            [seen("b"), video, Record(id="w", messages=(), images=(), references=(), meta={}, videos=("v.mp4",)), seen("b", "c")], "image"
        )
    )
    assert keys[1] == keys[2] != keys[0] == keys[3] and keys[1] in ("a", "v.mp4")


@settings(max_examples=examples(150))
@given(st.lists(st.lists(st.integers(0, 12), max_size=3), max_size=14))
def test_groups_by_pictures_are_the_connected_parts(shown: list[list[int]]) -> None:
    keys = list(group_keys([seen(*map(str, pictures)) for pictures in shown], "image"))
    parts = [set(pictures) for pictures in shown]
    for _ in parts:
        for one in parts:
            for other in parts:
                if one & other:
                    one |= other
                    other |= one
    for first in range(len(shown)):
        assert (keys[first] == "") == (not shown[first])
        assert keys[first] == "" or int(keys[first]) in parts[first]
        for second in range(len(shown)):
            if shown[first] and shown[second]:
                assert (keys[first] == keys[second]) == bool(parts[first] & parts[second])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (-1, "--test -1 is not a size."),
        (-0.5, "--test -0.5 is not a size."),
        (float("inf"), "--test inf is not a size."),
        (2.5, "--test 2.5 is neither a fraction below 1 nor a whole number."),
        (1_001, "--test 1001 is more than the 1,000 records there are."),
    ],
)
def test_sizes_that_cannot_be(asked: float, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        count_of(asked, 1_000, "--test")
    assert str(caught.value) == said


@pytest.mark.parametrize(
    ("asked", "count"),
    [(0, 0), (1, 1), (1.0, 1), (1_000, 1_000), (0.999, 999), (0.0005, 1), (0.25, 250), (0.1 + 0.2, 300), (0.3001, 301)],
)
def test_sizes(asked: float, count: int) -> None:
    assert count_of(asked, 1_000, "--test") == count


def sides_of(sizes: list[int], n_test: int, n_val: int, seed: int = 0, moves: bool = False) -> tuple[list[str], list[str]]:
    sides, notes = assign_sides(sizes, n_test, n_val, seed, test_may_move=moves, val_may_move=moves)
    return [SIDES[side] for side in sides], notes


@settings(max_examples=examples(120))
@given(st.lists(st.integers(1, 4), min_size=4, max_size=20), st.integers(0, 6), st.integers(0, 6), st.integers(0, 3))
def test_sides_have_their_exact_sizes(sizes: list[int], n_test: int, n_val: int, seed: int) -> None:
    sizes = [*sizes, *[1] * 12]  # ones, so that every size is possible
    sides, notes = sides_of(sizes, n_test, n_val, seed)
    total = {side: sum(size for size, of in zip(sizes, sides, strict=True) if of == side) for side in SIDES}
    assert (total["test"], total["val"], total["train"]) == (n_test, n_val, sum(sizes) - n_test - n_val)
    assert notes == [] and sides == sides_of(sizes, n_test, n_val, seed)[0]


def test_the_seed_chooses_the_sides() -> None:
    assert len({tuple(sides_of([1] * 10, 3, 3, seed)[0]) for seed in range(20)}) > 15
    assert sides_of([1] * 10, 3, 0)[0].count("val") == 0


def test_another_choice_for_test_is_tried_where_one_leaves_none_for_val() -> None:
    """4 is 2 and 2, or 4 alone: whichever test takes first, val takes the other."""
    for seed in range(12):
        sides, notes = sides_of([2, 2, 4, 5], 4, 4, seed)
        assert notes == [] and sides[3] == "train" and sides[0] == sides[1] != sides[2]


def test_a_size_that_no_choice_has() -> None:
    with pytest.raises(DataError) as caught:
        sides_of([4_000, 4_000, 3_000], 1_500, 0)
    assert str(caught.value) == "no choice of whole groups has exactly 1,500 records for --test; the nearest sizes are 3,000."
    with pytest.raises(DataError, match="exactly 5 records for --val; the nearest sizes are 4 and 8"):
        sides_of([4, 4, 4], 4, 5)
    with pytest.raises(DataError, match="exactly 2 records for --val; the nearest sizes are none"):
        sides_of([4], 4, 2, moves=True)


def test_a_fraction_moves_to_the_nearest_size_and_says_so() -> None:
    sides, notes = sides_of([4_000, 4_000, 4_000], 5_000, 5_900, moves=True)
    assert sorted(sides) == ["test", "train", "val"]
    assert notes == [
        "--test: no choice of whole groups has 5,000 records; took 4,000.",
        "--val: no choice of whole groups has 5,900 records; took 4,000.",
    ]
    assert sides_of([4] * 3, 6, 0, moves=True)[1] == ["--test: no choice of whole groups has 6 records; took 4."], (
        "of two as near the smaller"
    )
    assert sides_of([4] * 3, 7, 0, moves=True)[0].count("test") == 2
    with pytest.raises(DataError, match="for --val"):
        assign_sides([4] * 3, 6, 6, 0, test_may_move=True, val_may_move=False)


def test_the_leak_is_the_mean_over_seeded_shuffles() -> None:
    rows = [row // 3 for row in range(30)]
    generator = np.random.default_rng(5)
    shares = []
    for _ in range(200):
        order = generator.permutation(np.array(rows))
        train = set(order[10:].tolist())
        shares.append(sum(group in train for group in order[:6].tolist()) / 6)
    assert row_split_leak(rows, 6, 4, seed=5) == pytest.approx(sum(shares) / 200)
    assert row_split_leak(rows, 6, 4, seed=6) != row_split_leak(rows, 6, 4, seed=5)
