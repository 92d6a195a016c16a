"""An answer without what a model's format puts around it: the thought, tokens of the end, the frame `<answer>` or a box token."""

from __future__ import annotations

import re

from vldata.records.thoughts import without_thought

_END = re.compile(
    r"(?:\s{0,9}(?:<\|(?:im_end|endoftext|eot_id|end_of_text|eom_id|end|return|eos)\|>|</s>|<eos>|<pad>|<end_of_turn>|<｜end▁of▁sentence｜>)){1,200}\s{0,9}\Z"
)
_FRAMES = (("<answer>", "</answer>"), ("<|begin_of_box|>", "<|end_of_box|>"))
_TAIL = 4_000  # characters of the end in which its tokens are looked for


def ends_in_token(text: str) -> bool:
    """Whether a token of the end was left in a text."""
    return text.rstrip().endswith(">") and _END.search(text, max(len(text) - _TAIL, 0)) is not None


def bare_answer(text: str) -> str:
    """The answer alone; the text itself where nothing stands around it."""
    bare = without_thought(text)
    if "<" not in bare:
        return bare
    if bare.rstrip().endswith(">") and (found := _END.search(bare, max(len(bare) - _TAIL, 0))):
        bare = bare[: found.start()]
    stripped = bare.strip()
    for opening, closing in _FRAMES:
        inside = stripped[len(opening) : -len(closing)]
        if stripped[: len(opening)].lower() == opening and stripped[-len(closing) :].lower() == closing and opening not in inside:
            return inside.strip()
    return bare
