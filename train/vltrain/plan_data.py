"""Whether the data of a run fit its model and each other: families, budgets, prompts, groups on two sides."""

from __future__ import annotations

from collections.abc import Sequence

from vldata.models.families import find_family
from vltrain.data import LoadedSet, crossing_groups
from vltrain.recipe import Recipe
from vltrain.ways import Way

VERSIONED = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "liger-kernel")
PRECISIONS = {
    "auto": "bfloat16 where the GPU computes in it, else float16; float32 on the CPU",
    "bf16": "bfloat16",
    "fp16": "float16",
    "fp32": "float32, which takes twice the memory of the 16-bit types",
}


class Notes:
    """What a plan has to say, by how grave it is."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.facts: list[str] = []
        self.here: list[str] = []  # what this machine lacks: a problem, unless the run is for another one


def compare_contracts(recipe: Recipe, train: Sequence[LoadedSet], validation: Sequence[LoadedSet], way: Way, said: Notes) -> None:
    """Say where data sets were written for another model, budget or prompt, and where the sides of a run share groups."""
    for loaded in (*train, *validation):
        if loaded.contract is None:
            said.warnings.append(
                f"{loaded.target}: no contract; whether its pictures are what the model sees is not known. Run: vldata validate"
            )
            continue
        pixels = loaded.contract.pixels
        _compare_families(loaded, way, said)
        for key, ours in (("max_pixels", recipe.max_pixels), ("min_pixels", recipe.min_pixels)):
            theirs = getattr(pixels, key)
            differs = ours is not None and (ours < theirs if key == "max_pixels" else ours > theirs)
            if differs:
                said.warnings.append(
                    f"{loaded.target}: recipe says {recipe.written(key)} {ours}, the dataset was written with {theirs}; "
                    "images stay as written."
                )
    prompts = {
        (loaded.contract.converter, str(loaded.contract.settings.get("prompt"))) for loaded in (*train, *validation) if loaded.contract
    }
    if len({name for name, _ in prompts}) < len(prompts):
        said.warnings.append("datasets of one converter were written with different prompts.")
    if recipe.val_size == 0 and validation:
        _compare_sides(train, validation, said)


def _compare_families(loaded: LoadedSet, way: Way, said: Notes) -> None:
    """Images must be of a size that the model's processor leaves alone; where it leaves none alone, only counts and boxes differ."""
    contract, ours = loaded.contract, way.family
    if contract is None or ours is None:
        return
    theirs = find_family(contract.pixels.processor)
    if theirs.images != ours.images:
        what = f"{loaded.target}: written for {theirs.name}, but the model's processor is {ours.name}."
        if ours.images.on_grid:
            said.problems.append(f"{what} Convert again.")
        else:
            said.warnings.append(f"{what} It resizes every image anyway; convert again for images that are no larger than it uses.")
    if contract.coordinate_space not in ("none", ours.boxes):
        said.warnings.append(
            f"{loaded.target}: boxes are written in {contract.coordinate_space}, and {ours.title} was trained on {ours.boxes}."
        )


def _compare_sides(train: Sequence[LoadedSet], validation: Sequence[LoadedSet], said: Notes) -> None:
    examples = [example for loaded in train for example in loaded.examples]
    held = [example for loaded in validation for example in loaded.examples]
    group, share = crossing_groups([*train, *validation], examples, held)
    if share:
        said.warnings.append(f"{share:.1%} of the eval_data records share their {group} with training.")
