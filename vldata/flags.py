"""Option groups: frozen structs whose fields the command line and Python share, with their words, limits and checks in one place.

A group is a `msgspec.Struct` whose fields are `Annotated[TYPE, Flag(...)]`. `vldata.commands` makes command line options of them; a caller
from Python builds the struct. Either way `Group.__post_init__` checks it once.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import msgspec

from vldata.errors import UsageError


@dataclass(frozen=True)
class Flag:
    """How a field stands on a command line.

    Attributes:
        help: one sentence, shown by `--help`.
        names: the option's spellings; by default `--` and the field's name.
        metavar: what stands for the value; by default its type.
        least: the smallest number allowed.
        most: the largest number allowed.
        show_default: whether `--help` shows the default.
        json: the option is a JSON object.
        complete: the names that a shell completes, or what lists them; datasets complete wherever the metavar holds DIR/NAME.
    """

    help: str
    names: tuple[str, ...] = ()
    metavar: str = ""
    least: float | None = None
    most: float | None = None
    show_default: bool = True
    json: bool = False
    complete: Iterable[str] | Callable[[], Iterable[str]] = ()

    def spelling(self, field: str) -> str:
        """Return the option as a person writes it."""
        return next((name for name in self.names if name.startswith("--")), f"--{field.replace('_', '-')}").split("/")[0]


@dataclass(frozen=True)
class Arg:
    """How a parameter stands on a command line without a name: a file or dataset."""

    help: str
    metavar: str = ""


class OptionGroup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A base for option groups: every value is checked against its type and limits when the struct is made.

    A `str` is taken for a `Path` and a list for a tuple. `PANEL` is the heading under which `--help` lists the group.
    """

    PANEL: ClassVar[str] = "Options"

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            UsageError: a value has the wrong type, is no known choice, or is outside its limits; the message names the option.
        """
        for name, hint, flag in fields_of(type(self)):
            value = getattr(self, name)
            checked = check_value(flag.spelling(name) if flag else name, value, hint, flag)
            if checked is not value:
                msgspec.structs.force_setattr(self, name, checked)


@functools.cache
def fields_of(group: type[OptionGroup]) -> tuple[tuple[str, Any, Flag | None], ...]:
    """Return `(name, type, flag)` of every field, in order; a nested group and a field for Python alone have no flag."""
    hints = get_type_hints(group, include_extras=True)
    found = []
    for name in group.__struct_fields__:
        hint, flag = hints[name], None
        if get_origin(hint) is Annotated:
            hint, *extras = get_args(hint)
            flag = next((extra for extra in extras if isinstance(extra, Flag)), None)
        found.append((name, hint, flag))
    return tuple(found)


def is_group(hint: object) -> bool:
    """Tell whether a field's type is a group of its own."""
    return isinstance(hint, type) and issubclass(hint, OptionGroup)


def check_value(option: str, value: Any, hint: Any, flag: Flag | None = None) -> Any:
    """Return a value as its type has it: a `str` becomes a `Path`, a list a tuple.

    Raises:
        UsageError: it has another type, is no known choice, or is outside the flag's limits; the message names the option.
    """
    if is_group(hint) and isinstance(value, hint):
        return value
    try:
        value = msgspec.convert(value, hint, dec_hook=_as_path)
    except (msgspec.ValidationError, TypeError) as error:
        choices = _choices(hint)
        cure = f"Choices: {', '.join(choices)}." if choices else ""
        reason = (
            f"{value!r} is not one of its choices" if choices else f"{value!r} cannot be used: {str(error)[:1].lower()}{str(error)[1:]}"
        )
        raise UsageError(f"{option}: {reason}.", cure=cure) from None
    for number in value if isinstance(value, tuple) else (value,):
        if isinstance(number, float) and math.isnan(number):
            raise UsageError(f"{option}: nan is not a number.")
        if flag and isinstance(number, int | float) and not isinstance(number, bool):
            _check_limits(option, number, flag)
    return value


def _check_limits(option: str, number: float, flag: Flag) -> None:
    low, high = flag.least, flag.most
    if (low is None or number >= low) and (high is None or number <= high):
        return
    if low is not None and high is not None:
        limits = f"from {low:g} to {high:g}"
    else:
        limits = f"at least {low:g}" if low is not None else f"at most {high:g}"
    raise UsageError(f"{option}: {number!r} is not allowed.", cure=f"Give a number {limits}.")


def _choices(hint: Any) -> list[str]:
    """Return the values of a `Literal`, also inside `| None` or a tuple."""
    if type(hint).__name__ == "_LiteralGenericAlias":
        return [str(choice) for choice in get_args(hint) if choice != ""]
    return [choice for part in get_args(hint) if part is not type(None) and part is not Ellipsis for choice in _choices(part)]


def _as_path(wanted: type, value: Any) -> Any:
    if wanted is Path and isinstance(value, str | Path):
        return Path(value)
    raise TypeError(f"expected {'a path' if wanted is Path else wanted.__name__}, got {type(value).__name__}")
