"""Boxes and labels on a picture: a colour per label, sizes that fit the picture, labels that stay inside it."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from vleval.detection.fonts import FontChain
from vleval.metrics.boxes import LabelledBox

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

PALETTE = (
    (230, 57, 70), (29, 122, 199), (42, 157, 78), (244, 142, 22), (131, 56, 196), (0, 150, 160),
    (214, 40, 140), (120, 100, 20), (90, 90, 220), (170, 60, 20), (20, 110, 90), (110, 110, 120),
)  # fmt: skip
MAX_LABEL = 60
_JOINERS = "\u200c\u200d"  # they shape Persian, Indic scripts and emoji


def colours_of(labels: Sequence[str]) -> dict[str, tuple[int, int, int]]:
    """A colour for each label, the same in every picture of a run."""
    return {label: PALETTE[number % len(PALETTE)] for number, label in enumerate(sorted(set(labels)))}


def label_text(label: str) -> str:
    """A label as it is drawn: one line, without control characters, cut."""
    flat = " ".join("".join(c if c.isprintable() or c in _JOINERS else " " for c in unicodedata.normalize("NFC", label)).split())
    return flat if len(flat) <= MAX_LABEL else flat[: MAX_LABEL - 1] + "…"


def draw_boxes(
    image: Image.Image, boxes: Sequence[LabelledBox], texts: Sequence[str], colours: Mapping[str, tuple[int, int, int]], fonts: FontChain
) -> Image.Image:
    """A copy of the picture with the boxes (in its pixels) drawn; `texts` are the labels as they are to be read."""
    from PIL import ImageDraw

    canvas = image.copy()
    pen = ImageDraw.Draw(canvas)
    side = max(canvas.size)
    line = max(2, round(side / 320))
    size = max(12, round(side / 52))
    for box in boxes:
        corners = (round(box.x1), round(box.y1), min(round(box.x2), canvas.width - 1), min(round(box.y2), canvas.height - 1))
        pen.rectangle(
            (corners[0], corners[1], max(corners[0], corners[2]), max(corners[1], corners[3])), outline=colours[box.label], width=line
        )
    for box, text in zip(boxes, texts, strict=True):  # labels last, so that no box covers one
        if text:
            _label(pen, canvas.size, box, text, colours[box.label], fonts, size, line)
    return canvas


def _label(
    pen: ImageDraw.ImageDraw,
    within: tuple[int, int],
    box: LabelledBox,
    text: str,
    colour: tuple[int, int, int],
    fonts: FontChain,
    size: int,
    line: int,
) -> None:
    runs = fonts.runs(text, size)
    width = sum(font.getlength(piece) for piece, font in runs)
    above = max((font.getmetrics()[0] for _, font in runs), default=size)
    below = max((font.getmetrics()[1] for _, font in runs), default=0)
    pad = max(2, size // 5)
    full = round(width) + 2 * pad
    height = above + below + pad
    left = min(max(0, round(box.x1)), max(0, within[0] - full))
    top = round(box.y1) - height if box.y1 >= height else min(round(box.y1) + line, max(0, within[1] - height))
    pen.rectangle((left, top, left + full, top + height), fill=colour)
    ink = (255, 255, 255) if 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2] < 150 else (20, 20, 20)
    x = float(left + pad)
    for piece, font in runs:
        pen.text((x, top + pad / 2 + above), piece, font=font, fill=ink, anchor="ls")
        x += font.getlength(piece)
