"""Loading a base and putting adapters on it: the language model's linears by an exact pattern, the vision tower only when asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from vldata.errors import DataError, MissingExtraError
from vldata.models.layout import check_model_folder, is_quantized
from vltrain.recipe import Recipe

# The names that bitsandbytes must leave alone. "visual" alone would not match, and the head would be quantised.
KEEP_WIDE = ("model.visual", "lm_head")
DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}
_VISION = r"visual\.(blocks\.\d+\.(attn\.(qkv|proj)|mlp\.linear_fc[12])|deepstack_merger_list\.\d+\.linear_fc[12])"
_PROJECTOR = r"visual\.merger\.linear_fc[12]"


def target_pattern(recipe: Recipe) -> str:
    """The exact pattern of the modules that get adapters."""
    names = recipe.target_names
    groups = [("self_attn", [name for name in names if name[0] in "qkvo"]), ("mlp", [name for name in names if name[0] in "gud"])]
    inner = "|".join(rf"{group}\.({'|'.join(found)})" for group, found in groups if found)
    patterns = [rf"language_model\.layers\.\d+\.({inner})"]
    if recipe.train_vision:
        patterns.append(_VISION)
    if recipe.train_projector:
        patterns.append(_PROJECTOR)
    return rf".*\.({'|'.join(patterns)})"


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
        llm_int8_skip_modules=list(KEEP_WIDE),
    )


def load_base(recipe: Recipe, precision: str, *, device: Any = None) -> Any:
    """Load the base in its training type, quantised for QLoRA.

    Raises:
        DataError: the folder is incomplete, or quantised already.
    """
    from transformers import AutoModelForImageTextToText

    folder = Path(recipe.model)
    check_model_folder(folder)
    if is_quantized(folder):
        raise DataError(
            "the model is quantised already.", where=recipe.model, cure="Give the full-precision model: method: qlora quantises it."
        )
    options: dict[str, Any] = {"dtype": DTYPES[precision], "attn_implementation": "sdpa"}
    if recipe.method == "qlora":
        options["quantization_config"] = quantization_config(recipe, DTYPES[precision])
    if device is not None:
        options["device_map"] = {"": device}
    return AutoModelForImageTextToText.from_pretrained(folder, **options)


def add_adapters(model: Any, recipe: Recipe) -> Any:
    """Freeze the base and put trainable adapters, kept in float32, on the recipe's targets."""
    from peft import LoraConfig, get_peft_model

    for parameter in model.parameters():
        parameter.requires_grad_(False)
    alpha: Any = recipe.lora_alpha  # a whole number to peft's types, any number to its arithmetic
    config = LoraConfig(
        r=recipe.rank,
        lora_alpha=alpha,
        lora_dropout=recipe.dropout,
        target_modules=target_pattern(recipe),
        task_type="CAUSAL_LM",
    )
    return get_peft_model(model, config)
