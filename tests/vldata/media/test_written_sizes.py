"""Sizes, limits and budgets of pictures as tables: what is written, what is left alone, and what is refused with which words."""

import itertools

import pytest

from vldata.errors import DataError, UsageError
from vldata.media import pixels

# What a picture is written in, for good: a converted dataset is the same in every release. "-": refused.
SOURCES = ((1920, 1080), (100, 100), (37, 2500), (4000, 3000), (33, 31), (3000, 40), (640, 481), (1, 90))
WRITTEN = [
    ("qwen3-vl", 0, 589824, "1024x576 256x256 32x2496 864x640 288x256 3008x32 640x480 32x2432"),
    ("qwen3-vl", 65536, 200000, "576x320 256x256 32x2496 512x384 288x256 3008x32 512x384 32x2432"),
    ("qwen3-vl", 90000, 100000, "416x224 288x320 32x2816 352x256 320x288 3008x32 352x256 32x2848"),
    ("qwen2.5-vl", 0, 589824, "1008x560 112x112 28x2492 868x644 84x56 2996x28 644x476 28x532"),
    ("qwen2.5-vl", 65536, 200000, "588x308 280x280 28x2492 504x364 280x252 2996x28 504x364 28x2436"),
    ("qwen2.5-vl", 90000, 100000, "420x224 308x308 28x3220 364x252 308x308 3220x28 364x252 28x3220"),
    ("mistral-3", 0, 589824, "1036x560 112x112 28x1540 868x672 56x56 1540x28 644x504 28x112"),
    ("mistral-3", 65536, 200000, "588x336 280x280 - 504x392 280x252 - 504x392 -"),
    ("mistral-3", 90000, 100000, "420x224 308x308 - 364x252 308x308 - 364x252 -"),
    ("internvl", 0, 589824, "1024x576 100x100 37x2500 886x665 34x32 3000x40 640x481 4x304"),
    ("internvl", 65536, 200000, "596x335 256x256 37x2500 516x387 265x249 3000x40 515x387 27x2429"),
    ("internvl", 90000, 100000, "421x237 300x300 37x2500 365x273 310x291 2738x36 364x274 32x2847"),
    ("lfm2-vl", 0, 589824, "1024x576 100x100 37x2500 886x665 34x32 3000x40 640x481 4x304"),
    ("lfm2-vl", 65536, 200000, "596x335 256x256 37x2500 516x387 265x249 3000x40 515x387 27x2429"),
    ("lfm2-vl", 90000, 100000, "421x237 300x300 37x2500 365x273 310x291 2738x36 364x274 32x2847"),
]


@pytest.mark.parametrize(("processor", "low", "high", "sizes"), WRITTEN)
def test_pictures_are_written_in_these_sizes(processor, low, high, sizes):
    budget = {"processor": processor, "min_pixels": low, "max_pixels": high}
    for source, expected in zip(SOURCES, sizes.split(), strict=True):
        if expected == "-":
            with pytest.raises(pixels.RatioError):
                pixels.target_size(*source, **budget)
        else:
            written = pixels.target_size(*source, **budget)
            assert "{}x{}".format(*written) == expected
            assert pixels.is_fixed_point(*written, **budget)


@pytest.mark.parametrize(
    ("processor", "low", "high", "limits"),
    [
        ("qwen3-vl", 0, 1 << 30, (65_536, 16_777_216)),
        ("qwen3-vl", 65_536, 65_536, (65_536, 65_536)),
        ("qwen2.5-vl", 0, 3_136, (3_136, 3_136)),
        ("mistral-3", 2_371_500, 3_000_000, (2_371_500, 2_371_600)),
        ("mistral-3", 0, 1_568, (1_024, 1_568)),
        ("internvl", 5_000, 6_000, (5_000, 6_000)),
        ("internvl", 0, 1_024, (1_024, 1_024)),
    ],
)
def test_limits_of_a_budget(processor, low, high, limits):
    assert pixels.budget_limits(processor=processor, min_pixels=low, max_pixels=high) == limits


@pytest.mark.parametrize(
    ("processor", "low", "high", "told", "cure"),
    [
        ("qwen3-vl", 0, 60_000, "between 65536 and 60000 pixels on the 32-pixel grid of qwen3-vl", 65_536),
        ("qwen3-vl", 70_000, 70_100, "between 70000 and 70100 pixels on the 32-pixel grid of qwen3-vl", 70_656),
        ("mistral-3", 0, 500, "between 1024 and 500 pixels on the 28-pixel grid of mistral-3", 1_568),
        ("internvl", 0, 1_000, "between 1024 and 1000 pixels on the 1-pixel grid of internvl", 1_024),
        ("mistral-3", 2_363_000, 2_363_100, "between 2363000 and 2363100 pixels on the 28-pixel grid of mistral-3", 2_363_760),
    ],
)
def test_a_budget_that_no_picture_keeps(processor, low, high, told, cure):
    with pytest.raises(UsageError) as caught:
        pixels.budget_limits(processor=processor, min_pixels=low, max_pixels=high)
    assert str(caught.value) == f"no picture has {told}\n  Raise --max-pixels to at least {cure}, or lower --min-pixels."


@pytest.mark.parametrize(
    ("size", "processor", "told"),
    [
        ((40, 9_000), "qwen3-vl", "the picture is 40x9000: written, one side would be more than 200 times the other"),
        ((3_000, 1), "internvl", "the picture is 3000x1: written, one side would be more than 200 times the other"),
        ((1, 2_000), "mistral-3", "the picture is 1x2000: cut to 1540 pixels, its shorter side would vanish"),
        ((37, 2_500), "mistral-3", "the picture is 37x2500: with 65,536 pixels its longer side would be over 1,540"),
        ((0, 5), "internvl", "a picture of 0x5 pixels has no size"),
        ((5, -1), "internvl", "a picture of 5x-1 pixels has no size"),
    ],
)
def test_a_picture_that_cannot_be_written_says_why(size, processor, told):
    with pytest.raises(DataError) as caught:
        pixels.target_size(*size, processor=processor, min_pixels=65_536 if size[0] == 37 else 0, max_pixels=589_824)
    assert str(caught.value) == told


def test_every_function_refuses_a_picture_without_a_size():
    for function in (pixels.smart_resize, pixels.vision_tokens):
        for size in ((0, 5), (5, 0), (-3, 5)):
            with pytest.raises(DataError, match="has no size"):
                function(*size, processor="qwen3-vl")
    with pytest.raises(DataError, match="has no size"):
        pixels.llamafactory_resize(0, 5)
    assert pixels.llamafactory_resize(1, 1) == (32, 32)


@pytest.mark.parametrize(
    ("size", "processor", "low", "high", "fixed"),
    [
        ((0, 500), "internvl", 0, 589_824, False),
        ((500, 0), "qwen3-vl", 0, 589_824, False),
        ((41, 333), "internvl", 0, 589_824, True),
        ((41, 333), "internvl", 13_653, 13_653, True),
        ((41, 333), "internvl", 13_654, 589_824, False),
        ((41, 333), "internvl", 0, 13_652, False),
        ((2_000, 10), "internvl", 0, 589_824, True),
        ((2_001, 10), "internvl", 0, 589_824, False),
        ((6_400, 32), "qwen3-vl", 0, 589_824, True),
        ((28, 1_540), "mistral-3", 0, 589_824, True),
        ((28, 1_568), "mistral-3", 0, 589_824, False),
        ((1_000, 28), "qwen2.5-vl", 0, 589_824, False),
        ((28, 28), "qwen2.5-vl", 0, 589_824, False),
        ((84, 56), "qwen2.5-vl", 0, 589_824, True),
        ((4_096, 4_096), "qwen3-vl", 0, 1 << 30, True),
        ((4_096, 4_128), "qwen3-vl", 0, 1 << 30, False),
    ],
)
def test_sizes_that_are_left_alone(size, processor, low, high, fixed):
    assert pixels.is_fixed_point(*size, processor=processor, min_pixels=low, max_pixels=high) is fixed


@pytest.mark.parametrize(
    ("size", "limits", "expected"),
    [
        ((100, 100), {"max_pixels": 10_000}, (100, 100)),
        ((100, 100), {"max_pixels": 9_999}, (99, 99)),
        ((100, 100), {"min_pixels": 10_000}, (100, 100)),
        ((100, 100), {"min_pixels": 10_001}, (100, 100)),  # truncated, as LLaMA-Factory does
        ((100, 100), {"min_pixels": 10_301}, (101, 101)),
        ((50, 100), {"min_pixels": 20_000}, (100, 200)),
        ((27, 60), {}, (28, 60)),
        ((60, 28), {}, (60, 28)),
        ((5_600, 28), {}, (5_600, 28)),  # 200 to 1
        ((5_601, 28), {}, (5_040, 28)),
        ((28, 5_600), {}, (28, 5_600)),
        ((28, 5_601), {}, (28, 5_040)),
        ((1, 100_000), {"max_pixels": 100}, (28, 5_040)),
        ((768, 768), {}, (768, 768)),
        ((768, 769), {}, (767, 768)),
        ((31, 33), {}, (31, 33)),
        ((31, 32), {}, (31, 32)),
    ],
)
def test_llamafactory_resize_at_its_borders(size, limits, expected):
    assert pixels.llamafactory_resize(*size, **limits) == expected


def test_of_few_pictures_the_largest_budget_of_all_and_of_many_one_that_fits():
    """A picture of extreme shape costs less with a larger budget: of up to 16 pictures every larger budget is tried too."""
    limits = {"processor": "qwen3-vl", "min_pixels": 65_536, "max_pixels": 160_000}
    costs = {}
    for budget in range(65_536, 160_000, 1_024):
        size = pixels.target_size(5_455, 499, **{**limits, "max_pixels": budget})
        costs[budget] = pixels.vision_tokens(*size, processor="qwen3-vl", delimiters=True)
    values = sorted(set(costs.values()))
    assert list(costs.values()) != sorted(costs.values()), "a larger budget costs less somewhere"
    for count, tokens in itertools.product((1, 16, 17), (values[0], values[len(values) // 2], values[-1], values[0] - 1)):
        fitting = [budget for budget, cost in costs.items() if cost <= tokens]
        found = pixels.solve_max_pixels([(5_455, 499)] * count, text_tokens=9, cutoff=tokens * count + 9, **limits)
        if count <= 16:
            assert found == (max(fitting) if costs[65_536] <= tokens else None)
        else:
            assert found in (fitting or [None])
    assert pixels.solve_max_pixels([], text_tokens=0, cutoff=0, **limits) == 159_744


def test_a_budget_of_a_processor_that_no_budget_helps():
    asked = {"text_tokens": 40, "processor": "internvl", "min_pixels": 0, "max_pixels": 600_000}
    cost = pixels.vision_tokens(1_600, 375, processor="internvl", delimiters=True)
    assert pixels.solve_max_pixels([(1_600, 375)], cutoff=cost + 40, **asked) == 600_000
    assert pixels.solve_max_pixels([(1_600, 375)], cutoff=cost + 39, **asked) is None


@pytest.mark.parametrize(
    ("processor", "cutoff", "few", "many"),
    [
        ("qwen3-vl", 600, 307_200, 307_200),
        ("qwen2.5-vl", 600, 235_200, 235_200),
        ("minicpm-v", 400, 200_704, 200_704),
        ("lfm2-vl", 300, 139_264, 150_528),
    ],
)
def test_the_budget_of_a_cutoff(processor, cutoff, few, many):
    """In whole cells, or in steps of 1,024 pixels where there is no grid."""
    for count, budget in ((2, few), (20, many)):
        pictures = [(1_920, 1_080), (640, 480)] * count
        asked = {"text_tokens": 40, "cutoff": cutoff * count, "processor": processor, "min_pixels": 0, "max_pixels": 589_824}
        assert pixels.solve_max_pixels(pictures, **asked) == budget


def test_the_least_of_a_processor_may_be_raised():
    assert pixels.smart_resize(100, 100, processor="qwen3-vl", min_pixels=200_000) == (448, 448)
    assert pixels.smart_resize(1_920, 1_080, processor="qwen3-vl", min_pixels=3_000_000) == (2_336, 1_312)
