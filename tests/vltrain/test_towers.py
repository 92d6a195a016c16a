"""Vision towers of the fast path: the processor's very patches, transformers' windows, and every gradient where the tower is trained."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from PIL import Image
from vltrain import levers
from vltrain.adapters import add_adapters
from vltrain.attention import Segments
from vltrain.cuts import cut_of
from vltrain.data import Example
from vltrain.features import Featurizer, Sample
from vltrain.levers import PLAIN, core_of, to_pixel_values
from vltrain.recipe import Recipe
from vltrain.towers import FAST, REGULAR
from vltrain.towers.qwen2_5_vl import lay
from vltrain.towers.tower import Tower
from vltrain.ways import way_of, what_is_lacking

from tests.vltrain.conftest import draw_samples, load
from tests.vltrain.test_levers import ALL, SWITCHES, assert_equal, run
from vldata.models.families import FAMILIES
from vldata.models.processor import load_processor
from vldata.models.tiny_families import build_tiny_family
from vldata.records.record import Message, Record

LIMIT = 1e-5
UNEVEN = 100  # inner width of a tower's product that no GPU likes


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen2.5-VL: a block with windows, one that sees the whole picture, another with windows."""
    family = FAMILIES["qwen2.5-vl"]
    vision = {**family.tiny.vision, "intermediate_size": UNEVEN, "depth": 3}
    family = msgspec.structs.replace(family, tiny=msgspec.structs.replace(family.tiny, vision=vision))
    return build_tiny_family(family, tmp_path_factory.mktemp("model") / "tiny")


@pytest.fixture(scope="module")
def lessons(windows: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return draw_samples(windows, tmp_path_factory.mktemp("pictures"))


def adapted(folder: Path, **changes: Any) -> Any:
    torch.manual_seed(0)
    model = add_adapters(load(folder), Recipe(model=str(folder), data=("x",), output="y", **changes))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # at zero, half of the gradients would be zero too
            torch.nn.init.normal_(parameter, std=0.02)
    return model


def test_every_type_on_the_fast_path_has_a_tower() -> None:
    assert FAST and set(REGULAR) < set(FAST)
    for fast in FAST.values():
        assert issubclass(import_module(f"vltrain.towers.{fast.tower}").TOWER, Tower)


@pytest.mark.parametrize("size", [(252, 308), (301, 407)], ids=["on the grid", "off it"])
def test_patches_are_the_processors(windows: Path, tmp_path: Path, size: tuple[int, int]) -> None:
    picture = Image.fromarray(np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8))
    picture.save(tmp_path / "a.png")
    messages = (Message("user", "<image>what?"), Message("assistant", "that"))
    record = Record(id="x", messages=messages, images=("a.png",), references=(), meta={})
    sample = Featurizer(windows).make(Example(record, tmp_path, ()))
    wanted = load_processor(windows).image_processor(picture, return_tensors="pt")
    assert [(1, *grid) for grid in sample.grids] == [tuple(grid) for grid in wanted["image_grid_thw"].tolist()]
    assert len(sample.pictures) == len(sample.patches) // 4
    normal = torch.tensor(sample.cut.normal)[:, :, None]
    torch.testing.assert_close(to_pixel_values(torch.from_numpy(sample.patches), normal), wanted["pixel_values"], atol=2e-6, rtol=0)


@pytest.mark.parametrize("grid", [(32, 32), (28, 28), (18, 22), (2, 60), (8, 8), (2, 2)])
def test_windows_are_transformers(grid: tuple[int, int]) -> None:
    vision_utils = pytest.importorskip("transformers.vision_utils")
    order, bounds = vision_utils.get_vision_window_index(torch.tensor([(1, *grid)]), 2, window_size=112, patch_size=14)
    laid = lay(grid, 4)
    assert laid.order is not None and (laid.order[::4] // 4).tolist() == order.tolist()
    assert np.cumsum([0, *laid.windows]).tolist() == bounds.tolist()


@pytest.mark.parametrize("switch", [*SWITCHES, ""])
def test_levers_one_by_one(windows: Path, lessons: list[Sample], switch: str) -> None:
    model = adapted(windows)
    wanted = run(model, lessons, PLAIN)
    chosen = [msgspec.structs.replace(ALL, **{switch: False}), msgspec.structs.replace(PLAIN, **{switch: True})] if switch else [ALL]
    for one in chosen:
        assert_equal(run(model, lessons, one), wanted, LIMIT)


@pytest.mark.parametrize("checkpointing", [False, True])
def test_a_trained_tower_has_every_gradient(windows: Path, lessons: list[Sample], checkpointing: bool) -> None:
    model = adapted(windows, train_vision=True, train_projector=True)
    wanted = run(model, lessons, PLAIN)
    assert sum("visual.blocks" in name for name in wanted[1]) == 3 * 5 * 2 and sum("merger" in name for name in wanted[1]) == 4
    trained = msgspec.structs.replace(ALL, vision_no_grad=False)
    assert_equal(run(model, lessons, trained, checkpointing=checkpointing), wanted, LIMIT)
    assert not hasattr(core_of(model).model.visual.blocks[0].mlp, "wide_in")


def test_a_frozen_tower_is_widened_and_stays_what_it_was(windows: Path, lessons: list[Sample]) -> None:
    model = adapted(windows)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    wanted = run(model, lessons, PLAIN)
    assert_equal(run(model, lessons, ALL), wanted, LIMIT)
    mlp = core_of(model).model.visual.blocks[0].mlp
    assert mlp.wide_in.shape[0] == 2 * 128 and mlp.wide_out.shape[1] == 128
    assert mlp.gate_proj.weight.data_ptr() == mlp.wide_in.data_ptr(), "the weights are not kept twice"
    after = model.state_dict()
    assert after.keys() == before.keys() and all(torch.equal(after[name], value) for name, value in before.items())
    assert_equal(run(model, lessons, PLAIN), wanted, LIMIT)


def test_a_window_that_sees_its_neighbours_is_seen(windows: Path, lessons: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof can fail."""
    model = adapted(windows)
    wanted = run(model, lessons, PLAIN)
    segments = levers.Step._segments

    def leaking(self: Any, hidden: torch.Tensor, lengths: tuple[int, ...], bounds: torch.Tensor, *more: Any, **kwargs: Any) -> Segments:
        if len(lengths) > 2 and hidden.dim() == 2 and set(lengths) != {len(hidden)}:
            lengths, bounds = (len(hidden),), torch.tensor([0, len(hidden)])
        return segments(self, hidden, lengths, bounds, *more, **kwargs)

    monkeypatch.setattr(levers.Step, "_segments", leaking)
    with pytest.raises(AssertionError):
        assert_equal(run(model, lessons, ALL), wanted, LIMIT)


def test_what_the_levers_do_not_know_trains_padded(tmp_path: Path) -> None:
    folder = build_tiny_family(FAMILIES["qwen2.5-vl"], tmp_path / "tiny")
    assert what_is_lacking(way_of(folder), folder, Recipe(model="m")) == (
        ["Qwen2.5-VL (qwen2_5_vl): it trains by the levers, packed."],
        [],
        [],
    )
    for name, changes, fast in (
        ("preprocessor_config.json", {"image_mean": [0.1, 0.2, 0.3]}, True),  # any normalisation is followed
        ("preprocessor_config.json", {"image_mean": None}, True),
        ("preprocessor_config.json", {"patch_size": 16}, False),
        ("preprocessor_config.json", {"do_rescale": False}, False),
        ("preprocessor_config.json", {"image_std": [1.0, 0.0, 1.0]}, False),
        ("config.json", {"use_sliding_window": True}, False),
    ):
        text = (folder / name).read_text()
        table = json.loads(text)
        (table["text_config"] if name == "config.json" else table).update(changes)
        (folder / name).write_text(json.dumps(table))
        assert way_of(folder).fast == fast, changes
        (folder / name).write_text(text)
    cut = cut_of(folder, FAMILIES["qwen2.5-vl"])
    assert cut is not None and cut.patch == 14 and cut.mean[0] == pytest.approx(0.48145466)
