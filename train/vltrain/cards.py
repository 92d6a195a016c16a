"""The card of an adapter: README.md with its base, the digests of its data, its recipe and what came of it; nothing left to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vldata.files.durable import write_atomic

if TYPE_CHECKING:
    from vltrain.training import TrainResult

CARD = "README.md"
_OURS = "Written by `vltrain sft`"
_EMPTY = "[More Information Needed]"  # of the card that peft writes
_LEFT_OUT = ("job", "dialect", "adapter", "merge_to", "shard_gb", "generation", "model", "data", "eval_data", "output")


def write_card(output: Path, manifest: dict[str, Any], result: TrainResult) -> None:
    """Write the card of a run; one that a person wrote stays."""
    path = output / CARD
    there = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
    if there and _OURS.encode() not in there and _EMPTY.encode() not in there:
        return
    write_atomic(path, card(manifest, result).encode())


def card(manifest: dict[str, Any], result: TrainResult) -> str:
    """The text of a card, from the manifest of the run and its results."""
    recipe, model = manifest["recipe"], manifest["model"]
    adapter = recipe["method"] != "full"
    name = Path(result.output).name
    tags = ["vision-language", recipe["method"], "vlkit"]
    head = [
        "---",
        f"base_model: {_quoted(model['path'])}",
        *(["library_name: peft"] if adapter else []),
        "pipeline_tag: image-text-to-text",
    ]
    lines = [*head, "tags:", *(f"- {tag}" for tag in tags), "---", "", f"# {name}", ""]
    lines.append(
        f"{'A LoRA adapter for' if adapter else 'All trained parts of'} `{model['path']}`. {_OURS}; `run_manifest.json` has every setting."
    )
    lines += ["", "## Base", "", "| | |", "|---|---|", f"| folder | `{model['path']}` |"]
    lines += [f"| weights, digest | `{model['weights']}` |", f"| config.json, SHA-256 | `{model['config']}` |"]
    lines += ["", "## Data", "", "| file | SHA-256 |", "|---|---|"]
    lines += [f"| `{said['target']}`: {file} | `{digest}` |" for said in manifest["data"] for file, digest in said["files"].items()]
    records = manifest["records"]
    left = len(records["over_cutoff"])
    lines += ["", f"{records['train']:,} records trained on, {records['eval']:,} held out, {left:,} left out as longer than the cutoff."]
    lines += ["", "## Recipe", "", "| key | value |", "|---|---|"]
    lines += [f"| {key} | {_shown(value)} |" for key, value in recipe.items() if key not in _LEFT_OUT and value not in ("", None, [], ())]
    lines += [
        "",
        "## Result",
        "",
        "| | |",
        "|---|---|",
        f"| steps | {result.steps:,} |",
        f"| mean training loss | {result.train_loss:.4f} |",
    ]
    if result.eval_loss is not None:
        lines.append(f"| evaluation loss, of the held-out records | {result.eval_loss:.4f} |")
    if result.best_checkpoint:
        lines.append(f"| saved weights | {result.best_checkpoint}, the best by evaluation loss |")
    lines.append(f"| trainable parameters | {result.trainable_parameters:,} |")
    lines += ["", "A loss is no score. What the adapter is worth, against its base and with an interval:", "", "```"]
    ask = "vleval predict --data DIR/NAME_test --backend hf --model BASE"
    lines += [
        f"{ask} --out base.jsonl",
        f"{ask} --adapter {name} --out tuned.jsonl",
        "vleval compare base.jsonl tuned.jsonl --data DIR/NAME_test",
        f"vleval score tuned.jsonl --data DIR/NAME_test --card {name}   # writes the score into this card",
        "```",
    ]
    versions = ", ".join(f"{package} {version}" for package, version in manifest["versions"].items())
    return "\n".join([*lines, "", f"Versions: {versions}.", ""])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value).lower() if isinstance(value, bool) else str(value)
