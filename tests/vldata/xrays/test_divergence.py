"""Each cause of a difference is named from drawn pairs of samples; what is the same is not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vldata.xrays.divergence import find_divergences
from vldata.xrays.text import Tokens
from vldata.xrays.views import Predicted, RowView, Seen

USER = "<|im_start|>user\n<|vision_start|>{pads}<|vision_end|>What colour?<|im_end|>\n<|im_start|>assistant\n"
ANSWER = "red<|im_end|>"
TURNS = ((USER, False), (ANSWER, True), ("\n", False))


def seen(rows: int = 4, columns: int = 8, digest: str = "a", kind: str = "image", file: str = "") -> Seen:
    return Seen(kind=kind, grid=(1, rows, columns), digests=(digest,), files=(file,) if file else ())  # type: ignore[arg-type]


def made(tokens: Tokens, *parts: tuple[str, bool], images: tuple[Seen, ...] = (seen(),), pads: int = 8, **more: object) -> RowView:
    """A sample of texts, each learned or not."""
    ids: list[int] = []
    labels: list[int] = []
    for text, learned in parts:
        piece = tokens.prompter.token_ids(text.replace("{pads}", "<|image_pad|>" * pads))
        ids += piece
        labels += piece if learned else [-100] * len(piece)
    return RowView(row=1, ids=tuple(ids), labels=tuple(labels), images=images, **more)  # type: ignore[arg-type]


def causes(theirs: RowView, ours: RowView | None, tokens: Tokens, predicted: Predicted | None = None, folder: Path = Path()) -> list[str]:
    return [one.kind for one in find_divergences(theirs, ours, predicted, tokens, (folder, folder))]


@pytest.fixture
def ours(tokens: Tokens) -> RowView:
    return made(tokens, *TURNS)


def test_the_same_is_no_divergence(ours: RowView, tokens: Tokens) -> None:
    assert causes(ours, ours, tokens) == []


TEXTS = {
    "a system prompt": ([("<|im_start|>system\nYou are a model.<|im_end|>\n", False), (USER, False), (ANSWER, True)], "system prompt"),
    "an empty thought": ([(USER, False), ("<think>\n\n</think>\n\n" + ANSWER, True)], "empty think"),
    "labels on the prompt": ([(USER, True), (ANSWER, True)], "labels on prompt"),
    "an answer passed over": ([(USER, False), ("red", False), ("<|im_end|>", True)], "not learned"),
    "nothing learned": ([(USER, False), (ANSWER, False)], "not learned"),
    "a tag as letters": ([(USER.replace("What", "<image>What"), False), (ANSWER, True)], "literal tag"),
    "the image behind the words": (
        [("<|im_start|>user\nWhat colour?<|vision_start|>{pads}<|vision_end|><|im_end|>\n<|im_start|>assistant\n", False), *TURNS[1:]],
        "order",
    ),
    "other words": ([(USER.replace("What", "Which"), False), (ANSWER, True)], "template"),
    "cut before the answer": ([("<|im_start|>user\n<|vision_start|>{pads}<|vision_end|>What", False), ("", True)], "truncation"),
    "the line end learned": ([(USER, False), (ANSWER + "\n", True)], "turn end"),
}  # fmt: skip


@pytest.mark.parametrize("name", TEXTS)
def test_what_the_text_tells(name: str, ours: RowView, tokens: Tokens) -> None:
    parts, cause = TEXTS[name]
    found = causes(made(tokens, *parts), ours, tokens)
    assert cause in found
    if cause == "turn end":
        assert found == ["turn end"]


def test_a_cut_through_vision_tokens(ours: RowView, tokens: Tokens) -> None:
    cut = made(tokens, (USER, False), (ANSWER, True), pads=3)
    assert causes(cut, ours, tokens)[0] == "truncation"
    stopped = RowView(row=1, stage="collate", message="shape mismatch", ids=cut.ids, labels=cut.labels)
    assert causes(stopped, ours, tokens) == ["truncation", "crash"]


def test_videos_of_which_one_is_counted_like_the_other(tokens: Tokens) -> None:
    step = "<|vision_start|>" + "<|video_pad|>" * 8 + "<|vision_end|>"
    videos = (seen(kind="video"), seen(8, 8, kind="video"))
    theirs = made(tokens, (step + step, False), (ANSWER, True), images=videos)
    assert causes(theirs, None, tokens, Predicted(0, (8, 16))) == ["miscount"]


def test_times_and_costs_are_held_to_what_was_predicted(tokens: Tokens) -> None:
    text = "<0.2 seconds><|vision_start|>" + "<|video_pad|>" * 8 + "<|vision_end|>"
    theirs = made(tokens, (text, False), (ANSWER, True), images=(seen(kind="video"),))
    assert causes(theirs, None, tokens, Predicted(0, (8,), (0.2,))) == []
    assert causes(theirs, None, tokens, Predicted(0, (8,), (0.5,))) == ["timestamps"]
    assert causes(theirs, None, tokens, Predicted(0, (16,), (0.2,))) == ["resize"]


def test_nothing_to_compare_with_is_said(tokens: Tokens, ours: RowView) -> None:
    assert causes(ours, None, tokens) == ["not compared"]
    assert causes(ours, RowView(row=1, stage="load", message="not converted"), tokens) == ["not compared"]


def test_stages(tokens: Tokens, ours: RowView) -> None:
    assert causes(RowView(row=1, stage="dropped", message="MaxLengthError"), ours, tokens) == ["dropped"]
    assert causes(RowView(row=1, stage="load", message="ValueError"), ours, tokens) == ["crash"]


def test_grids(tokens: Tokens, ours: RowView) -> None:
    turned = made(tokens, *TURNS, images=(seen(8, 4),))
    assert causes(turned, ours, tokens) == ["EXIF"]
    smaller = made(tokens, *TURNS, images=(seen(4, 4),), pads=4)
    assert causes(smaller, ours, tokens) == ["resize"]


def draw(file: Path, ground: int, *, flip: bool = False, noise: int = 0) -> None:
    pixels = np.full((64, 128, 3), ground, np.uint8)
    pixels[4:30, 6:50] = (200, 20, 20)
    pixels[::2] = np.clip(pixels[::2].astype(int) + noise, 0, 255)
    Image.fromarray(np.rot90(pixels, 2) if flip else pixels).save(file)


@pytest.mark.parametrize(
    ("theirs", "cause"),
    [
        ({"ground": 0}, "alpha"),
        ({"ground": 150}, "alpha"),
        ({"ground": 255, "flip": True}, "EXIF"),
        ({"ground": 255, "noise": -12}, "pixels"),
        ({"ground": 255, "noise": -1}, "re-encoding"),
    ],
)
def test_pixels(theirs: dict[str, int], cause: str, tmp_path: Path, tokens: Tokens) -> None:
    draw(tmp_path / "ours.png", 255)
    draw(tmp_path / "theirs.png", **theirs)  # type: ignore[arg-type]
    pair = [made(tokens, *TURNS, images=(seen(digest=name, file=f"{name}.png"),)) for name in ("theirs", "ours")]
    found = find_divergences(pair[0], pair[1], None, tokens, (tmp_path, tmp_path))
    assert [one.kind for one in found] == [cause]
    assert found[0].harmless is (cause == "re-encoding")


def test_positions_are_compared_where_all_else_is_the_same(tokens: Tokens, ours: RowView) -> None:
    rows = tuple(tuple(range(len(ours.ids))) for _ in range(3))
    moved = (rows[0], (*rows[1][:3], 99, *rows[1][4:]), rows[2])
    base = {"row": 1, "ids": ours.ids, "labels": ours.labels, "images": ours.images}
    found = find_divergences(RowView(**base, positions=moved), RowView(**base, positions=rows), None, tokens, (Path(), Path()))  # type: ignore[arg-type]
    assert [(one.kind, one.detail) for one in found] == [("positions", "height of token 3 is 99, ours 3")]
