"""A frozen base in eight bits: how far products are off, both ways, and where it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from vltrain.adapters import add_adapters
from vltrain.features import Sample
from vltrain.fp8 import E4M3, FrozenFp8, check_fp8, quantise, relative_error, use_fp8
from vltrain.levers import PLAIN, Step, core_of
from vltrain.planning import prepare
from vltrain.recipe import Recipe, check
from vltrain.trainer import make_collator

from tests.vltrain.conftest import load
from vldata.errors import DataError, UsageError


def test_rows_are_rounded_by_their_own_scale() -> None:
    torch.manual_seed(0)
    x = torch.randn(5, 64) * torch.tensor([1e-6, 1e-2, 1.0, 1e2, 0.0])[:, None]
    values, scale = quantise(x)
    assert values.dtype == E4M3 and scale.shape == (5, 1) and torch.isfinite(values.float()).all()
    assert ((values.float() * scale - x).abs() <= x.abs() * 2**-4 + scale * 2**-10).all()  # three bits of fraction


def test_one_product_is_off_by_what_is_documented() -> None:
    torch.manual_seed(0)
    assert 0.02 < relative_error(torch.randn(256, 512), torch.randn(384, 512) * 0.02) < 0.05


def test_forward_and_gradient_are_those_of_the_linear() -> None:
    torch.manual_seed(0)
    linear = nn.Linear(96, 64)
    x = torch.randn(2, 7, 96, requires_grad=True)
    ours = FrozenFp8(linear)
    assert ours(x).shape == (2, 7, 64) and not ours.state_dict().keys() - {"bias"}
    weights = torch.randn(2, 7, 64)
    (wanted,) = torch.autograd.grad((linear(x) * weights).sum(), x)
    (found,) = torch.autograd.grad((ours(x) * weights).sum(), x)
    assert (ours(x) - linear(x)).norm() / linear(x).norm() < 0.06
    assert (found - wanted).norm() / wanted.norm() < 0.06


def test_every_frozen_linear_of_the_language_model_changes_and_adapters_learn(tiny: Path, samples: list[Sample]) -> None:
    torch.manual_seed(0)
    model = add_adapters(load(tiny), Recipe(model=str(tiny), data=("x",), output="y", targets=("attn",)))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:
            nn.init.normal_(parameter, std=0.02)
    batch = make_collator(model, PLAIN)(samples)
    wanted = _run(model, batch)
    layers = len(core_of(model).model.language_model.layers)
    assert use_fp8(core_of(model).model.language_model) == 7 * layers and use_fp8(core_of(model).model.language_model) == 0
    found = _run(model, batch)
    assert found[0] == pytest.approx(wanted[0], rel=2e-2) and found[1].keys() == wanted[1].keys()
    one, two = (torch.cat([part.flatten() for part in run[1].values()]) for run in (wanted, found))
    assert torch.nn.functional.cosine_similarity(one, two, dim=0) > 0.98


def _run(model: Any, batch: Any) -> tuple[float, dict[str, torch.Tensor]]:
    model.zero_grad()
    loss = Step(model, PLAIN)(batch) / len(batch["targets"])
    loss.backward()
    return loss.item(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"method": "qlora"}, "does not go with method: qlora"),
        ({"method": "full"}, "does not go with method: full"),
        ({"dora": True}, "does not go with dora"),
        ({"init": "pissa"}, "does not go with init: pissa"),
        ({"base": "int8"}, "there are full, fp8"),
    ],
)
def test_what_it_does_not_go_with(changes: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError, match=fault):
        check({"model": "m", "data": ["d"], "output": "o", "base": "fp8", **changes}, where="recipe.yaml")


def test_where_it_does_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DataError, match="needs a GPU"):
        check_fp8("bf16")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "an A100")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (8, 0))
    with pytest.raises(DataError, match="an A100 has no eight-bit products"):
        check_fp8("bf16")
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: (9, 0))
    check_fp8("bf16")
    with pytest.raises(DataError, match="the precision is fp16"):
        check_fp8("fp16")


def test_the_plan_refuses_it_off_the_fast_path(tmp_path: Path) -> None:
    from fixtures.colours import convert_colours
    from vldata.models.families import FAMILIES
    from vldata.models.tiny_families import build_tiny_family

    model = build_tiny_family(FAMILIES["internvl"], tmp_path / "model")
    data = convert_colours(tmp_path / "prepared", count=2, processor="internvl")
    plan = prepare(Recipe(model=str(model), data=(data,), output=str(tmp_path / "out"), base="fp8", packing=False)).plan
    assert any("base: fp8" in problem for problem in plan.problems)
