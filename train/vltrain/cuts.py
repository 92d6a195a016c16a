"""How a model's image processor makes patches of a picture: their side, and the normalisation of what is in them. No torch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec

from vldata.models.families.family import Family
from vldata.models.families.native import Native
from vldata.models.families_of import image_settings, read_json

MERGE = 2  # patches a side that become one token
Channels = tuple[float, float, float]

# What Qwen2VLImageProcessor takes for what a folder leaves out (transformers 5.17 to 5.24): patches of 14 pixels, CLIP's colours.
_USUAL = {
    "patch_size": 14,
    "merge_size": MERGE,
    "temporal_patch_size": 2,
    "image_mean": [0.48145466, 0.4578275, 0.40821073],
    "image_std": [0.26862954, 0.26130258, 0.27577711],
    "do_normalize": True,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_convert_rgb": True,
}


class Cut(msgspec.Struct, frozen=True):
    """Side of a patch in pixels, mean and deviation of each colour as shares of 255."""

    patch: int = 16
    mean: Channels = (0.5, 0.5, 0.5)
    std: Channels = (0.5, 0.5, 0.5)

    @property
    def normal(self) -> tuple[Channels, Channels]:
        """By what a byte is multiplied and what is added then, for each colour."""
        pairs = [(1 / (255 * std), -mean / std) for mean, std in zip(self.mean, self.std, strict=True)]
        return tuple(one for one, _ in pairs), tuple(other for _, other in pairs)  # type: ignore[return-value]


def cut_of(folder: Path, family: Family) -> Cut | None:
    """Read it from a model folder; None where the processor does what the levers do not, or not what the tower expects."""
    told = {**_USUAL, **{name: value for name, value in image_settings(folder).items() if name in _USUAL and value is not None}}
    vision = read_json(folder, "config.json").get("vision_config")
    expects = {"patch_size": family.images.patch if isinstance(family.images, Native) else 0, "temporal_patch_size": 2}
    if isinstance(vision, dict):
        expects |= {name: vision[name] for name in expects if name in vision}
    done = all(told[name] is True for name in ("do_normalize", "do_rescale", "do_convert_rgb"))
    if not done or told["merge_size"] != MERGE or told["temporal_patch_size"] != 2 or any(told[name] != expects[name] for name in expects):
        return None
    mean, std = _channels(told["image_mean"]), _channels(told["image_std"])
    if mean is None or std is None or min(std) <= 0 or not math.isclose(told["rescale_factor"], 1 / 255, rel_tol=1e-6):
        return None
    return Cut(told["patch_size"], mean, std)


def _channels(value: Any) -> Channels | None:
    if isinstance(value, list) and len(value) == 3 and all(isinstance(part, (int, float)) for part in value):
        return float(value[0]), float(value[1]), float(value[2])
    return None
