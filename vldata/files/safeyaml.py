"""YAML that nobody vouches for: one mapping of a short list, no key twice, no depth, no page of aliases that means billions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from vldata.errors import UsageError
from vldata.files import strictjson

MOST_BYTES = 1 << 20
MOST_VALUES = 100_000
MOST_DEPTH = 20


class _Loader(yaml.SafeLoader):
    """YAML 1.2's idea of a number (`1e-4` is one) and no key twice."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:float"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|nan))\Z"
    ),
    list("-+0123456789."),
)


class _NumberedLoader(_Loader):
    """The same, but whole numbers may be keys: lists of classes are written like that."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if not isinstance(key, str) and not (isinstance(loader, _NumberedLoader) and isinstance(key, int)):
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} is not text", problem_mark=key_node.start_mark)
        if key in seen:
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path, *, numbered: bool = False) -> dict[str, Any]:
    """Read one YAML mapping; `numbered`: whole numbers may be keys.

    Raises:
        UsageError: unreadable, not YAML, or not a mapping; with file and line.
    """
    text = _read(path)
    try:
        value = yaml.load(text, Loader=_NumberedLoader if numbered else _Loader)
    except RecursionError:
        raise UsageError("is nested too deeply for a recipe.", where=str(path)) from None
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{error.problem}.", where=f"{path}{line}") from None
    except (yaml.YAMLError, ValueError, OverflowError) as error:  # dates and numbers that cannot be
        raise UsageError(f"is not YAML: {' '.join(str(error).split())[:200]}.", where=str(path)) from None
    if not isinstance(value, dict):
        raise UsageError("is not a recipe: it holds no keys.", where=str(path), cure="Start from a recipe in train/recipes.")
    if _size(value, {}, 0) > MOST_VALUES:
        raise UsageError(f"holds more than {MOST_VALUES:,} values, or is nested too deeply; a recipe is a short list.", where=str(path))
    return value


def _read(path: Path) -> str:
    """The text of a recipe, which is a small file."""
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # the reader says why
    if size > MOST_BYTES:
        raise UsageError(f"has {size:,} bytes; a recipe has at most {MOST_BYTES:,}.", where=str(path))
    return strictjson.read_user_text(path)


def _size(value: object, known: dict[int, int], depth: int) -> int:
    """How many values it is, an alias counted as often as it stands: a page of aliases can mean billions."""
    if not isinstance(value, dict | list):
        return 1
    if depth > MOST_DEPTH:
        return MOST_VALUES + 1
    if id(value) not in known:
        known[id(value)] = MOST_VALUES + 1  # one that holds itself
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_size(part, known, depth + 1) for part in parts)
    return known[id(value)]
