"""Mistakes of published walks from JSONL pairs to an adapter on a CPU: what their way gives, and what ours does with the same input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from tests.tutorials.conftest import Run
from vldata.models.shapes import PUBLISHED
from vldata.records.record import Message, Record

TEXTS = ("A chart of sales.", "请提取图中的文字", "A red square.")
ROWS = tuple({"image": f"{number}.jpg", "text": text} for number, text in enumerate(TEXTS))


@pytest.fixture
def pairs(run: Run) -> Path:
    """As the walk lays it out: images/ beside the file, and paths that do not name it."""
    Path("data/images").mkdir(parents=True)
    for number, row in enumerate(ROWS):
        Image.new("RGB", (640, 360), (80 * number, 0, 0)).save(Path("data/images", row["image"]))
    Path("data/train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS), encoding="utf-8")
    return Path("data/train.jsonl")


def test_paths_that_lack_their_folder_are_found_in_it(run: Run, pairs: Path) -> None:
    assert not (pairs.parent / ROWS[0]["image"]).exists()  # theirs
    assert run(f"vldata convert jsonl {pairs}").code == 0
    assert run("vldata validate").code == 0


def test_a_text_is_not_both_question_and_answer(run: Run, pairs: Path) -> None:
    ran = run(f"vldata convert jsonl {pairs}")
    assert "Every question: 'Describe the picture.' (--prompt asks something else)" in ran.out + ran.err
    assert "look like a request, not an answer" in ran.out + ran.err  # the row that is a request is named, not learned unseen
    record = json.loads(Path("prepared/train.jsonl").read_text().splitlines()[0])
    assert [turn["role"] for turn in record["messages"]] == ["user", "assistant"] and record["messages"][1]["content"] == ROWS[0]["text"]


def test_the_image_keeps_its_aspect(run: Run, pairs: Path) -> None:
    run(f"vldata convert jsonl {pairs}")
    line = json.loads(Path("prepared/train.media.jsonl").read_text().splitlines()[0])
    assert line["width"] / line["height"] == pytest.approx(640 / 360, rel=0.05)  # theirs: 448 by 448


def test_prompt_and_image_are_seen_and_not_learned(tiny_model: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from vltrain.data import Example
    from vltrain.features import Featurizer

    Image.new("RGB", (256, 256)).save(tmp_path / "a.png")
    turns = (Message("user", "<image>Which colour?"), Message("assistant", "Black"))
    record = Record(id="r", messages=turns, images=("a.png",), references=(), meta={})
    sample = Featurizer(tiny_model).make(Example(record, tmp_path, ((256, 256),)))
    images = json.loads((tiny_model / "config.json").read_text())["image_token_id"]
    ids, labels = sample.ids.tolist(), sample.labels.tolist()
    assert ids.count(images) == 64  # the image itself, not its path
    learned = [label for label in labels if label != -100]
    assert 0 < len(learned) < len(ids) - 64 and images not in learned  # theirs: all of them
    end = json.loads((tiny_model / "generation_config.json").read_text()).get("eos_token_id")
    assert end is None or set(learned) & ({end} if isinstance(end, int) else set(end))  # the answer and its end


def test_two_projections_are_a_fifth_of_the_parameters() -> None:
    two, all_ = ("q_proj", "v_proj"), tuple(f"{name}_proj" for name in ("q", "k", "v", "o", "gate", "up", "down"))
    assert (PUBLISHED["2b"].lora_parameters(8, two), PUBLISHED["2b"].lora_parameters(8, all_)) == (1_605_632, 8_716_288)
    assert PUBLISHED["2b"].lora_parameters(8, two) != 1_572_864  # the published log's figure


def test_a_class_that_is_gone_is_not_needed(tiny_model: Path) -> None:
    transformers = pytest.importorskip("transformers")
    assert not hasattr(transformers, "AutoModelForVision2Seq")
    from vleval.inference.loading import load_folder

    assert load_folder(tiny_model, "float32")[1].can_generate()


def test_an_adapter_folder_is_no_model(run: Run, pairs: Path) -> None:
    run(f"vldata convert jsonl {pairs}")
    Path("adapter").mkdir()
    Path("adapter/adapter_config.json").write_text('{"base_model_name_or_path": "models/base"}')
    ran = run("vleval predict --data prepared/train --backend hf --model adapter --out answers.jsonl")
    assert ran.code == 1 and "it holds an adapter" in ran.err and "--adapter" in ran.err and not Path("answers.jsonl").exists()


def test_three_images_do_not_show_that_anything_generalises(run: Run) -> None:
    rows = [{"id": str(number), "prediction": "a", "references": [answer]} for number, answer in enumerate("aba")]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = run("vleval score answers.jsonl --metric exact_match").out.splitlines()[0]
    assert "exact_match = 0.6667 [0.2077, 0.9385] (n=3)" in shown and "TOO FEW ROWS" in shown and "AT ITS FLOOR" in shown
