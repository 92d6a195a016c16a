"""What a training file of an export needs to know: base model, family, sides of a split, and scripts filled from a template."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

from vldata.errors import UsageError
from vldata.exports.plan import Exported, ExportPlan
from vldata.models.families import DEFAULT, find_family
from vldata.models.families.family import Family
from vldata.output.contract import Contract, read_contract
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths
from vldata.output.sides import iter_sides

_HELD_OUT = ("val", "validation", "test")


def family_of_plan(plan: ExportPlan) -> Family:
    """The family that the dataset's images were written for."""
    return find_family(plan.dataset.contract.pixels.processor)


def model_of(plan: ExportPlan) -> str:
    """The base model that a training file names: `--model`, else a Qwen3-VL; one that thinks, for records with thoughts.

    Raises:
        UsageError: the dataset is for another family and no model was named, or the model's folder is of another family.
    """
    family = family_of_plan(plan)
    if plan.model:
        _check_folder(plan, family)
        return plan.model
    if family.name != DEFAULT:
        raise UsageError(f"{plan.name!r} was converted for {family.title}.", cure="Name the base model: --model OWNER/NAME or a folder.")
    return "Qwen/Qwen3-VL-4B-Thinking" if "reasoning" in plan.dataset.contract.parts else "Qwen/Qwen3-VL-4B-Instruct"


def _check_folder(plan: ExportPlan, family: Family) -> None:
    try:
        config = json.loads((Path(plan.model) / "config.json").read_bytes())
    except (OSError, ValueError):
        return  # a name of the hub, or a folder that is not here
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind and kind not in family.model_types:
        raise UsageError(
            f"--model {plan.model} is a {kind}, and the images of {plan.name!r} were written for {family.title}.",
            cure="Name a model of that family, or convert for this one: vldata convert ... --processor NAME.",
        )


def lora_targets(plan: ExportPlan) -> str:
    """A regular expression over module names: the linears of the language model, none of the vision tower or the projector."""
    family = family_of_plan(plan)
    names = "|".join((*family.learns.attention, *family.learns.mlp, *family.learns.other))
    return rf".*\b{family.parts.language}\b.*\.({names})"


def held_out(plan: ExportPlan) -> bool:
    """Whether the dataset is a side of a split that is not trained on."""
    split = plan.dataset.contract.split
    return split is not None and split.side != "train"


def evaluation_of(plan: ExportPlan) -> ExportPlan | None:
    """The plan of the val side of the split, ours or the source's own, that this dataset is the train side of; None where there is none."""
    split = plan.dataset.contract.split
    if split is None:
        return _published_evaluation(plan)
    if split.side != "train":
        return None
    for name, contract in iter_sides(plan.dataset.paths.out, split.parent):
        other = contract.split
        if other and (other.side, other.parent_sha256, other.seed) == ("val", split.parent_sha256, split.seed):
            return plan.of(DatasetPaths(plan.dataset.paths.out, name))
    return None


def _published_side(contract: Contract) -> str:
    """Which side of a split that the source came with a dataset was converted from; "" for none."""
    side = contract.settings.get("split")
    return side if isinstance(side, str) and side in ("train", *_HELD_OUT) else ""


def _published_evaluation(plan: ExportPlan) -> ExportPlan | None:
    """The val side next to the train side of a source that came split: the same name but for its end, by the same converter."""
    ours = plan.dataset.contract
    if _published_side(ours) != "train" or not plan.name.endswith("_train"):
        return None
    for side in ("val", "validation"):
        name = f"{plan.name.removesuffix('train')}{side}"
        paths = DatasetPaths(plan.dataset.paths.out, name)
        if name in read_dataset_info(paths.out) and paths.contract.is_file():
            theirs = read_contract(paths)
            if theirs.split is None and theirs.converter == ours.converter and _published_side(theirs) == side:
                return plan.of(paths)
    return None


def note_of(plan: ExportPlan) -> str:
    """What must be said of a dataset that a split made or was made of; "" for nothing."""
    split = plan.dataset.contract.split
    sides = sorted(name for name, _ in iter_sides(plan.dataset.paths.out, split.parent if split else plan.name))
    if held_out(plan) and split:
        train = next((name for name in sides if name.endswith("_train")), f"{split.parent}_train")
        return f"{plan.name} is the {split.side} side of a split: do not train on it. vldata export of {train} writes what trains."
    if split is None and sides:
        return f"{plan.name} was split into {', '.join(sides)}: training on all of it trains on the held-out sides too."
    if split is None and (side := _published_side(plan.dataset.contract)) in _HELD_OUT:
        return f"{plan.name} is its source's own {side} side: what is trained on it cannot be measured on it."
    return ""


def finish(plan: ExportPlan, format_name: str, data: tuple[Path, ...], training: Path, count: int, command: str) -> Exported:
    """Return what was written. A side that is held out has no training file: one of an earlier run is removed."""
    if held_out(plan):
        training.unlink(missing_ok=True)
        return Exported(format_name, data, count, "", note=note_of(plan))
    return Exported(format_name, (*data, training), count, f"{command} {shlex.quote(str(training))}\n", note=note_of(plan))


def fill(template: str, values: dict[str, object]) -> str:
    """Put Python literals where a script has @NAME@: a path with quotes in it stays one string."""
    for name, value in values.items():
        template = template.replace(f"@{name}@", _literal(value))
    return template


def frozen_modules(plan: ExportPlan) -> list[str]:
    """Modules that stay in full precision where the language model is loaded in 4 bits."""
    parts = family_of_plan(plan).parts
    return [*sorted({f"model.{parts.tower}", f"model.{parts.projector.split('.')[0]}"}), "lm_head"]


def _literal(value: object) -> str:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str | list) else repr(value)
