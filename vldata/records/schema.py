"""The published JSON Schemas: where they are, and what they say of a value that the typed decoder refused."""

from __future__ import annotations

import functools
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

from vldata.errors import UsageError


def schemas_dir() -> Path:
    """The folder of schemas: inside the installed package, or next to it in a checkout."""
    inside = Path(str(files("vldata"))) / "schemas"
    return inside if inside.is_dir() else Path(str(files("vldata"))).parent / "schemas"


def schema_names() -> tuple[str, ...]:
    """Names of all published schemas."""
    return tuple(sorted(path.name.removesuffix(".schema.json") for path in schemas_dir().glob("*.schema.json")))


@functools.cache
def load_schema(name: str) -> dict[str, Any]:
    """Load one schema, for example "record".

    Raises:
        UsageError: there is none of that name.
    """
    path = schemas_dir() / f"{name}.schema.json"
    if name not in schema_names():
        raise UsageError(f"no schema {name!r}.", cure=f"Known are {', '.join(schema_names())}.")
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def explain(name: str, value: Any) -> str:
    """Say in one sentence what of `value` breaks the schema, or "" when nothing does."""
    import jsonschema

    validator = jsonschema.Draft202012Validator(load_schema(name))
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    if error is None:
        return ""
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.absolute_path).lstrip(".")
    message = error.message if len(error.message) <= 200 else error.message[:200] + "..."
    return f"{place}: {message}" if place else message
