"""What a video costs under each reader: the frames taken, their grid, and the tokens.

The numbers are those of transformers' Qwen3-VL video processor (5.23), of numpy's linspace with LLaMA-Factory's own sizes before it, and of
qwen-vl-utils 0.0.14, run on the same clips.
"""

from __future__ import annotations

import pytest

from vldata.media.video_tokens import (
    Clip,
    Grid,
    llamafactory_grid,
    llamafactory_video_tokens,
    marks,
    qwen3_vl_grid,
    swift_grid,
    swift_video_tokens,
    video_tokens,
)

# frames, rows, columns and tokens under Qwen3-VL's processor, LLaMA-Factory and ms-swift
COSTS = [
    (Clip(243, 25.0, 9.72, 640, 360), (19, 11, 20, 2280), (19, 6, 11, 740), (18, 11, 20, 2052)),  # LLaMA-Factory's demo video
    (Clip(2, 25.0, 0.08, 64, 64), (2, 2, 2, 12), (1, 2, 2, 12), (2, 12, 12, 152)),
    (Clip(3, 25.0, 0.12, 64, 48), (3, 2, 2, 24), (1, 2, 2, 12), (2, 10, 14, 148)),
    (Clip(100_000, 25.0, 4_000.0, 1920, 1080), (768, 4, 7, 14869), (128, 6, 11, 4910), (768, 12, 23, 110101)),  # all share one budget
    (Clip(3, 1.0, 3.0, 20, 400), (3, 20, 1, 56), (3, 14, 1, 44), (2, 51, 3, 161)),
    (Clip(5, 1.0, 5.0, 64, 64), (5, 2, 2, 36), (5, 2, 2, 36), (4, 12, 12, 304)),
    (
        Clip(31, 4.0, 7.75, 320, 256),
        (15, 8, 10, 704),
        (15, 7, 9, 568),
        (14, 11, 13, 1057),
    ),  # 15.5 frames: swift takes 14
    (Clip(7, 30.0, 7 / 30, 1000, 31), (4, 1, 32, 80), (1, 1, 32, 40), (4, 2, 65, 276)),
    (Clip(2, 2.0, 1.0, 21, 30), (2, 2, 2, 12), (2, 2, 2, 12), (2, 14, 10, 148)),
    (Clip(1500, 29.97, 50.05, 1280, 720), (100, 11, 20, 11440), (100, 6, 11, 3740), (100, 20, 36, 36440)),
    (Clip(3000, 30.0, 100.0, 300, 500), (200, 14, 8, 12090), (128, 10, 6, 4409), (200, 16, 9, 15290)),
    (Clip(40, 10.0, 3.2, 2500, 90), (8, 3, 78, 968), (6, 2, 42, 276), (8, 3, 78, 968)),
    (Clip(9, 1.0, 9.0, 16, 16), (9, 1, 1, 45), (9, 1, 1, 45), (8, 12, 12, 608)),
    (Clip(1024, 24_000 / 1_001, 42.7, 4000, 3000), (85, 14, 19, 11815), (85, 7, 9, 3086), (84, 24, 32, 32624)),
    (Clip(4, 8.0, 0.5, 96, 96), (4, 3, 3, 34), (1, 3, 3, 17), (4, 12, 12, 304)),
    (Clip(20, 4.0, 4.99, 800, 608), (10, 19, 25, 2415), (9, 7, 9, 355), (10, 19, 25, 2415)),
    (Clip(770, 2.0, 385.0, 224, 416), (768, 7, 4, 14482), (128, 11, 6, 4845), (768, 16, 9, 59026)),
]


@pytest.mark.parametrize(("clip", "qwen", "llamafactory", "swift"), COSTS)
def test_the_cost_of_a_video_under_each_reader(clip, qwen, llamafactory, swift):
    found = [
        (len(grid.indices), grid.rows, grid.columns, tokens)
        for grid, tokens in (
            (qwen3_vl_grid(clip), video_tokens(clip)),
            (llamafactory_grid(clip), llamafactory_video_tokens(clip)),
            (swift_grid(clip), swift_video_tokens(clip)),
        )
    ]
    assert found == [qwen, llamafactory, swift]


@pytest.mark.parametrize(("clip", "qwen", "llamafactory", "swift"), COSTS)
def test_frames_are_spread_evenly_from_the_first_to_the_last(clip, qwen, llamafactory, swift):
    np = pytest.importorskip("numpy")
    for grid, count, rounded in ((qwen3_vl_grid(clip), qwen[0], np.round), (llamafactory_grid(clip), llamafactory[0], np.floor)):
        assert list(grid.indices) == rounded(np.linspace(0, clip.frames - 1, count)).astype(int).tolist()
        assert grid.steps == -(-count // 2)
        assert grid.vision_tokens == grid.steps * grid.rows * grid.columns
    assert list(swift_grid(clip).indices) == np.round(np.linspace(0, clip.frames - 1, swift[0])).astype(int).tolist()
    assert swift_grid(clip).steps == swift[0] // 2


def test_marks_of_time_are_the_middle_of_each_step():
    assert marks(qwen3_vl_grid(Clip(5, 1.0, 5.0, 64, 64)), 1.0) == ["<0.5 seconds>", "<2.5 seconds>", "<4.0 seconds>"]
    assert marks(Grid(2, 1, 1, (0, 30, 300, 330)), 30.0) == ["<0.5 seconds>", "<10.5 seconds>"]


def test_a_mark_costs_a_token_a_digit_and_four():
    """One step of one token, its two delimiters, and "<0.0 seconds>", then "<10.0 seconds>": `<`, digits, `.`, ` seconds`, `>`."""
    clip = Clip(2, 25.0, 0.08, 32, 128)
    assert video_tokens(clip) == 4 + 2 + (4 + 2)
    slow = Clip(3, 0.05, 60.0, 64, 64)  # at 0, 20 and 40 seconds: marks of 10 and 40
    assert video_tokens(slow) == 2 * 4 + 2 * 2 + 2 * (4 + 3)


def test_the_frames_and_pixels_of_llamafactory_are_settings():
    clip = Clip(1_000, 25.0, 40.0, 1280, 720)
    assert (len(llamafactory_grid(clip).indices), llamafactory_grid(clip).vision_tokens) == (80, 2_640)
    few = llamafactory_grid(clip, max_frames=16, frame_pixels=4 * 65_536)
    assert (len(few.indices), few.steps, few.rows, few.columns) == (16, 8, 12, 21)
