"""What a picture is asked about: one text, one of several wordings, or the row's own question."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vldata.errors import UsageError
from vldata.files.strictjson import read_user_text
from vldata.records.draft import Scalar
from vldata.sources.locate import RowError

if TYPE_CHECKING:
    from vldata.sources.pairfields import Chosen

DEFAULTS = {"caption": "Describe the picture.", "ocr": "Read out all the text in the picture.", "question": "{question}"}
_QUESTION = "{question}"


class Wording(msgspec.Struct, frozen=True):
    """The wordings of a question, and the seed that decides which a record gets. None at all: the row's own question."""

    texts: tuple[str, ...] = ()
    seed: int = 0
    file: str = ""

    @property
    def asks_for_question(self) -> bool:
        """Whether a wording needs the row's own question."""
        return any(_QUESTION in text for text in self.texts)

    def settle(self, chosen: Chosen) -> Wording:
        """Fill in the default of a form where no wording was given."""
        return self if self.texts else msgspec.structs.replace(self, texts=(DEFAULTS[chosen.form],))

    def ask(self, record_id: str, question: str) -> str:
        """Return the user turn of a record; it depends on the id and the seed, not on the order of rows.

        Raises:
            RowError: the question is empty.
        """
        texts = self.texts
        text = texts[0] if len(texts) == 1 else texts[_draw(self.seed, record_id, len(texts))]
        if text == _QUESTION:
            text = question
        elif _QUESTION in text:
            text = text.replace(_QUESTION, question)
        if not text.strip():
            raise RowError("VL005", "the question is empty.")
        return text

    def sentence(self, chosen: Chosen) -> str:
        """Say how records ask."""
        if len(self.texts) > 1:
            return f"Questions: {len(self.texts)} wordings from {self.file}, drawn by --seed {self.seed}."
        (text,) = self.texts
        if text == _QUESTION:
            return ""
        replaced = f"; the field {chosen.prompt!r} is not asked" if chosen.prompt and _QUESTION not in text else ""
        default = " (--prompt asks something else)" if text == DEFAULTS[chosen.form] else ""
        return f"Every question: {text!r}{default}{replaced}."

    def settings(self) -> dict[str, Scalar]:
        """What of it decides the result."""
        if len(self.texts) == 1:
            return {"prompt": self.texts[0]}
        digest = hashlib.sha256("\n".join(self.texts).encode()).hexdigest()
        return {"prompt": self.texts[0], "wordings": len(self.texts), "wordings_sha256": digest, "seed": self.seed}


def _draw(seed: int, record_id: str, count: int) -> int:
    return int.from_bytes(hashlib.blake2b(f"{seed}\0{record_id}".encode(), digest_size=8).digest(), "big") % count


def open_wording(prompt: str, seed: int) -> Wording:
    """Read `--prompt`: a text, or the name of a file with one wording a line.

    Raises:
        UsageError: the file holds no wording.
    """
    if not prompt:
        return Wording(seed=seed)
    if "\n" in prompt or len(prompt) > 255 or not Path(prompt).is_file():
        return Wording((prompt,), seed)
    lines = tuple(line.strip() for line in read_user_text(Path(prompt)).split("\n") if line.strip())
    if not lines:
        raise UsageError("holds no wording.", where=prompt, cure="Write one question a line.")
    return Wording(lines, seed, Path(prompt).name)
