"""Fields that may be an id whatever their name: short, in every record, and different in each."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

from vleval import kept
from vleval.kept import KeptRows
from vleval.readers.names import plain_name
from vleval.telling import repeated

_LONGEST = 300
_MOST_FIELDS = 40
_NESTED = ("meta", "metadata", "doc", "sample_metadata")


class ColumnsRead:
    """Gathers them record by record; memory is that of the fields still in question, and of many records 8 bytes each."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, str]] | None = None  # plain name to where it is: "" or the object it is in, and its name
        self._values: dict[str, dict[str, None]] = {}
        self._many: dict[str, _Column] | None = None  # instead of `_values`, where records are many

    def add(self, record: Mapping[str, Any]) -> None:
        """Look at the next record."""
        if self._places is None:
            self._places = _places(record)
            self._values = {plain: {} for plain in self._places}
        if self._many is not None:
            for plain in list(self._many):
                if not (text := self._text(plain, record)) or not self._many[plain].takes(text):
                    del self._many[plain]
            return
        for plain in list(self._values):
            text = self._text(plain, record)
            values = self._values[plain]
            if not text or text in values:
                del self._values[plain]
            else:
                values[text] = None
        if self._values and len(next(iter(self._values.values()))) >= kept.IN_MEMORY:
            self._many = {plain: _Column(values) for plain, values in self._values.items()}
            self._values = {}

    def _text(self, plain: str, record: Mapping[str, Any]) -> str:
        inside, name = (self._places or {})[plain]
        holder = record.get(inside) if inside else record
        return _short(holder.get(name) if isinstance(holder, Mapping) else None)

    def found(self, *without: str) -> dict[str, Sequence[str]]:
        """Name to the values in the order of the records, without the fields named (which hold answers)."""
        left = {plain_name(name) for name in without}
        places = self._places or {}
        if self._many is not None:
            return {places[plain][1]: column.texts for plain, column in self._many.items() if plain not in left and column.differ()}
        return {places[plain][1]: tuple(values) for plain, values in self._values.items() if plain not in left}


class _Column:
    """The values of one field in a file, with a hash of each by which two that are equal are found."""

    def __init__(self, values: Mapping[str, None]) -> None:
        self.texts: KeptRows[str] = KeptRows(str)
        self._hashes = array("q")
        self._looked_at = len(values)
        for text in values:
            self.texts.append(text)
            self._hashes.append(hash(text))

    def takes(self, text: str) -> bool:
        """Add a value; False where two are known to be equal. That is looked for whenever there are twice as many."""
        self.texts.append(text)
        self._hashes.append(hash(text))
        if len(self._hashes) < 2 * self._looked_at:
            return True
        self._looked_at = len(self._hashes)
        return self.differ()

    def differ(self) -> bool:
        """Whether no two values are equal."""
        import numpy as np

        hashes = np.sort(np.frombuffer(self._hashes, np.int64))
        return not bool((hashes[1:] == hashes[:-1]).any()) or not repeated(self.texts)


def _places(record: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """The fields of a first record that may be an id, and those of the objects in which tools keep a row's own fields."""
    found: dict[str, tuple[str, str]] = {}
    for inside in ("", *_NESTED):
        holder = record.get(inside) if inside else record
        for name, value in holder.items() if isinstance(holder, Mapping) else ():
            if _short(value) and len(found) < _MOST_FIELDS:
                found.setdefault(plain_name(str(name)), (inside, str(name)))
    return found


def _short(value: Any) -> str:
    """The text of a value that may be an id; "" for any other."""
    if type(value) is str:
        return value if len(value) <= _LONGEST else ""
    return str(value) if type(value) is int else ""
