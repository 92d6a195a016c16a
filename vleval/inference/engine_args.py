"""Options of an engine in this process, passed on unchanged: a JSON object, or a JSON or YAML file that holds one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vldata.files.safeyaml import read_yaml


def read_engine_args(text: str) -> dict[str, Any]:
    """The options by name; {} for an empty text.

    Raises:
        UsageError: the text is neither an object nor a file that holds one.
    """
    if not text:
        return {}
    cure = """For example: --engine-args '{"tensor_parallel_size": 2}', or a file: --engine-args engine.yaml"""
    try:
        found = strictjson.loads(text) if text.lstrip().startswith("{") else read_yaml(Path(text))
    except strictjson.StrictJsonError as error:
        raise UsageError(f"--engine-args is {error}", cure=cure) from None
    except DataError as error:
        raise UsageError(f"--engine-args: {error.what}", where=text, cure=error.cure or cure) from None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise UsageError("--engine-args holds no object of options.", cure=cure)
    return found


def over(ours: Mapping[str, Any], theirs: Mapping[str, Any], note: Callable[[str], None]) -> dict[str, Any]:
    """Our options with the user's over them; each of ours that is replaced is said."""
    for name in ours.keys() & theirs.keys():
        if ours[name] != theirs[name]:
            note(f"--engine-args: {name} is {theirs[name]!r}, where this dataset asks for {ours[name]!r}.")
    return {**ours, **theirs}


def refused(backend: str, error: TypeError) -> UsageError:
    """The message for options that the engine's own class does not take."""
    return UsageError(
        f"--engine-args: the {backend} engine does not take them: {error}.", cure=f"Names are those of {backend}'s own engine options."
    )
