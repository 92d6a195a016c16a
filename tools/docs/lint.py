"""docs/lint.md: every behaviour of every consumer, with its release and the place in its source."""

from __future__ import annotations

from vldata.linting import CONSUMERS
from vldata.linting.outcomes import OUTCOMES

_HEAD = """# What trainers do with data

`vldata lint PATH --as TRAINER` reads any file or folder as that trainer would and says for each row what will become of it. The rules were
written from the source of the release named here; nothing of it is imported, and nothing of a dataset is run. `make lint-parity` runs
the real trainers over a corpus of rows right and wrong and holds lint to what they do: 499 rows for LLaMA-Factory (0.994 alike), 373 for
ms-swift (0.989), 309 for TRL (0.990), and none called fine where the real one stops or learns something else (2026-11-27). The code of
Qwen's script, Axolotl and Unsloth was given 180 of these rows by hand, on transformers 5.23.0, some imports and Qwen's label mask stood in
for: 0.99, 0.93 and 0.98 alike after the rules had been corrected by them. Most of what differs is which of two faults is the worse; some of
Axolotl's rows with videos are called a fault though they train. LLaVA and InternVL were read alone.

```sh
vldata lint data --as llamafactory
vldata lint data --as llamafactory --dataset mine --cutoff 4096 --tokenizer Qwen3-VL-2B-Instruct
vldata lint data --as llamafactory --fix prepared --json
```

A place is `FILE:LINE`, or `FILE[INDEX]` from 0 in a list whose rows share lines.
A row counts under the worst of what befalls it. Images are judged by their headers; one whose header or end looks damaged is decoded.
Lengths are estimated at four bytes a token without `--tokenizer`; vision tokens are those of Qwen3-VL.

| outcome | what it means |
|---|---|
"""


def render() -> str:
    """The whole page."""
    lines = [f"| {name} | {one.title} |" for name, one in OUTCOMES.items()]
    for name, consumer in CONSUMERS.items():
        lines += ["", f"## --as {name}: {consumer.title} {consumer.version}", "", f"Source: {consumer.source}.", ""]
        lines += ["| code | outcome | what | what happens | cure | place |", "|---|---|---|---|---|---|"]
        lines += [
            f"| {code} | {one.outcome} | {one.title} | {one.happens} | {one.cure} | {one.place} |".replace("<", "&lt;")
            for code, one in consumer.table.items()
        ]
    return _HEAD + "\n".join(lines) + "\n"
