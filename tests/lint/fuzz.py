"""Rows of a corpus changed at random: held-out cases for the rules, to be run by the real trainer.

    python -m tests.lint.fuzz llamafactory OUT --seed 1 --count 400              write them, for real_NAME.py to run
    python -m tests.lint.fuzz llamafactory OUT --seed 1 --compare REAL.json      lint beside what really happened

A changed row has no author who meant anything, so that only three ends are compared: stopped, dropped, trained.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from tests.lint.cases import Case, draw, write
from tests.lint.parity import NO_ROWS_LEFT, lint_case, tokenizer
from vldata.linting.outcomes import OUTCOMES, worst
from vldata.linting.texts import Counter

VALUES: list[Any] = [
    *("<image>", "<video>", "", "  ", "assistant", "user", "system", "human", "gpt", "tool", "observation", "function_call"),
    *(
        "<|image_pad|>",
        "<|im_end|>",
        "grid.png",
        "big.jpg",
        "none.png",
        "strip.png",
        "<bbox>",
        '{"name": "f", "arguments": {}}',
        "2024-01-01",
    ),
    *(None, 42, 1.5, True, [], {}, ["grid.png"], {"type": "image"}, {"type": "text", "text": "x"}),
]
KEYS = ["images", "image", "messages", "role", "content", "system", "tools", "label", "loss", "objects", "history", "extra"]


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield from _paths(inner, (*path, key))


def mutate(row: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    """Change a copy of a row in one to three places: a value, a key, a turn more or less, a tag."""
    changed: dict[str, Any] = json.loads(json.dumps(row))
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        places = [path for path in _paths(changed) if path]
        if not places:
            break
        *above, key = rng.choice(places)
        parent: Any = changed
        for step in above:
            parent = parent[step]
        value, dice = parent[key], rng.random()
        if dice < 0.3:
            parent[key] = rng.choice(VALUES)
        elif dice < 0.5:
            del parent[key]
        elif dice < 0.62 and isinstance(parent, list):
            parent.insert(key, json.loads(json.dumps(value)))
        elif dice < 0.75 and isinstance(value, str):
            parent[key] = value + rng.choice([text for text in VALUES if isinstance(text, str)])
        elif dice < 0.85 and isinstance(value, str):
            parent[key] = value.replace("<image>", "")
        elif isinstance(parent, dict):
            parent[rng.choice(KEYS)] = value
        else:
            parent[key] = rng.choice(VALUES)
    return changed


def cases(consumer: str, seed: int, count: int) -> Iterator[Case]:
    """Yield so many cases of one changed row each."""
    rng = random.Random(seed)
    corpus = import_module(f"tests.lint.corpus_{consumer}").corpus()
    pool = [
        (case, name, row)
        for case in corpus
        for name, rows in case.files.items()
        if isinstance(rows, list) and name.endswith(".jsonl")
        for row in rows[:2]
    ]
    done = 0
    while done < count:
        case, name, row = rng.choice(pool)
        if changed := mutate(row, rng):
            yield Case(f"fuzz{done:04}", {**case.files, name: [changed]}, [{}], case.spec)
            done += 1


def end_of(ran: dict[str, Any]) -> str:
    """Which of three ends a case came to."""
    if ran["stage"]:
        return "drop" if any(word in ran["message"] for word in NO_ROWS_LEFT) else "crash"
    if len(ran["rows"]) != 1:
        return "drop"
    return "crash" if ran["rows"][0]["message"] else "train"


def main() -> int:
    """Write, or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("consumer")
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--compare", type=Path)
    given = parser.parse_args()
    if given.compare is None:
        shutil.rmtree(given.out, ignore_errors=True)
        draw(given.out / "pictures")
        for case in cases(given.consumer, given.seed, given.count):
            write(case, given.out / "cases", given.out / "pictures")
        return 0
    real, counter = json.loads(given.compare.read_text()), Counter(tokenizer())
    agree, missed = 0, []
    for case in cases(given.consumer, given.seed, len(real)):
        happened = end_of(real[case.name])
        said = worst(lint_case(given.consumer, case, given.out / "cases" / case.name, counter))
        means = said if said in ("crash", "drop") else "crash" if said == "cut" and happened == "crash" else "train"
        agree += means == happened
        if means != happened:
            print(f"{case.name}: really {happened} ({real[case.name]['message'][:90]}), lint says {said}:")
            print(f"  {json.dumps(dict(case.files))[:200]}")
            missed += [case.name] if not OUTCOMES[said].fault else []
    print(json.dumps({"lint": given.consumer, "fuzz": len(real), "agree": round(agree / len(real), 4), "fine_where_wrong": missed}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
