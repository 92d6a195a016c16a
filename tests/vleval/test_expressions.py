"""An audit of every regular expression of the package: hostile text must not make one slow."""

from __future__ import annotations

import importlib
import pkgutil
import re
import time

import pytest

import vleval
from vldata.records import thoughts

_LENGTH = 3_000
_SEEDS = (
    *"0123456789aAbB \t\n.,:;-_*#<>()[]{}/\\'\"$%=+|~^&!?是的。，答案选一",
    *(
        "answer is ",
        "The ",
        "not ",
        "if ",
        "and ",
        ", ",
        "A, ",
        "1, ",
        "1,",
        "1/",
        "1:",
        "1.",
        "1 ",
        "<think>",
        "</think>",
        "<ref>",
        "<box>",
        "(1,2),",
    ),
    *(
        "[[",
        "<loc_1>",
        "<|",
        '"a": "b", ',
        '"answer":',
        "\\boxed{",
        "ANSWER:",
        "your mark: ",
        "data:",
        "&lt;",
        "x 10^",
        " - ",
        "a b ",
        "**",
        "\\text{",
    ),
)


def patterns():
    modules = [thoughts]
    for found in pkgutil.walk_packages(vleval.__path__, "vleval."):
        if ".cli" in found.name or "__main__" in found.name:
            continue
        try:
            modules.append(importlib.import_module(found.name))
        except ImportError:
            continue  # an extra that is not installed
    seen: dict[str, tuple[str, re.Pattern]] = {}
    for module in modules:
        for name, value in vars(module).items():
            for pattern in value if isinstance(value, tuple) else (value,):
                for part in pattern if isinstance(pattern, tuple) else (pattern,):
                    if isinstance(part, re.Pattern):
                        seen.setdefault(f"{part.pattern}{part.flags}", (f"{module.__name__}.{name}", part))
    return sorted(seen.values(), key=lambda item: item[0])


PATTERNS = patterns()


def test_the_audit_sees_them():
    assert len(PATTERNS) > 80


def seconds(pattern, text):
    began = time.thread_time()  # of this thread alone: other work on the machine does not count
    sum(1 for _ in pattern.finditer(text))
    pattern.match(text)
    return time.thread_time() - began


@pytest.mark.parametrize(("name", "pattern"), PATTERNS, ids=[f"{number}-{name}" for number, (name, _) in enumerate(PATTERNS)])
def test_no_text_makes_it_slow(name, pattern):
    for seed in _SEEDS:
        for text in (seed * (_LENGTH // len(seed)), "5" + seed * (_LENGTH // len(seed)) + "\0"):
            hostile = text.encode() if isinstance(pattern.pattern, bytes) else text
            assert seconds(pattern, hostile) < 0.2 or seconds(pattern, hostile) < 0.2, seed
