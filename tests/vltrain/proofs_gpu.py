"""The proofs of `make test-gpu`: bfloat16 and float16, flash and cuDNN kernels, compiled layers and Liger on one GPU."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from vltrain.adapters import add_adapters
from vltrain.features import Sample
from vltrain.levers import PLAIN, Step, core_of, plain_loss
from vltrain.recipe import Levers, Recipe
from vltrain.trainer import make_collator
from vltrain.training import run_sft

from tests.vltrain.answers import exact_match
from tests.vltrain.conftest import draw_samples, load
from tests.vltrain.test_levers import ALL, SWITCHES
from tests.vltrain.test_sft import recipe_for
from vldata.models.families import FAMILIES
from vldata.models.tiny import build_config, build_tokenizer, write_processor_files
from vldata.models.tiny_families import build_tiny_family

pytestmark = [pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here"), pytest.mark.filterwarnings("ignore")]
HAS_LIGER = importlib.util.find_spec("liger_kernel") is not None
Found = tuple[float, torch.Tensor]


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights wide enough for the kernels of real models: heads of 64, four layers, a tower of four blocks."""
    from transformers import AutoModelForImageTextToText

    tokenizer = build_tokenizer()
    config = build_config(tokenizer)
    text, vision = config.text_config, config.vision_config
    for key, value in {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 4,
                       "num_key_value_heads": 2, "head_dim": 64}.items():  # fmt: skip
        setattr(text, key, value)
    text.rope_parameters = {"rope_type": "default", "rope_theta": 5e6, "mrope_interleaved": True, "mrope_section": [12, 10, 10]}
    for key, value in {"depth": 4, "hidden_size": 256, "intermediate_size": 512, "num_heads": 4, "out_hidden_size": 256,
                       "num_position_embeddings": 64, "deepstack_visual_indexes": [0, 2]}.items():  # fmt: skip
        setattr(vision, key, value)
    out = tmp_path_factory.mktemp("small")
    torch.manual_seed(0)
    AutoModelForImageTextToText.from_config(type(config).from_dict(config.to_dict()), dtype=torch.float32).save_pretrained(out)
    tokenizer.save_pretrained(out)
    write_processor_files(out)
    return out


def adapted(folder: Path, dtype: torch.dtype, **changes: Any) -> Any:
    torch.manual_seed(0)
    model = add_adapters(load(folder).to(dtype), Recipe(model=str(folder), data=("x",), output="y", **changes))
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # at zero, half of the gradients would be zero too
            torch.nn.init.normal_(parameter, std=0.02)
    return model.cuda().train()


def run(folder: Path, samples: list[Sample], levers: Levers, dtype: torch.dtype, *, checkpointing: bool = False, **changes: Any) -> Found:
    """Loss and gradients of one batch, with a model of its own: layers that were compiled or patched stay so."""
    model = adapted(folder, dtype, **changes)
    batch = make_collator(model, levers)(samples)
    moved = {name: value.cuda() if isinstance(value, torch.Tensor) else value for name, value in batch.items()}
    if levers == PLAIN:
        with torch.autocast("cuda", dtype, enabled=dtype != torch.float32):
            loss = plain_loss(model, moved, core_of(model).config.image_token_id)
    else:
        loss = Step(model, levers, checkpointing=checkpointing)(moved)
    (loss / len(moved["targets"])).backward()
    gradients = [parameter.grad.float().flatten() for parameter in model.parameters() if parameter.grad is not None]
    return loss.item() / len(moved["targets"]), torch.cat(gradients)


def assert_near(found: Found, wanted: Found, limit: float) -> None:
    assert found[0] == pytest.approx(wanted[0], rel=limit)
    assert len(found[1]) == len(wanted[1])
    error = float((found[1] - wanted[1]).norm() / wanted[1].norm())
    print(f"loss {found[0]:.5f} for {wanted[0]:.5f}, gradients differ by {error:.2e}")
    assert error < limit


@pytest.fixture(scope="module")
def plain(small: Path, samples: list[Sample]) -> Found:
    return run(small, samples, PLAIN, torch.bfloat16)


@pytest.mark.parametrize("switch", SWITCHES)
def test_one_lever_alone(small: Path, samples: list[Sample], plain: Found, switch: str) -> None:
    assert_near(run(small, samples, msgspec.structs.replace(PLAIN, **{switch: True}), torch.bfloat16), plain, 2e-2)


@pytest.mark.parametrize("switch", SWITCHES)
def test_all_levers_but_one(small: Path, samples: list[Sample], plain: Found, switch: str) -> None:
    assert_near(run(small, samples, msgspec.structs.replace(ALL, **{switch: False}), torch.bfloat16), plain, 2e-2)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_all_levers(small: Path, samples: list[Sample], plain: Found, checkpointing: bool, compiled: bool) -> None:
    levers = msgspec.structs.replace(ALL, compile=compiled)
    assert_near(run(small, samples, levers, torch.bfloat16, checkpointing=checkpointing), plain, 2e-2)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
def test_samples_of_equal_length(small: Path, samples: list[Sample], compiled: bool, checkpointing: bool) -> None:
    """Equal segments take cuDNN's kernels where there are any."""
    equal, levers = [samples[0]] * 4, msgspec.structs.replace(ALL, compile=compiled)
    wanted = run(small, equal, PLAIN, torch.bfloat16)
    assert_near(run(small, equal, levers, torch.bfloat16, checkpointing=checkpointing), wanted, 2e-2)


@pytest.mark.parametrize("compiled", [False, True])
def test_samples_of_nearly_equal_length(small: Path, samples: list[Sample], compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """These stand in rows that are filled up."""
    monkeypatch.setattr("vltrain.collate.ROW_WASTE", 1_000)
    levers = msgspec.structs.replace(ALL, compile=compiled)
    assert "spread" in make_collator(adapted(small, torch.bfloat16), levers)(samples)
    wanted = run(small, samples, PLAIN, torch.bfloat16)
    assert_near(run(small, samples, levers, torch.bfloat16), wanted, 2e-2)
    assert_near(run(small, samples, levers, torch.bfloat16, checkpointing=True), wanted, 2e-2)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("trained", [False, True])
def test_windows_of_a_tower(tmp_path: Path, trained: bool, compiled: bool, checkpointing: bool) -> None:
    """Qwen2.5-VL, its tower of a width that no GPU likes; pictures whose windows are all alike, and others."""
    family = FAMILIES["qwen2.5-vl"]
    wide = {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2}
    rope = {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [8, 12, 12]}
    vision = {**family.tiny.vision, "hidden_size": 320, "num_heads": 4, "intermediate_size": 420, "depth": 3, "out_hidden_size": 256}
    tiny = msgspec.structs.replace(family.tiny, text={**family.tiny.text, **wide, "rope_parameters": rope}, vision=vision)
    folder = build_tiny_family(msgspec.structs.replace(family, tiny=tiny), tmp_path / "model", embedding_std=0.0)
    levers = msgspec.structs.replace(ALL, compile=compiled, vision_no_grad=not trained)
    samples, changes = draw_samples(folder, tmp_path), {"train_vision": trained, "train_projector": trained}
    for chosen in (samples, samples[:1] * 3):
        wanted = run(folder, chosen, PLAIN, torch.bfloat16, **changes)
        assert_near(run(folder, chosen, levers, torch.bfloat16, checkpointing=checkpointing, **changes), wanted, 2e-2)


@pytest.mark.skipif(not HAS_LIGER, reason="liger-kernel is not installed")
@pytest.mark.parametrize("compiled", [False, True])
def test_liger(small: Path, samples: list[Sample], plain: Found, compiled: bool) -> None:
    assert_near(run(small, samples, msgspec.structs.replace(ALL, liger=True, compile=compiled), torch.bfloat16), plain, 2e-2)


def test_float32_on_the_gpu(small: Path, samples: list[Sample], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)  # the plain patch convolution would round its input
    assert_near(run(small, samples, ALL, torch.float32), run(small, samples, PLAIN, torch.float32), 1e-4)


@pytest.mark.parametrize(("checkpointing", "kept"), [(False, False), (True, True)])
def test_one_run_meets_all_kinds_of_batches(
    small: Path, samples: list[Sample], checkpointing: bool, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Graphs of several shapes are alive at once: none may serve another's backward pass."""
    monkeypatch.setattr("vltrain.collate.ROW_WASTE", 2)
    batches = [samples, [samples[0]] * 4, samples[:2], [samples[2], samples[3]], [samples[1]] * 3]
    model, levers = adapted(small, torch.bfloat16), msgspec.structs.replace(ALL, compile=True, keep_vision_gib=float(kept))
    step, collator = Step(model, levers, checkpointing=checkpointing), make_collator(model, levers)
    for chosen in batches:
        moved = {name: value.cuda() if isinstance(value, torch.Tensor) else value for name, value in collator(chosen).items()}
        model.zero_grad()
        (step(moved) / len(moved["targets"])).backward()
        found = torch.cat([parameter.grad.float().flatten() for parameter in model.parameters() if parameter.grad is not None])
        wanted = run(small, chosen, PLAIN, torch.bfloat16)[1]
        assert float((found - wanted).norm() / wanted.norm()) < 2e-2


@pytest.mark.skipif(not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 9), reason="no eight-bit products here")
@pytest.mark.parametrize("compiled", [False, True])
def test_a_base_in_eight_bits(small: Path, samples: list[Sample], plain: Found, compiled: bool) -> None:
    from vltrain.fp8 import use_fp8

    model = adapted(small, torch.bfloat16)
    assert use_fp8(core_of(model).model.language_model) == 28
    levers = msgspec.structs.replace(ALL, compile=compiled)
    batch = make_collator(model, levers)(samples)
    moved = {name: value.cuda() if isinstance(value, torch.Tensor) else value for name, value in batch.items()}
    loss = Step(model, levers)(moved) / len(moved["targets"])
    loss.backward()
    gradients = torch.cat([parameter.grad.float().flatten() for parameter in model.parameters() if parameter.grad is not None])
    assert loss.item() == pytest.approx(plain[0], rel=2e-2)
    assert float(torch.nn.functional.cosine_similarity(gradients, plain[1], dim=0)) > 0.98


@pytest.mark.skipif(not torch.cuda.is_available() or torch.cuda.get_device_capability() < (8, 9), reason="no eight-bit products here")
def test_squares_are_learned_over_eight_bits(tiny: Path, tmp_path: Path) -> None:
    """As well as over bfloat16, on squares that were held out too, over three seeds; the adapter stands on the full-precision base."""
    from peft import PeftModel

    from fixtures.colours import convert_colours

    seen, held_out = (convert_colours(tmp_path / name, count=count, seed=seed) for name, count, seed in (("seen", 64, 3), ("other", 96, 7)))
    found: dict[str, list[tuple[float, ...]]] = {"full": [], "fp8": []}
    for base, rows in found.items():
        for seed in range(3):
            out = tmp_path / f"{base}{seed}"
            result = run_sft(recipe_for(tiny, seen, out, precision="bf16", base=base, eval_data=(held_out,), seed=seed))
            model = PeftModel.from_pretrained(load(tiny), out)
            evaluated = result.eval_loss if result.eval_loss is not None else float("nan")
            rows.append((result.train_loss, evaluated, exact_match(model, tiny, seen), exact_match(model, tiny, held_out)))
    full, fp8 = ([sum(column) / 3 for column in zip(*found[base], strict=True)] for base in ("full", "fp8"))
    print("mean training loss, held-out loss, exact match on seen and held-out squares:", full, fp8, found)
    apart = sorted(abs(one[0] - other[0]) for one, other in zip(found["full"], found["fp8"], strict=True))
    assert apart[1] < 2e-2 and fp8[2] >= 0.9  # the median: a random model at this rate is chaotic, and one seed in three is 0.15 apart
    assert fp8[3] >= full[3] - 0.02  # of 288 answers: less than their chance


@pytest.mark.parametrize("precision", ["bf16", "fp16"])
@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_squares_are_learned(tiny: Path, colours: str, tmp_path: Path, precision: str, method: str) -> None:
    from peft import PeftModel

    if method == "qlora":
        pytest.importorskip("bitsandbytes")
    result = run_sft(recipe_for(tiny, colours, tmp_path / "out", precision=precision, method=method))
    assert result.train_loss < 2
    assert exact_match(PeftModel.from_pretrained(load(tiny), tmp_path / "out"), tiny, colours) >= 0.9
