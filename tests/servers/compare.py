"""Compare what the hf backend and a server answered: the same prompts in tokens, the same words but for white space at the ends."""

from __future__ import annotations

import json
import sys
from pathlib import Path

here, there = ([json.loads(line) for line in Path(name).read_text().splitlines()] for name in sys.argv[1:3])
assert len(here) == len(there) > 0
differing = 0
for ours, theirs in zip(here, there, strict=True):
    assert theirs["error"] is None, theirs["error"]
    assert ours["id"] == theirs["id"]
    assert ours["usage"]["prompt_tokens"] == theirs["usage"]["prompt_tokens"], (ours["usage"], theirs["usage"])
    differing += ours["prediction"].strip() != theirs["prediction"].strip()
print(f"{len(here)} answers, prompts equal in tokens, {differing} answers differ")
sys.exit(1 if differing else 0)
