"""An adapter and its full-precision base to one model folder, a shard at a time, in the base's own type.

No model is built for the merge: each tensor is read, the adapter's product added to it in float32, and written. Every other file of the
base is copied byte for byte, so that config.json stays what it was; a Modelfile and special_tokens_map.json are added. Then the logits of
the merged folder are compared with those of the adapter on its base.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.files import inside, strictjson
from vldata.files.copying import copy_below
from vldata.files.durable import write_atomic
from vldata.files.whole_folder import refuse_full, whole_folder
from vldata.models.fingerprint import file_digest, fingerprint
from vldata.models.layout import (
    ADAPTER_CONFIG,
    ADAPTER_WEIGHTS,
    check_model_folder,
    is_quantized,
    model_file,
    read_adapter_config,
    weight_files,
)
from vltrain.identity import weights_digest
from vltrain.merged_files import write_modelfile, write_special_tokens
from vltrain.merging_whole import merge_whole, tensor_names
from vltrain.shards import write_shards

MANIFEST = "run_manifest.json"
MERGED_FROM = "merged_from.json"
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
    base: Path,
    adapter: Path,
    output: Path,
    *,
    shard_gb: float = 5.0,
    verify: bool = True,
    own_code: bool = False,
    say: Callable[[str], None] = lambda line: None,
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
    refuse_full(output)
    taken_out = str(config.get("init_lora_weights", "")).startswith(
        ("pissa", "olora")
    )  # a checkpoint: the adapter at the end is a plain one
    whole = bool(config.get("use_dora")) or taken_out or not _named_alike(base, adapter)
    factors = {} if whole else _read_factors(base, adapter, config)
    with whole_folder(output, resumes=not whole) as partial:
        if whole:
            shards, count, dtype = merge_whole(base, adapter, partial, shard_gb, say, own_code=own_code)
        else:
            shards, count, dtype = write_shards(base, adapter, partial, factors, shard_gb, say)
        _copy_others(base, partial)
        write_special_tokens(partial)
        write_modelfile(partial, adapter, say)
        _note_origin(base, adapter, partial)
        difference, greatest = compare_logits(base, adapter, partial, own_code=own_code) if verify else (0.0, 0.0)
        limit = max(_LIMITS[dtype], 1e-5 * greatest) if dtype == "float32" else _LIMITS[dtype] * greatest
        if not difference <= limit:
            inside.remove_tree(partial.parent, partial.name)
            raise DataError(
                f"the merged model's logits differ by {difference:.2e} from adapter-on-base.",
                where=str(output),
                cure="Nothing was written. Do not use this adapter on this base.",
            )
    return Merged(
        output=str(output), shards=shards, merged_tensors=count, dtype=dtype, max_logit_difference=difference, greatest_logit=greatest
    )


def _note_origin(base: Path, adapter: Path, output: Path) -> None:
    """Write what a model was merged from, by digests, and the digest of each of its own weight files: `vldata verify` follows them."""
    origin = {
        "schema": "vlkit.merged/1",
        "base": weights_digest(base),
        "adapter": fingerprint(adapter),
        "weights": {name: file_digest(output / name) for name in weight_files(output)},
    }
    write_atomic(output / MERGED_FROM, msgspec.json.format(msgspec.json.encode(origin), indent=2) + b"\n")


def check_base(base: Path, adapter: Path) -> None:
    """Hold the adapter to be this base's, by the digest its run noted.

    Raises:
        DataError: it was trained on other weights.
    """
    path = adapter / MANIFEST
    if not path.is_file():
        return
    manifest = strictjson.read_json(path)
    noted = manifest.get("model") if isinstance(manifest, dict) else None
    if not isinstance(noted, dict):
        raise DataError("is no manifest of a run.", where=str(path), cure="Copy the adapter's folder again, or remove this file.")
    if noted.get("weights") and noted["weights"] != weights_digest(base):
        raise DataError(
            f"the adapter was trained on another base ({noted.get('path')}).", where=str(adapter), cure=f"Give that base, not {base}."
        )


def _named_alike(base: Path, adapter: Path) -> bool:
    """Whether the files of the base have all weights that the adapter changes under the names that the adapter gives them."""
    from safetensors import safe_open

    with safe_open(model_file(adapter, ADAPTER_WEIGHTS).checked(), framework="pt") as file:
        found = [match["module"] + ".weight" for name in file.keys() if (match := _FACTOR.fullmatch(name.removeprefix(_PREFIX)))]  # noqa: SIM118
    there = tensor_names(base)
    return all(name in there for name in found)


def _read_factors(base: Path, adapter: Path, config: dict[str, Any]) -> dict[str, tuple[Any, Any, float]]:
    """The adapter by the name of the weight it changes: (up, down, scale)."""
    from safetensors import safe_open

    if config.get("peft_type") != "LORA" or config.get("use_dora") or config.get("modules_to_save"):
        raise DataError("is no plain LoRA adapter.", where=str(adapter), cure="Merge it with the tool that trained it.")
    try:
        alpha, rank = float(config["lora_alpha"]), int(config["r"])
    except (KeyError, TypeError, ValueError):
        rank = 0
    if rank < 1:
        raise DataError("names no lora_alpha and r.", where=str(adapter / ADAPTER_CONFIG), cure="Copy the adapter's folder again.")
    scale = alpha / rank**0.5 if config.get("use_rslora") else alpha / rank
    sides: dict[str, dict[str, Any]] = {}
    with safe_open(model_file(adapter, ADAPTER_WEIGHTS).checked(), framework="pt") as file:
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
        with safe_open(model_file(base, file_name).checked(), framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a dict
                yield name, tuple(file.get_slice(name).get_shape())


def _copy_others(base: Path, output: Path) -> None:
    for path in sorted(base.iterdir()):
        weights = path.suffix == ".safetensors" or path.name.endswith((".safetensors.index.json", ".bin", ".bin.index.json"))
        if path.is_file() and not weights and not path.name.startswith(".") and path.name != MERGED_FROM:
            copy_below(model_file(base, path.name), output, path.name)


def compare_logits(base: Path, adapter: Path, merged: Path, *, own_code: bool = False) -> tuple[float, float]:
    """Return the greatest difference of logits between adapter-on-base and the merged folder on one prompt, and the greatest logit."""
    import gc

    import torch
    from peft import PeftModel

    from vltrain.adapters import load_model

    ids = torch.arange(16, 48)[None]

    def logits(folder: Path, on: Path | None) -> torch.Tensor:
        model: Any = load_model(folder, {"dtype": "auto"}, own_code=own_code)
        if on is not None:
            model = PeftModel.from_pretrained(model, on)
        with torch.no_grad():
            found: torch.Tensor = model.eval()(input_ids=ids, use_cache=False).logits.float()
        del model
        gc.collect()
        return found

    ours, theirs = logits(merged, None), logits(base, adapter)
    return float((ours - theirs).abs().max()), float(theirs.abs().max())
