"""A model in four bits answers, whatever it was saved to compute in and whatever it is asked to compute in."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from vleval.inference.loading import choose_dtype  # noqa: E402


@pytest.mark.parametrize(("capability", "wanted"), [((7, 5), "float16"), ((7, 0), "float16"), ((8, 0), "bfloat16"), ((9, 0), "bfloat16")])
def test_auto_takes_bfloat16_only_where_the_gpu_has_it(capability: tuple[int, int], wanted: str) -> None:
    cuda = SimpleNamespace(get_device_capability=lambda: capability, is_bf16_supported=lambda: True)  # torch counts emulation as support
    fake = SimpleNamespace(float32="float32", float16="float16", bfloat16="bfloat16", cuda=cuda)
    assert choose_dtype(fake, "auto", "cuda") == wanted
    assert choose_dtype(fake, "auto", "cpu") == "float32"


@pytest.fixture(scope="module", params=["bf16", "fp16", "fp32"])
def quantized(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("bitsandbytes", reason="needs the qlora extra")
    from vltrain.quantizing import quantize

    from vldata.models.tiny import build_tiny_model

    folder = tmp_path_factory.mktemp(request.param)
    build_tiny_model(folder / "tiny", seed=0, embedding_std=0.15)
    quantize(folder / "tiny", folder / "nf4", compute=request.param)
    return folder / "nf4"


@pytest.mark.parametrize("dtype", ["auto", "float32", "float16", "bfloat16"])
def test_every_combination_answers(quantized: Path, prepared: Path, dtype: str) -> None:
    from vldata.datasets.dataset import Dataset
    from vleval.inference.ask import Sampler, iter_asks
    from vleval.inference.hf import HfModel
    from vleval.inference.retry import Answer

    model = HfModel(str(quantized), device="cpu", dtype=dtype, sampler=Sampler(max_tokens=4))
    outcomes: list[Any] = []
    model.answer([(ask.id, ask) for ask in iter_asks(Dataset(prepared / "openeqa"), 2)], outcomes.append)
    assert len(outcomes) == 2 and all(isinstance(outcome.result, Answer) for outcome in outcomes), outcomes
