"""Grid arithmetic against transformers' own."""

import math
import random

import pytest

from tests.effort import examples
from vldata.media import pixels

QWEN = {name: family.images for name, family in pixels.FAMILIES.items() if family.images.on_grid and name.startswith("qwen")}


def log_uniform(count, seed):
    generator = random.Random(seed)
    for _ in range(count):
        yield tuple(round(math.exp(generator.uniform(0, math.log(30_000)))) for _ in range(2))


def test_transformers_agrees_on_every_size():
    image_processing = pytest.importorskip("transformers.models.qwen2_vl.image_processing_pil_qwen2_vl", reason="needs the train extra")
    pytest.importorskip("torch", reason="needs the train extra")
    for name, grid in QWEN.items():
        for width, height in log_uniform(examples(600), seed=3):
            for low, high in ((grid.min_pixels, grid.max_pixels), (65_536, 589_824)):
                if max(width, height) / min(width, height) > 200:
                    with pytest.raises(ValueError, match="ratio"):
                        image_processing.smart_resize(height, width, grid.factor, low, high)
                    continue
                theirs = image_processing.smart_resize(height, width, grid.factor, low, high)
                assert pixels.smart_resize(width, height, processor=name, min_pixels=low, max_pixels=high) == theirs[::-1]


@pytest.mark.parametrize("processor", sorted(QWEN))
def test_the_real_processor_leaves_written_pictures_alone(processor):
    image_processing = pytest.importorskip("transformers.models.qwen2_vl.image_processing_pil_qwen2_vl", reason="needs the train extra")
    pytest.importorskip("torch", reason="needs the train extra")
    image = pytest.importorskip("PIL.Image")
    grid = QWEN[processor]
    real = image_processing.Qwen2VLImageProcessorPil(
        patch_size=grid.patch, merge_size=grid.merge, size={"shortest_edge": grid.min_pixels, "longest_edge": grid.max_pixels}
    )
    for width, height in [(1920, 1080), (1296, 968), (100, 100), (3000, 40), (37, 2500)]:
        size = pixels.target_size(width, height, processor=processor, min_pixels=65_536, max_pixels=261_120)
        rows, columns = real(image.new("RGB", size), return_tensors="np")["image_grid_thw"][0][1:]
        assert (columns * grid.patch, rows * grid.patch) == size
        assert rows * columns // grid.merge**2 == pixels.vision_tokens(*size, processor=processor)
