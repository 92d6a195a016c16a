"""The levers on what grew from Qwen3-VL: experts, a gate on attention, and layers that carry a state from token to token."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
import torch
from vltrain import levers
from vltrain.adapters import add_adapters
from vltrain.features import Sample
from vltrain.levers import PLAIN
from vltrain.recipe import Recipe

from tests.vltrain.conftest import draw_samples, load
from tests.vltrain.test_levers import ALL, assert_equal, run
from vldata.models.families import FAMILIES
from vldata.models.tiny_families import build_tiny_family

LIMIT = 1e-4  # of each parameter; the state is kept in 32 bits, and a gate for each head has a small gradient
KINDS = {"qwen2_vl": "qwen2-vl", "qwen2_5_vl": "qwen2.5-vl", "qwen3_vl_moe": "qwen3-vl", "qwen3_5": "qwen3.5", "qwen3_5_moe": "qwen3.5"}


@pytest.fixture(scope="module", params=sorted(KINDS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny model of a type; of Qwen3.5 a part of each head turns, as in the published ones."""
    family = FAMILIES[KINDS[request.param]]
    if family.name == "qwen3.5":
        rope = {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 0.5, "mrope_section": [2, 1, 1]}
        tiny = msgspec.structs.replace(family.tiny, text={**family.tiny.text, "rope_parameters": rope})
        family = msgspec.structs.replace(family, tiny=tiny)
    return build_tiny_family(family, tmp_path_factory.mktemp("model") / "tiny", model_type=request.param)


@pytest.fixture(scope="module")
def lessons(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return draw_samples(folder, tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def adapted(folder: Path) -> Any:
    torch.manual_seed(0)
    model = add_adapters(load(folder), Recipe(model=str(folder), data=("x",), output="y"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # at zero, half of the gradients would be zero too
            torch.nn.init.normal_(parameter, std=0.02)
        if "A_log" in name:  # a state that forgets within ten tokens would hide what leaks
            parameter.data.fill_(-6.0)
    return model


def test_loss_and_gradients_are_those_of_the_plain_model(adapted: Any, lessons: list[Sample]) -> None:
    for chosen in (lessons, lessons[:1] * 3, [lessons[0], _longer(lessons[0])]):  # of many lengths, of one, of nearly one
        wanted = run(adapted, chosen, PLAIN)
        assert_equal(run(adapted, chosen, ALL), wanted, LIMIT)
    assert_equal(run(adapted, chosen, msgspec.structs.replace(ALL, packing=False)), wanted, LIMIT)
    assert_equal(run(adapted, chosen, ALL, checkpointing=True), wanted, LIMIT)


def test_a_state_that_carries_over_is_seen(adapted: Any, lessons: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof can fail: with one border taken away the losses part, where there is a state at all."""
    wanted, _ = run(adapted, lessons, PLAIN)
    chunks_of = levers.chunks_of
    monkeypatch.setattr(levers, "chunks_of", lambda lengths, device: chunks_of((sum(lengths),), device))
    found, _ = run(adapted, lessons, ALL)
    carries = "3_5" in core_type(adapted)
    assert (abs(found - wanted) > 1e-4) == carries


def core_type(model: Any) -> str:
    return str(model.get_base_model().config.model_type)


def _longer(sample: Sample) -> Sample:
    """The same with three more tokens, its first words again, at its end."""
    more = sample.ids[1:4]
    ids, labels = np.concatenate([sample.ids, more]), np.concatenate([sample.labels, more])
    positions = np.concatenate([sample.positions, sample.positions.max() + 1 + np.tile(np.arange(3), (3, 1))], axis=1)
    return msgspec.structs.replace(sample, ids=ids, labels=labels, positions=positions)
