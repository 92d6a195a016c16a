"""Where a trainer's sample parts from ours, and by what: every difference with its cause, in the order in which it takes effect."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from vldata.wording import counted
from vldata.xrays.pixels import compare_images
from vldata.xrays.text import Tokens, seconds_of
from vldata.xrays.views import HARMLESS, ORDER, Divergence, Kind, Predicted, RowView

IGNORED = -100
_LIMITS = ("image_max_pixels", "MAX_PIXELS", "max_pixels")
_TEXT = frozenset({"literal tag", "system prompt", "empty think", "timestamps", "order", "template", "truncation"})
_SYSTEM = re.compile(r"<\|im_start\|>system\n(.*?)<\|im_end\|>\n?", re.DOTALL)
_THOUGHT = re.compile(r"<think>\s*</think>\s*")
_MARK = re.compile(r"<\d+\.\d+ seconds>")
_VISION = re.compile(r"<\|vision_start\|>|<\|vision_end\|>|<\|(?:image|video)_pad\|>")
_OPEN = re.compile(r"<\|(?:image|video)_pad\|>(?!<\|vision_end\|>)")  # a run of vision tokens that was cut
_TAG = re.compile(r"<(?:image|video)>")


def find_divergences(
    theirs: RowView, ours: RowView | None, predicted: Predicted | None, tokens: Tokens, folders: tuple[Path, Path]
) -> tuple[Divergence, ...]:
    """Every way in which a sample is not ours, the first in effect first.

    Args:
        theirs: the trainer's.
        ours: None where there is none; then only what needs no other sample is found.
        predicted: what was expected of images, videos and marks of time.
        tokens: decodes, with the model's tokenizer.
        folders: where the image files of theirs and of ours are.
    """
    if theirs.stage == "dropped":
        return (Divergence("dropped", theirs.message or "left out without a word"),)
    found = [*_vision_cut(theirs, tokens)]
    if theirs.stage:
        if theirs.stage == "collate" and ours is not None and not ours.stage:
            found += _before_the_stop(theirs, ours, tokens)
        return (*found, Divergence("crash", theirs.message or "stopped"))
    found += _alone(theirs, tokens)
    if ours is not None and not ours.stage:
        cut = any(one.kind == "truncation" for one in found)
        found += _in_text(theirs, ours, tokens, cut=cut)
        found += compare_images(theirs.images, ours.images, folders)
        if not cut:
            found += _in_labels(theirs, ours, tokens, alike=not any(one.kind in _TEXT for one in found))
            found += _in_positions(theirs, ours, alike=all(one.harmless for one in found))
    elif predicted is not None:
        found += _against(theirs, predicted, tokens)
    else:
        found.append(Divergence("not compared", "ours makes no sample of the row, and nothing could be predicted"))
    return in_order(found)


def in_order(found: Iterable[Divergence]) -> tuple[Divergence, ...]:
    """One of each cause, in the order in which they take effect."""
    first = {one.kind: one for one in reversed(tuple(found))}
    return tuple(sorted(first.values(), key=lambda one: ORDER.index(one.kind)))


def over_limit(theirs: RowView, settings: Mapping[str, Any]) -> Iterator[Divergence]:
    """An image of more pixels than the trainer was told it may have: the limit is not obeyed, or overshot by rounding."""
    for key in _LIMITS:
        limit = settings.get(key)
        if not isinstance(limit, int):
            continue
        for number, seen in enumerate((one for one in theirs.images if one.kind == "image"), 1):
            pixels = seen.grid[1] * seen.grid[2] * seen.patch**2
            if pixels > limit:
                yield Divergence("pixel limit", f"image {number} has {pixels:,} pixels, {key} allows {limit:,}")
                return


def _vision_cut(theirs: RowView, tokens: Tokens) -> Iterator[Divergence]:
    """Vision tokens in the text against what the images make: a cut through them stops the training, or was mended by dropping some."""
    for kind, pad in (("image", tokens.image_pad), ("video", tokens.video_pad)):
        made = sum(seen.tokens for seen in theirs.images if seen.kind == kind)
        there = sum(token == pad for token in theirs.ids)
        if not theirs.images or made == there:
            continue
        said = f"{there:,} {kind} tokens in the text, {made:,} made of {kind}s"
        if there > made:
            yield Divergence("literal tag", f"{said}: a tag too many stands in the text")
        elif kind == "video" and not _OPEN.search(tokens.plain(theirs.ids)):
            yield Divergence("miscount", f"{said}: training stops there")
        else:
            yield Divergence("truncation", f"{said}: training stops there")


def _before_the_stop(theirs: RowView, ours: RowView, tokens: Tokens) -> Iterator[Divergence]:
    """Why a collator stopped, told by the tokens it was given."""
    mine, other = (sum(token in (tokens.image_pad, tokens.video_pad) for token in view.ids) for view in (theirs, ours))
    if mine < other and len(theirs.ids) < len(ours.ids):
        yield Divergence("truncation", f"{mine:,} vision tokens are left of {other:,}")
        return
    yield from (one for one in _in_text(theirs, ours, tokens, cut=False) if not one.harmless)


def _alone(theirs: RowView, tokens: Tokens) -> Iterator[Divergence]:
    """What is wrong with a sample whatever ours is."""
    if theirs.labels is None:
        return
    learned = [label for label in theirs.labels if label != IGNORED]
    if not learned:
        yield Divergence("not learned", "nothing is learned of it")
    media = sum(label in (tokens.image_pad, tokens.video_pad) for label in learned)
    if media:
        yield Divergence("labels on images", f"{media:,} vision tokens are learned")


def _in_text(theirs: RowView, ours: RowView, tokens: Tokens, *, cut: bool) -> Iterator[Divergence]:
    a, b = tokens.plain(theirs.ids), tokens.plain(ours.ids)
    if a == b:
        return
    if a == b.rstrip("\n") or a.rstrip("\n") == b.rstrip("\n"):
        yield _of("turn end", f"ends with {a[-12:]!r}, ours with {b[-12:]!r}")
        return
    for kind, pattern in (("system prompt", _SYSTEM), ("empty think", _THOUGHT)):
        mine, other = pattern.findall(a), pattern.findall(b)
        if mine != other:
            said = repr(mine[0][:80]) if mine and kind == "system prompt" else f"{len(mine)} of them"
            has = f"ours has {repr(other[0][:80]) if other and kind == 'system prompt' else len(other) or 'none'}"
            yield _of(kind, f"{said}; {has}" if mine else f"none; {has}")  # type: ignore[arg-type]
            a, b = pattern.sub("", a), pattern.sub("", b)
    marks = _MARK.findall(a), _MARK.findall(b)
    if marks[0] != marks[1]:
        yield _of("timestamps", f"{', '.join(marks[0][:4]) or 'none'}; ours {', '.join(marks[1][:4]) or 'none'}")
        a, b = _MARK.sub("", a), _MARK.sub("", b)
    tags = len(_TAG.findall(a)), len(_TAG.findall(b))
    if tags[0] > tags[1]:
        yield _of("literal tag", f"{counted(tags[0], 'image tag')} in the text, which the model reads as letters")
        a, b = _TAG.sub("", a), _TAG.sub("", b)
    if a.strip() == b.strip():
        return
    if cut or (len(a) < len(b) and b.startswith(a.rstrip())):
        if not cut:
            yield _of("truncation", f"ends after {len(theirs.ids):,} of {len(ours.ids):,} tokens, at {a[-24:]!r}")
        return
    if _VISION.sub("", a) == _VISION.sub("", b):
        yield _of("order", f"the same words, images elsewhere among them: {around(b, a)}")
        return
    yield _of("template", around(b, a))


def _in_labels(theirs: RowView, ours: RowView, tokens: Tokens, *, alike: bool) -> Iterator[Divergence]:
    """What is learned, as runs of text; where the texts differ (`alike` is false) only a learned question can be told from an answer."""
    if theirs.labels is None or ours.labels is None:
        return
    mine, other = tokens.learned(theirs), tokens.learned(ours)
    if mine == other or not any(mine):
        return
    if _ends_off(mine) == _ends_off(other):
        more = sum(map(len, mine)) > sum(map(len, other))
        yield _of(
            "turn end",
            f"{'learns' if more else 'does not learn'} the line end after an answer, which ours {'does not' if more else 'does'}",
        )
        return
    asked = next((text for text in mine if "<|im_start|>user" in text or "<|im_start|>system" in text), "")
    extra = next((text for text in _ends_off(mine) if not any(text in answer or answer in text for answer in other)), "")
    thought = next((text for text in mine if _THOUGHT.search(text)), "")
    if asked or (alike and extra):
        yield _of("labels on prompt", f"learns {clip(asked or extra)}")
    elif thought:
        yield _of("empty think", f"learns {clip(thought)}")
    everything = "".join(mine)
    lost = next((text for text in _ends_off(other) if text.removesuffix("<|im_end|>") not in everything), "")
    if alike and lost:
        yield _of("not learned", f"{clip(lost)} is not learned")


def _ends_off(texts: Sequence[str]) -> list[str]:
    return [text.rstrip("\n") for text in texts if text.rstrip("\n")]


def _in_positions(theirs: RowView, ours: RowView, *, alike: bool) -> Iterator[Divergence]:
    """Positions are compared where everything before them is the same: they follow from it otherwise."""
    if not alike or theirs.positions is None or ours.positions is None:
        return
    length = min(len(theirs.positions[0]), len(ours.positions[0]))
    for axis, name in enumerate(("time", "height", "width")):
        mine, other = theirs.positions[axis][:length], ours.positions[axis][:length]
        if mine != other:
            place = next(place for place, pair in enumerate(zip(mine, other, strict=True)) if pair[0] != pair[1])
            yield _of("positions", f"{name} of token {place} is {mine[place]}, ours {other[place]}")
            return


def _against(theirs: RowView, predicted: Predicted, tokens: Tokens) -> Iterator[Divergence]:
    """Videos, of which ours makes no sample: what was predicted stands for it."""
    costs = tuple(seen.tokens for seen in theirs.images)
    if costs != predicted.vision:
        listed = (", ".join(map(str, some)) or "nothing" for some in (costs, predicted.vision))
        yield _of("resize", "images and videos cost {} tokens, by our count {}".format(*listed))
    seconds = seconds_of(tokens.decode(theirs.ids))
    if predicted.seconds and seconds != predicted.seconds:
        yield _of("timestamps", f"{_listed(seconds)}; by our count {_listed(predicted.seconds)}")


def _listed(seconds: Sequence[float]) -> str:
    return (", ".join(f"{one:.1f}" for one in seconds[:6]) + (" ..." if len(seconds) > 6 else "")) + " s" if seconds else "none"


def _of(kind: Kind, detail: str) -> Divergence:
    return Divergence(kind, detail, kind in HARMLESS)


def around(ours: str, theirs: str) -> str:
    """Two texts where they part."""
    place = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), min(len(ours), len(theirs)))
    start = max(0, place - 12)
    return f"{theirs[start : place + 32]!r} where ours has {ours[start : place + 32]!r}"


def clip(text: str, most: int = 80) -> str:
    """A text in quotes, cut to what a line holds."""
    return repr(text if len(text) <= most else text[: most - 3] + "...")
