"""Labels that are numbers: the names that the schema of a Hugging Face dataset gives them (ClassLabel)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Namer = Callable[[dict[str, Any]], dict[str, Any]]
_Change = Callable[[Any], Any]


def namer_of(features: dict[str, Any]) -> Namer | None:
    """Return what puts names for the numbers of every ClassLabel of a row; None where there is none."""
    changes = {name: change for name, feature in features.items() if (change := _change_of(feature))}
    if not changes:
        return None

    def name(cells: dict[str, Any]) -> dict[str, Any]:
        return {key: changes[key](value) if key in changes else value for key, value in cells.items()}

    return name


def _change_of(feature: Any) -> _Change | None:
    """Return what turns numbers into names below one feature, None where nothing does."""
    if isinstance(feature, list) and len(feature) == 1:
        return _each(_change_of(feature[0]))
    if not isinstance(feature, dict):
        return None
    names = feature.get("names")
    if feature.get("_type") == "ClassLabel":
        return _naming([str(name) for name in names]) if isinstance(names, list) else None
    if feature.get("_type") in ("Sequence", "List", "LargeList") and "feature" in feature:
        inner = feature["feature"]
        if isinstance(inner, dict) and "_type" not in inner:  # a Sequence of an object is an object of lists
            return _members({key: change for key, item in inner.items() if (change := _each(_change_of(item)) or _change_of(item))})
        return _each(_change_of(inner))
    if "_type" not in feature:
        return _members({key: change for key, item in feature.items() if (change := _change_of(item))})
    return None


def _naming(names: list[str]) -> _Change:
    def change(value: Any) -> Any:
        if type(value) is not int:
            return value
        return names[value] if 0 <= value < len(names) else None  # -1 stands for no label

    return change


def _each(change: _Change | None) -> _Change | None:
    if change is None:
        return None
    one = change
    return lambda value: [one(item) for item in value] if isinstance(value, list) else one(value)


def _members(changes: dict[str, _Change]) -> _Change | None:
    if not changes:
        return None

    def change(value: Any) -> Any:
        if isinstance(value, list):
            return [change(item) for item in value]
        if not isinstance(value, dict):
            return value
        return {key: changes[key](item) if key in changes else item for key, item in value.items()}

    return change
