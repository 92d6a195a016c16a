"""Multiple choice: which option an answer names. What cannot be read is reported as unparsed, never guessed.

References are letters or option texts; options come from the row's `choices`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from string import ascii_uppercase

import numpy as np

from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, mean_metric, references
from vleval.metrics.evalscope_choice import read_evalscope
from vleval.metrics.options import MetricOptions
from vleval.metrics.text import vlkit_normal
from vleval.rows import Row

_SAID = re.compile(
    r"(?:answer|option|choice|答案|选项|选择|应选|选)\s*(?:is|are|should be|would be|为|是)?\s*[:：]?\s*"
    r"(?:option|choice)?\s*\**[\(\[（【]?\s*([A-Za-z])(?![A-Za-z'’])",
    re.IGNORECASE,
)
_BOXED = re.compile(r"\\boxed\{\s*(?:\\text\{)?\s*\(?([A-Za-z])\)?\s*\}")
_ONLY = re.compile(r"\W*([A-Za-z])\W*")
_LEADING = re.compile(r"\W{0,3}([A-Z])\s*[.)：:、\]）】](?!\w)")
_WRAPPED = re.compile(r"[\(\[（【]\s*([A-Z])\s*[\)\]）】]")
_STRICT_LINE = re.compile(r"(?i)^ANSWER\s*:\s*([A-Za-z\d ,]+)\s*(?:$|\n|\.)", re.MULTILINE)
_LOOSE_LINE = re.compile(r"(?i)ANSWER\s*:\s*([A-Za-z\d ,]+)(?:[^\w]|\n|$|\.)")
_INSPECT_WRAPPERS = (
    (re.compile(r"\$\s*([A-Za-z\d][A-Za-z\d ,]*?)\s*\$"), r"\1"),
    (re.compile(r"\*\*\s*([A-Za-z\d][A-Za-z\d ,]*?)\s*\*\*"), r"\1"),
    (re.compile(r"(^|[:,])(\s*)\(([A-Za-z\d])\)(?=\s*(?:,|\.|\n|\Z))"), r"\1\2\3"),
)
_VERBOSE = re.compile(r"(?i)(?:correct\s+)?answer\s+is\s+\**([ABCD])\**")
_VLMEVAL_BLANKED = str.maketrans(dict.fromkeys(".()[],:;!*#{}", " "))
_VLMEVAL_REFUSALS = (
    "Sorry, I can't help with images of people yet.",
    "I can't process this file.",
    "I'm sorry, but without the image provided",
    "Cannot determine the answer",
)
_VLMEVAL_FAILED = "Failed to obtain answer via API"

Reader = Callable[[str, Sequence[str]], str]


def read_choice(text: str, choices: Sequence[str]) -> str:
    r"""Our reading: the letter an answer names, or "".

    In turn: a lone letter, `\boxed{B}`, the last "answer is B" or "答案：B", "B." in front, one bracketed letter, the text of
    exactly one option.
    """
    allowed = ascii_uppercase[: len(choices)] if choices else ascii_uppercase
    stripped = text.strip()
    if only := _ONLY.fullmatch(stripped):
        return _among(only[1], allowed)
    for pattern in (_BOXED, _SAID):
        found: list[str] = pattern.findall(stripped)
        if found and (letter := _among(found[-1], allowed)):
            return letter
    if (leading := _LEADING.match(stripped)) and (letter := _among(leading[1], allowed)):
        return letter
    wrapped: set[str] = {letter for letter in _WRAPPED.findall(stripped) if letter in allowed}
    if len(wrapped) == 1:
        return wrapped.pop()
    return _by_text(stripped, choices)


def _among(letter: str, allowed: str) -> str:
    return letter.upper() if letter.upper() in allowed else ""


def _by_text(text: str, choices: Sequence[str]) -> str:
    folded = vlkit_normal(text)
    options = [vlkit_normal(choice) for choice in choices]
    if folded in options:
        return ascii_uppercase[options.index(folded)]
    named = [letter for letter, option in zip(ascii_uppercase, options, strict=False) if option and _names(folded, option)]
    return named[0] if len(named) == 1 else ""


def _names(text: str, option: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(option)}(?!\w)", text) is not None


def read_vlmevalkit(text: str, choices: Sequence[str]) -> str:
    """VLMEvalKit, utils/matching_util.py `can_infer`: "" where upstream would ask a judge, and guess at random when that fails too.

    "Z" stands for a refusal.
    """
    letters = ascii_uppercase[: len(choices)]
    return _vlmeval_option(text, letters) or _vlmeval_text(text, choices)


def _vlmeval_option(text: str, letters: str) -> str:
    if _VLMEVAL_FAILED in text:
        return ""
    if any(refusal in text for refusal in _VLMEVAL_REFUSALS):
        return "Z"
    words = text.translate(_VLMEVAL_BLANKED).split()
    present = [letter for letter in letters if letter in words]
    if len(present) == 1 and words.index(present[0]) > len(words) - 5:
        return present[0]
    if not present and "Z" in words:
        return "Z"
    said = _VERBOSE.search(text)
    return said[1].upper() if said and said[1].upper() in letters else ""


def _vlmeval_text(text: str, choices: Sequence[str]) -> str:
    lowered = text.lower()
    if len(lowered) > 2 * sum(len(choice) for choice in choices):
        return ""
    named = [letter for letter, choice in zip(ascii_uppercase, choices, strict=False) if choice.lower() in lowered]
    return named[0] if len(named) == 1 else ""


def read_inspect(text: str, choices: Sequence[str]) -> str:
    """inspect_ai 0.3.285, solver/_multiple_choice.py `parse_answers` with one right answer: the last "ANSWER: B"."""
    for pattern, replacement in _INSPECT_WRAPPERS:
        text = pattern.sub(replacement, text)
    found = _STRICT_LINE.findall(text) or _LOOSE_LINE.findall(text)
    if not found:
        return ""
    tokens = [token for token in found[-1].strip().rstrip(".").upper().split(",") if token]
    allowed = ascii_uppercase[: len(choices)]
    return tokens[0] if len(tokens) == 1 and len(tokens[0]) == 1 and tokens[0] in allowed else ""


def target_letter(reference: str, choices: Sequence[str]) -> str:
    """The letter of a reference that is a letter or an option's text; "" when it is neither."""
    bare = reference.strip()
    if len(bare) == 1 and bare.upper() in (ascii_uppercase[: len(choices)] if choices else ascii_uppercase):
        return bare.upper()
    return _by_text(bare, choices)


def _build(read: Reader, signature: str, *, needs: tuple[str, ...]) -> Callable[[MetricOptions], Scorer]:
    def score(rows: Sequence[Row]) -> Scores:
        values = np.zeros(len(rows))
        unparsed = unkeyed = 0
        for index, row in enumerate(rows):
            targets = {letter for reference in references(row) if (letter := target_letter(reference, row.choices))}
            text = answer(row)
            if text is None:
                continue
            letter = read(text, row.choices)
            unparsed += not letter
            unkeyed += not targets
            values[index] = float(letter in targets) if letter else 0.0
        notes = [f"{unparsed} of {len(rows)} answers name no option; they count as wrong and are not guessed."] if unparsed else []
        if unkeyed:
            notes.append(f"{unkeyed} of {len(rows)} references are neither a letter nor an option's text; their rows count as wrong.")
        return Scores(values=values, unparsed=unparsed, notes=tuple(notes))

    def build(options: MetricOptions) -> Scorer:
        return mean_metric(score, signature=signature, binary=True, needs=needs, styled=False)

    build.__doc__ = read.__doc__
    return build


vlkit = _build(read_choice, "read:vlkit refs:any", needs=("references",))
vlmevalkit = _build(read_vlmevalkit, "read:can-infer judge:none", needs=("references", "choices"))
evalscope = _build(read_evalscope, "read:evalscope", needs=("references", "choices"))
inspect = _build(read_inspect, "read:answer-line", needs=("references", "choices"))
