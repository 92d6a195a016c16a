"""Loading a model folder into this process: its type of number, and an adapter on it."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from vldata.errors import DataError, MissingExtraError, UsageError
from vldata.models.layout import read_adapter_config


def choose_dtype(torch: Any, name: str, device: str) -> Any:
    """The type that a device computes in, for "auto", or the one that is named.

    Raises:
        UsageError: there is no such type.
    """
    if name == "auto":
        return torch.float32 if device == "cpu" else torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
    found = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}.get(name)
    if found is None:
        raise UsageError(f"no dtype {name!r}.", cure="There are: auto, float32, float16, bfloat16.")
    return found


def add_adapter(model: Any, adapter: str) -> Any:
    """Put an adapter on a model.

    Raises:
        MissingExtraError: peft is not installed.
        DataError: the folder holds no adapter, or one for another model.
    """
    try:
        from peft import PeftModel
        from safetensors import SafetensorError
    except ImportError:
        raise MissingExtraError("an adapter", "train") from None
    read_adapter_config(Path(adapter))
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing", category=FutureWarning)  # peft reads an old alias
            return PeftModel.from_pretrained(model, adapter)
    except (RuntimeError, ValueError, OSError, SafetensorError) as error:
        raise DataError(
            f"does not fit this model: {str(error).splitlines()[0]}.", where=adapter, cure="Give the base it was trained on."
        ) from None
