"""Tokens as text: decoded by the model's own tokenizer, runs of vision tokens as one, what is learned apart."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from vldata.models.prompt import Prompter
from vldata.xrays.views import RowView, Span

_SECONDS = re.compile(r"<(\d+\.\d+) seconds>")
_RUN = re.compile(r"((?:<\|image_pad\|>)+|(?:<\|video_pad\|>)+)")
IGNORED = -100


class Tokens:
    """Decodes with a model folder's tokenizer; `prompter` renders with its template."""

    def __init__(self, model: Path) -> None:
        self.folder = model
        self.prompter = Prompter(model)
        self.image_pad = self.prompter.image_pad
        self.video_pad = next(iter(self.prompter.token_ids("<|video_pad|>")), -1)

    def decode(self, ids: Sequence[int]) -> str:
        """Tokens as text, control tokens shown; negative ones, which some collators put in, are left out."""
        return self.prompter.decode([token for token in ids if token >= 0])

    def plain(self, ids: Sequence[int]) -> str:
        """The text with each run of vision tokens as one of them, and padding at the end left off."""
        return _RUN.sub(lambda match: match[0][: match[0].index("|>") + 2], self.decode(self.unpadded(ids)))

    def unpadded(self, ids: Sequence[int]) -> Sequence[int]:
        """The ids without the run of one token that fills a row up at its end."""
        pad = next(iter(self.prompter.token_ids("<|endoftext|>")), -1)
        end = len(ids)
        while end and ids[end - 1] == pad:
            end -= 1
        return ids[:end]

    def learned(self, view: RowView) -> list[str]:
        """The runs of tokens that are learned, each as text."""
        labels = view.labels or ()
        runs = itertools.groupby(labels, key=lambda label: label != IGNORED)
        return [self.decode(list(run)) for is_learned, run in runs if is_learned]

    def spans(self, view: RowView) -> tuple[Span, ...]:
        """The whole as spans: text that is learned or not, and runs of vision tokens."""
        media = {self.image_pad, self.video_pad}
        labels = view.labels if view.labels is not None and len(view.labels) == len(view.ids) else (IGNORED,) * len(view.ids)
        ids = self.unpadded(view.ids)
        keyed = itertools.groupby(zip(ids, labels, strict=False), key=lambda pair: (pair[0] in media, pair[1] != IGNORED))
        spans = []
        for (is_media, is_learned), run in keyed:
            tokens = [token for token, _ in run]
            text = ("video" if tokens[0] == self.video_pad else "image") if is_media else self.decode(tokens)
            spans.append(Span(text, is_learned, len(tokens) if is_media else 0))
        return tuple(spans)


def seconds_of(text: str) -> tuple[float, ...]:
    """The marks of time in a prompt."""
    return tuple(float(match) for match in _SECONDS.findall(text))
