"""How oracles get at upstream code: installed packages, and single definitions cut out of files."""

from __future__ import annotations

import ast
import importlib.util
import json
import logging
import math
import re
import statistics
import string
from collections.abc import Callable
from pathlib import Path
from typing import Any

Pair = dict[str, Any]
Values = dict[str, Any]


def cut(path: Path, names: list[str], namespace: dict[str, Any] | None = None, rewrite: Callable[[str], str] = str) -> dict[str, Any]:
    """Run the named top-level definitions of a file, and nothing else of it."""
    tree = ast.parse(rewrite(path.read_text(encoding="utf-8")))
    chosen = []
    for node in tree.body:
        found = [node.name] if isinstance(node, ast.FunctionDef | ast.ClassDef) else []
        if isinstance(node, ast.Assign):
            found = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if set(found) & set(names):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                node.decorator_list = []
            chosen.append(node)
    space: dict[str, Any] = {"re": re, "math": math, "string": string, "json": json, "ast": ast, "statistics": statistics}
    space |= {"Any": Any, "Optional": Any, "List": list, "Dict": dict, "Tuple": tuple, "Union": Any, "Callable": Callable}
    space |= namespace or {}
    future = ast.ImportFrom(module="__future__", names=[ast.alias(name="annotations")], level=0)
    module = ast.fix_missing_locations(ast.Module(body=[future, *chosen], type_ignores=[]))
    exec(compile(module, str(path), "exec"), space)
    missing = [name for name in names if name not in space]
    if missing:
        raise LookupError(f"{path} has no {missing}")
    return space


def site(package: str) -> Path:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise LookupError(f"{package} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def guarded(compute: Callable[[], Any]) -> Any:
    """A value, or "crash" where upstream raises."""
    try:
        return compute()
    except (Exception, RecursionError):
        return "crash"


def jieba_words() -> Callable[[str], list[str]]:
    """The real jieba."""
    import jieba

    jieba.setLogLevel(logging.ERROR)
    return lambda text: list(jieba.cut(text))
