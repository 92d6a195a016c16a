"""Multiple choice: lettered choices in the question, the letter as answer, letter and text as references.

Choices come as a list, an object by letters (MMBench exports), a text that holds a list, or columns A, B, C ... (VLMEvalKit), choice_a,
choice_b ... (SEED-Bench), option1 ... The right one is given by number, letter or text; whether numbers count from 0 or 1 is told from the
rows and said.
"""

from __future__ import annotations

import itertools
import re
import string
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from vldata.errors import UsageError
from vldata.records.draft import Guess
from vldata.sources.errors import RowError
from vldata.sources.listcells import list_of_text

CHOICE_FIELDS = ("choices", "options", "options_list", "choice", "option", "candidates")
INDEX_FIELDS = (
    *("correct_choice_idx", "correct_answer_idx", "answer_idx", "answer_index", "correct_idx", "correct_index", "gold_index"),
    *("correct_option", "correct_choice", "correct_answer", "answer", "label", "gold"),
)
_COLUMN = re.compile(r"((?:choice|option)[ _-]?)([a-h]|[1-9])", re.IGNORECASE).fullmatch
_COLUMNS = tuple(string.ascii_uppercase)
_LETTERS = string.ascii_uppercase
TEMPLATE = "{question}\n{choices}\nAnswer with the letter of the right choice."


class ChoiceForm(NamedTuple):
    """How the rows of a source hold choices: the fields of the choices, the field of the right one, where its numbers begin."""

    fields: tuple[str, ...]
    answer: str
    base: int = 0
    said: str = ""

    def is_open(self, row: dict[str, Any]) -> bool:
        """Whether a row among those with choices has none: an open question, as MMMU has some."""
        values = [list_of_text(value) if isinstance(value := row.get(name), str) else value for name in self.fields]
        return all(value in (None, "", [], {}) for value in values)

    def lettered(self, row: dict[str, Any]) -> tuple[str, ...]:
        """Return the texts of the choices of a row, in order.

        Raises:
            RowError: there are none, one, or more than letters.
        """
        if len(self.fields) > 1:
            texts = [row.get(name) for name in self.fields]
            while texts and (texts[-1] in (None, "") or str(texts[-1]).lower() == "nan"):  # a table that pandas wrote
                texts.pop()
        else:
            texts = _texts_of(row.get(self.fields[0]), self.fields[0])
        if not 2 <= len(texts) <= len(_LETTERS) or any(text is None or not str(text).strip() for text in texts):
            raise RowError("VL201", f"{self.fields[0]!r} holds {len(texts)} choices or an empty one; 2 to {len(_LETTERS)} are needed.")
        return tuple(_bare(str(text).strip(), index) for index, text in enumerate(texts))

    def right(self, row: dict[str, Any], choices: Sequence[str]) -> int:
        """Return the place of the right choice.

        Raises:
            RowError: the answer is none of the choices, or could be two of them.
        """
        value = row.get(self.answer)
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if type(value) is int:
            place = value - self.base
            if not 0 <= place < len(choices):
                raise RowError("VL201", f"{self.answer!r} is {value}, but there are {len(choices)} choices (counted from {self.base}).")
            return place
        if type(value) is not str or not value.strip():
            raise RowError("VL201", f"{self.answer!r} is {value!r:.60}; the number, letter or text of a choice is needed.")
        return _place_of(value.strip(), choices, self.answer, self.base)


def _texts_of(value: Any, field: str) -> list[Any]:
    if isinstance(value, str):
        value = list_of_text(value)
    if isinstance(value, dict) and {"text", "label"} <= value.keys() and isinstance(value["text"], list):  # ARC
        value = value["text"]
    if isinstance(value, dict):
        letters = list(value)
        if [key.strip().strip("().").upper() for key in letters] != list(_LETTERS[: len(letters)]):
            raise RowError("VL201", f"{field!r} has the keys {', '.join(letters[:8])}; A, B, C in order are needed.")
        return list(value.values())
    if not isinstance(value, list) or not all(isinstance(item, str | int | float) for item in value):
        raise RowError("VL201", f"{field!r} is {value!r:.60}; a list of texts or an object by letters is needed.")
    return value


def _bare(text: str, index: int) -> str:
    """Take off the letter that a choice already carries: `A. red`, `(B) blue`."""
    letter = _LETTERS[index]
    for head in (f"({letter}) ", f"{letter}. ", f"{letter}) ", f"{letter}: ", f"({letter})"):
        if text.startswith(head) and text[len(head) :].strip():
            return text[len(head) :].strip()
    return text


def _place_of(value: str, choices: Sequence[str], field: str, base: int) -> int:
    by_text = [index for index, text in enumerate(choices) if text == value]
    letter = value.strip("().:").strip()
    by_letter = [_LETTERS.index(letter)] if len(letter) == 1 and letter in _LETTERS[: len(choices)] else []
    if not by_letter and len(letter) == 1 and letter.upper() in _LETTERS[: len(choices)]:
        by_letter = [_LETTERS.index(letter.upper())]
    by_head = [index for index, text in enumerate(choices) if value in (f"{_LETTERS[index]}. {text}", f"({_LETTERS[index]}) {text}")]
    found = set(by_text) | set(by_letter) | set(by_head)
    if not found and value.isdecimal():
        place = int(value) - base
        found = {place} if 0 <= place < len(choices) else set()
    if len(found) != 1:
        what = "none of the choices" if not found else "a letter and the text of another choice, or two equal choices"
        raise RowError("VL201", f"{field!r} is {value[:60]!r}, which is {what}.")
    return found.pop()


def find_choices(rows: Sequence[dict[str, Any]], asked: str, answer: str) -> ChoiceForm | None:
    """Find the choices in the first rows; None where there are none.

    Args:
        rows: the first rows.
        asked: the field that the user named for the choices, "" for none.
        answer: the field that the user named for the text, "" for none.

    Raises:
        UsageError: choices without a field for the right one.
    """
    there = {key for row in rows for key, value in row.items() if value not in (None, "", [], {})}
    fields: tuple[str, ...] = (asked,) if asked else tuple(name for name in CHOICE_FIELDS if name in there and _many(rows, name))[:1]
    if not fields:
        fields = _columns(there)
    if not fields:
        return None
    right = answer or next((name for name in INDEX_FIELDS if name in there and name not in fields), "")
    if not right:
        raise UsageError(f"the rows have choices ({fields[0]!r}), but no field says which is right.", cure="Name it with --text-field.")
    base, guess = _base_of(rows, fields, right)
    said = f"Choices in {', '.join(map(repr, fields))}, the right one in {right!r}{guess}: lettered in the question."
    return ChoiceForm(fields, right, base, Guess(said) if "a guess" in guess else said)


def _columns(there: Collection[str]) -> tuple[str, ...]:
    """Return the columns of single choices, in order: A, B ...; choice_a, choice_b ...; option1, option2 ...; () for none."""
    families: dict[str, dict[str, str]] = {"": {name.lower(): name for name in there if name in _COLUMNS}}
    for name in there:
        if match := _COLUMN(name.strip()):
            families.setdefault(match[1].lower(), {})[match[2].lower()] = name
    for family in families.values():
        for marks in (string.ascii_lowercase, "123456789"):
            found = list(itertools.takewhile(family.__contains__, marks))
            if len(found) >= 2:
                return tuple(family[mark] for mark in found)
    return ()


def _many(rows: Sequence[dict[str, Any]], name: str) -> bool:
    """Whether the field holds several choices in some row, rather than one text."""
    for row in rows:
        value = row.get(name)
        value = list_of_text(value) if isinstance(value, str) else value
        if isinstance(value, list | dict) and len(value) > 1:
            return True
    return False


def _base_of(rows: Sequence[dict[str, Any]], fields: tuple[str, ...], right: str) -> tuple[int, str]:
    """Tell whether numbers count from 0 or from 1, and the words to say it in.

    Raises:
        UsageError: some rows only fit the one, some the other.
    """
    form = ChoiceForm(fields, right)
    zero = most = numbers = 0
    for row in rows:
        value = row.get(right)
        if type(value) is str and value.strip().isdecimal():
            try:
                if value.strip() in form.lettered(row):
                    continue
            except RowError:
                continue
            value = int(value)
        if type(value) is not int:
            continue
        numbers += 1
        zero += value == 0
        try:
            most += value == len(form.lettered(row))
        except RowError:
            continue
    if zero and most:
        raise UsageError(
            f"{right!r} counts from 0 in {zero} rows and from 1 in {most}.", cure="Write it as letters, or as the texts of the choices."
        )
    if not numbers:
        return 0, ""
    if zero or most:
        return (0 if zero else 1), f", counted from {0 if zero else 1}"
    return 0, ", counted from 0 (a guess: the first rows would fit 1 as well)"


def written(choices: Sequence[str]) -> str:
    """Write choices with their letters, one a line."""
    return "\n".join(f"{letter}. {text}" for letter, text in zip(_LETTERS, choices, strict=False))


def letter_of(place: int) -> str:
    """Return the letter of the choice at a place."""
    return _LETTERS[place]
