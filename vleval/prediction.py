"""Our own prediction line: what `vleval predict` writes and every command here reads.

One JSON object a line. `prediction` is the answer as the model gave it, null when there is none; then `error` says why. An empty answer is
`""`, which is neither.
"""

from __future__ import annotations

from typing import Literal

import msgspec

SCHEMA = "vlkit.prediction/1"


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens as the backend counted them; -1 where it did not say."""

    prompt_tokens: int = -1
    completion_tokens: int = -1


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """One answer next to what it is judged by.

    Attributes:
        schema: the version of this shape.
        id: the id of the record that was asked.
        prediction: the answer, unchanged but for a thought before it, which stands in `reasoning`; None when there is none.
        references: all accepted answers; may be empty when scoring is given them by `--references`.
        error: why there is no answer, in a sentence; None when there is one.
        finish_reason: as the backend gave it: "stop", "length", "content_filter" and the like.
        question: the text that was asked, without media tags.
        choices: the options of a multiple-choice question, in order.
        meta: the record's own meta (category, scene, episode, task, kind, lang ...), strings only.
        images: the pictures that were shown, as the record names them.
        width, height: pixels of the first picture as the model saw it; 0 when unknown.
        model: what answered, as the backend names it.
        usage: token counts.
        reasoning: what the model thought before it answered; not there where it did not.
        sample: of several answers to the record, the number of this one from 0; not there where it is the only one.
        latency_s: seconds from request to the end of the answer; -1 when not measured.
    """

    schema: Literal["vlkit.prediction/1"]
    id: str
    prediction: str | None
    references: tuple[str, ...] = ()
    error: str | None = None
    finish_reason: str = ""
    question: str = ""
    choices: tuple[str, ...] = ()
    meta: dict[str, str] = {}
    images: tuple[str, ...] = ()
    width: int = 0
    height: int = 0
    model: str = ""
    usage: Usage = Usage()
    latency_s: float = -1.0
    sample: int | msgspec.UnsetType = msgspec.UNSET
    reasoning: str | msgspec.UnsetType = msgspec.UNSET

    def __post_init__(self) -> None:
        if self.prediction is None and not self.error:
            raise ValueError("prediction is null but error does not say why")
