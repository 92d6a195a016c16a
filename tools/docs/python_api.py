"""docs/python.md: the public functions and types of the three packages."""

from __future__ import annotations

import inspect
from types import ModuleType

import vltrain

import vldata
import vleval

_HEAD = """# From Python

Every command is a function that does all that the command does. It takes `DIR/NAME` as text or path and returns a result with `ok` (the
command exits 0), `lines()` (what it prints), `document()` (what `--json` prints) and a notebook view. Options that belong together are
frozen structs, checked once when they are made.
"""


def render() -> str:
    """The whole page."""
    return _HEAD + "".join(_section(package) for package in (vldata, vleval, vltrain))


def _section(package: ModuleType) -> str:
    functions, types = [], []
    for name in package.__all__:
        value = getattr(package, name)
        first = (inspect.getdoc(value) or "").split("\n\n")[0].replace("\n", " ").replace("|", "\\|")
        row = f"| `{package.__name__}.{name}` | {first} |"
        (types if inspect.isclass(value) and name != "open" else functions).append(row)
    head = f"\n## {package.__name__}\n\n| function | what it does |\n|---|---|\n"
    return head + "\n".join(functions) + "\n\n| type | what it is |\n|---|---|\n" + "\n".join(types) + "\n"
