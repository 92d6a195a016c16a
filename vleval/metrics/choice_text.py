r"""What an answer to a multiple-choice question looks like without its wrapping: full-width forms, LaTeX, Markdown, tags, end tokens.

`unwrap` cleans a text, `contained` finds what models put into a container of its own: `<answer>`, `<|begin_of_box|>`, `\boxed{}`, JSON.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

LONGEST = 20_000  # characters that are looked at: half from the beginning, half from the end

_TOKENS = re.compile(
    r"<\|im_start\|>\s{0,9}assistant|<\|(?:im_end|im_start|endoftext|eot_id|end|eos|end_of_text|eom_id|return|assistant)\|>|</s>|<s>|<eos>|<bos>"
    r"|<end_of_turn>|<start_of_turn>(?:model)?|<｜end▁of▁sentence｜>"
)
# Where an answer ends and the model goes on with a turn of its own making: a token of the end, or the label of a next question.
_NEXT_TURN = re.compile(
    r"(?<=\S)\s{0,9}(?:<\|(?:im_end|endoftext|eot_id|end_of_text|eom_id)\|>|</s>|<eos>|<end_of_turn>|<｜end▁of▁sentence｜>"
    r"|\n\s{0,3}(?:#{1,4}\s{0,2}|\*\*)?(?:Question|Q|User|Human|问题|问|用户)\s{0,2}\d{0,3}\s{0,2}(?:\*\*)?[:：])"
)
_SPEAKER = re.compile(r"\A(?:#{1,4}\s{0,2})?(?:assistant|response|output|model)\s{0,2}[:：]\s{0,9}", re.IGNORECASE)
_LATEX_TEXT = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|texttt|mathrm|mathbf|mathit|mathsf|mathcal|bf|rm|mbox|operatorname)\s{0,3}\{([^{}]{0,400})\}"
)
_LATEX_MARKS = re.compile(r"\\[()\[\],;:! ]|\$|\\quad|\\qquad")
_HTML = re.compile(r"</?(?:b|i|u|em|strong|p|br|span|div|font|center|li|ul|ol|h\d)\b[^<>]{0,80}>", re.IGNORECASE)
_MARKDOWN = re.compile(r"\*+|`+|(?<!\w)_+(?=\w)|(?<=\w)_+(?!\w)|^[ \t]{0,9}(?:#{1,6}|>|[-•·])[ \t]+", re.MULTILINE)
_TAGGED = re.compile(
    r"<(answer|final_answer|conclusion|output|response|ans|choice)>((?:(?!<\1>).){0,2000}?)(?:</\1>|\Z)", re.IGNORECASE | re.DOTALL
)
_CUT_TAG = re.compile(r"</?\w{0,20}\Z")
_BOX_TOKENS = re.compile(r"<\|begin_of_box\|>(.{0,2000}?)(?:<\|end_of_box\|>|\Z)", re.DOTALL)
_BOXED = re.compile(r"\\f?box(?:ed)?\s{0,3}\{((?:[^{}]|\{[^{}]{0,400}\}){0,400})\}|\\boxed\s{1,3}([A-Za-z])\b")
_JSON = re.compile(
    r"""["'](?:final[_ ]?answer|answer|correct[_ ]?answer|choice|correct[_ ]?choice|option|correct[_ ]?option"""
    r"""|selected[_ ]?option|prediction|答案|选项|正确答案)["']"""
    r"""\s{0,9}:\s{0,9}(?:"([^"\n]{0,400})"|'([^'\n]{0,400})'|(\[[^\]\n]{0,400}\])|([^\s,}"'\[]{1,40}))""",
    re.IGNORECASE,
)


class Contained(NamedTuple):
    """A text in a container, where it stands, and whether it is a container that nothing but the answer goes into."""

    start: int
    text: str
    sure: bool


def first_turn(text: str) -> str:
    """The text before a next question that the model asked itself, or before the token of the end; the text where there is neither."""
    found = _NEXT_TURN.search(text)
    return text[: found.start()] if found and text[: found.start()].strip() else text


def unwrap(text: str) -> str:
    """The text in plain characters, cut in the middle where it is long; containers keep their marks."""
    if len(text) > LONGEST:
        text = text[: LONGEST // 2] + "\n" + text[-LONGEST // 2 :]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    text = _TOKENS.sub(" ", text)
    for _ in range(2):
        text = _LATEX_TEXT.sub(r"\1", text)
    text = _LATEX_MARKS.sub(" ", text)
    return _SPEAKER.sub("", _MARKDOWN.sub("", _HTML.sub(" ", text)).strip())


def contained(text: str) -> list[Contained]:
    """Every container of an unwrapped text."""
    found = [Contained(match.start(), _CUT_TAG.sub("", match[2]), True) for match in _TAGGED.finditer(text)]
    found += [Contained(match.start(), match[1], True) for match in _BOX_TOKENS.finditer(text)]
    for match in _JSON.finditer(text):
        inside = next(part for part in match.groups() if part is not None)
        found.append(Contained(match.start(), re.sub(r"[\[\]\"']", "", inside) if inside == match[3] else inside, True))
    found += [Contained(match.start(), match[1] or match[2] or "", False) for match in _BOXED.finditer(text)]
    return sorted(found)


def without_boxes(text: str) -> str:
    r"""The text with what stands in `\boxed{}` taken out: mathematics has letters that name no option."""
    return _BOXED.sub(" ", text)
