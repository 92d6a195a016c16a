"""A merge with the whole model in memory: where the files name weights otherwise than the model does, or an adapter is more than a product.

transformers renames the weights of older families while it loads them, and back while it saves; DoRA scales each row of the sum.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.files import inside
from vldata.models.layout import model_file, weight_files
from vltrain.saving import told_writes


def tensor_names(folder: Path) -> set[str]:
    """Names of all weights in the files of a folder."""
    from safetensors import safe_open

    names: set[str] = set()
    for name in weight_files(folder):
        with safe_open(model_file(folder, name).checked(), framework="pt") as file:
            names.update(file.keys())
    return names


def merge_whole(
    base: Path, adapter: Path, output: Path, shard_gb: float, say: Callable[[str], None], *, own_code: bool = False
) -> tuple[int, int, str]:
    """Merge and save as the base names its weights; returns shards, tensors changed, and their type.

    Raises:
        DataError: the adapter is another base's, or the saved weights would not have the base's names.
    """
    from peft import PeftModel

    from vltrain.adapters import load_model

    say("Merging in memory: the files of this model name its weights otherwise than the model does, or the adapter is no plain LoRA.")
    model: Any = load_model(base, {"dtype": "auto"}, own_code=own_code)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="Found missing adapter keys", category=UserWarning)
            tuned: Any = PeftModel.from_pretrained(model, adapter)
    except (RuntimeError, ValueError, UserWarning) as error:
        what = " ".join(str(error).split())[:200]
        raise DataError(f"the adapter is another base's: {what}", where=str(adapter), cure=f"Not {base}.") from None
    changed = [module for module in tuned.modules() if hasattr(module, "lora_A") and len(module.lora_A)]
    dtype = str(next(module.base_layer.weight.dtype for module in changed)).removeprefix("torch.")
    merged = tuned.merge_and_unload(safe_merge=True)
    with told_writes(output):
        merged.save_pretrained(output, max_shard_size=f"{shard_gb}GB")
    if tensor_names(output) != tensor_names(base):
        lost = sorted(tensor_names(base) ^ tensor_names(output))
        raise DataError(f"the merged weights would be named otherwise than the base's, such as {lost[0]}.", where=str(base))
    for path in output.iterdir():
        if "safetensors" not in path.name:  # the base's own files are copied
            inside.remove(output, path.name)
    return len(weight_files(output)), len(changed), dtype
