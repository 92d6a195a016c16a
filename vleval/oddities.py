"""What is odd about a file of predictions though every row is well-formed: said before the number, since the number does not show it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from vleval.metrics.text import vlkit_normal
from vleval.readers.failures import REFUSED
from vleval.rows import Row

_FEW = 20  # rows below which chance explains what is odd here
_MOST = 20_000  # rows that are looked at, all in memory: those that ceiling and floor are computed on
_LABELS = 10  # different texts of a side that are labels
_CUT_WORDS = 5  # words of an answer that does not begin a reference by chance
_READ = 200  # characters of a text that is compared with others
_TAIL = 600  # characters at the end of a long answer that are looked at for a loop
_LONGEST_TURN = 120  # characters that a loop repeats
_CANNOT = "can(?:no|['’])?t"
_REFUSAL = re.compile(
    r"\W{0,3}(?:"
    rf"(?:i(?:['’]m| am) (?:very |so )?sorry|sorry|unfortunately|i apologi[sz]e)\b[^.\n]{{0,60}}\b(?:{_CANNOT}|unable|not able|won['’]t)\b"
    rf"|i (?:{_CANNOT}|am unable to|am not able to) (?:help|assist|provide|answer|see|view|process|identify|comply)\b"
    r"|as an ai (?:language )?model\b"
    r"|(?:很|非常)?(?:抱歉|对不起)[^。\n]{0,12}(?:无法|不能|没法|没有办法)"
    r"|我(?:无法|不能)(?:回答|提供|查看|识别|看到|协助))",
    re.IGNORECASE,
)
_NUMBER = r"-?\d{1,6}(?:\.\d{1,9})?"
_BOX = re.compile(rf"\s*\[\s*{_NUMBER}(?:\s*,\s*{_NUMBER}){{3}}\s*\]\s*")
_BOX_KEY = re.compile(r"[\"'](?:bbox|bbox_2d|box_2d)[\"']\s*:")
_TEXT_METRICS = ("exact_match", "token_f1", "anls", "relaxed_accuracy", "vqa_accuracy", "rouge", "bleu", "chrf", "sacrebleu")
_HASHES = re.compile(r"(?:^|\n)####[ \t]*\S[^\n]{0,60}\s*\Z")


def odd_notes(rows: Sequence[Row], metrics: Sequence[str] = ()) -> list[str]:
    """Sentences about a file as a whole, scored by these metrics; none where nothing is odd. Of a long file the first rows are read."""
    if len(rows) > _MOST:
        return [f"Among the first {_MOST:,} of {len(rows):,} rows: {note}" for note in odd_notes(rows[:_MOST], metrics)]
    answered = [row for row in rows if row.prediction and not row.error]
    return [
        *_ends(rows),
        *_alike(rows, answered),
        *_again(rows),
        *_refusals(answered),
        *_loops(answered),
        *_cut(answered),
        *_shifted(rows),
        *_worked_out(rows),
        *_boxes(rows, metrics),
        *_other_labels(answered, metrics),
    ]


def same_answers(first: Sequence[Row], second: Sequence[Row], one: str, other: str) -> list[str]:
    """A sentence where two systems gave the very same answers, in the same order of rows; none else, and none of few rows."""
    if len(first) != len(second) or any(a.prediction != b.prediction for a, b in zip(first, second, strict=True)):
        return []
    if sum(1 for row in first if row.prediction and not row.error) < _FEW:
        return []
    return [f"{other} has the answers of {one}, letter for letter: the same run twice, or an adapter that was not used?"]


def _ends(rows: Sequence[Row]) -> list[str]:
    """Replies that hold no answer by what the server says of their end."""
    ends = Counter(row.finish_reason for row in rows if not row.error and row.finish_reason in (*REFUSED, "tool_calls"))
    if not ends:
        return []
    shown = ", ".join(f"{count:,} {end}" for end, count in sorted(ends.items()))
    return [f"{sum(ends.values()):,} of {len(rows):,} replies are no answer, by what the server says of their end: {shown}."]


def _alike(rows: Sequence[Row], answered: Sequence[Row]) -> list[str]:
    """All references, or all answers, are one text."""
    notes = []
    wanted = {row.references for row in rows if row.references}
    if len(wanted) == 1 and len(rows) >= _FEW:
        shown = _shown(next(iter(wanted))[0])
        why = "another field than the answers', or a set that keeps them back?"
        notes.append(f"All {len(rows):,} rows have the same reference, {shown}: {why}")
    elif len(answered) >= _FEW and len({(row.prediction or "").strip() for row in answered}) == 1 and len(wanted) > 1:
        notes.append(
            f"All {len(answered):,} answers are {_shown(answered[0].prediction or '')}: the model says one thing whatever is asked."
        )
    return notes


def _other_labels(answered: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """Answers and references of few different texts each, of which none is on both sides: yes and no for True and False."""
    if len(answered) < _FEW or not any(name.startswith(_TEXT_METRICS) for name in metrics):
        return []
    given = {vlkit_normal((row.prediction or "")[:_READ]) for row in answered}
    wanted = {vlkit_normal(text[:_READ]) for row in answered for text in row.references}
    if not (2 <= len(given) <= _LABELS and 2 <= len(wanted) <= _LABELS) or given & wanted:
        return []
    ours, theirs = (", ".join(_shown(text) for text in sorted(side)[:3]) for side in (given, wanted))
    return [f"The answers are {ours} and the references {theirs}: none is ever the other. Are they the same labels in other words?"]


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:39] + "…")


def _again(rows: Sequence[Row]) -> list[str]:
    """The last rows ask what the first ones do, in their order: two runs in one file, or rows that a sampler added to fill a batch.

    Rows with ids of their own are told apart by these, and rows that name their images by the images.
    """
    asked = [(row.question, row.references, row.images, row.groups.get("image", "")) for row in rows]
    if len(asked) < _FEW or not all(question for question, *_ in asked) or len(set(asked)) * 3 < len(asked):
        return []
    length = _border(asked)
    if not length or len(set(asked[:length])) < min(length, 2) or len(set(asked)) != len(asked) - length:
        return []
    what = f"The last {length:,} of {len(asked):,} rows ask what the first {length:,} ask, in their order"
    if length == 1:
        what = f"The last of {len(asked):,} rows asks what the first one asks"
    return [f"{what}: another run in the same file, or rows added to fill a batch? They are counted as further questions."]


def _border(items: Sequence[object]) -> int:
    """The length of the longest proper beginning that is the end too (Knuth, Morris, Pratt)."""
    lengths = [0] * len(items)
    length = 0
    for place in range(1, len(items)):
        while length and items[place] != items[length]:
            length = lengths[length - 1]
        length += items[place] == items[length]
        lengths[place] = length
    return min(length, len(items) // 2)


def _refusals(answered: Sequence[Row]) -> list[str]:
    found = [row for row in answered if _REFUSAL.match((row.prediction or "")[:300])]
    if not found:
        return []
    shown = _shown((found[0].prediction or "").strip())
    return [f"{len(found):,} of {len(answered):,} answers read as refusals, as {shown}; they count as answers."]


def _cut(answered: Sequence[Row]) -> list[str]:
    """Answers that are the beginning of a reference and stop within it."""
    found = sum(1 for row in answered if _begins_only(row.prediction or "", row.references))
    if found < _FEW or found * 5 < len(answered):
        return []
    what = f"{found:,} of {len(answered):,} answers are the beginning of their reference and stop within it"
    return [f"{what}: were they cut at a number of tokens?"]


def _begins_only(text: str, references: Sequence[str]) -> bool:
    bare = text.strip()
    return (
        len(bare.split()) >= _CUT_WORDS
        and not any(bare == known.strip() for known in references)
        and any(known.strip().startswith(bare) for known in references)
    )


def _shifted(rows: Sequence[Row]) -> list[str]:
    """Answers that are those of the neighbouring questions."""
    if len(rows) < _FEW:
        return []
    said = [vlkit_normal((row.prediction or "")[:_READ]) for row in rows]
    wanted = [{vlkit_normal(known[:_READ]) for known in row.references} for row in rows]
    own = sum(text in known for text, known in zip(said, wanted, strict=True))
    for step, where in ((1, "next"), (-1, "previous")):
        shifted = wanted[1:] if step > 0 else wanted[:-1]
        right = sum(text in known for text, known in zip(said[:-1] if step > 0 else said[1:], shifted, strict=True) if text)
        if right * 2 > len(rows) and right > 2 * own + _FEW // 2:
            what = f"{right:,} of {len(rows):,} answers are a reference of the {where} row, {own:,} one of their own"
            return [f"{what}: is one side shifted by a row?"]
    return []


def _loops(answered: Sequence[Row]) -> list[str]:
    """Long answers that say the same to their end."""
    found = sum(1 for row in answered if _is_loop(row.prediction or ""))
    return [f"{found:,} of {len(answered):,} answers end in a loop that repeats one passage; they were cut, not finished."] if found else []


def _is_loop(text: str) -> bool:
    tail = text.rstrip()[-_TAIL:]
    return len(tail) == _TAIL and any(tail[turn:] == tail[:-turn] for turn in range(1, _LONGEST_TURN + 1))


def _worked_out(rows: Sequence[Row]) -> list[str]:
    found = sum(1 for row in rows if any(_HASHES.search(text[-200:]) and not text.startswith("####") for text in row.references))
    if not found:
        return []
    what = f"{found:,} of {len(rows):,} references are worked out and end in `#### answer`"
    return [f"{what}: --metric solution_match compares the answers alone."]


def _boxes(rows: Sequence[Row], metrics: Sequence[str]) -> list[str]:
    """References that are boxes under metrics that compare letters."""
    told = [name for name in metrics if name.startswith(_TEXT_METRICS)]
    found = (
        sum(1 for row in rows if any(_BOX.fullmatch(text[:200]) or _BOX_KEY.search(text[:2_000]) for text in row.references)) if told else 0
    )
    if found * 2 < len(rows) or not found:
        return []
    what = f"{found:,} of {len(rows):,} references are boxes, and {told[0]} compares their letters"
    return [f"{what}: --metric detection_f1 and --benchmark refcoco compare boxes."]
