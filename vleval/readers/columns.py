"""Fields that may be an id whatever their name: short, in every record, and different in each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vleval.readers.names import plain_name

_LONGEST = 300
_MOST_FIELDS = 40
_NESTED = ("meta", "metadata", "doc", "sample_metadata")


class Columns:
    """Gathers them record by record; memory is that of the fields still in question."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[str, str]] | None = None  # plain name to where it lies: "" or the object it is in, and its name
        self._values: dict[str, dict[str, None]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Look at the next record."""
        if self._places is None:
            self._places = _places(record)
            self._values = {plain: {} for plain in self._places}
        for plain in list(self._values):
            inside, name = self._places[plain]
            holder = record.get(inside) if inside else record
            value = holder.get(name) if isinstance(holder, Mapping) else None
            text = _short(value)
            values = self._values[plain]
            if not text or text in values:
                del self._values[plain]
            else:
                values[text] = None

    def found(self, *without: str) -> dict[str, tuple[str, ...]]:
        """Name to the values in the order of the records, without the fields named (which hold answers)."""
        left = {plain_name(name) for name in without}
        places = self._places or {}
        return {places[plain][1]: tuple(values) for plain, values in self._values.items() if plain not in left}


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
