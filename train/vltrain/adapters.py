"""Loading a base and putting adapters on it: the language model's linears by an exact pattern, the vision tower only when asked."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import torch

from vldata.errors import DataError, MissingExtraError, UsageError
from vldata.files import inside
from vldata.models.families import family_of
from vldata.models.families.family import Family, Learns, Parts
from vldata.models.families_of import folder_family
from vldata.models.layout import check_model_folder, is_quantized, model_file, weight_files
from vltrain.recipe import Recipe

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
_LANGUAGE = ("language_model", "text_model", "llm")
_HEAD = "lm_head"


def parts_of(model: Any, kind: str) -> Parts:
    """Where the parts of a model stand below `model.`: as its family says, else guessed from the names.

    Raises:
        DataError: no part has a name of a language model.
    """
    family = family_of(kind)
    if family is not None:
        return family.parts
    children = [name for name, _ in getattr(model, "model", model).named_children()]
    language = next((name for name in _LANGUAGE if name in children), "")
    if not language:
        raise DataError(
            f"cannot tell the language model of {kind!r} from its other parts ({', '.join(children)}).",
            cure="Train a model of a known family: docs/models.md lists them.",
        )
    others = [name for name in children if name != language]
    tower = next((name for name in others if "vis" in name or "image" in name), "")
    return Parts(tower, next((name for name in others if name != tower), ""), language)


def target_pattern(recipe: Recipe, model: Any) -> str:
    """The exact pattern of the linears that get adapters.

    Raises:
        UsageError: the model has no linear of a name that the recipe targets.
    """
    kind = core_config(model).model_type
    parts, family = parts_of(model, kind), family_of(kind)
    wanted = _wanted(recipe, family.learns if family else None)
    language = _linears(model, parts.language)
    kept = [name for name in language if wanted is None or name.rpartition(".")[2] in wanted] if recipe.train_language else []
    lost = sorted((wanted or set()) - {name.rpartition(".")[2] for name in language}) if recipe.targets != ("all",) else []
    if lost or (recipe.train_language and not kept):
        there = sorted({name.rpartition(".")[2] for name in language})
        raise UsageError(f"targets: {kind} has no linear {', '.join(lost) or 'of these names'}.", cure=f"It has {', '.join(there)}.")
    tower = _linears(model, parts.tower) if parts.tower else []
    inside = [name for name in tower if _below(name, parts.projector)]
    if recipe.train_vision:
        kept += [name for name in tower if name not in inside]
    if recipe.train_projector:
        kept += inside or _linears(model, parts.projector)
    return rf"(?:.*\.)?({'|'.join(sorted({re.sub(r'(?<=[.])[0-9]+(?=[.])', '[0-9]+', name.replace('.', '[.]')) for name in kept}))})"


def core_config(model: Any) -> Any:
    """The configuration of a model, or of the one inside a peft model."""
    return (model.get_base_model() if hasattr(model, "get_base_model") else model).config


def _wanted(recipe: Recipe, learns: Learns | None) -> set[str] | None:
    """Names of linears that the recipe targets; None for all of the language model, whatever they are called."""
    if learns is None:
        return None if "all" in recipe.targets else set(recipe.target_names)
    groups = {"all": (*learns.attention, *learns.mlp, *learns.other), "attn": learns.attention, "mlp": learns.mlp}
    named = {name for target in recipe.targets for name in groups.get(target, (target,))}
    return named


def _linears(model: Any, part: str) -> list[str]:
    """Names of the linears below a part, the head of the language model left out."""
    return [name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear) and _below(name, part)]


def _below(name: str, part: str) -> bool:
    return bool(part) and f".{part}." in f".{name}." and not name.endswith(_HEAD)


def choose_precision(recipe: Recipe) -> str:
    """Settle `auto`, and refuse what this machine cannot do.

    Raises:
        DataError: half precision or four bits without a GPU, or bfloat16 on one that lacks it.
    """
    precision = recipe.precision
    if not torch.cuda.is_available():
        if precision in ("fp16", "bf16"):
            raise DataError(
                f"no GPU here, and {precision} needs one.", cure="Set precision: fp32 for a small trial, or run on a GPU machine."
            )
        return "fp32"
    supported = torch.cuda.get_device_capability()[0] >= 8
    if precision == "bf16" and not supported:
        raise DataError(f"{torch.cuda.get_device_name()} does not compute in bfloat16.", cure="Set precision: fp16.")
    return ("bf16" if supported else "fp16") if precision == "auto" else precision


def keep_wide(family: Family | None) -> list[str]:
    """The names that bitsandbytes must leave alone; the part's name alone would not match, and the head would be quantised.

    Raises:
        UsageError: the model is of no known family, so its parts have no names.
    """
    if family is None:
        raise UsageError("method: qlora keeps the vision tower wide, and this model's is not known.", cure="Set method: lora.")
    parts = family.parts
    return [f"model.{parts.tower}", *([f"model.{parts.projector}"] if "." not in parts.projector else []), _HEAD]


def quantization_config(recipe: Recipe, dtype: torch.dtype) -> Any:
    """Four bits (nf4) for the language linears; vision tower and head stay wide.

    Raises:
        MissingExtraError: bitsandbytes is not installed.
    """
    try:
        import bitsandbytes  # noqa: F401 - its absence is the message
    except ImportError:
        raise MissingExtraError("method: qlora", "qlora") from None
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=recipe.double_quantization,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=keep_wide(folder_family(Path(recipe.model))),
    )


def load_base(recipe: Recipe, precision: str, *, device: Any = None) -> Any:
    """Load the base in its training type, quantised for QLoRA.

    Raises:
        DataError: the folder is incomplete, or quantised already.
    """
    folder = Path(recipe.model)
    check_model_folder(folder)
    if is_quantized(folder):
        raise DataError(
            "the model is quantised already.", where=recipe.model, cure="Give the full-precision model: method: qlora quantises it."
        )
    family = folder_family(folder)
    wide = "fp32" if recipe.method == "full" else precision  # what is trained itself keeps its small steps in float32
    options: dict[str, Any] = {"dtype": DTYPES[wide]}
    if family is not None:
        options["attn_implementation"] = "sdpa"
    if recipe.method == "qlora":
        options["quantization_config"] = quantization_config(recipe, DTYPES[precision])
    if device is not None:
        options["device_map"] = {"": device}
    return load_model(folder, options, own_code=recipe.trust_remote_code)


def load_model(folder: Path, options: dict[str, Any], *, own_code: bool) -> Any:
    """Load a model folder; code of its own runs only with `own_code`, and nobody is asked about it meanwhile.

    Raises:
        DataError: transformers cannot, or needs that code.
    """
    from transformers import AutoModelForImageTextToText

    try:
        return AutoModelForImageTextToText.from_pretrained(folder, trust_remote_code=own_code, **options)
    except (ValueError, KeyError, ImportError) as error:  # a type that this release does not know, or code of its own that fails
        if "custom code" in str(error) or "remote code" in str(error):
            cure = "Read that code, then set trust_remote_code: true in the recipe."
            raise DataError("asks for code of its own (auto_map), which is not run.", where=str(folder), cure=cure) from None
        why = " ".join(str(error).split()).split(". ")[0][:200]
        cure = "A model newer than transformers needs: pip install -U transformers"
        raise DataError(f"transformers cannot load this model: {why}.", where=str(folder), cure=cure) from None


def make_trainable(model: Any, recipe: Recipe) -> Any:
    """Adapters on the recipe's targets, or with `method: full` the parts themselves; everything else is frozen."""
    if recipe.method != "full":
        return add_adapters(model, recipe)
    parts = parts_of(model, core_config(model).model_type)
    learns = [
        *([parts.language, _HEAD] if recipe.train_language else []),
        *([parts.tower] if recipe.train_vision else []),
        *([parts.projector] if recipe.train_projector else []),
    ]
    for name, parameter in model.named_parameters():
        frozen = _below(name, parts.projector) and not recipe.train_projector  # it may stand inside the tower
        parameter.requires_grad_(any(f".{part}." in f".{name}." for part in learns) and not frozen)
    return model


def add_adapters(model: Any, recipe: Recipe) -> Any:
    """Freeze the base and put trainable adapters, kept in float32, on the recipe's targets."""
    from peft import LoraConfig, get_peft_model

    for parameter in model.parameters():
        parameter.requires_grad_(False)
    alpha: Any = recipe.lora_alpha  # a whole number to peft's types, any number to its arithmetic
    begins: Any = recipe.init or True
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=alpha,
        lora_dropout=recipe.dropout,
        target_modules=target_pattern(recipe, model),
        task_type="CAUSAL_LM",
        use_dora=recipe.dora,
        use_rslora=recipe.rslora,
        init_lora_weights=begins,
    )
    return get_peft_model(model, config)


_BEGINNING = "beginning"


def keep_beginning(model: Any, output: Path) -> None:
    """Keep an adapter as it began: what it took out of the base is put back at the end."""
    config = model.peft_config["default"]
    way, config.init_lora_weights = config.init_lora_weights, True  # as peft wants it for the way back
    model.save_pretrained(str(output / _BEGINNING))
    config.init_lora_weights = way  # a checkpoint must say that it stands on what is left of the base


def as_plain_lora(model: Any, output: Path) -> None:
    """Save the adapter again, of twice the rank, so that it stands on the base as it was published."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*changes the base weights", category=UserWarning)  # this is the conversion it speaks of
        model.save_pretrained(str(output), path_initial_model_for_weight_conversion=str(output / _BEGINNING))
    inside.remove_tree(output, _BEGINNING)


def as_base_has_it(model: Any, base: Path) -> None:
    """Give a model that was trained itself the base's own type of number, before it is saved."""
    from safetensors import safe_open

    with safe_open(model_file(base, weight_files(base)[0]).checked(), framework="pt") as file:
        name = next(iter(file.keys()))
        kind = file.get_tensor(name).dtype
    model.to(kind)
