"""An adapter and its full-precision base to one model folder, a shard at a time, in the base's own type.

No model is built for the merge: each tensor is read, the adapter's product added to it in float32, and written. Every other file of the
base is copied byte for byte, so that config.json stays what it was. Then the logits of the merged folder are compared with those of the
adapter on its base.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.durable import write_atomic
from vldata.models.layout import ADAPTER_WEIGHTS, INDEX, check_model_folder, is_quantized, read_adapter_config, weight_files
from vltrain.identity import weights_digest

MANIFEST = "run_manifest.json"
_PREFIX = "base_model.model."
_FACTOR = re.compile(r"(?P<module>.+)\.lora_(?P<side>[AB])\.weight")
_LIMITS = {"float32": 1e-4, "bfloat16": 5e-2, "float16": 5e-2}


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """What a merge wrote: shards, tensors changed, and the greatest difference of logits from adapter-on-base."""

    output: str
    shards: int
    merged_tensors: int
    dtype: str
    max_logit_difference: float
    greatest_logit: float


def merge(
    base: Path, adapter: Path, output: Path, *, shard_gb: float = 5.0, verify: bool = True, say: Callable[[str], None] = lambda line: None
) -> Merged:
    """Merge.

    Raises:
        DataError: the base is quantised or incomplete, the adapter is another base's, or the logits differ.
        UsageError: the output holds something already.
    """
    check_model_folder(base)
    if is_quantized(base):
        raise DataError(
            "the base is quantised: an adapter is merged onto full precision only.", where=str(base), cure="Give the original model."
        )
    config = read_adapter_config(adapter)
    check_base(base, adapter)
    if output.exists() and any(output.iterdir()):
        raise UsageError(f"{str(output)!r} is not empty.", cure="Give another folder, or remove it.")
    factors = _read_factors(base, adapter, config)
    output.mkdir(parents=True, exist_ok=True)
    shards, count, dtype = _write_shards(base, output, factors, shard_gb, say)
    if factors:
        raise DataError(
            f"the base has no {next(iter(factors))!r}, which the adapter changes.", where=str(base), cure="Give the adapter's own base."
        )
    _copy_others(base, output)
    difference, greatest = compare_logits(base, adapter, output) if verify else (0.0, 0.0)
    limit = _LIMITS[dtype] if dtype == "float32" else _LIMITS[dtype] * greatest
    if difference > limit:
        raise DataError(
            f"the merged model's logits differ by {difference:.2e} from adapter-on-base.", where=str(output), cure="Do not use it."
        )
    return Merged(
        output=str(output), shards=shards, merged_tensors=count, dtype=dtype, max_logit_difference=difference, greatest_logit=greatest
    )


def check_base(base: Path, adapter: Path) -> None:
    """Hold the adapter to be this base's, by the digest its run noted.

    Raises:
        DataError: it was trained on other weights.
    """
    path = adapter / MANIFEST
    if not path.is_file():
        return
    noted = json.loads(path.read_bytes()).get("model", {})
    if noted.get("weights") and noted["weights"] != weights_digest(base):
        raise DataError(
            f"the adapter was trained on another base ({noted.get('path')}).", where=str(adapter), cure=f"Give that base, not {base}."
        )


def _read_factors(base: Path, adapter: Path, config: dict[str, Any]) -> dict[str, tuple[Any, Any, float]]:
    """The adapter by the name of the weight it changes: (up, down, scale)."""
    from safetensors import safe_open

    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("modules_to_save"):
        raise DataError("is no plain LoRA adapter.", where=str(adapter), cure="Merge it with the tool that trained it.")
    alpha, rank = float(config["lora_alpha"]), int(config["r"])
    scale = alpha / rank**0.5 if config.get("use_rslora") else alpha / rank
    sides: dict[str, dict[str, Any]] = {}
    with safe_open(adapter / ADAPTER_WEIGHTS, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - not a dict
            match = _FACTOR.fullmatch(name.removeprefix(_PREFIX))
            if match is None:
                raise DataError(f"tensor {name!r} is none of LoRA's.", where=str(adapter), cure="Merge it with the tool that trained it.")
            sides.setdefault(match["module"] + ".weight", {})[match["side"]] = file.get_tensor(name)
    shapes = dict(_iter_shapes(base))
    for name, pair in sides.items():
        wanted = (pair["B"].shape[0], pair["A"].shape[1])
        if shapes.get(name) != wanted:
            found = f"{shapes[name]} there" if name in shapes else "absent there"
            raise DataError(
                f"the adapter is another base's: {name} is {wanted} to it and {found}.", where=str(adapter), cure=f"Not {base}."
            )
    return {name: (pair["B"], pair["A"], scale) for name, pair in sides.items()}


def _iter_shapes(base: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    from safetensors import safe_open

    for file_name in weight_files(base):
        with safe_open(base / file_name, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a dict
                yield name, tuple(file.get_slice(name).get_shape())


def _write_shards(
    base: Path, output: Path, factors: dict[str, tuple[Any, Any, float]], shard_gb: float, say: Callable[[str], None]
) -> tuple[int, int, str]:
    """Stream the base's tensors into shards, adding to those in `factors`, which is emptied on the way."""
    from safetensors import safe_open
    from safetensors.torch import save_file

    limit, size, total, count, dtype = shard_gb * 1e9, 0, 0, 0, ""
    held: dict[str, Any] = {}
    parts: list[list[str]] = []

    def flush() -> None:
        nonlocal held, size
        if held:
            save_file(held, output / f"part-{len(parts):05}.safetensors", metadata={"format": "pt"})
            parts.append(list(held))
            say(f"Wrote part {len(parts)} ({size / 1e9:.2f} GB)." if size >= 1e7 else f"Wrote part {len(parts)} ({size / 1e6:.2f} MB).")
            held, size = {}, 0

    for file_name in weight_files(base):
        with safe_open(base / file_name, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a dict
                tensor = file.get_tensor(name)
                if name in factors:
                    up, down, scale = factors.pop(name)
                    dtype = str(tensor.dtype).removeprefix("torch.")
                    tensor = (tensor.float() + scale * (up.float() @ down.float())).to(tensor.dtype)
                    count += 1
                nbytes = tensor.numel() * tensor.element_size()
                if size and size + nbytes > limit:
                    flush()
                held[name] = tensor.contiguous()
                size += nbytes
                total += nbytes
    flush()
    _name_shards(output, parts, total)
    return len(parts), count, dtype


def _name_shards(output: Path, parts: list[list[str]], total: int) -> None:
    """Give the parts their usual names, and write the index where there are several."""
    table = {}
    for number, names in enumerate(parts):
        name = "model.safetensors" if len(parts) == 1 else f"model-{number + 1:05}-of-{len(parts):05}.safetensors"
        (output / f"part-{number:05}.safetensors").rename(output / name)
        table.update(dict.fromkeys(names, name))
    if len(parts) > 1:
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(table.items()))}
        write_atomic(output / INDEX, (json.dumps(index, indent=2) + "\n").encode())


def _copy_others(base: Path, output: Path) -> None:
    for path in sorted(base.iterdir()):
        if (
            path.is_file()
            and path.suffix != ".safetensors"
            and not path.name.endswith((".safetensors.index.json", ".bin", ".bin.index.json"))
        ):
            shutil.copyfile(path, output / path.name)


def compare_logits(base: Path, adapter: Path, merged: Path) -> tuple[float, float]:
    """Return the greatest difference of logits between adapter-on-base and the merged folder on one prompt, and the greatest logit."""
    import gc

    import torch
    from peft import PeftModel
    from transformers import AutoModelForImageTextToText

    ids = torch.arange(16, 48)[None]

    def logits(folder: Path, on: Path | None) -> torch.Tensor:
        model: Any = AutoModelForImageTextToText.from_pretrained(folder, dtype="auto")
        if on is not None:
            model = PeftModel.from_pretrained(model, on)
        with torch.no_grad():
            found: torch.Tensor = model.eval()(input_ids=ids, use_cache=False).logits.float()
        del model
        gc.collect()
        return found

    ours, theirs = logits(merged, None), logits(base, adapter)
    return float((ours - theirs).abs().max()), float(theirs.abs().max())
