"""The recipe: one small YAML read into one frozen struct. An unknown key is an error that offers the nearest real one.

A LLaMA-Factory YAML is read into the same struct (`vltrain.llamafactory`); what it says beyond training stands in `Recipe.job`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import msgspec

from vldata.errors import UsageError
from vldata.files.safeyaml import read_yaml
from vldata.files.urls import holds_url
from vldata.models.families import FAMILIES
from vldata.models.families.family import ATTENTION, MLP
from vldata.suggest import nearest
from vltrain.bounds import out_of_bounds

Job = Literal["sft", "predict", "merge"]
TARGET_GROUPS = {"all": ATTENTION + MLP, "attn": ATTENTION, "mlp": MLP}
LINEARS = tuple(
    dict.fromkeys(
        name
        for family in FAMILIES.values()
        for name in (*ATTENTION, *MLP, *family.learns.attention, *family.learns.mlp, *family.learns.other)
    )
)


class Levers(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a step fast, each a switch; `vltrain.levers` holds what they do."""

    packing: bool = True
    vision_no_grad: bool = True
    logits_at_labels: bool = True
    linear_patch_embed: bool = True
    host_positions: bool = True
    compile: bool = False
    liger: bool = False
    keep_vision_gib: float = 0.0


# How LLaMA-Factory writes what a cure or a problem names; other keys are the same there.
LLAMAFACTORY_WORDS = {
    "cutoff": "cutoff_len",
    "overwrite: true": "overwrite_output_dir: true",
    "method: qlora": "quantization_bit: 4",
    "precision: fp16": "fp16: true",
    "checkpointing: true": "disable_gradient_checkpointing: false",
    "batch_size": "per_device_train_batch_size",
    "epochs": "num_train_epochs",
    "output": "output_dir",
    "resume": "resume_from_checkpoint",
    "auto": "true",
    "keep_best": "load_best_model_at_end",
    "eval_data": "eval_dataset",
    "schedule": "lr_scheduler_type",
    "optimizer": "optim",
    "max_pixels": "image_max_pixels",
    "min_pixels": "image_min_pixels",
}


class Recipe(Levers, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything a run is made of. Paths are relative to the working directory."""

    model: str
    data: tuple[str, ...] = ()
    output: str = ""
    eval_data: tuple[str, ...] = ()
    val_size: float = 0.0
    max_records: int | None = None
    cutoff: int = 8_192
    max_pixels: int | None = None
    min_pixels: int | None = None
    template: str = ""
    trust_remote_code: bool = False

    method: Literal["lora", "qlora", "full"] = "lora"
    base: Literal["full", "fp8"] = "full"
    double_quantization: bool = True
    rank: int = 8
    alpha: float | None = None
    dropout: float = 0.0
    targets: tuple[str, ...] = ("all",)
    dora: bool = False
    rslora: bool = False
    init: Literal["", "gaussian", "orthogonal", "pissa", "pissa_niter_4", "pissa_niter_16", "olora"] = ""
    train_language: bool = True
    train_vision: bool = False
    train_projector: bool = False
    precision: Literal["auto", "bf16", "fp16", "fp32"] = "auto"

    epochs: float = 3.0
    max_steps: int = -1
    batch_size: int = 1
    accumulate: int = 1
    eval_batch_size: int = 0
    learning_rate: float = 1e-4
    schedule: str = "cosine"
    warmup: float = 0.0
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    optimizer: str = "adamw_torch"
    seed: int = 42

    checkpointing: bool = True

    log_steps: int = 10
    save_steps: int = 0
    save_limit: int | None = None
    eval_steps: int = 0
    keep_best: bool = False
    resume: str = "auto"
    overwrite: bool = False
    plot: bool = True
    tensorboard: bool = True
    report_to: tuple[str, ...] = ()
    workers: int = 4

    job: Job = "sft"
    dialect: Literal["vlkit", "llamafactory"] = "vlkit"
    adapter: str = ""
    merge_to: str = ""
    shard_gb: float = 5.0
    generation: dict[str, float | bool] = {}

    def written(self, phrase: str) -> str:
        """Return a key, or a key with its value, as the file that was given writes it."""
        return LLAMAFACTORY_WORDS.get(phrase, phrase) if self.dialect == "llamafactory" else phrase

    @property
    def lora_alpha(self) -> float:
        """Scale of the adapter; twice the rank unless said."""
        return 2.0 * self.rank if self.alpha is None else self.alpha

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the language linears that get adapters, groups spelled out."""
        names = [name for target in self.targets for name in TARGET_GROUPS.get(target, (target,))]
        return tuple(dict.fromkeys(names))


def read_recipe(path: Path) -> tuple[Recipe, list[str]]:
    """Read a recipe, ours or LLaMA-Factory's, and what must be said about it.

    Raises:
        UsageError: an unknown or unsupported key, or a value that cannot be.
    """
    from vltrain import llamafactory

    values = read_yaml(path)
    if llamafactory.is_llamafactory(values):
        fields, notes = llamafactory.translate(values, where=str(path))
    else:
        fields, notes = dict(values), []
        for key in fields:
            if key not in Recipe.__struct_fields__:
                raise UsageError(f"unknown key {key!r}.{nearest(key, Recipe.__struct_fields__)}", where=str(path))
        for key in ("data", "eval_data", "targets"):
            if isinstance(fields.get(key), str):
                fields[key] = [part.strip() for part in fields[key].split(",") if part.strip()]
    return check(fields, where=str(path)), notes


def check(fields: dict[str, Any], *, where: str) -> Recipe:
    """Build the struct and hold its values to what can be.

    Raises:
        UsageError: naming the key and the value.
    """
    try:
        recipe = msgspec.convert(fields, Recipe)
    except msgspec.ValidationError as error:
        raise UsageError(f"{_explain(str(error))}.", where=where) from None
    if fault := out_of_bounds(msgspec.structs.asdict(recipe)):
        raise UsageError(fault, where=where)
    for key in ("model", "output", "adapter", "merge_to"):
        if holds_url(getattr(recipe, key)):
            fault = f"{key}: takes no URL of a store."
            raise UsageError(fault, where=where, cure="Give a folder of this machine; data and eval_data take URLs.")
    if recipe.val_size == 1:
        raise UsageError("val_size: 1 is every record.", where=where, cure="Give a share below 1, or a number of records above 1.")
    if recipe.dropout >= 1:
        raise UsageError(f"dropout: {recipe.dropout} must be below 1.", where=where)
    if recipe.val_size and recipe.eval_data:
        raise UsageError(
            "val_size and eval_data exclude each other.", where=where, cure="Keep eval_data: a split by group is the better one."
        )
    if recipe.keep_vision_gib and (recipe.train_vision or recipe.train_projector or not recipe.vision_no_grad):
        raise UsageError("keep_vision_gib: only a frozen tower makes the same of a picture again.", where=where)
    if fault := _no_such_adapter(recipe):
        raise UsageError(fault, where=where)
    for name in recipe.target_names:
        if name not in LINEARS:
            known = (*TARGET_GROUPS, *LINEARS)
            raise UsageError(f"targets: no linear {name!r}.{nearest(name, known)}", where=where, cure=f"Known are {', '.join(known)}.")
    if recipe.job == "sft" and not (recipe.data and recipe.output):
        raise UsageError(f"{'data' if not recipe.data else 'output'}: is missing.", where=where)
    return recipe


def begins_in_base(recipe: Recipe) -> bool:
    """Whether the adapter begins with a part of the base's weights, which it takes out of them."""
    return recipe.init.startswith(("pissa", "olora"))


def _no_such_adapter(recipe: Recipe) -> str:
    """Say what excludes each other among the ways to train, or ""."""
    changes_base = begins_in_base(recipe)
    if not (recipe.train_language or recipe.train_vision or recipe.train_projector):
        return "train_language, train_vision, train_projector: all are off, so nothing would be learned."
    if recipe.method == "full" and (recipe.dora or recipe.rslora or recipe.init):
        return "method: full trains the weights themselves: dora, rslora and init are of adapters."
    if recipe.base == "fp8" and (recipe.method != "lora" or recipe.dora or changes_base):
        what = f"method: {recipe.method}" if recipe.method != "lora" else "dora" if recipe.dora else f"init: {recipe.init}"
        return f"base: fp8 is a frozen base under plain adapters, which does not go with {what}."
    if changes_base and (recipe.method == "qlora" or recipe.dora):
        other = "a base in four bits" if recipe.method == "qlora" else "dora"
        return f"init: {recipe.init} takes its beginning out of the base's weights, which does not go with {other}."
    return ""


def _explain(message: str) -> str:
    """Turn "Expected `int`, got `str` - at `$.rank`" into "rank: expected `int`, got `str`"."""
    head, _, place = message.partition(" - at `$.")
    key = place.rstrip("`")
    choices = get_args(get_type_hints(Recipe).get(key)) if head.startswith("Invalid enum value") else ()
    there_are = f"; there are {', '.join(map(str, choices))}" if choices else ""
    return f"{key}: {head[0].lower()}{head[1:]}{there_are}" if place else head
