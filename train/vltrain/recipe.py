"""The recipe: one small YAML read into one frozen struct. An unknown key is an error that offers the nearest real one.

A LLaMA-Factory YAML is read into the same struct (`vltrain.llamafactory`); what it says beyond training stands in `Recipe.job`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import msgspec
import yaml

from vldata.errors import UsageError
from vldata.files import strictjson
from vldata.suggest import nearest

Job = Literal["sft", "predict", "merge"]
ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")
TARGET_GROUPS = {"all": ATTENTION + MLP, "attn": ATTENTION, "mlp": MLP}


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

    method: Literal["lora", "qlora"] = "lora"
    double_quantization: bool = True
    rank: int = 8
    alpha: float | None = None
    dropout: float = 0.0
    targets: tuple[str, ...] = ("all",)
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
    workers: int = 4

    job: Job = "sft"
    adapter: str = ""
    merge_to: str = ""
    shard_gb: float = 5.0
    generation: dict[str, float | bool] = {}

    @property
    def lora_alpha(self) -> float:
        """Scale of the adapter; twice the rank unless said."""
        return 2.0 * self.rank if self.alpha is None else self.alpha

    @property
    def target_names(self) -> tuple[str, ...]:
        """Names of the language linears that get adapters, groups spelled out."""
        names = [name for target in self.targets for name in TARGET_GROUPS.get(target, (target,))]
        return tuple(dict.fromkeys(names))


MOST = 10_000_000  # of steps, tokens, records at once


class _Loader(yaml.SafeLoader):
    """YAML 1.2's idea of a number (`1e-4` is one) and no key twice."""


_Loader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:float"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(
        r"[-+]?(?:[0-9][0-9_]*\.[0-9_]*(?:[eE][-+]?[0-9]+)?|[0-9][0-9_]*[eE][-+]?[0-9]+|\.[0-9]+(?:[eE][-+]?[0-9]+)?|\.(?:inf|nan))\Z"
    ),
    list("-+0123456789."),
)


def _mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if not isinstance(key, str):
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} is not text", problem_mark=key_node.start_mark)
        if key in seen:
            raise yaml.MarkedYAMLError(problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark)
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> dict[str, Any]:
    """Read one YAML mapping.

    Raises:
        UsageError: unreadable, not YAML, or not a mapping; with file and line.
    """
    try:
        value = yaml.load(strictjson.read_user_text(path), Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{error.problem}.", where=f"{path}{line}") from None
    except yaml.YAMLError as error:
        raise UsageError(f"is not YAML: {error}.", where=str(path)) from None
    if not isinstance(value, dict):
        raise UsageError("is not a recipe: it holds no keys.", where=str(path), cure="Start from a recipe in train/recipes.")
    return value


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
    for key in ("rank", "batch_size", "accumulate", "cutoff", "log_steps"):
        if getattr(recipe, key) < 1:
            raise UsageError(f"{key}: {getattr(recipe, key)} must be at least 1.", where=where)
        if getattr(recipe, key) > MOST:
            raise UsageError(f"{key}: {getattr(recipe, key)} is more than {MOST:,}, which no run can be.", where=where)
    for key in ("learning_rate", "epochs", "shard_gb"):
        if not 0 < getattr(recipe, key) <= MOST:
            raise UsageError(f"{key}: {getattr(recipe, key)} must be above 0 and at most {MOST:,}.", where=where)
    for key in ("val_size", "dropout", "warmup", "weight_decay", "workers", "save_steps", "eval_steps", "max_grad_norm", "keep_vision_gib"):
        if not 0 <= getattr(recipe, key) < float("inf"):
            raise UsageError(f"{key}: {getattr(recipe, key)} must not be below 0.", where=where)
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
    for name in recipe.target_names:
        if name not in TARGET_GROUPS["all"]:
            known = (*TARGET_GROUPS, *TARGET_GROUPS["all"])
            raise UsageError(f"targets: no linear {name!r}.{nearest(name, known)}", where=where, cure=f"Known are {', '.join(known)}.")
    if recipe.job == "sft" and not (recipe.data and recipe.output):
        raise UsageError(f"{'data' if not recipe.data else 'output'}: is missing.", where=where)
    return recipe


def _explain(message: str) -> str:
    """Turn "Expected `int`, got `str` - at `$.rank`" into "rank: expected `int`, got `str`"."""
    head, _, place = message.partition(" - at `$.")
    key = place.rstrip("`")
    choices = get_args(get_type_hints(Recipe).get(key)) if head.startswith("Invalid enum value") else ()
    there_are = f"; there are {', '.join(map(str, choices))}" if choices else ""
    return f"{key}: {head[0].lower()}{head[1:]}{there_are}" if place else head
