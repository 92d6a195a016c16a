"""Mistakes of published walks through Open-EQA: what their way gives, and what ours does with the same input."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
from pathlib import Path

import pytest

from fixtures.openeqa import draw_openeqa
from tests.tutorials.conftest import Run
from tests.vleval.inference.server import FakeServer, http, serve
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.datasets.limits import dataset_limits
from vldata.models.serving import modelfile


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walk")
    draw_openeqa(folder / "open-eqa", size=(640, 360))
    convert("openeqa", folder / "open-eqa", frames=8, out=folder / "prepared", workers=1)
    return folder / "prepared"


@pytest.fixture
def converted(run: Run, walked: Path) -> list[dict]:
    shutil.copytree(walked, "prepared")
    return [json.loads(line) for line in Path("prepared/openeqa.jsonl").read_text().splitlines()]


def drawing(_attempt: int, body: dict) -> bytes | None:
    """A model that draws its answer when it is asked to, and knows one answer otherwise."""
    text = str(random.random()) if body.get("temperature") else "Yellow"
    return http(200, json.dumps({"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 700}}))


def test_a_score_is_no_draw_unless_it_is_asked_for(run: Run, converted: list[dict]) -> None:
    line = "vleval predict --data prepared/openeqa --backend openai --model tiny --no-preflight"
    with serve(FakeServer(drawing)) as server:
        for out, options in (("a", ""), ("b", ""), ("c", "--temperature 0.2"), ("d", "--temperature 0.2 --seed 9")):
            assert run(f"{line} --base-url {server.url} --out {out}.jsonl {options}").code == 0
    answers = {out: [json.loads(row)["prediction"] for row in Path(f"{out}.jsonl").read_text().splitlines()] for out in "abcd"}
    assert answers["c"] != answers["d"]  # their way: another score each time
    assert answers["a"] == answers["b"]


def test_a_split_by_rows_leaks_and_a_split_by_scene_does_not(run: Run, converted: list[dict]) -> None:
    rows = random.Random(0).sample(converted, len(converted))
    test, train = rows[:4], rows[4:]
    assert {image for row in test for image in row["images"]} & {image for row in train for image in row["images"]}  # their way
    ran = run("vldata split prepared/openeqa --test 4 --group-by scene")
    assert ran.code == 0 and "No scene is on two sides. A split by rows would have leaked" in ran.out + ran.err
    sides = [
        {image for line in Path(f"prepared/openeqa_{side}.jsonl").read_text().splitlines() for image in json.loads(line)["images"]}
        for side in ("train", "test")
    ]
    assert not sides[0] & sides[1]


def test_validation_rows_of_a_trainers_own_cut_are_told_to_leak(run: Run, converted: list[dict]) -> None:
    pytest.importorskip("torch")
    settings = {"model_name_or_path": "none", "dataset_dir": "prepared", "dataset": "openeqa", "val_size": 0.25, "output_dir": "out"}
    settings |= {"stage": "sft", "do_train": "true", "finetuning_type": "lora", "template": "qwen3_vl_nothink"}
    Path("theirs.yaml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
    assert "of the validation records share their scene with training" in "".join(run("vltrain plan theirs.yaml")[1:])


def test_a_cutoff_that_cuts_through_the_images_is_found_before_training(run: Run, converted: list[dict]) -> None:
    assert max(len(row["images"]) for row in converted) == 8
    ran = run("vldata budget prepared/openeqa --cutoff 1024")  # as 2,048 for 4,624 tokens: less than half
    assert "28 of 28 records are over 1,024 tokens" in ran.out and "--max-pixels" in ran.out


def test_a_further_right_answer_counts(run: Run) -> None:
    row = {"id": "1", "prediction": "couch", "references": ["sofa", "couch"]}
    Path("answers.jsonl").write_text(json.dumps(row) + "\n")
    shown = json.loads(run("vleval score answers.jsonl --metric exact_match --json").out)
    assert shown["metrics"]["exact_match"]["value"] == 1.0
    theirs = run("vleval score answers.jsonl --profile llamafactory").out  # Rouge-1 of a right answer, and BLEU-4 of a wrong word
    assert "rouge-1 = 0.00" in theirs and "bleu-4 = 10.68" in theirs
    assert "1 of 1 rows have several references: llamafactory takes the first of each" in theirs


def test_a_score_stands_beside_what_a_blind_model_gets(run: Run, converted: list[dict]) -> None:
    rows = [{"id": row["id"], "prediction": row["messages"][-1]["content"]} for row in converted]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    shown = run("vleval score answers.jsonl --data prepared/openeqa --metric exact_match")
    assert shown.code == 0 and "floor 0." in shown.out and "ceiling 1.0000" in shown.out


def test_a_modelfile_keeps_the_chat_format_and_has_room_for_eight_frames(run: Run, converted: list[dict]) -> None:
    theirs = 'TEMPLATE "<|im_start|>user {{ .Prompt }}<|im_end|> <|im_start|>assistant "'  # line ends became blanks
    assert "<|im_start|>user\n" not in theirs
    limits, _ = dataset_limits(Dataset("prepared/openeqa"), "none")
    ours = modelfile(".", limits)
    assert "TEMPLATE" not in ours and "RENDERER qwen3-vl-instruct" in ours  # Ollama's own renderer writes the format
    context = int(ours.split("num_ctx ")[1].split()[0])
    assert context >= 8 * 1_024 + limits.answer_tokens > 4_096


def test_throughput_is_requests_a_second_of_the_wall_clock(run: Run, converted: list[dict], monkeypatch: pytest.MonkeyPatch) -> None:
    async def slow(self: FakeServer, head: bytes, body: dict) -> bytes | str:
        if b"chat/completions" in head:
            await asyncio.sleep(0.1)
        return await FakeServer.reply(self, head, body)

    server_type = type("Slow", (FakeServer,), {"reply": slow})
    with serve(server_type()) as server:
        asked = f"--data prepared/openeqa --backend openai --model tiny --base-url {server.url}"
        ran = run(f"vleval bench {asked} --concurrency 1,4 --requests 8 --json")
    one, four = json.loads(ran.out)["levels"]
    assert one["total_ms"]["p50"] == pytest.approx(four["total_ms"]["p50"], rel=0.5)  # their ratio of latencies: about 1
    assert four["requests_per_s"] / one["requests_per_s"] > 2


def test_a_record_knows_its_episode_and_its_scene(converted: list[dict]) -> None:
    assert len({row["meta"]["scene"] for row in converted}) > 1
    assert all(row["meta"]["scene"] in row["meta"]["episode"] for row in converted)  # theirs: an image file with a hash for a name
