"""What a picture is asked about: one text, one of several wordings, or the row's own question."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from vldata.errors import UsageError
from vldata.files.strictjson import read_user_text
from vldata.records.draft import Scalar
from vldata.sources.choices import TEMPLATE as CHOICES
from vldata.sources.errors import RowError
from vldata.suggest import nearest

if TYPE_CHECKING:
    from vldata.sources.pairfields import ChosenFields

DEFAULTS = {
    "caption": "Describe the picture.",
    "ocr": "Read out all the text in the picture.",
    "class": "What is in the picture? Answer with its class.",
    "question": "{question}",
    "choices": CHOICES,
}
_QUESTION = "{question}"
_FIELD = re.compile(r"\{([^\W\d]\w*)\}")


class Wording(msgspec.Struct, frozen=True):
    """The wordings of a question, and the seed that decides which a record gets. None at all: the row's own question."""

    texts: tuple[str, ...] = ()
    seed: int = 0
    file: str = ""

    @property
    def asks_for_question(self) -> bool:
        """Whether a wording needs the row's own question."""
        return any(_QUESTION in text for text in self.texts)

    @property
    def asks_for_choices(self) -> bool:
        """Whether every wording shows the choices."""
        return all("{choices}" in text for text in self.texts)

    def fields(self) -> frozenset[str]:
        """The fields that wordings name in braces, beside question and choices."""
        return frozenset(name for text in self.texts for name in _FIELD.findall(text)) - {"question", "choices"}

    def settle(self, chosen: ChosenFields) -> Wording:
        """Fill in the default of a form where no wording was given."""
        return self if self.texts else msgspec.structs.replace(self, texts=(DEFAULTS[chosen.form],))

    def ask(self, record_id: str, question: str, row: Mapping[str, Any] = {}, choices: str = "") -> str:
        """Return the user turn of a record; it depends on the id and the seed, not on the order of rows.

        Raises:
            RowError: the question is empty, or a field that the wording names holds no text.
        """
        texts = self.texts
        text = texts[0] if len(texts) == 1 else texts[_draw(self.seed, record_id, len(texts))]
        if text == _QUESTION:
            text = question
        elif "{" in text:
            values = {"question": question, "choices": choices}
            text = _FIELD.sub(lambda match: values.get(match[1]) or _field_text(row, match[1]), text)
        if not text.strip():
            raise RowError("VL005", "the question is empty.")
        return text

    def sentence(self, chosen: ChosenFields) -> str:
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


def _field_text(row: Mapping[str, Any], name: str) -> str:
    """Return the text of a field that a wording names; null and a field that only other rows have are empty.

    Raises:
        RowError: it holds something else.
    """
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise RowError("VL201", f"{name!r}, which the wording names, is {value!r:.60}; a text is needed.")
    return str(value)


def check_fields(wording: Wording, there: Collection[str], *, choices: bool) -> None:
    """Refuse a wording that names a field which no row has: it would be asked with its braces.

    Raises:
        UsageError: with the fields there are.
    """
    names = wording.fields() | ({"choices"} if not choices and any("{choices}" in text for text in wording.texts) else set())
    for name in sorted(names - set(there)):
        what = f"--prompt names {{{name}}}, but no row has that field."
        raise UsageError(f"{what}{nearest(name, there)}", cure=f"Fields are {', '.join(sorted(there))}.")


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
