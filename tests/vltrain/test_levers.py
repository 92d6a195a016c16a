"""Loss and gradients are those of the plain model, whichever levers are on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from vltrain.adapters import add_adapters
from vltrain.collate import as_rows
from vltrain.features import Sample
from vltrain.levers import PLAIN, Segments, Step, attend, core_of, plain_loss
from vltrain.recipe import Levers, Recipe
from vltrain.trainer import make_collator

from tests.vltrain.conftest import load

ALL = Levers()
SWITCHES = ("packing", "vision_no_grad", "logits_at_labels", "linear_patch_embed", "host_positions")


@pytest.fixture(scope="module")
def model(tiny: Path) -> Any:
    torch.manual_seed(0)
    adapted = add_adapters(load(tiny), Recipe(model=str(tiny), data=("x",), output="y"))
    for name, parameter in adapted.named_parameters():
        if "lora_B" in name:  # at zero, half of the gradients would be zero too
            torch.nn.init.normal_(parameter, std=0.02)
    return adapted


def run(model: Any, samples: list[Sample], levers: Levers, *, checkpointing: bool = False) -> tuple[float, dict[str, torch.Tensor]]:
    model.zero_grad()
    model.train()
    batch = make_collator(model, levers)(samples)
    if levers == PLAIN:
        loss = plain_loss(model, batch, core_of(model).config.image_token_id)
    else:
        loss = Step(model, levers, checkpointing=checkpointing)(batch)
    loss = loss / len(batch["targets"])
    loss.backward()
    return loss.item(), {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def assert_equal(found: tuple[float, dict[str, torch.Tensor]], wanted: tuple[float, dict[str, torch.Tensor]], limit: float) -> None:
    assert found[0] == pytest.approx(wanted[0], abs=limit)
    assert found[1].keys() == wanted[1].keys()
    for name, gradient in wanted[1].items():
        error = (found[1][name] - gradient).norm() / gradient.norm()
        assert error < limit, f"{name}: {error}"


@pytest.fixture(scope="module")
def plain(model: Any, samples: list[Sample]) -> tuple[float, dict[str, torch.Tensor]]:
    return run(model, samples, PLAIN)


@pytest.mark.parametrize("switch", SWITCHES)
def test_one_lever_alone(model: Any, samples: list[Sample], plain: Any, switch: str) -> None:
    assert_equal(run(model, samples, msgspec.structs.replace(PLAIN, **{switch: True})), plain, 1e-5)


@pytest.mark.parametrize("switch", SWITCHES)
def test_all_levers_but_one(model: Any, samples: list[Sample], plain: Any, switch: str) -> None:
    assert_equal(run(model, samples, msgspec.structs.replace(ALL, **{switch: False})), plain, 1e-5)


def test_all_levers_and_checkpointing(model: Any, samples: list[Sample], plain: Any) -> None:
    assert_equal(run(model, samples, ALL), plain, 1e-5)
    assert_equal(run(model, samples, ALL, checkpointing=True), plain, 1e-5)


def test_packed_samples_do_not_see_each_other(model: Any, samples: list[Sample]) -> None:
    alone, _ = run(model, samples[1:2], ALL)
    changed = msgspec.structs.replace(samples[0], ids=samples[0].ids[::-1].copy(), labels=samples[0].labels)
    for first in (samples[0], changed):
        batch = make_collator(model, ALL)([first, samples[1]])
        own = batch["label_rows"] >= len(first)
        batch["targets"], batch["label_rows"] = batch["targets"][own], batch["label_rows"][own]
        if first is changed:  # picture tokens moved with the ids
            batch["picture_rows"] = torch.nonzero(batch["input_ids"].reshape(-1) == core_of(model).config.image_token_id).squeeze(1)
        loss = Step(model, ALL)(batch).item() / len(batch["targets"])
        assert loss == pytest.approx(alone, abs=1e-5)


@pytest.mark.parametrize("lengths", [(5, 5, 5), (128, 128), (100, 127, 128), (3, 130)])
def test_rows_attend_as_segments_do(lengths: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """Samples of (nearly) one length go to cuDNN as rows; here another kernel stands for it."""

    def stand_in(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, causal: bool) -> torch.Tensor:
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)

    monkeypatch.setattr("vltrain.attention.cudnn_rows", stand_in)
    torch.manual_seed(0)
    total = sum(lengths)
    parts = [torch.randn(total, heads, 8, dtype=torch.float64, requires_grad=True) for heads in (4, 2, 2)]
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    rows = as_rows(lengths, starts)
    slices = Segments(torch.tensor([*starts, total]), lengths, max(lengths), flash=False)
    if lengths == (3, 130):
        assert not rows, "filling up to 128 would cost more than it gains"
        return
    chosen = slices._replace(**rows) if len(set(lengths)) > 1 else slices._replace(width=lengths[0])
    weights = torch.randn(total, 4, 8, dtype=torch.float64)
    results = []
    for segments in (slices, chosen):
        out = attend(*parts, segments, causal=True)
        results.append((out, *torch.autograd.grad((out * weights).sum(), parts)))
    for wanted, found in zip(*results, strict=True):
        torch.testing.assert_close(found, wanted)


def test_bfloat16_is_near(tiny: Path, samples: list[Sample], plain: Any, model: Any) -> None:
    rough = add_adapters(load(tiny).to(torch.bfloat16), Recipe(model=str(tiny), data=("x",), output="y"))
    rough.load_state_dict({name: value.to(rough.state_dict()[name].dtype) for name, value in model.state_dict().items()})
    with torch.autocast("cpu", torch.bfloat16):
        wanted = run(rough, samples, PLAIN)
    found = run(rough, samples, ALL)
    assert found[0] == pytest.approx(wanted[0], rel=2e-2)
    norms = [torch.cat([gradient.float().flatten() for gradient in gradients.values()]) for _, gradients in (found, wanted)]
    assert (norms[0] - norms[1]).norm() / norms[1].norm() < 2e-2
