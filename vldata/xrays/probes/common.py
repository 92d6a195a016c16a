"""What probes share: the job, the rows they write, images as the model gets them, and trainers imported where there is no GPU.

Runs under other Pythons and other releases of everything: standard library at import, numpy and torch where they are used.
"""

from __future__ import annotations

import hashlib
import importlib.machinery
import importlib.util
import json
import logging
import os
import sys
import tempfile
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

IGNORED = -100
_FRAMES = 64  # of one video that are written as files
_SHOWN = 24  # images of one row


class Job:
    """What a probe is asked: the model's folder, the trainer's settings, the folder that media are relative to, and the rows.

    A row has `row` (its number), `file` (a file with it alone) and what the trainer needs next to it.
    """

    def __init__(self, path: Path) -> None:
        given = json.loads(path.read_text(encoding="utf-8"))
        self.model: str = given["model"]
        self.settings: dict[str, Any] = given["settings"]
        self.root: str = given["root"]
        self.rows: list[dict[str, Any]] = given["rows"]
        self.out = path.parent


def run(make: Callable[[Job], tuple[Callable[[dict[str, Any]], dict[str, Any]], tuple[str, ...]]]) -> int:
    """Run a probe: `make` loads the trainer and gives what looks at one row, and the packages whose versions are told."""
    job = Job(Path(sys.argv[1]).resolve())
    result: dict[str, Any] = {"versions": {}, "error": "", "rows": [], "said": []}
    os.environ.setdefault("HF_DATASETS_CACHE", tempfile.mkdtemp(dir=job.out))
    os.environ.setdefault("MODELSCOPE_CACHE", tempfile.mkdtemp(dir=job.out))
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    os.chdir(job.root)
    try:
        look, packages = make(job)
        result["versions"] = {name: version for name in packages if (version := _version(name))}
        result["said"] = job.settings.pop("_said", [])
    except BaseException as error:
        result["error"] = reason(error)
        look = _nothing
    for row in job.rows if not result["error"] else ():
        seen: dict[str, Any] = {"row": row["row"]}
        try:
            seen |= look(row)
        except BaseException as error:
            seen |= {"stage": "load", "message": reason(error)}
        result["rows"].append(seen)
    (job.out / "result.json").write_text(json.dumps(result), encoding="utf-8")
    return 0


def _nothing(row: dict[str, Any]) -> dict[str, Any]:
    return {}


def reason(error: BaseException) -> str:
    """The innermost message of an error: libraries wrap what they stumbled on."""
    while error.__cause__ is not None and type(error.__cause__).__name__ != "RemoteTraceback":
        error = error.__cause__
    return f"{type(error).__name__}: {error}"[:600]


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def without_gpu() -> None:
    """Make torchvision and torchaudio importable where their builds do not fit: declare the operators, stub what only audio needs."""
    import torch

    if importlib.util.find_spec("torchvision") and not torch.cuda.is_available():
        try:
            library = torch.library.Library("torchvision", "DEF")
            library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _KEPT.append(library)
        except RuntimeError:
            pass  # a build that fits has declared them
    if importlib.util.find_spec("torchaudio") is None:
        stub = types.ModuleType("torchaudio")
        stub.__spec__ = importlib.machinery.ModuleSpec("torchaudio", None)
        sys.modules["torchaudio"] = stub


_KEPT: list[Any] = []


def small_model(folder: str, *, device: str = "meta") -> Any:
    """The model's class with few layers and no weights: enough for what collators ask of it (positions)."""
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    for part, key in ((getattr(config, "text_config", None), "num_hidden_layers"), (getattr(config, "vision_config", None), "depth")):
        if part is not None and getattr(part, key, 0) > 1:
            setattr(part, key, 1)
    if getattr(config, "vision_config", None) is not None and hasattr(config.vision_config, "deepstack_visual_indexes"):
        config.vision_config.deepstack_visual_indexes = [0]
    if getattr(getattr(config, "text_config", None), "layer_types", None):
        config.text_config.layer_types = config.text_config.layer_types[:1]
    with torch.device(device):
        return AutoModelForImageTextToText.from_config(config, trust_remote_code=False)


def positions(model: Any, batch: dict[str, Any]) -> list[list[int]] | None:
    """Three rows of rotary positions: those of the batch, or else those the model works out of it in its forward."""
    found = batch.get("position_ids")
    if found is None and model is not None:
        inner: Any = model if hasattr(model, "get_rope_index") else getattr(model, "model", None)
        if not hasattr(inner, "get_rope_index"):
            return None
        import inspect

        known = inspect.signature(inner.get_rope_index).parameters
        given = {key: value for key, value in batch.items() if key in known}
        if "mm_token_type_ids" in known and "mm_token_type_ids" not in given:
            return None
        try:
            found = inner.get_rope_index(**given)[0]
        except (RuntimeError, IndexError, ValueError):  # a sample that was cut through its vision tokens, which the comparison names
            return None
    if found is None:
        return None
    rows = found[:, 0] if found.dim() == 3 else found[:1].expand(3, -1)
    return [[int(value) for value in row] for row in rows[-3:]]


def images_of(processor: Any, batch: dict[str, Any], out: Path, name: str) -> list[dict[str, Any]]:
    """What the model gets to see, written as PNG files: images, and of videos the first of each two frames."""
    found: list[dict[str, Any]] = []
    for kind, pixels, grids in (
        ("image", "pixel_values", "image_grid_thw"),
        ("video", "pixel_values_videos", "video_grid_thw"),
    ):
        values, sizes = batch.get(pixels), batch.get(grids)
        if values is None or sizes is None:
            continue
        part = getattr(processor, "image_processor" if kind == "image" else "video_processor", None) or processor.image_processor
        start = 0
        for number, grid in enumerate(sizes.tolist()):
            count = grid[0] * grid[1] * grid[2]
            patches = _unscaled(values[start : start + count], part)
            start += count
            files, digests = [], []
            for step, frame in enumerate(_frames(patches, grid, part)):
                digests.append(hashlib.sha256(frame.tobytes()).hexdigest()[:16])
                if number < _SHOWN and step < _FRAMES:
                    files.append(f"{name}-{kind}{number}-{step}.png")
                    _write(frame, out / files[-1])
            found.append({"kind": kind, "grid": grid, "patch": int(part.patch_size), "digests": digests, "files": files})
    return found


def _unscaled(values: Any, part: Any) -> Any:
    """Patches as bytes: rows of 3 x patch x patch, the first of the two time slices."""
    import numpy as np

    array = values.float().numpy() if hasattr(values, "numpy") else np.asarray(values, np.float32)
    side = int(part.patch_size)
    array = array.reshape(len(array), 3, -1, side, side)[:, :, 0]
    mean, deviation = (np.asarray(value, np.float32).reshape(1, 3, 1, 1) for value in (part.image_mean, part.image_std))
    return np.clip(np.rint((array * deviation + mean) * 255), 0, 255).astype(np.uint8)


def _frames(patches: Any, grid: list[int], part: Any) -> list[Any]:
    """Put patches together to images, rows x columns x RGB."""
    time, rows, columns = grid
    side, merge = int(part.patch_size), int(part.merge_size)
    blocks = patches.reshape(time, rows // merge, columns // merge, merge, merge, 3, side, side)
    return list(blocks.transpose(0, 1, 3, 6, 2, 4, 7, 5).reshape(time, rows * side, columns * side, 3))


def _write(frame: Any, path: Path) -> None:
    from PIL import Image

    Image.fromarray(frame).save(path, compress_level=1)


def listed(values: Any) -> list[int]:
    """Token ids of a batch of one as a list, padding left to those who call."""
    values = values[0] if hasattr(values, "dim") and values.dim() == 2 else values
    return [int(value) for value in values]
