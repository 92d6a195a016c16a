"""cutoff_len as LLaMA-Factory applies it (0.9.5, processor/supervised.py): pairs of prompt and answer, cut from their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from vldata.linting.llamafactory.align import Turn
from vldata.linting.outcomes import RowFinding
from vldata.linting.texts import Counter

_PIECE = "\0"
_WRAP = {
    "user": ("<|im_start|>user\n", "<|im_end|>\n<|im_start|>assistant\n"),
    "observation": ("<|im_start|>user\n<tool_response>\n", "\n</tool_response><|im_end|>\n<|im_start|>assistant\n"),
    "assistant": ("", "<|im_end|>\n"),
    "function": ("<tool_call>\n", "\n</tool_call><|im_end|>\n"),
}
_SPECIAL = 8  # tokens that a turn's frame may have, at most


class _Encoded(NamedTuple):
    tokens: int
    vision_end: int  # where its last vision token ends, 0 without any


class Cutter:
    """Cuts rows of one cutoff."""

    def __init__(self, cutoff: int, counter: Counter) -> None:
        self.cutoff = cutoff
        self._counter = counter
        self._frames = {role: (self._text(before), self._text(after)) for role, (before, after) in _WRAP.items()}

    def _text(self, text: str) -> int:
        """Count text of the template; an estimate takes each special token for one."""
        if self._counter.exact:
            return self._counter.count(text)
        return text.count("<|") + self._counter.count(text.replace("<|im_start|>", "").replace("<|im_end|>", ""))

    def fits(self, turns: Sequence[Turn], system: str, vision: int) -> bool:
        """Whether a row cannot be over the limit, whatever its tokenizer: no token has less than a byte."""
        size = vision + len(system) + _SPECIAL * (len(turns) + 1)
        for _, content in turns:
            size += len(content) if content.isascii() else len(content.encode("utf-8", "replace"))
        return size < self.cutoff

    def cut(self, turns: Sequence[Turn], system: str, costs: Sequence[int]) -> RowFinding | None:
        """Return what is cut of a row whose media cost so many tokens each, in the order of their tags; None where all of it fits."""
        media = iter(costs)
        parts = [self._encode(role, content, media, system if place == 0 else "") for place, (role, content) in enumerate(turns)]
        total, cutoff = 0, self.cutoff
        whole = sum(part.tokens for part in parts)
        if whole <= cutoff and not any(True for _ in media):
            return None
        lost_vision = lost_text = 0
        for source, target in zip(parts[::2], parts[1::2], strict=True):
            if total >= cutoff:
                kept_source = kept_target = 0
            else:
                kept_source, kept_target = share(source.tokens, target.tokens, cutoff - total)
            total += kept_source + kept_target
            lost_vision += kept_source < source.vision_end or kept_target < target.vision_end
            lost_text += source.tokens - kept_source + target.tokens - kept_target
        if not lost_text:
            return None
        about = "" if self._counter.exact else "about "
        if lost_vision:
            return RowFinding("LF60", f"{about}{whole:,} tokens, {sum(costs):,} of them vision; cutoff_len is {cutoff:,}")
        return RowFinding("LF61", f"{about}{whole:,} tokens; cutoff_len is {cutoff:,}")

    def _encode(self, role: str, content: str, media: object, system: str) -> _Encoded:
        before, after = self._frames[role]
        tokens = before + (self._text(f"<|im_start|>system\n{system}<|im_end|>\n") if system else 0)
        end = 0
        pieces = content.replace("<video>", "<image>").split("<image>") if "<" in content else [content]
        for place, piece in enumerate(pieces):
            if place:
                tokens += next(media, 0)  # type: ignore[call-overload]
                end = tokens - 1  # the delimiter behind it may go
            tokens += self._counter.count(piece)
        return _Encoded(tokens + after, end)


def share(source: int, target: int, cutoff: int) -> tuple[int, int]:
    """Return how much of prompt and answer is kept: the shorter of them whole where it has less than half, else both in proportion."""
    if target * 2 < cutoff:
        most = cutoff
    elif source * 2 < cutoff:
        most = cutoff - source
    else:
        most = int(cutoff * (target / (source + target)))
    kept_target = min(most, target)
    return min(max(cutoff - kept_target, 0), source), kept_target
