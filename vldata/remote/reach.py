"""Which parameters of a function take URLs, and what for: the decorator that every such function bears.

A call without a URL passes through; with one, `vldata.remote.places` fetches and sends. A URL where none is taken is refused: it would be
the name of a folder on this machine.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ParamSpec, TypeVar

from vldata.files.urls import holds_url, refuse_urls

P = ParamSpec("P")
R = TypeVar("R")

Tell = Callable[[str], None]
_tell: list[Tell] = []


Beside = Callable[[Mapping[str, Any]], dict[str, str]]

ROLES = (
    "dataset",  # URL/NAME, read without pictures
    "pictures",  # URL/NAME, read with them
    "split",  # URL/NAME, read with its pictures, its parent and its sides
    "folder",  # a folder of datasets, or URL/NAME, read with pictures
    "registry",  # a folder of datasets: its registry and contracts
    "derive",  # URL/NAME, next to which new datasets are registered
    "tree",  # a file or folder of any kind, read
    "answers",  # a file, or URL/NAME
    "out",  # a folder that is written
    "file_out",  # a file that is written
)


def reaches(*, beside: Beside | None = None, **roles: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let parameters take URLs, each in its role.

    Args:
        beside: says which further places follow from those given, as the default of an output that is next to its dataset.
        roles: parameter and role.
    """

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(function)

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            bound = signature.bind(*args, **kwargs)
            given = dict(flat(signature, bound.arguments))
            if not any(holds_url(value) for value in given.values()):
                return function(*args, **kwargs)
            if beside is not None:
                bound.arguments |= beside(given)
                given |= beside(given)
            refuse_urls({name: value for name, value in given.items() if name not in roles})
            from vldata.remote.places import run_at_urls

            result: R = run_at_urls(function, bound, roles)
            return result

        run.reaches = roles  # type: ignore[attr-defined]
        return run

    return wrap


def listen(tell: Tell) -> None:
    """Say what is fetched and sent, in a sentence each: a command line prints them on stderr."""
    _tell[:] = [tell]


def listener() -> Tell:
    """What is told those sentences."""
    return _tell[0] if _tell else lambda _: None


def flat(signature: inspect.Signature, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every argument, those of `**settings` by their own names."""
    for name, value in arguments.items():
        if signature.parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            yield from value.items()
        else:
            yield name, value
