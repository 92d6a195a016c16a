"""Grid arithmetic: what the processors do, and the sizes we write."""

import math
import random
import subprocess
import sys
from types import SimpleNamespace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.errors import DataError, UsageError
from vldata.media import pixels

DEFAULT = {"processor": "qwen3-vl", "min_pixels": 65_536, "max_pixels": 589_824}


@pytest.mark.parametrize(
    ("size", "limits", "expected"),
    [
        ((1920, 1080), {"max_pixels": 589_824}, (1024, 576)),
        ((1920, 1080), {}, (1920, 1088)),
        ((100, 100), {}, (256, 256)),
        ((886, 665), {}, (896, 672)),
        ((80, 1120), {}, (64, 1120)),  # halves go to even: 80 / 32 = 2.5 -> 2
        ((112, 1000), {}, (128, 992)),  # 3.5 -> 4
        ((16, 3000), {}, (32, 3520)),  # a side that rounds to nothing makes the picture grow
        ((20_000, 100), {"max_pixels": 100_000}, (4448, 32)),  # a side never falls below one cell
    ],
)
def test_smart_resize_of_qwen3(size, limits, expected):
    assert pixels.smart_resize(*size, processor="qwen3-vl", **limits) == expected


def test_smart_resize_refuses_what_the_processor_refuses():
    with pytest.raises(pixels.RatioError, match="201x1"):
        pixels.smart_resize(201, 1, processor="qwen2-vl")
    assert pixels.smart_resize(200, 1, processor="qwen2-vl")
    with pytest.raises(DataError, match="0x5"):
        pixels.smart_resize(0, 5, processor="qwen2-vl")


@pytest.mark.parametrize(
    ("size", "limits", "expected"),
    [
        ((1920, 1080), {}, (1024, 576)),
        ((4000, 3000), {}, (886, 665)),
        ((640, 480), {}, (640, 480)),
        ((10, 10), {}, (32, 32)),
        ((10, 1000), {}, (28, 1000)),
        ((8000, 30), {}, (5400, 30)),  # beyond 200:1 it becomes 180:1
        ((30, 8000), {}, (30, 5400)),
        ((1024, 576), {"max_pixels": 261_120}, (681, 383)),
    ],
)
def test_llamafactory_resize(size, limits, expected):
    assert pixels.llamafactory_resize(*size, **limits) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), (1024, 576)),
        ((1296, 968), (864, 640)),
        ((4000, 3000), (864, 640)),
        ((100, 100), (256, 256)),
        ((512, 512), (512, 512)),
    ],
)
def test_target_size_within_the_default_budget(size, expected):
    assert pixels.target_size(*size, **DEFAULT) == expected


def log_uniform(count, seed):
    generator = random.Random(seed)
    for _ in range(count):
        yield tuple(round(math.exp(generator.uniform(0, math.log(30_000)))) for _ in range(2))


GRIDS = {name: family.images for name, family in pixels.FAMILIES.items() if family.images.on_grid}


def keeps_shape(size, ideal, factor, cells=1):
    return min(size) <= 2 * factor or all(abs(written - side) <= cells * factor + 1e-6 for written, side in zip(size, ideal, strict=True))


@pytest.mark.parametrize("processor", sorted(GRIDS))
@pytest.mark.parametrize("max_pixels", [589_824, 261_120, 1 << 24])
def test_written_sizes_are_fixed_points_in_the_budget(processor, max_pixels):
    grid = GRIDS[processor]
    budget = {"processor": processor, "min_pixels": 0 if grid.longest else 65_536, "max_pixels": max_pixels}
    low, high = pixels.budget_limits(**budget)
    rejected, count = 0, examples(3_000)
    for width, height in log_uniform(count, seed=max_pixels):
        try:
            size = pixels.target_size(width, height, **budget)
        except pixels.RatioError:
            assert max(width, height) > 100 * min(width, height)
            rejected += 1
            continue
        assert size[0] % grid.factor == size[1] % grid.factor == 0
        assert low <= size[0] * size[1] <= high
        assert max(size) <= 200 * min(size)
        assert pixels.is_fixed_point(*size, **budget)
        assert pixels.target_size(*size, **budget) == size
        scales = (1, (grid.longest or 1) / max(width, height), math.sqrt(low / (width * height)), math.sqrt(high / (width * height)))
        cells = 3 if grid.longest else 1
        assert any(keeps_shape(size, (width * scale, height * scale), grid.factor, cells) for scale in scales), "within rounding"
    assert 0 < rejected < count / 4


@settings(max_examples=examples(100), deadline=None)
@given(
    width=st.integers(1, 20_000),
    height=st.integers(1, 20_000),
    processor=st.sampled_from(sorted(pixels.FAMILIES)),
    min_pixels=st.integers(0, 1_000_000),
    room=st.integers(0, 1_000_000),
)
def test_any_budget_gives_a_fixed_point_or_says_why_not(width, height, processor, min_pixels, room):
    budget = {"processor": processor, "min_pixels": min_pixels, "max_pixels": min_pixels + room}
    try:
        size = pixels.target_size(width, height, **budget)
    except pixels.RatioError:
        return
    except UsageError:
        assume(False)
    assert pixels.is_fixed_point(*size, **budget)


def test_pictures_grow_only_to_reach_the_minimum():
    for width, height in log_uniform(2_000, seed=7):
        if width * height < 65_536 or max(width, height) > 100 * min(width, height):
            continue
        written = pixels.target_size(width, height, **DEFAULT)
        assert written[0] <= width + 32 and written[1] <= height + 32


@pytest.mark.parametrize("size", [(30_000, 20), (20, 30_000), (7_000, 1)])
def test_a_rendered_ratio_above_200_is_refused(size):
    with pytest.raises(pixels.RatioError):
        pixels.target_size(*size, **DEFAULT)


def test_a_source_ratio_above_200_is_fine_where_the_written_one_is_not():
    assert pixels.target_size(3_000, 10, **DEFAULT) == (4448, 32)


@pytest.mark.parametrize(
    ("size", "fixed"),
    [((1024, 576), True), ((1024, 577), False), ((1056, 576), False), ((224, 224), False), ((256, 256), True), ((6432, 32), False)],
)
def test_is_fixed_point(size, fixed):
    assert pixels.is_fixed_point(*size, **DEFAULT) is fixed


def test_an_impossible_budget_is_explained():
    with pytest.raises(UsageError, match="no picture has between 65536 and 60000 pixels"):
        pixels.target_size(10, 10, processor="qwen3-vl", min_pixels=0, max_pixels=60_000)
    with pytest.raises(UsageError, match=r"qwen3-vl, qwen3\.5, qwen2\.5-vl"):
        pixels.find_processor("qwen4-vl")


@pytest.mark.parametrize(
    ("size", "tokens"), [((1024, 576), 576), ((1920, 1080), 2040), ((886, 665), 588), ((100, 100), 64), ((1920, 1088), 2040)]
)
def test_vision_tokens_of_qwen3(size, tokens):
    assert pixels.vision_tokens(*size, processor="qwen3-vl") == tokens
    assert pixels.vision_tokens(*size, processor="qwen3-vl", delimiters=True) == tokens + 2


@pytest.mark.parametrize(("size", "budget"), [((1920, 1080), 261_120), ((1296, 968), 268_288)])
def test_the_largest_budget_with_which_eight_frames_fit_2048_tokens(size, budget):
    question = {"text_tokens": 40, "cutoff": 2_048, **DEFAULT}
    assert pixels.solve_max_pixels([size] * 8, **question) == budget
    tokens = [
        8
        * pixels.vision_tokens(
            *pixels.target_size(*size, processor="qwen3-vl", min_pixels=0, max_pixels=limit), processor="qwen3-vl", delimiters=True
        )
        for limit in (budget, budget + 1024)
    ]
    assert tokens[0] + 40 <= 2_048 < tokens[1] + 40


def test_no_budget_is_small_enough_for_a_hundred_pictures():
    assert pixels.solve_max_pixels([(1920, 1080)] * 100, text_tokens=40, cutoff=2_048, **DEFAULT) is None


def test_the_module_loads_no_imaging_library():
    code = "import sys, vldata.media.pixels, vldata.media.refs; print([n for n in ('PIL', 'numpy', 'av', 'torch') if n in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@settings(deadline=None, max_examples=examples(20))
@given(
    sizes=st.lists(st.tuples(st.integers(40, 3000), st.integers(40, 3000)), min_size=1, max_size=3),
    text=st.integers(0, 300),
    slack=st.integers(-2, 2),
)
def test_the_solved_budget_is_the_largest_that_fits(sizes: list[tuple[int, int]], text: int, slack: int) -> None:
    """By trying every budget; the cutoff is set where one of them fits to the token, so that one token decides."""
    limits = {"processor": "qwen3-vl", "min_pixels": 65_536, "max_pixels": 200_000}
    cell = 32 * 32
    budgets = range(64 * cell, 200_000 // cell * cell + 1, cell)

    def cost(budget: int) -> int:
        written = [pixels.target_size(*size, processor="qwen3-vl", min_pixels=65_536, max_pixels=budget) for size in sizes]
        return text + sum(width * height // cell + 2 for width, height in written)  # two delimiters an image

    try:
        costs = {budget: cost(budget) for budget in budgets}
    except pixels.RatioError:
        assume(False)
    cutoff = costs[budgets[len(budgets) // 2]] + slack
    fitting = [budget for budget, tokens in costs.items() if tokens <= cutoff]
    found = pixels.solve_max_pixels(sizes, text_tokens=text, cutoff=cutoff, **limits)
    assert found == (max(fitting) if fitting and costs[budgets[0]] <= cutoff else None)


@settings(deadline=None, max_examples=examples(20))
@given(width=st.integers(1, 4000), height=st.integers(1, 4000), low=st.integers(64, 90), room=st.integers(0, 12))
def test_the_nearest_size_is_the_best_of_all_on_the_grid(width: int, height: int, low: int, room: int) -> None:
    factor = 32
    least, most = low * factor * factor, (low + room) * factor * factor
    found = pixels._nearest_in_budget(width, height, SimpleNamespace(factor=factor, longest=0), least, most)
    scale = math.sqrt(max(least, min(most, width * height)) / (width * height))

    def error(columns: int, rows: int) -> float:
        return abs(math.log(columns * factor / (width * scale))) + abs(math.log(rows * factor / (height * scale)))

    every = {(c, r): error(c, r) for c in range(1, low + room + 1) for r in range(1, low + room + 1) if low <= c * r <= low + room}
    columns, rows = found[0] // factor, found[1] // factor
    assert (columns, rows) in every
    assert every[columns, rows] <= min(every.values()) + 1e-9
