"""The cause of one item's difference: the first thing on the way from question to score that explains it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from vleval.gaps.harness import Harness, HarnessTold
from vleval.gaps.views import Cause, GapSide
from vleval.metrics.multiple_choice import choices_in, target_letter
from vleval.rows import Row

_MEDIA = re.compile(r"<(?:image|video)(?: ?\d+)?>|<\|[a-z_]+\|>")
_SPACE = re.compile(r"\s+")
_CUT = frozenset({"length", "max_tokens", "max_length"})


class SeenItem(NamedTuple):
    """One item as one harness has it: its row, what its record tells, and what came of it."""

    row: Row
    told: HarnessTold
    side: GapSide
    choices: tuple[str, ...]


def look(row: Row, told: HarnessTold, harness: Harness, score: float | None) -> SeenItem:
    """Read an answer by a harness's rules; `score` is what its profile's metric gives, for answers in words."""
    choices = row.choices or choices_in(row.question)
    if row.prediction is None:
        return SeenItem(row, told, GapSide(prediction=None, score=told.score or 0.0, told=told.score is not None), choices)
    is_choice = bool(choices) and any(target_letter(reference, choices) for reference in row.references)
    by_rule = harness.read_choice(row.prediction, choices) if is_choice else harness.read_words(row.prediction)
    guessed = is_choice and harness.guesses and not by_rule and not told.judged and _draws(told)
    guessed = guessed if told.guessed is None else told.guessed
    read = told.extracted if told.extracted is not None and not guessed else by_rule
    worked_out = _right(read, row, choices) if is_choice else score or 0.0
    verdict = told.score if told.score is not None else worked_out
    side = GapSide(
        prediction=row.prediction,
        read=read,
        by_rules=by_rule,
        score=verdict,
        told=told.score is not None,
        guessed=guessed,
        judged=told.judged,
    )
    return SeenItem(row, told, side, choices)


def _draws(told: HarnessTold) -> bool:
    """Whether a harness that reads no letter has drawn one already: it has scored the item or says what it took."""
    return told.score is not None or told.extracted is not None


def _right(read: str, row: Row, choices: Sequence[str]) -> float:
    return float(bool(read) and read in {target_letter(reference, choices) for reference in row.references})


def cause_of(a: SeenItem, b: SeenItem, ways: tuple[Harness, Harness], crossed: tuple[float, float]) -> tuple[Cause, str]:
    """Why two harnesses give an item other scores.

    Args:
        a: by the first.
        b: by the second.
        ways: the harnesses.
        crossed: what the rules of B give A's answer, and the rules of A give B's.
    """
    if a.row.prediction is None or b.row.prediction is None:
        which, failed = ("A", a) if a.row.prediction is None else ("B", b)
        lucky = "; it is counted as right all the same" if failed.side.score else ""
        return "no answer", f"{which} has none: {failed.row.error or 'it does not say why'}{lucky}"
    same = _plain(a.row.prediction) == _plain(b.row.prediction)
    for name, seen, way in (("A", a, ways[0]), ("B", b, ways[1])):
        if seen.side.guessed and (same or seen.side.score):  # a wrong draw is no cause where the model said something else
            luck = "right by luck" if seen.side.score else "wrong"
            return "guess", f"{way.title} ({name}) reads nothing in {clip(seen.row.prediction)} and draws at random: {luck}"
    if not _same_truth(a, b):
        return "reference", f"{clip(', '.join(a.row.references))} in A, {clip(', '.join(b.row.references))} in B"
    for name, seen in (("A", a), ("B", b)):
        if seen.side.judged:
            return "judge", f"a judge decided in {name}, on {clip(seen.row.prediction)}"
    if said := _options(a, b):
        return "options", said
    if same or _same_reading(a, b, ways):
        return _in_scoring(a, b, ways)
    if said := _truncated(a, b):
        return "truncation", said
    if crossed[0] == b.side.score and crossed[1] == a.side.score and crossed[0] != a.side.score:
        return "extraction", f"{ways[1].title} reads {clip(a.row.prediction)} otherwise too: the answers differ in form alone"
    return _in_path(a, b, ways)


def _same_truth(a: SeenItem, b: SeenItem) -> bool:
    if not (a.row.references and b.row.references):
        return True
    if a.choices and b.choices:
        letters = [{target_letter(reference, seen.choices) for reference in seen.row.references} for seen in (a, b)]
        texts = [{_option(letter, seen.choices) for letter in some} for some, seen in zip(letters, (a, b), strict=True)]
        return letters[0] == letters[1] or texts[0] == texts[1]
    return {_plain(text) for text in a.row.references} == {_plain(text) for text in b.row.references}


def _option(letter: str, choices: Sequence[str]) -> str:
    place = ord(letter) - ord("A") if len(letter) == 1 else -1
    return _plain(choices[place]) if 0 <= place < len(choices) else letter


def _same_reading(a: SeenItem, b: SeenItem, ways: tuple[Harness, Harness]) -> bool:
    """Whether answers in other words are one option to either harness: then the words are not what makes the difference."""
    if not a.choices or a.choices != b.choices:
        return False
    first, second = a.row.prediction or "", b.row.prediction or ""
    return any((read := way.read_choice(first, a.choices)) and read == way.read_choice(second, b.choices) for way in ways)


def _in_scoring(a: SeenItem, b: SeenItem, ways: tuple[Harness, Harness]) -> tuple[Cause, str]:
    if a.side.read != b.side.read:
        said = [clip(seen.side.read) if seen.side.read else "nothing" for seen in (a, b)]
        detail = f"of {clip(a.row.prediction)} {ways[0].title} reads {said[0]} and {ways[1].title} reads {said[1]}"
        return "extraction", detail + "".join(_by_other_rules(seen, way) for seen, way in zip((a, b), ways, strict=True))
    return "scoring", f"both read {clip(a.side.read)}; their rules of what is right differ"


def _by_other_rules(seen: SeenItem, way: Harness) -> str:
    """Said where a file tells another reading than its harness's rules give: another release, a filter, or a judge in between."""
    if seen.side.read == seen.side.by_rules or not seen.choices:
        return ""
    return f"; {way.title}'s rules read {clip(seen.side.by_rules) if seen.side.by_rules else 'nothing'}: another release of it, or a filter"


def _truncated(a: SeenItem, b: SeenItem) -> str:
    for name, seen, other in (("A", a, b), ("B", b, a)):
        if seen.row.finish_reason in _CUT and other.row.finish_reason not in _CUT:
            return f"{name} was cut at its limit of tokens"
        short, long = (seen.row.prediction or "").strip(), (other.row.prediction or "").strip()
        if short and len(short) < len(long) and long.startswith(short):
            return f"{name} ends where the other goes on: {clip(short[-40:])}"
    return ""


def _options(a: SeenItem, b: SeenItem) -> str:
    """Options that are not the same, or stand in another order: a letter then means another one."""
    if not (a.choices and b.choices) or [_plain(text) for text in a.choices] == [_plain(text) for text in b.choices]:
        return ""
    order = "another order" if sorted(a.choices) == sorted(b.choices) else "other options"
    return f"{order}: {clip(', '.join(a.choices))} in A, {clip(', '.join(b.choices))} in B"


def _in_path(a: SeenItem, b: SeenItem, ways: tuple[Harness, Harness]) -> tuple[Cause, str]:
    """The answers differ: the first thing known to differ in what was asked, else the model's answer itself."""
    counts = [seen.told.images if seen.told.images is not None else len(seen.row.images) or None for seen in (a, b)]
    if counts[0] and counts[1] and counts[0] != counts[1]:
        return "images", f"{counts[0]} in A, {counts[1]} in B"
    sizes = [(seen.row.width, seen.row.height) for seen in (a, b)]
    if all(sizes[0]) and all(sizes[1]) and sizes[0] != sizes[1]:
        return "image size", "{}x{} in A, {}x{} in B".format(*sizes[0], *sizes[1])
    systems = [seen.told.system for seen in (a, b)]
    if None not in systems and systems[0] != systems[1]:
        said = [clip(text) if text else "none" for text in systems]
        return "system prompt", f"{said[0]} in A, {said[1]} in B"
    prompts = [_prompt(seen, way) for seen, way in zip((a, b), ways, strict=True)]
    if prompts[0] and prompts[1] and _plain(prompts[0]) != _plain(prompts[1]):
        return "wording", f"asked {clip(_tail(prompts[0], prompts[1]))} in A, {clip(_tail(prompts[1], prompts[0]))} in B"
    known = "the same prompt" if prompts[0] and prompts[1] else "nothing told differs"
    return "answer", f"{known}; {clip(a.row.prediction)} in A, {clip(b.row.prediction)} in B"


def _prompt(seen: SeenItem, way: Harness) -> str:
    if seen.told.prompt is not None:
        return seen.told.prompt
    return way.wording(seen.row.question, seen.choices) if way.wording and seen.row.question else ""


def _tail(one: str, other: str) -> str:
    """Where a prompt parts from another."""
    one, other = _plain(one), _plain(other)
    place = next((i for i, (x, y) in enumerate(zip(one, other, strict=False)) if x != y), min(len(one), len(other)))
    return one[max(0, place - 8) : place + 60] or "nothing more"


def _plain(text: str) -> str:
    return _SPACE.sub(" ", _MEDIA.sub(" ", text)).strip()


def clip(text: str | None, most: int = 70) -> str:
    """A text in quotes, on one line, cut to what a line holds."""
    flat = _SPACE.sub(" ", text or "")
    return repr(flat if len(flat) <= most else flat[: most - 3] + "...")
