"""The trainers whose rules were read and not run: one row a behaviour, as tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import vldata
from tests.effort import examples
from vldata.linting import CONSUMERS
from vldata.linting.axolotl import AxolotlJudge
from vldata.linting.consumer import Options
from vldata.linting.filejudge import FileJudge
from vldata.linting.internvl import InternvlJudge
from vldata.linting.llava import LlavaJudge
from vldata.linting.qwen import QwenJudge
from vldata.linting.unsloth import UnslothJudge

Q, A = {"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A box."}
U = {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What?"}]}
S = {"role": "assistant", "content": [{"type": "text", "text": "A box."}]}


def talk(*turns: dict[str, Any], image: Any = "a.png", **more: Any) -> dict[str, Any]:
    return {"conversations": list(turns), **({} if image is None else {"image": image}), **more}


def messages(*turns: dict[str, Any], images: Any = ("a.png",), **more: Any) -> dict[str, Any]:
    return {
        "messages": list(turns),
        **({} if images is None else {"images": list(images) if isinstance(images, tuple) else images}),
        **more,
    }


TEXT = {"from": "human", "value": "What?"}
SYSTEM = {"from": "system", "value": "Be brief."}
TALKED = {"from": "human", "value": "What?"}
PART: dict[str, Any] = {"role": "user"}
BLANK = {"from": "gpt", "value": " "}
BOX = {"from": "gpt", "value": "[10, 20, 800, 500]"}

CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("qwen", talk(Q, A), "train", ""),
    ("qwen", talk(TEXT, A, image=None), "train", ""),
    ("qwen", talk(Q, A, image=["a.png"]), "train", ""),
    ("qwen", talk(SYSTEM, Q, A), "prompt", "QW11"),
    ("qwen", talk(Q, A, image=["a.png", "a.png"]), "drop", "QW20"),
    ("qwen", talk(TEXT, A), "drop", "QW20"),
    ("qwen", talk(Q, A, image=None), "drop", "QW20"),
    ("qwen", talk(Q, A, image=None, images=["a.png"]), "drop", "QW20"),
    ("qwen", talk(Q, A, image="none.png"), "drop", "QW30"),
    ("qwen", talk(Q, BLANK), "nothing", "QW51"),
    ("qwen", talk(Q, BOX, image="big.png"), "boxes", "QW41"),
    ("qwen", {"messages": [U, S]}, "drop", "QW10"),
    ("qwen", talk({"from": "human", "value": None}, A), "drop", "QW12"),
    ("llava", talk(Q, A), "note", "LV40"),
    ("llava", talk(SYSTEM, Q, A), "crash", "LV11"),
    ("llava", talk(Q, A, image=["a.png"]), "crash", "LV15"),
    ("llava", talk(Q, Q, A), "crash", "LV13"),
    ("llava", talk(TEXT, A), "ignored", "LV20"),
    ("llava", talk(Q, A, Q, A), "crash", "LV21"),
    ("llava", talk(Q, A, image=None), "ignored", "LV23"),
    ("llava", talk(Q, {"from": "gpt", "value": "x ASSISTANT: y"}), "nothing", "LV52"),
    ("llava", talk(Q, A, image="none.png"), "crash", "LV30"),
    ("llava", talk(A, Q, A), "ignored", "LV14"),
    ("internvl", talk(Q, A, image="tile.png"), "train", ""),
    ("internvl", talk(SYSTEM, Q, A, image="tile.png"), "train", ""),
    ("internvl", talk(TEXT, A, image="tile.png"), "note", "IV21"),
    ("internvl", talk(TEXT, A, image=["tile.png"]), "drop", "IV20"),
    ("internvl", talk({"from": "user", "value": "What?"}, A, image=None), "drop", "IV11"),
    ("internvl", talk(Q, A, image=None), "ignored", "IV23"),
    ("internvl", talk(Q, A, image=None, video="v.mp4"), "drop", "IV24"),
    ("internvl", talk(Q, A, image="none.png"), "drop", "IV30"),
    ("internvl", talk(TEXT, A, image=None) | {"image": None}, "crash", "IV32"),
    ("internvl", talk(TEXT, A, image=""), "train", ""),
    ("internvl", talk(Q, A, image=[{"path": "tile.png"}]), "crash", "IV32"),
    ("internvl", talk(TEXT, {"from": "gpt", "value": None}, image=None), "altered", "IV12"),
    ("axolotl", messages(U, S), "train", ""),
    ("axolotl", talk(TEXT, A, image=None), "train", ""),
    ("axolotl", messages(U, S, images="a.png"), "crash", "AX21"),
    ("axolotl", messages(U, S, images=("a.png", "a.png")), "ignored", "AX20"),
    ("axolotl", messages({"role": "user", "content": "What?"}, S), "note", "AX22"),
    ("axolotl", messages({"role": "user", "content": "<image>What?"}, S), "altered", "AX23"),
    ("axolotl", messages(U, S, images=None), "crash", "AX24"),
    ("axolotl", messages(U, {"role": "model", "content": "A box."}), "nothing", "AX52"),
    ("axolotl", messages(U, {"role": "assistant", "content": None}), "nothing", "AX51"),
    ("axolotl", {"text": "x"}, "crash", "AX10"),
    ("axolotl", messages(U, S, images=()), "crash", "AX26"),
    ("axolotl", messages(TALKED, S, images=None), "crash", "AX10"),
    ("axolotl", messages({"role": "user", "content": "What?"}, {"role": "gpt", "content": "It."}, images=None), "nothing", "AX52"),
    ("axolotl", talk(TEXT, {"from": "function_call", "value": "crop"}, A, image=None), "ignored", "AX13"),
    ("axolotl", messages(PART | {"content": [{"type": "image", "path": "none.png"}]}, S, images=None), "crash", "AX30"),
    ("axolotl", messages(PART | {"content": [{"type": "image", "image": {"path": "a.png"}}]}, S, images=None), "crash", "AX32"),
    ("axolotl", messages(PART | {"content": [{"type": "image_url", "value": "a.png"}]}, S, images=None), "ignored", "AX25"),
    ("axolotl", messages(U, S, images=("turned.jpg",)), "note", "AX42"),
    ("unsloth", messages(U, S), "prompt", "UN50P"),
    ("unsloth", {"prompt": [U], "completion": [S], "images": ["a.png"]}, "train", ""),
    ("unsloth", messages({"role": "user", "content": "What?"}, S), "crash", "UN20"),
    ("unsloth", talk(Q, A, image=None), "crash", "UN11"),
    ("unsloth", {"prompt": [U], "completion": [S], "image": "a.png"}, "crash", "UN20"),
    ("unsloth", {"prompt": [U], "completion": [S], "images": ["none.png"]}, "crash", "UN30"),
    ("unsloth", {"prompt": [U], "completion": [S], "images": [{"path": "a.png", "bytes": None}, None]}, "train", ""),
    ("unsloth", {"prompt": [U], "completion": [S], "images": ["turned.jpg"]}, "train", ""),
    ("unsloth", {"prompt": [PART | {"content": [{"type": "image", "image": "turned.jpg"}]}], "completion": [S]}, "altered", "UN42"),
    ("unsloth", {"prompt": "What?", "completion": [S]}, "crash", "UN13"),
    ("unsloth", messages({"role": "user", "content": []}, S, images=None), "crash", "UN12"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("rows")
    for name, size in (("a.png", (256, 256)), ("tile.png", (448, 448)), ("big.png", (1920, 1080))):
        Image.new("RGB", size, "red").save(root / name)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (256, 256), "red").save(root / "turned.jpg", exif=exif)
    return root


@pytest.mark.parametrize(("consumer", "row", "outcome", "code"), CASES, ids=[f"{c[0]}-{c[3] or 'fine'}-{i}" for i, c in enumerate(CASES)])
def test_each_behaviour_has_its_row(consumer: str, row: dict[str, Any], outcome: str, code: str, folder: Path) -> None:
    file = folder / ("rows.json" if consumer == "llava" else "rows.jsonl")
    file.write_text(json.dumps([row]) if consumer == "llava" else json.dumps(row) + "\n")
    result = vldata.lint(file, consumer)
    assert list(result.outcomes) == [outcome], result.findings
    assert not code or code in result.linted.counts


def test_llava_wants_a_list_and_internvl_lines(folder: Path) -> None:
    (folder / "talk.jsonl").write_text(json.dumps(talk(Q, A)) + "\n")
    (folder / "talk.json").write_text(json.dumps([talk(Q, A)]))
    assert "LV05" in vldata.lint(folder / "talk.jsonl", "llava").linted.counts
    assert "IV05" in vldata.lint(folder / "talk.json", "internvl").linted.counts


@pytest.mark.parametrize("consumer", ["qwen", "internvl", "llava"])
def test_what_python_json_stumbles_on(consumer: str, folder: Path) -> None:
    row = json.dumps(talk(TEXT, A, image=None))
    file = folder / "strict.jsonl"
    for text in (f"{row}\n\n{row}\n", json.dumps(json.loads(row), indent=1), f"\ufeff{row}\n", f"[{row}]\n"):
        file.write_text(text, encoding="utf-8")
        if consumer != "llava":
            assert vldata.lint(file, consumer).outcomes == {"crash": 1 + text.count("\n\n")}
    file.write_text(f"{row}\n{row}", encoding="utf-8")
    assert ("crash" in vldata.lint(file, consumer).outcomes) == (consumer == "llava")
    other = folder / "strict.json"
    other.write_text(f"{row}\n{row}\n", encoding="utf-8")
    assert vldata.lint(other, consumer).outcomes == {"crash": 2}


def test_internvl_reads_its_meta_file(folder: Path) -> None:
    (folder / "talk.jsonl").write_text(json.dumps(talk(Q, A, image="tile.png")) + "\n")
    entry = {"root": str(folder), "annotation": str(folder / "talk.jsonl"), "data_augment": False, "repeat_time": 1, "length": 1}
    (folder / "meta.json").write_text(json.dumps({"one": entry, "two": {"annotation": "none.jsonl"}}))
    result = vldata.lint(folder / "meta.json", "internvl")
    assert [part.name for part in result.linted.parts] == ["one", "two"]
    assert result.linted.counts["IV07"] == 1 and result.linted.parts[0].outcomes == {"train": 1}


def test_every_code_of_a_table_is_of_its_consumer_and_says_all() -> None:
    for consumer in CONSUMERS.values():
        assert len({code[:2] for code in consumer.table}) == 1
        assert all(all(behaviour) for behaviour in consumer.table.values())


@pytest.mark.parametrize("trainer", sorted(CONSUMERS))
def test_values_of_any_type_anywhere_end_in_a_verdict(trainer: str, tmp_path: Path) -> None:
    """Each value of a good row in turn is another type: found by changing rows at random, kept as a table."""
    file = tmp_path / "rows.jsonl"
    talk = [
        {"role": "user", "content": "What?", "from": "human", "value": "What?"},
        {"role": "assistant", "content": "It.", "from": "gpt", "value": "It."},
    ]
    parts = [{"type": "image", "image": "a.png"}, {"type": "text", "text": "What?"}]
    odd: list[object] = [None, True, 3, 1.5, [], {}, [[]], {"a": [1]}, "x"]
    columns = ("images", "image", "tools", "objects", "label", "videos", "system")
    forms = ("messages", "conversations", "query", "prompt", "response", "history", "chosen")
    for value in odd:
        rows: list[dict[str, object]] = [{name: value, "messages": talk, "conversations": talk} for name in columns]
        rows += [{name: value} for name in forms]
        rows += [{name: [{**talk[0], key: value}, talk[1]]} for name in ("messages", "conversations") for key in talk[0]]
        rows += [{"messages": [{"role": "user", "content": [{**parts[0], "type": value}, {**parts[1], "text": value}]}, talk[1]]}]
        rows += [{"messages": talk, "objects": {"ref": [], "bbox": [[1, 2, 3, 4]], key: value}} for key in ("ref", "bbox", "image_id")]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        result = vldata.lint(file, trainer)
        assert sum(result.outcomes.values()) >= len(rows) and list(result.lines())
    for value in odd:
        entry = {"file_name": "rows.jsonl", "formatting": value, "columns": value, "tags": {"role_tag": value}, "ranking": value}
        (tmp_path / "dataset_info.json").write_text(
            json.dumps({"rows": entry, "more": {**entry, "formatting": "sharegpt", "columns": {"messages": value}}})
        )
        list(vldata.lint(tmp_path / "dataset_info.json", trainer).lines())


def test_tags_of_other_tools_and_parts_that_nobody_loads(tmp_path: Path) -> None:
    Image.new("RGB", (256, 256)).save(tmp_path / "a.png")
    file = tmp_path / "rows.jsonl"
    asked = {"role": "user", "content": "<ImageHere>What?"}
    file.write_text(json.dumps({"messages": [asked, S], "images": ["a.png"]}) + "\n")
    assert vldata.lint(file, "axolotl").linted.counts["AX23"] == 1
    pair = {"prompt": [asked], "completion": [{"role": "assistant", "content": "It."}], "images": ["a.png"]}
    file.write_text(json.dumps(pair) + "\n")
    assert vldata.lint(file, "trl").outcomes == {"altered": 1}
    placed = {**pair, "prompt": [{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": "What does <img src=x> do?"}]}]}
    placed["completion"] = [S]
    file.write_text(json.dumps(placed) + "\n")
    assert vldata.lint(file, "trl").outcomes == {"train": 1}
    file.write_text(
        json.dumps({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "a.png"}}]}, S]}) + "\n"
    )
    assert vldata.lint(file, "axolotl").outcomes == {"train": 1}
    assert vldata.lint(file, "unsloth", set_=("train_on_responses_only=true",)).outcomes == {"train": 1}
    file.write_text(
        json.dumps({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "none.png"}}]}, S]}) + "\n"
    )
    assert vldata.lint(file, "unsloth").linted.counts["UN30"] == 1


_TEXTS = st.sampled_from(["What?", "It.", "", " ", "<image>What?", "a < b", "x ASSISTANT: y", "<|im_end|>"])
_SPEAKERS = st.sampled_from(["user", "assistant", "system", "human", "gpt", "tool"])


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, Any]:
    keys = draw(st.sampled_from([("role", "content"), ("from", "value"), ("role", "content", "loss")]))
    turns = [{key: draw(_SPEAKERS) if key in ("role", "from") else draw(_TEXTS) for key in keys} for _ in range(draw(st.integers(0, 3)))]
    more = draw(st.dictionaries(st.sampled_from(["id", "image", "images", "prompt", "completion", "width", "label"]), _TEXTS | st.none()))
    field = draw(st.sampled_from(["messages", "conversations"]))
    plain = {
        field: [
            {keys[0]: "user" if "role" in keys else "human", keys[1]: "What?"},
            {keys[0]: "assistant" if "role" in keys else "gpt", keys[1]: "It."},
        ]
    }
    return {**draw(st.sampled_from([plain, {field: turns}])), **more}


@pytest.mark.parametrize("judge", [QwenJudge, LlavaJudge, InternvlJudge, AxolotlJudge, UnslothJudge])
@settings(max_examples=examples(20), deadline=None)
@given(rows=st.lists(_rows(), min_size=1, max_size=6))
def test_a_glance_at_text_rows_says_what_the_full_look_says(judge: type[FileJudge], rows: list[dict[str, Any]]) -> None:
    one = judge(Path("rows.jsonl"), Options(files=False), [])
    for row in [*rows, *rows]:
        assert one.row(row) == one.judge(row)
