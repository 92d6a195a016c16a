"""A harness as data: what it does to an item on the way from question to score, each fact with its place in the source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

Part = Literal["system prompt", "wording", "image", "frames", "extraction", "fallback", "judge"]


class Fact(NamedTuple):
    """What a harness does by default in one part of its path, and the file that says so."""

    part: Part
    does: str
    file: str


class HarnessTold(NamedTuple):
    """What one record of a harness's file tells next to the answer; None where it does not.

    Attributes:
        score: the harness's own verdict, from 0 to 1.
        extracted: what it took out of the answer.
        guessed: whether it drew at random.
        judged: a judge model was asked.
        prompt: the text it sent.
        system: the system prompt; "" for none.
        images: how many it sent.
    """

    score: float | None = None
    extracted: str | None = None
    guessed: bool | None = None
    judged: bool = False
    prompt: str | None = None
    system: str | None = None
    images: int | None = None


class Harness(NamedTuple):
    """One harness.

    Attributes:
        title: its name.
        source: repository and commit, or release.
        profile: whose metrics reproduce its scores (`vleval.profiles`).
        facts: its path by default.
        read_choice: the letter it reads in an answer; "" for none.
        read_words: what it takes out of an answer in words.
        wording: the prompt it makes of a question and options, where its file does not tell the prompt.
        guesses: it draws at random where it reads no letter (after a judge, if it has one).
        told: what a record tells.
    """

    title: str
    source: str
    profile: str
    facts: tuple[Fact, ...]
    read_choice: Callable[[str, Sequence[str]], str]
    read_words: Callable[[str], str]
    wording: Callable[[str, Sequence[str]], str] | None
    guesses: bool
    told: Callable[[Mapping[str, Any]], HarnessTold]


def number(value: Any) -> float | None:
    """A verdict as a number from 0 to 1; None for what is none."""
    if isinstance(value, bool):
        return float(value)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    return float(value) if isinstance(value, int | float) and 0 <= value <= 1 else None


def whole(text: str) -> str:
    """An answer as it stands, without blanks around it."""
    return text.strip()
