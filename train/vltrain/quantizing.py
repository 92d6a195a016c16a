"""A merged model in four bits (nf4): the language model's linears alone, vision tower and head stay in 16 bits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import UsageError
from vldata.files.copying import copy_below
from vldata.files.whole_folder import refuse_full, whole_folder
from vldata.models.layout import check_model_folder, is_quantized, model_file
from vltrain.recipe import Recipe
from vltrain.saving import told_writes


class Quantized(msgspec.Struct, frozen=True, kw_only=True):
    """What was written, and how much smaller it is."""

    output: str
    bytes_before: int
    bytes_after: int
    quantized_linears: int


def quantize(model: Path, output: Path, *, double: bool = True, compute: str = "bf16") -> Quantized:
    """Quantise a full-precision model folder.

    Raises:
        DataError: the folder is incomplete.
        UsageError: it is quantised already, or the output holds something.
    """
    check_model_folder(model)
    if is_quantized(model):
        raise UsageError(f"{str(model)!r} is quantised already.", cure="Give the merged full-precision model.")
    refuse_full(output)
    import torch

    from vltrain.adapters import DTYPES, load_model, quantization_config

    settings = quantization_config(Recipe(model=str(model), double_quantization=double), DTYPES[compute])
    device = {"": 0 if torch.cuda.is_available() else "cpu"}
    options: dict[str, Any] = {"dtype": DTYPES[compute], "quantization_config": settings, "device_map": device}
    loaded = load_model(model, options, own_code=False)
    linears = [name for name, module in loaded.named_modules() if type(module).__name__ == "Linear4bit"]
    with whole_folder(output) as partial:
        with told_writes(output):
            loaded.save_pretrained(partial)
        for path in sorted(model.iterdir()):
            if path.is_file() and "safetensors" not in path.name and not path.name.startswith(".") and not (partial / path.name).exists():
                copy_below(model_file(model, path.name), partial, path.name)
    before, after = (sum(path.stat().st_size for path in folder.glob("*.safetensors")) for folder in (model, output))
    return Quantized(output=str(output), bytes_before=before, bytes_after=after, quantized_linears=len(linears))
