"""What records cost in tokens, counted while they are written, and the verdict a trainer needs of it.

Vision tokens are exact. Text is measured in bytes and its tokens estimated, since the tokenizer is the trainer's.
"""

from __future__ import annotations

import itertools
from array import array
from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import UNSET

from vldata.media.pixels import Size, solve_max_pixels
from vldata.output.contract import PixelContract, TokenStatistics, spread
from vldata.records.draft import TextDraft
from vldata.records.record import IMAGE_TAG, VIDEO_TAG, Message, Record

LLAMAFACTORY_CUTOFF = 2_048
_BYTES_PER_TOKEN = 3  # English and Chinese run at 4 to 5 bytes a token in Qwen's vocabulary: the estimate errs upwards
_TOKENS_PER_TURN = 5  # <|im_start|> role newline ... <|im_end|> newline
_MAX_SHAPES = 20_000
_NOBODY = (-1, 0, 0, "")  # total, vision, text estimate, id

Shape = tuple[tuple[Size, int], ...]  # source sizes of a record's pictures with their counts


class TextCost(NamedTuple):
    """A record without media, as far as it costs tokens."""

    text_bytes: int
    turns: int
    id: str


def text_bytes(record: Record) -> int:
    """UTF-8 bytes of all turns with their thoughts, without media tags; of a preference pair those of the longer answer."""
    if record.rejected is not UNSET:
        *before, chosen = record.messages
        return sum(map(_turn_bytes, before)) + max(_turn_bytes(chosen), _turn_bytes(record.rejected))
    total = 0
    for message in record.messages:
        content = message.content
        total += len(content) if content.isascii() else len(content.encode())
        if "<" in content:
            total -= content.count(IMAGE_TAG) * len(IMAGE_TAG) + content.count(VIDEO_TAG) * len(VIDEO_TAG)
        if message.reasoning is not UNSET:
            total += len(message.reasoning.encode())
    return total


def _turn_bytes(message: Message) -> int:
    content = message.content.replace(IMAGE_TAG, "").replace(VIDEO_TAG, "")
    return len(content.encode()) + len(message.thought.encode())


def estimate_text_tokens(byte_count: int, turns: int) -> int:
    """Estimate the tokens of a record's text and of the template around its turns, from above."""
    return -(-byte_count // _BYTES_PER_TOKEN) + _TOKENS_PER_TURN * turns


class TokenCounter:
    """Collects the cost of every record of a dataset. Eight bytes a record, plus one entry a distinct mixture of picture sizes."""

    def __init__(self) -> None:
        self._vision = array("I")
        self._text = array("I")
        self._longest = [_NOBODY, _NOBODY]  # of the records without media, and of those with some
        self._shapes: dict[Shape, int] | None = {}

    def add(self, record_id: str, *, vision: int, text: int, turns: int, sizes: Sequence[Size], videos: int = 0) -> None:
        """Count one record. `sizes` are the source sizes of its pictures, upright; `videos` are what its videos cost of `vision`."""
        self._vision.append(vision)
        self._text.append(text)
        estimate = estimate_text_tokens(text, turns)
        if vision + estimate > self._longest[vision > 0][0]:
            self._longest[vision > 0] = (vision + estimate, vision, estimate, record_id)
        if self._shapes is not None:
            shape = tuple(sorted((size, sizes.count(size)) for size in set(sizes))) if sizes else ()
            self._shapes[shape] = max(self._shapes.get(shape, 0), estimate + videos)
            if len(self._shapes) > _MAX_SHAPES:
                self._shapes = None

    def add_texts(self, texts: Sequence[TextCost | TextDraft]) -> None:
        """Count records without media: what `add` does, for the many."""
        self._vision.extend([0] * len(texts))
        self._text.extend([text.text_bytes for text in texts])
        longest, found = self._longest[0][0], ""
        for text in texts:
            estimate = -(-text.text_bytes // _BYTES_PER_TOKEN) + _TOKENS_PER_TURN * text.turns
            if estimate > longest:
                longest, found = estimate, text.id
        if found:
            self._longest[0] = (longest, 0, longest, found)
            if self._shapes is not None:
                self._shapes[()] = longest

    def statistics(self, which: Literal["all", "media", "text"] = "all") -> TokenStatistics:
        """Summarise for the contract: all records, or those with media, or those of text alone."""
        if which == "all":
            longest = max(reversed(self._longest))
            return TokenStatistics(vision=spread(self._vision), text_bytes=spread(self._text), longest_id=longest[3])
        wanted = [(vision > 0) == (which == "media") for vision in self._vision]
        vision, text = (list(itertools.compress(values, wanted)) for values in (self._vision, self._text))
        return TokenStatistics(vision=spread(vision), text_bytes=spread(text), longest_id=self._longest[which == "media"][3])

    def verdict(self, pixels: PixelContract, cutoff: int = LLAMAFACTORY_CUTOFF) -> str:
        """Say what cutoff the longest record needs, and what budget would fit all records into the usual one."""
        total, vision, text, _ = max(reversed(self._longest))
        if total < 0:
            return ""
        head = f"Longest record: {vision:,} vision tokens and about {text:,} of text: "
        if total <= cutoff:
            return head + f"it fits cutoff_len {cutoff}."
        budget = self._solve(pixels, cutoff)
        instead = f", or --max-pixels {budget} to fit cutoff_len {cutoff}" if budget else ""
        return head + f"cutoff_len >= {total}{instead}."

    def _solve(self, pixels: PixelContract, cutoff: int) -> int | None:
        if not self._shapes:
            return None
        best = pixels.max_pixels
        for shape, text in self._shapes.items():
            sizes = [size for size, count in shape for _ in range(count)]
            solved = solve_max_pixels(
                sizes,
                text_tokens=text,
                cutoff=cutoff,
                processor=pixels.processor,
                min_pixels=pixels.min_pixels,
                max_pixels=best,
            )
            if solved is None:
                return None
            best = min(best, solved)
        return best
