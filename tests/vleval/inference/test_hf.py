from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError
from vleval.inference import hf
from vleval.inference.ask import Sampler, make_ask
from vleval.inference.client import Outcome
from vleval.inference.options import RunOptions
from vleval.inference.retry import Answer
from vleval.inference.run import predict

torch = pytest.importorskip("torch", reason="the hf backend needs the train extra")
transformers = pytest.importorskip("transformers", reason="the hf backend needs the train extra")

SAMPLER = Sampler(max_tokens=6)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from vldata.models.tiny import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("model") / "tiny")


def answers(model: hf.HfModel, asks: list[Any]) -> dict[str, str]:
    found: dict[str, str] = {}

    def take(outcome: Outcome) -> None:
        assert isinstance(outcome.result, Answer), outcome.result
        found[outcome.key] = outcome.result.text

    model.answer([(ask.id, ask) for ask in asks], take)
    return found


def plain_answer(tiny: Path, prepared: Path, ask: Any) -> str:
    """What transformers says when asked by hand, one at a time, with its own template and processor."""
    from PIL import Image

    tokenizer = transformers.AutoTokenizer.from_pretrained(tiny)
    images = [Image.open(path) for path in ask.images]
    vision = transformers.AutoImageProcessor.from_pretrained(tiny)(images=images, return_tensors="pt")
    content = [{"type": "image"} if part is None else {"type": "text", "text": part} for part in ask.turns[0].parts]
    text = tokenizer.apply_chat_template([{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True)
    counts = (vision["image_grid_thw"].prod(dim=1) // 4).tolist()
    for count in counts:
        text = text.replace("<|image_pad|>", "<|placeholder|>" * count, 1)
    ids = tokenizer(text.replace("<|placeholder|>", "<|image_pad|>"), return_tensors="pt", add_special_tokens=False)["input_ids"]
    model = transformers.AutoModelForImageTextToText.from_pretrained(tiny)
    types = (ids == tokenizer.convert_tokens_to_ids("<|image_pad|>")).long()
    out = model.generate(
        input_ids=ids, attention_mask=torch.ones_like(ids), mm_token_type_ids=types, max_new_tokens=6, do_sample=False, **vision
    )
    return str(tokenizer.decode(out[0, ids.shape[1] :]))


def test_batches_answer_as_one_by_one_and_as_plain_transformers(prepared: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asks = [make_ask(record, prepared) for record in Dataset(prepared / "openeqa")]
    model = hf.HfModel(str(tiny), device="cpu", sampler=SAMPLER)
    batched = answers(model, asks)
    monkeypatch.setattr(hf, "MOST_ROWS", 1)
    assert answers(model, asks) == batched
    assert batched[asks[0].id] == plain_answer(tiny, prepared, asks[0])
    assert set(batched) == {ask.id for ask in asks}


def test_a_run_in_this_process_writes_the_same_lines_as_one_over_a_server(prepared: Path, tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    result = predict(Dataset(prepared / "openeqa"), out, RunOptions(backend="hf", model=str(tiny), sampler=SAMPLER))
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert (result.answered, result.errors) == (6, 0) and result.truncated == sum(row["finish_reason"] == "length" for row in rows)
    assert [row["id"] for row in rows] == [record.id for record in Dataset(prepared / "openeqa")]
    assert rows[0]["usage"]["prompt_tokens"] > 2 * 84
    again = predict(Dataset(prepared / "openeqa"), out, RunOptions(backend="hf", model=str(tiny), sampler=SAMPLER))
    assert again.taken_over == 6


def test_what_is_no_model_or_adapter_is_named(prepared: Path, tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a model folder"):
        hf.HfModel(str(tmp_path))
    with pytest.raises(DataError, match=r"no adapter here: adapter_config\.json is missing"):
        hf.HfModel(str(tiny), adapter=str(tmp_path), device="cpu")


def test_an_adapter_answers_as_the_merged_model_and_a_look_as_a_run(prepared: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model

    from vldata.models.tiny import build_tiny_model

    base = build_tiny_model(tmp_path / "base", mixing=50)
    torch.manual_seed(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # peft reads an alias that transformers gives up
        config = LoraConfig(r=4, lora_alpha=64, target_modules=["q_proj", "v_proj", "up_proj"], init_lora_weights=False)
        tuned = get_peft_model(transformers.AutoModelForImageTextToText.from_pretrained(base), config)
        tuned.save_pretrained(tmp_path / "adapter")
        shutil.copytree(base, tmp_path / "merged")
        tuned.merge_and_unload().save_pretrained(tmp_path / "merged")
    asks = [make_ask(record, prepared) for record in Dataset(prepared / "openeqa")][:4]
    adapted = hf.HfModel(str(base), adapter=str(tmp_path / "adapter"), device="cpu", sampler=SAMPLER)
    found = answers(adapted, asks)
    assert found == answers(hf.HfModel(str(tmp_path / "merged"), device="cpu", sampler=SAMPLER), asks)
    assert found != answers(hf.HfModel(str(base), device="cpu", sampler=SAMPLER), asks)
    look = adapted.look(asks[0])
    assert look.text == found[asks[0].id] and len(look.tokens) <= 6 and all(likely < 0 for _, likely in look.tokens)
    assert look.grid == ((1, 14, 24), (1, 14, 24)) and look.prompt.count("<|image_pad|>") == 2
    assert look.ids.count(adapted._prompter.image_pad) == 2 * 84
    (tmp_path / "adapter" / "adapter_model.safetensors").write_bytes(b"torn")
    with pytest.raises(DataError, match="does not fit this model"):
        hf.HfModel(str(base), adapter=str(tmp_path / "adapter"), device="cpu")


def test_runs_of_equal_settings_differ_in_no_answer_whatever_the_window(
    prepared: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asks = [make_ask(record, prepared) for record in Dataset(prepared / "openeqa")]
    model = hf.HfModel(str(tiny), device="cpu", sampler=SAMPLER)
    whole = answers(model, asks)
    monkeypatch.setattr(hf, "_WINDOW", 2)
    assert answers(model, asks) == whole
