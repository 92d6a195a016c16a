"""Token counts of every family against the real image processors of transformers: 2,000 log-uniform sizes under several settings each.

The real code runs from the size of an image to the ids of its prompt; only the pixels are left out: what resizes and normalises them
returns zeros, which no count depends on. LFM2-VL has no Pillow backend: give --family lfm2-vl where torchvision is installed.

    python -m tools.parity_families [--family NAME] [--sizes 2000] [--write tests/vldata/models/families.json]
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from vldata.errors import DataError
from vldata.models.families import FAMILIES
from vldata.models.families.family import Family, Size

Counter = Callable[[int, int], int]


# Beside what is published (the first, empty one): other limits, tiles and costs.
def _limits(low: int, high: int) -> dict[str, Any]:
    return {"size": {"shortest_edge": low, "longest_edge": high}}


_SHAPES = [[384, 768], [768, 384], [768, 768], [1_152, 384]]
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "qwen3-vl": [{}, _limits(4_096, 1_048_576), {"patch_size": 14, **_limits(3_136, 1_003_520)}],
    "qwen3.5": [{}, _limits(262_144, 589_824)],
    "qwen2.5-vl": [{}, _limits(200_704, 1_003_520)],
    "qwen2-vl": [{}, _limits(3_136, 1_003_520)],
    "glm-4v": [{}, _limits(12_544, 11_760_000), _limits(100_352, 1_003_520)],
    "paddleocr-vl": [{}, _limits(147_384, 2_822_400), _limits(3_136, 501_760)],
    "mistral-3": [{}, {"size": {"longest_edge": 1_024}, "patch_size": 16, "spatial_merge_size": 1}, {"size": {"longest_edge": 700}}],
    "internvl": [
        {},
        {"max_patches": 6},
        {"min_patches": 2, "max_patches": 24},
        {"size": {"height": 384, "width": 384}, "image_seq_length": 144},
    ],
    "gemma-3": [{}, {"size": {"height": 448, "width": 448}, "image_seq_length": 64}],
    "gemma-4": [{}, {"max_soft_tokens": 70}, {"max_soft_tokens": 1_120}],
    "smolvlm": [
        {},
        {"size": {"longest_edge": 1_536}, "max_image_size": {"longest_edge": 384}, "image_seq_len": 81},
        {"do_image_splitting": False},
    ],
    "idefics-3": [{}, {"size": {"longest_edge": 728}}, {"size": {"longest_edge": 2_184}}],
    "lfm2-vl": [{}, {"max_tiles": 4}, {"do_image_splitting": False}, {"min_image_tokens": 32, "max_image_tokens": 128}],
    "llava-onevision": [{}, {"vision_aspect_ratio": "anyres_max_4"}, {"image_grid_pinpoints": _SHAPES}],
    "minicpm-v": [{}, {"max_slice_nums": 4}, {"downsample_mode": "4x"}, {"slice_mode": False}, {"use_image_id": False}],
}
IN_PROCESSOR = ("spatial_merge_size", "image_seq_length", "image_seq_len", "vision_aspect_ratio", "num_image_tokens")


def log_uniform(count: int, seed: int) -> Iterator[Size]:
    """Draw sizes from 1 to 8,192 pixels a side, each order of magnitude as often as any other."""
    draw = random.Random(seed)
    for _ in range(count):
        yield tuple(round(math.exp(draw.uniform(0, math.log(8_192)))) for _ in range(2))  # type: ignore[misc]


def published(family: Family) -> dict[str, Any]:
    """What a published folder says, by the family's own numbers; where nothing stands, the class's own values are the published ones."""
    images: Any = family.images
    frames = getattr(images, "frames", 1)
    square = {"height": getattr(images, "side", 0), "width": getattr(images, "side", 0)}
    limits = {"shortest_edge": images.min_pixels * frames, "longest_edge": images.max_pixels * frames}
    told: dict[str, Callable[[], dict[str, Any]]] = {
        "Native": lambda: {"patch_size": images.patch, "merge_size": images.merge, "size": limits},
        "Longest": lambda: {"patch_size": images.patch, "spatial_merge_size": images.merge, "size": {"longest_edge": images.longest}},
        "Square": lambda: {"size": square, "image_seq_length": images.cost},
        "Tiles": lambda: {"size": square, "max_patches": images.most, "min_patches": images.least, "image_seq_length": images.cost},
        "Splits": lambda: {
            "size": {"longest_edge": images.edge}, "max_image_size": {"longest_edge": images.side}, "image_seq_len": images.cost
        },
        "Anyres": lambda: {"size": square, "num_image_tokens": images.cost, "image_grid_pinpoints": [list(grid) for grid in images.grids]},
    }  # fmt: skip
    return told.get(type(images).__name__, dict)()


def real_processor(family: Family, settings: dict[str, Any]) -> Any:
    """Load the real processor with these settings, from a folder as published."""
    from vldata.models.processor import load_processor
    from vldata.models.tiny_families import build_tokenizer, image_processor_of

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        build_tokenizer(family).save_pretrained(folder)
        images = {"image_processor_type": image_processor_of(family), "processor_class": family.processor}
        images |= {key: value for key, value in settings.items() if key not in IN_PROCESSOR}
        whole = {key: value for key, value in settings.items() if key in IN_PROCESSOR} | {"processor_class": family.processor}
        whole |= {"patch_size": settings["patch_size"]} if "spatial_merge_size" in settings else {}
        whole |= {"vision_feature_select_strategy": "full"} if "num_image_tokens" in settings else {}
        (folder / "config.json").write_text(json.dumps({"model_type": family.model_types[0]}))
        (folder / "preprocessor_config.json").write_text(json.dumps(images))
        (folder / "processor_config.json").write_text(json.dumps(whole))
        return load_processor(folder)


class _Told(Exception):
    """Ends the real resizing where it has come to a size."""

    size = (0, 0)


def without_pixels(kind: Any) -> None:
    """Make the steps that cost time return nothing of the right shape; every size and count is still worked out by the real code."""
    import numpy as np

    def resize(self: Any, image: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
        wanted = sizes(self, image, size, *args, **kwargs)
        return np.broadcast_to(np.float32(0), (image.shape[0], *wanted))

    def sizes(self: Any, image: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
        with contextlib.suppress(_Told):
            own(self, image, size, *args, **kwargs)
            raise RuntimeError("the real resizing never came to a size")
        return _Told.size

    from transformers.image_processing_backends import PilBackend

    def told(self: Any, image: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
        if not size.height or not size.width:
            raise ValueError("0 x 0, or 0 of one side: Pillow makes no such image")
        _Told.size = (size.height, size.width)
        raise _Told

    own = kind.resize if kind.resize is not PilBackend.resize else told
    PilBackend.resize = told  # type: ignore[method-assign]
    kind.resize = resize
    PilBackend.rescale = PilBackend.normalize = lambda self, image, *args, **kwargs: image  # type: ignore[method-assign]
    if hasattr(kind, "patchify"):
        kind.patchify = lambda self, image, patch_size, *args, **kwargs: (
            np.zeros((1, 1), np.float32),
            image.shape[-2] // patch_size,
            image.shape[-1] // patch_size,
        )
    if hasattr(kind, "reshape_by_patch"):
        kind.reshape_by_patch = lambda self, image, patch_size: np.zeros((1, patch_size, 1), np.float32)


def real_counter(family: Family, settings: dict[str, Any]) -> Counter:
    """Return what counts the tokens of an image by the real processor, from its size to the ids of a prompt."""
    import numpy as np

    processor = real_processor(family, settings)
    if not family.image_processor:
        return _counter_by_torchvision(processor)
    if (kind := type(processor.image_processor)) not in _BARE:
        without_pixels(kind)
        _BARE.add(kind)

    def count(width: int, height: int) -> int:
        image = np.broadcast_to(np.uint8(0), (1, height, width))
        given = processor(images=[[image]], text=[processor.image_token], return_tensors=None, **ASKED)
        return len(given["input_ids"][0])

    return count


def _counter_by_torchvision(processor: Any) -> Counter:
    import torch
    from transformers.image_processing_backends import TorchvisionBackend

    def resize(self: Any, image: Any, size: Any, *args: Any, **kwargs: Any) -> Any:
        return torch.zeros(1).expand(*image.shape[:-2], size.height, size.width)

    TorchvisionBackend.resize = resize  # type: ignore[method-assign]
    TorchvisionBackend.rescale_and_normalize = lambda self, images, *args, **kwargs: images  # type: ignore[method-assign]

    def count(width: int, height: int) -> int:
        image = torch.zeros(1, dtype=torch.uint8).expand(3, height, width)
        return len(processor(images=[[image]], text=[processor.image_token], return_tensors=None, **ASKED)["input_ids"][0])

    return count


_BARE: set[Any] = set()
ASKED: dict[str, Any] = {"images_kwargs": {"input_data_format": "channels_first", "do_convert_rgb": False}}


def compare(family: Family, settings: dict[str, Any], sizes: list[Size]) -> tuple[int, list[str]]:
    """Return how many sizes were compared, and where the counts differ; a size that both refuse is equal."""
    told = {**published(family), **settings}
    ours, theirs = family.images.configured(told), real_counter(family, told)
    wrong = []
    for width, height in sizes:
        try:
            own: int | str = ours.tokens(width, height)
        except DataError:
            own = "refused"
        try:
            real: int | str = theirs(width, height)
        except (ValueError, IndexError) as error:
            if not any(words in str(error) for words in ("ratio", "0 x 0", "assignment index")):  # the last: Pixtral with no row left
                raise
            real = "refused"
        if own != real:
            wrong.append(f"{width}x{height}: {own}, and {real} by the real one")
    return len(sizes), wrong


def main() -> int:
    """Compare, and exit 1 where a count differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--family", action="append", choices=FAMILIES)
    parser.add_argument("--sizes", type=int, default=2_000)
    parser.add_argument("--write", type=Path, help="write the counts of 40 sizes a family, for the tests")
    parser.add_argument("--report", type=Path, help="note what was seen in this file, for docs/models.md")
    arguments = parser.parse_args()
    import torch
    import transformers

    library = torch.library.Library("torchvision", "FRAGMENT")  # a build for another torch has its Python part, not its operators
    with contextlib.suppress(RuntimeError):
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    transformers.logging.set_verbosity_error()
    golden: dict[str, Any] = {"transformers": transformers.__version__, "families": {}}
    if arguments.write and arguments.write.is_file():
        golden["families"] = json.loads(arguments.write.read_text())["families"]
    wrong, seen = 0, dict[str, Any]()
    for name in arguments.family or FAMILIES:
        family, equal = FAMILIES[name], 0
        for settings in SETTINGS[name]:
            began = time.perf_counter()
            try:
                count, found = compare(family, settings, list(log_uniform(arguments.sizes, len(name))))
            except DataError as error:
                print(f"{name:16} not compared: {error.what}")
                seen[name] = "not compared: needs torchvision" if "torchvision" in error.what else "not compared"
                break
            wrong, equal = wrong + len(found), equal + count - len(found)
            what = json.dumps(settings) if settings else "as published"
            print(
                f"{name:16} {count - len(found):,} of {count:,} equal, {time.perf_counter() - began:.0f} s, {what}",
                *found[:3],
                sep="\n    ",
            )
        else:
            seen[name] = f"{equal:,} of {len(SETTINGS[name]) * arguments.sizes:,}"
        if arguments.write:
            with contextlib.suppress(DataError):
                golden["families"][name] = _counts(real_counter(family, published(family)))
    if arguments.report:
        note_tried(arguments.report, "tokens", transformers.__version__, seen)
    if arguments.write:
        arguments.write.write_text(json.dumps(golden, separators=(",", ":")).replace('],"', '],\n"') + "\n")
    print(f"transformers {transformers.__version__}: {wrong:,} counts differ.")
    return 1 if wrong else 0


def note_tried(path: Path, what: str, version: str, seen: dict[str, Any]) -> None:
    """Add what was seen on a version of transformers to the file that docs/models.md is made from."""
    tried = json.loads(path.read_text()) if path.is_file() else {}
    tried.setdefault(what, {}).setdefault(version, {}).update(seen)
    path.write_text(json.dumps(tried, indent=1, sort_keys=True) + "\n")


def _counts(counter: Counter) -> list[list[int]]:
    rows = []
    for width, height in log_uniform(40, 11):
        with contextlib.suppress(ValueError):
            rows.append([width, height, counter(width, height)])
    return rows


if __name__ == "__main__":
    sys.exit(main())
