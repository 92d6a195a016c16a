"""What the hf backend and a server answered to the same questions, laid side by side."""

from __future__ import annotations

from typing import Any, NamedTuple

Lines = list[dict[str, Any]]


class Agreement(NamedTuple):
    """Answers compared, error records, prompts that cost another number of tokens, answers that differ but for white space at the ends."""

    answers: int
    errors: int
    other_tokens: int
    other_words: int

    @property
    def whole(self) -> bool:
        """Everything was answered, from the same prompts, with the same words."""
        return self.answers > 0 and not (self.errors or self.other_tokens or self.other_words)

    def __str__(self) -> str:
        tokens = f"{self.other_tokens} prompts differ in tokens" if self.other_tokens else "prompts equal in tokens"
        words = f"{self.other_words} answers differ" if self.other_words else "the same words"
        return f"{self.answers} answers, {self.errors} errors, {tokens}, {words}"


def compare(ours: Lines, theirs: Lines) -> Agreement:
    """Lay two files of predictions side by side.

    Raises:
        ValueError: they are not of the same questions in the same order.
    """
    if [line["id"] for line in ours] != [line["id"] for line in theirs]:
        raise ValueError("the files are not of the same questions")
    pairs = [(here, there) for here, there in zip(ours, theirs, strict=True) if here["error"] is None and there["error"] is None]
    return Agreement(
        answers=len(pairs),
        errors=len(ours) - len(pairs),
        other_tokens=sum(here["usage"]["prompt_tokens"] != there["usage"]["prompt_tokens"] for here, there in pairs),
        other_words=sum(here["prediction"].strip() != there["prediction"].strip() for here, there in pairs),
    )
