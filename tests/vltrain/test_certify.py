"""The certificate holds where samples are kept apart, fails where they are not, and does not trust a control that shows nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
import vltrain
from vltrain import levers
from vltrain.certifying import BatchOutcome, certify_batches
from vltrain.generic import ProcessorCollator
from vltrain.recipe import Recipe

from fixtures.colours import convert_colours
from vldata.errors import DataError, UsageError
from vldata.models.families import FAMILIES
from vldata.models.tiny_families import build_tiny_family


def uneven(out: Path, processor: str = "qwen3-vl") -> str:
    """Six records of six lengths."""
    data = convert_colours(out / "prepared", count=6, processor=processor)
    rows = [json.loads(line) for line in Path(f"{data}.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows):
        row["messages"][0]["content"] += " really" * (3 * number)
        row["messages"][1]["content"] += ", I think" * number
    Path(f"{data}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return data


@pytest.fixture(scope="module")
def recipe(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    work = tmp_path_factory.mktemp("certify")
    return Recipe(model=str(tiny), data=(uneven(work),), output=str(work / "out"), dropout=0.1, batch_size=2, workers=0)


@pytest.mark.parametrize("changes", [{}, {"packing": False}, {"checkpointing": True}], ids=str)
def test_it_holds(recipe: Recipe, changes: dict[str, Any]) -> None:
    told: list[str] = []
    found = certify_batches(msgspec.structs.replace(recipe, **changes), records=3, precision="fp32", tell=told.append)
    assert found.holds and found.gradient_error < 1e-5 and found.loss_error < 1e-5
    assert (found.control_error is None) == (changes == {"packing": False})
    assert found.control_error is None or found.control_error > 1e-2
    assert told == ["Not part of it: dropout (dropout draws anew at every run)."]


@pytest.mark.parametrize("family", ["qwen3.5", "qwen2.5-vl"])
def test_it_holds_for_other_families(family: str, tmp_path: Path) -> None:
    """Qwen3.5: a state of linear attention that went on from sample to sample would count. Qwen2.5-VL: windows of a trained tower."""
    model, sees = build_tiny_family(FAMILIES[family], tmp_path / "model"), family == "qwen2.5-vl"
    recipe = Recipe(model=str(model), data=(uneven(tmp_path, family),), output=str(tmp_path / "out"), workers=0, train_vision=sees)
    found = certify_batches(recipe, records=3, precision="fp32")
    assert found.holds and found.way == "packed" and (found.control_error or 0) > 1e-2


def test_it_fails_without_borders(recipe: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    attend = levers.attend

    def leaking(q: Any, k: Any, v: Any, segments: levers.Segments, *, causal: bool) -> torch.Tensor:
        if causal:  # the language model's rows: as if nobody had told the layer where a sample ends
            segments = segments._replace(lengths=(len(q),), bounds=torch.tensor([0, len(q)]), longest=len(q))
        return attend(q, k, v, segments, causal=causal)

    monkeypatch.setattr(levers, "attend", leaking)
    found = certify_batches(recipe, records=3, precision="fp32")
    assert not found.holds and found.gradient_error > 1e-2
    assert found.checked[0].gradient_error < 1e-5  # the first sample of the row has nothing before it


def test_it_fails_where_a_neighbour_counts_in_a_padded_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = build_tiny_family(FAMILIES["llava-onevision"], tmp_path / "model")
    recipe = Recipe(
        model=str(model),
        data=(uneven(tmp_path, "llava-onevision"),),
        output=str(tmp_path / "out"),
        packing=False,
        checkpointing=False,
        workers=0,
    )
    found = certify_batches(recipe, records=2, precision="fp32")
    assert found.holds and found.way == "padded, by the model's own processor"
    make = ProcessorCollator.__call__

    def careless(self: ProcessorCollator, talks: Any) -> Any:
        batch = make(self, talks)
        if len(talks) > 1:  # every row gets the first tokens of its neighbour
            batch["input_ids"][:, :2] = batch["input_ids"][:, :2].roll(1, 0) + 1
        return batch

    monkeypatch.setattr(ProcessorCollator, "__call__", careless)
    assert not certify_batches(recipe, records=2, precision="fp32").holds


def test_a_control_that_shows_nothing_is_no_certificate() -> None:
    outcome = BatchOutcome((), "packed", "fp32", 1e-5, loss_error=0.0, gradient_error=0.0, control_error=1e-6, left_out=())
    assert not outcome.holds and BatchOutcome((), "packed", "fp32", 1e-5, 0.0, 0.0, 0.5, ()).holds


def test_the_command(recipe: Recipe, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_text(f"model: {recipe.model}\ndata: {recipe.data[0]}\noutput: {tmp_path / 'out'}\nprecision: fp32\nmethod: qlora\n")
    told: list[str] = []
    found = vltrain.certify(path, records=2, tell=told.append)
    assert found.ok and [line.split()[0] for line in found.lines()][-2:] == ["holds", "control:"]
    assert found.document()["holds"] is True and len(found.document()["checked"]) == 2
    assert "four bits" in told[0]
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="bf16 is certified on a GPU"):
            vltrain.certify(path, precision="bf16")


def test_one_record_shares_nothing(recipe: Recipe, tmp_path: Path) -> None:
    data = convert_colours(tmp_path / "prepared", count=1)
    with pytest.raises(DataError, match="fewer than two records"):
        certify_batches(msgspec.structs.replace(recipe, data=(data,)), records=2, precision="fp32")
