"""Whether rows have one type a column, as every reader that stands on Arrow demands (`datasets`, and so most trainers).

Arrow takes the type of a column from its first values. A text where a number was, a list where a text was: the file does not load at
all. Null goes with everything, a whole number with a broken one, and objects of different keys with each other.
"""

from __future__ import annotations

import re
from typing import Any

_KINDS = {str: "string", int: "number", float: "number", bool: "boolean", list: "array", dict: "object"}
_SCALARS = (str, int, float, bool, type(None))


_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?Z?").fullmatch


class AllDates:
    """Whether every text of a column of JSON Lines is a date, which Arrow then makes a time of, and no longer a text."""

    def __init__(self, *, may: bool = True) -> None:
        self._may, self._seen = may, False

    def add(self, text: Any) -> None:
        """Take a value in; a column that had another text once is done with."""
        if self._may:
            self._seen = self._may = isinstance(text, str) and bool(_DATE(text))

    def __bool__(self) -> bool:
        return self._may and self._seen


class RowColumns:
    """Follows the types of the rows of one file. A row of a shape that was seen before costs two look-ups."""

    def __init__(self) -> None:
        self.kinds: dict[str, str] = {}  # a path like /messages/[]/content -> Arrow's word for its type
        self._rows: dict[tuple[Any, ...], tuple[str, ...]] = {}
        self._items: set[tuple[Any, ...]] = set()

    def has(self, path: str) -> bool:
        """Whether any row has something there, null included."""
        return path in self.kinds

    def add(self, row: dict[str, Any]) -> str:
        """Take a row in; returns what its types collide with, in the reader's words, or ""."""
        inner = self._rows.get((*row, *map(type, row.values())))
        if inner is None:
            return self._learn(row)
        return "" if self.knows(row, inner) else self._learn(row)

    def knows(self, row: dict[str, Any], inner: tuple[str, ...]) -> bool:
        """Whether lists and objects of a row, those under the keys `inner`, hold nothing but what was seen before."""
        items = self._items
        for name in inner:
            value = row[name]
            if type(value) is list:
                for item in value:
                    if type(item) is dict:
                        if (name, *item, *map(type, item.values())) not in items:
                            return False
                    elif (name, type(item)) not in items:
                        return False
            elif (name, *value, *map(type, value.values())) not in items:
                return False
        return True

    def _learn(self, row: dict[str, Any]) -> str:
        for name, value in row.items():
            if fault := self._merge(f"/{name}", value):
                return fault
        self._rows[(*row, *map(type, row.values()))] = tuple(
            name for name, value in row.items() if type(value) is list or type(value) is dict
        )
        for name, value in row.items():
            for item in value if type(value) is list else [value] if type(value) is dict else ():
                if type(item) is dict and all(type(inner) in _SCALARS for inner in item.values()):
                    self._items.add((name, *item, *map(type, item.values())))
                elif type(item) in _SCALARS:
                    self._items.add((name, type(item)))
        return ""

    def _merge(self, path: str, value: Any) -> str:
        if value is None:
            self.kinds.setdefault(path, "null")
            return ""
        kind = _KINDS.get(type(value)) or type(value).__name__
        before = self.kinds.get(path, "null")
        if before != kind:
            if before != "null":
                return f"Column({path}) changed from {before} to {kind}"
            self.kinds[path] = kind
        if type(value) is list:
            for item in value:
                if fault := self._merge(f"{path}/[]", item):
                    return fault
        elif type(value) is dict:
            for name, item in value.items():
                if fault := self._merge(f"{path}/{name}", item):
                    return fault
        return ""
