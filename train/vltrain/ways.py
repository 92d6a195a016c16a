"""How a model trains: by the levers, where its packing was proven, or by its own processor, which takes any model. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from vldata.media.pixels import Size
from vldata.models.families import DEFAULT, FAMILIES
from vldata.models.families.family import Family, Images
from vldata.models.families_of import folder_family, folder_images, model_type_of, read_json
from vltrain.cuts import cut_of
from vltrain.recipe import Recipe
from vltrain.towers import FAST

_UNCHECKED = "what its images cost (so neither cutoff nor memory), whether images have a size that it leaves alone, its boxes"


class Way(msgspec.Struct, frozen=True):
    """What is known of the model: its type and family, the arithmetic of its images, and whether the levers hold for it."""

    kind: str
    family: Family | None
    images: Images | None
    fast: bool

    def costs(self, sizes: Sequence[Size]) -> list[int]:
        """Tokens of each image, without what the template puts around it; 0 where nothing is known."""
        return [self.images.tokens(*size) if self.images else 0 for size in sizes]

    @property
    def around(self) -> int:
        """Tokens that the template puts around an image."""
        return self.family.delimiters if self.family else 0


def by_levers(way: Way, recipe: Recipe) -> bool:
    """Whether a run takes the fast path: they know adapters that add a product, and no others."""
    return way.fast and recipe.method != "full" and not recipe.dora


def is_template_of(template: str, folder: Path) -> bool:
    """Whether LLaMA-Factory's name of a template is one for this model's family; of an unknown model any may be."""
    family = folder_family(folder) if folder.is_dir() else FAMILIES[DEFAULT]
    return family is None or template.startswith(family.templates)


PUBLISHED = Way("qwen3_vl", FAMILIES[DEFAULT], FAMILIES[DEFAULT].images, True)  # of a model that is only named


def way_of(folder: Path) -> Way:
    """Look at a model folder."""
    kind, family = model_type_of(folder), folder_family(folder)
    images = folder_images(folder, family) if family else None
    return Way(kind, family, images, bool(family and kind in FAST and _as_the_levers_take_it(folder, family)))


def _as_the_levers_take_it(folder: Path, family: Family) -> bool:
    """Whether image processor and language model do what the levers do in their place."""
    config = read_json(folder, "config.json")
    text = config.get("text_config")
    slides = (text if isinstance(text, dict) else config).get("use_sliding_window") is True
    return cut_of(folder, family) is not None and not slides


def what_is_lacking(way: Way, folder: Path, recipe: Recipe) -> tuple[list[str], list[str], list[str]]:
    """Return what is to be said of the way, what is to be warned of, and what stops the run."""
    if way.fast:
        if by_levers(way, recipe):
            name = f"{way.family.title} ({way.kind})" if way.family else way.kind
            return [f"{name}: it trains by the levers, {'packed' if recipe.packing else 'padded'}."], [], []
        what = "method: full" if recipe.method == "full" else "dora"
        return [f"{what} trains padded, by the model's own processor: the levers know LoRA alone."], [], []
    if way.family and way.kind in FAST:
        return (
            ["The image processor's settings, or a sliding window, are not what the levers know: it trains padded, without them."],
            [],
            [],
        )
    if way.family:
        how = f"it trains by its own processor, padded; packing and the other levers are proven for {', '.join(FAST)}."
        return [f"{way.family.title} ({way.kind}): {how}", *way.family.notes], [], []
    if read_json(folder, "config.json").get("auto_map") and not recipe.trust_remote_code:
        what = (
            f"{folder}: model type {way.kind!r} is unknown here, and its config.json asks for code of its own (auto_map), which is not run."
        )
        return [], [], [f"{what} Read that code, then set trust_remote_code: true."]
    return [], [f"model type {way.kind!r} is unknown here: it trains by its own processor. Not checked: {_UNCHECKED}."], []
