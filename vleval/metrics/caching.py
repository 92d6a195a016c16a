"""A cache for functions of texts that never holds on to long ones: a file of megabyte answers must not stay in memory."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, update_wrapper
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_LONGEST = 2_000  # characters or tokens of all arguments together


def cached(maxsize: int) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Remember the results of calls with short texts (or tuples of tokens) as positional arguments."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        remembered = lru_cache(maxsize=maxsize)(function)

        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if sum([len(text) for text in args]) > _LONGEST:  # type: ignore[arg-type, misc]
                return function(*args, **kwargs)
            return remembered(*args, **kwargs)  # type: ignore[arg-type]

        update_wrapper(call, function)
        call.cache_clear = remembered.cache_clear  # type: ignore[attr-defined]
        return call

    return wrap
