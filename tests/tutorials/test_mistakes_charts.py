"""Mistakes of published walks from ChartQA to a server: what their way gives, and what ours does with the same input."""

from __future__ import annotations

import ast
import base64
import json
import re
import shutil
from pathlib import Path

import pytest

from fixtures.chartqa import draw_chartqa
from tests.tutorials.conftest import Run
from tests.vleval.inference.server import FakeServer, serve
from vldata.api.convert import convert


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("walk")
    draw_chartqa(folder / "charts")
    convert("chartqa", folder / "charts", name="charts", out=folder / "prepared", workers=1)
    return folder / "prepared"


@pytest.fixture
def prepared(run: Run, walked: Path) -> Path:
    return Path(shutil.copytree(walked, "prepared"))


def rows_of(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_image_comes_first_in_training_and_in_asking_and_is_what_it_says(run: Run, prepared: Path) -> None:
    record = rows_of(prepared / "charts_test.jsonl")[0]
    assert record["messages"][0]["content"].startswith("<image>")
    with serve(FakeServer()) as server:
        line = "vleval predict --data prepared/charts_test --backend openai --model tiny --limit 1 --no-preflight --out answers.jsonl"
        assert run(f"{line} --base-url {server.url}").code == 0
        (body,) = server.bodies
    image, text = body["messages"][-1]["content"]
    assert image["type"] == "image_url" and f"<image>{text['text']}" == record["messages"][0]["content"]
    assert body["temperature"] == 0
    kind, data = image["image_url"]["url"].removeprefix("data:image/").split(";base64,")
    file = (prepared / record["images"][0]).read_bytes()
    assert base64.b64decode(data) == file  # the file as it is, under its own type: theirs calls any file a PNG
    assert kind == ("png" if file.startswith(b"\x89PNG") else "jpeg")


def test_the_script_for_unsloth_learns_answers_alone(run: Run, prepared: Path) -> None:
    assert run("vldata export prepared/charts_train --to unsloth --out script --images copy").code == 0
    text = next(Path("script").glob("*.py")).read_text()
    calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    (collator,) = [call for call in calls if getattr(call.func, "id", "") == "UnslothVisionDataCollator"]
    given = {word.arg: ast.unparse(word.value) for word in collator.keywords}
    assert given["completion_only_loss"] == "True"  # theirs leaves it out, and so learns the prompt
    (length,) = re.findall(r"^MAX_LENGTH = (\d+)", text, re.M)
    assert int(length) < 4_096  # theirs: 16,384 for a task of a few hundred


def test_the_line_of_a_server_takes_its_length_from_the_data(run: Run, prepared: Path) -> None:
    shown = run("vleval serve-cmd --data prepared/charts_test --backend vllm --model Qwen/Qwen3-VL-4B-Instruct").out
    assert int(shown.split("--max-model-len ")[1].split()[0]) < 4_096
    assert "--trust-remote-code" not in shown and "--limit-mm-per-prompt" in shown and "--host 127.0.0.1" in shown


def test_a_walk_ends_with_a_number_and_its_interval(run: Run, prepared: Path) -> None:
    answers = [{"id": row["id"], "prediction": row["references"][0]} for row in rows_of(prepared / "charts_test.jsonl")]
    Path("answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in answers))
    shown = run("vleval score answers.jsonl --data prepared/charts_test").out
    assert "relaxed_accuracy = 1.0000 [" in shown and f"(n={len(answers)}" in shown and "floor" in shown
