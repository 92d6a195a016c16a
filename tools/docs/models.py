"""docs/models.md, from the table of model families and from what was tried (`models_tried.json`, which the two make targets write)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vldata.models.families import FAMILIES
from vldata.models.families.family import Family

TRIED = Path(__file__).with_name("models_tried.json")
_HEAD = """# Model families

`vldata convert SOURCE --processor NAME` writes images for the models of a family; `vltrain` and `vleval` find the family by `model_type` in
the model folder's config.json, and the folder's own settings (preprocessor_config.json) count wherever they differ from the published ones.

| name | models | model_type | images | boxes | thought | trains | serves |
|---|---|---|---|---|---|---|---|
"""
_BELOW = """
- **images.** *grid N*: there are sizes that the processor leaves alone, sides multiples of N pixels; images are written on them, so what
  you see is what the model sees. *aspect*: the processor tiles, squashes or scales every image; images keep their aspect, shrink into
  `--max-pixels` and are never larger than the processor can use. The contract says which (`pixels.sizing`).
- **boxes.** How the models were trained to name them, and so how `--boxes auto` writes them. *0-1000 ?*: their makers say nothing, and the
  scale is a guess.
- **thought.** *optional*: hybrid models answer with or without one; data with `reasoning` trains it.
- **trains.** *levers*: packed and fast as docs/training.md measures. *padded*: by the model's own processor, with the loss as transformers
  computes it; LoRA, QLoRA, DoRA, rsLoRA, other beginnings of adapters (`init`), and `method: full` with frozen parts.
- **serves.** Servers that are known to take the family; `vltrain export` and `vleval serve-cmd` refuse others.

Another model type trains padded too, if transformers knows it as `AutoModelForImageTextToText`: the run says which checks it lacks. Code
that a model brings along is not run without `trust_remote_code: true` in the recipe.

## What was tried

*Tokens*: counts without torch equal the real processor's own, for so many sizes of an image from 1 to 8,192 pixels a side under each of
several settings (`make parity-families`). *Gate*: a random model of 64 wide and two layers learned 16 coloured squares by `vltrain sft`,
was merged with equal logits, reloaded, and answered by `vleval predict --backend hf`; the number is the exact match of the merged model
(`make families`).

"""
_TAIL = """
## What to know

"""


def render() -> str:
    """The page."""
    tried = json.loads(TRIED.read_text(encoding="utf-8")) if TRIED.is_file() else {}
    rows = [_row(family) for family in FAMILIES.values()]
    notes = [f"- {family.title}: {note}" for family in FAMILIES.values() for note in family.notes]
    return _HEAD + "\n".join(rows) + "\n" + _BELOW + "\n".join(_table(tried)) + "\n" + _TAIL + "\n".join(notes) + "\n"


def _row(family: Family) -> str:
    images = f"grid {family.images.factor}" if family.images.on_grid else "aspect"
    trains = "levers" if set(family.fast) == set(family.model_types) else "padded"
    if family.fast and trains == "padded":
        trains = f"levers ({', '.join(family.fast)}), else padded"
    boxes = family.boxes if family.boxes_known else f"{family.boxes} ?"
    kinds = ", ".join(family.model_types)
    serves = ", ".join(family.serving.servers)
    return f"| {family.name} | {family.title} | {kinds} | {images} | {boxes} | {family.thinking} | {trains} | {serves} |"


def _table(tried: dict[str, Any]) -> list[str]:
    """A row a model type: tokens by version of transformers, and the gate."""
    tokens, gates = tried.get("tokens", {}), tried.get("gates", {})
    versions = sorted({*tokens, *gates}, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
    heads = [f"{what} {version}" for version in versions for what, table in (("tokens", tokens), ("gate", gates)) if version in table]
    lines = ["| model_type | " + " | ".join(heads) + " |", "|---|" + "---|" * len(heads)]
    for family in FAMILIES.values():
        for kind in family.model_types:
            cells = []
            for version in versions:
                if version in tokens:
                    cells.append(str(tokens[version].get(family.name, "not tried")))
                if version in gates:
                    cells.append(_gate(gates[version].get(kind)))
            lines.append(f"| {kind} | " + " | ".join(cells) + " |")
    return lines


def _gate(seen: dict[str, Any] | None) -> str:
    if seen is None:
        return "not tried"
    if "torchvision" in str(seen.get("missed", "")):
        return "needs torchvision"
    return "missed" if "missed" in seen else f"{seen['merged']:.2f}"
