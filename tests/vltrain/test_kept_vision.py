"""A picture passes the frozen tower once; loss and gradients stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from vltrain.adapters import add_adapters
from vltrain.features import Sample
from vltrain.kept_vision import KeptVision
from vltrain.levers import Step
from vltrain.recipe import Levers, Recipe
from vltrain.towers import qwen2_vl
from vltrain.trainer import make_collator

from tests.vltrain.conftest import load


def gradients(model: Any, step: Step, samples: list[Sample]) -> tuple[float, torch.Tensor]:
    model.zero_grad()
    loss = step(make_collator(model, step.levers)(samples))
    loss.backward()
    return loss.item(), torch.cat([parameter.grad.flatten() for parameter in model.parameters() if parameter.grad is not None])


@pytest.mark.parametrize("packing", [True, False])
@pytest.mark.parametrize("host_positions", [True, False])
def test_kept_pictures_are_as_good_as_new(
    tiny: Path, samples: list[Sample], packing: bool, host_positions: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    model = add_adapters(load(tiny), Recipe(model=str(tiny), data=("x",), output="y"))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.02)
    levers = Levers(packing=packing, host_positions=host_positions)
    batches = [samples[:1], samples, [samples[3], samples[0], samples[3]], samples[2:3], samples]
    wanted = [gradients(model, Step(model, levers), batch) for batch in batches]
    step = Step(model, msgspec.structs.replace(levers, keep_vision_gib=1.0))
    passed: list[int] = []
    look = step._look
    monkeypatch.setattr(step, "_look", lambda patches, table: (passed.append(len(table["picture_lengths"])), look(patches, table))[1])
    for batch, (loss, expected) in zip(batches, wanted, strict=True):
        found, gradient = gradients(model, step, batch)
        assert found == pytest.approx(loss, rel=1e-6)
        assert float((gradient - expected).norm() / expected.norm()) < 1e-5
    assert passed == [1, 2], "three pictures, each once"


def test_what_does_not_fit_passes_again() -> None:
    seen: list[tuple[int, ...]] = []

    def look(patches: torch.Tensor, table: dict[str, Any]) -> torch.Tensor:
        seen.append(table["picture_lengths"])
        return patches.view(1, -1, 4).sum(-1, keepdim=True)

    kept = KeptVision(8 / 2**30, qwen2_vl.lay)  # two floats
    table = {"picture_lengths": (4, 8, 4), "picture_grids": ((2, 2), (2, 4), (2, 2))}
    patches = torch.arange(16.0)
    whole = look(patches, table)
    for _ in range(3):
        assert torch.equal(kept.see(("a", "b", "c"), patches, table, look), whole)
    assert seen == [(4, 8, 4), (4, 8, 4), (8,), (8,)]
