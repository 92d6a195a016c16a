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
        self._values: dict[str, dict[str, None]] | None = None
        self.names: dict[str, str] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Look at the next record."""
        flat = _flat(record)
        if self._values is None:
            self._values = {}
            for name, text in list(flat.items())[:_MOST_FIELDS]:
                self._values.setdefault(plain_name(name), {})[text] = None
                self.names.setdefault(plain_name(name), name)
            return
        for plain in list(self._values):
            text = flat.get(self.names[plain], "")
            if not text or text in self._values[plain]:
                del self._values[plain]
            else:
                self._values[plain][text] = None

    def found(self, *without: str) -> dict[str, tuple[str, ...]]:
        """Name to the values in the order of the records, without the fields named (which hold answers)."""
        left = {plain_name(name) for name in without}
        return {self.names[plain]: tuple(values) for plain, values in (self._values or {}).items() if plain not in left}


def _flat(record: Mapping[str, Any]) -> dict[str, str]:
    flat: dict[str, str] = {}
    for part in (record, *(inner for name in _NESTED if isinstance(inner := record.get(name), Mapping))):
        for name, value in part.items():
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "" and len(text := str(value)) <= _LONGEST:
                flat.setdefault(str(name), text)
    return flat
