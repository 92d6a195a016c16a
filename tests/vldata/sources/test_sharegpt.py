from __future__ import annotations

import csv
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fixtures.shapes import shape_bytes, write_clip, write_shapes
from fixtures.sharegpt import VARIANTS, draw_sharegpt, rows_of, talks_of
from vldata.cli import app
from vldata.conversion import Conversion, convert
from vldata.errors import DataError, UsageError
from vldata.output.contract import read_contract, spread
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths
from vldata.output.options import ConvertOptions
from vldata.output.tokens import text_bytes
from vldata.records.record import Record, iter_records
from vldata.sources.sharegpt import open_source
from vldata.validation import validate


def run(file: Path, out: Path, *, repair: bool = False, **options: Any) -> tuple[Conversion, list[Record]]:
    """Convert one file, see that what was written validates, and return it."""
    (opened,) = open_source(file, **options)
    result = convert(opened, ConvertOptions(max_rejects=1, out=out, workers=1, repair=repair))
    assert validate(out, workers=1).findings.total == 0
    return result, [record for name in result.names for _, record in iter_records(out / f"{name}.jsonl")]


def write_rows(tmp_path: Path, *rows: Any) -> Path:
    """Write rows beside the drawn pictures."""
    write_shapes(tmp_path / "src" / "images")
    file = tmp_path / "src" / "rows.jsonl"
    file.write_bytes(b"".join((row if isinstance(row, bytes) else json.dumps(row).encode()) + b"\n" for row in rows))
    return file


def chat(*texts: str, **fields: Any) -> dict[str, Any]:
    """A row of alternating turns."""
    return {"messages": [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)], **fields}


GOOD = chat("Hi.", "Hello.")


@pytest.mark.parametrize("lines", [False, True], ids=["json", "jsonl"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_every_form_gives_the_same_conversations(variant: str, lines: bool, tmp_path: Path) -> None:
    result, records = run(draw_sharegpt(tmp_path / "src", variant, lines=lines), tmp_path / "out")
    assert result.counts.rejected == 0, result.rejects
    for record, (pictures, turns) in zip(records, talks_of(variant), strict=True):
        assert [(message.role, message.content) for message in record.messages] == turns
        assert len(record.images) == len(pictures) and record.references == (turns[-1][1],)
    assert len({image for record in records for image in record.images}) == 2
    assert records[0].images[0] == records[1].images[0] and list(records[0].meta) == ["source", "task", "extra"]


def test_parquet_with_embedded_pictures(tmp_path: Path) -> None:
    import polars as pl

    rows = [
        {**row, "images": [{"bytes": shape_bytes(Path(name).stem), "path": None} for name in row["images"]]}
        for row in rows_of("llamafactory")
    ]
    (tmp_path / "src").mkdir()
    pl.DataFrame(rows).write_parquet(tmp_path / "src" / "train.parquet")
    result, records = run(tmp_path / "src" / "train.parquet", tmp_path / "out")
    assert (result.counts.written, [len(record.images) for record in records]) == (2, [1, 2])


def test_a_table_holds_lists_as_json(tmp_path: Path) -> None:
    write_shapes(tmp_path / "src" / "images")
    with (tmp_path / "src" / "talks.csv").open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["messages", "images"])
        for row in rows_of("llamafactory"):
            writer.writerow([json.dumps(row["messages"]), json.dumps(row["images"])])
        writer.writerow(["[not json", ""])
    result, records = run(tmp_path / "src" / "talks.csv", tmp_path / "out")
    assert [len(record.images) for record in records] == [1, 2] and result.reject_counts == {"VL204": 1}


def test_a_folder_of_files_is_one_dataset(tmp_path: Path) -> None:
    import polars as pl

    (tmp_path / "chats" / "data").mkdir(parents=True)
    for number in range(3):
        pl.DataFrame([chat(f"What is {number}?", "A number.")]).write_parquet(tmp_path / "chats" / "data" / f"train-{number}.parquet")
    result, records = run(tmp_path / "chats", tmp_path / "out")
    assert result.names == ("chats",) and [record.messages[0].content for record in records] == [f"What is {n}?" for n in range(3)]
    with pytest.raises(DataError, match="no tar, parquet, Arrow, JSON, CSV or Excel file here"):
        open_source(write_shapes(tmp_path / "empty"))


def test_a_tar_of_conversations(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "chats.tar", "w") as archive:
        for number, row in enumerate(rows_of("llamafactory")):
            members = {f"{place}.png": shape_bytes(Path(name).stem) for place, name in enumerate(row["images"])}
            for suffix, data in {**members, "json": json.dumps(row).encode()}.items():
                info = tarfile.TarInfo(f"{number:05d}.{suffix}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))
    result, records = run(tmp_path / "chats.tar", tmp_path / "out")
    assert result.counts.rejected == 0 and [len(record.images) for record in records] == [1, 2]
    assert records[1].messages[0].content == "<image>and<image>Which is blue?"


def test_packed_lists_become_records_of_their_own(tmp_path: Path) -> None:
    file = write_rows(tmp_path, GOOD)
    file = file.with_suffix(".json")
    file.write_text(json.dumps([[GOOD, GOOD], GOOD, [GOOD, {"messages": 3}]]))
    result, records = run(file, tmp_path / "out")
    assert len(records) == 4 and result.rejects[0].where == "rows.json[2][1]"


def test_system_tools_and_observations(tmp_path: Path) -> None:
    tools = [{"type": "function", "function": {"name": "zoom", "parameters": {}}}]
    call = {"id": "1", "type": "function", "function": {"name": "zoom", "arguments": '{"by": 2}'}}
    openai = {
        "tools": tools,
        "messages": [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": "Zoom in."},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "1", "content": "done"},
            {"role": "assistant", "content": "Zoomed."},
        ],
    }
    anthropic = {
        "system": "Be brief.",
        "tools": json.dumps(tools),
        "messages": [
            {"role": "user", "content": "Zoom in."},
            {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "zoom", "input": {"by": 2}}]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "1", "content": "done"}]},
            {"role": "assistant", "content": "Zoomed."},
        ],
    }
    roles = [
        ("human", "Zoom in."),
        ("function_call", '{"name": "zoom", "arguments": {"by": 2}}'),
        ("observation", "done"),
        ("gpt", "Zoomed."),
    ]
    sharegpt = {"system": "Be brief.", "tools": json.dumps(tools), "conversations": [{"from": who, "value": text} for who, text in roles]}
    _, records = run(write_rows(tmp_path, openai, anthropic, sharegpt, GOOD), tmp_path / "out")
    assert records[0].messages == records[1].messages == records[2].messages
    assert [message.role for message in records[0].messages] == ["system", "user", "function_call", "observation", "assistant"]
    assert records[0].messages[2].content == '{"name": "zoom", "arguments": {"by": 2}}'
    assert json.loads(str(records[0].tools)) == tools and records[3].tools == ""
    entry = read_dataset_info(tmp_path / "out")["rows"]
    assert entry["columns"]["tools"] == "tools" and entry["tags"]["observation_tag"] == "observation"


def test_videos_become_frames(tmp_path: Path) -> None:
    write_clip(tmp_path / "src" / "clips" / "a.mp4")
    frames = [f"images/{name}.png" for name in ("circle", "square", "triangle")]
    file = write_rows(
        tmp_path,
        chat("<video>What moves?", "A circle.", videos=["clips/a.mp4"]),
        chat("<image>vs<video>?", "No.", images="images/square.png", video="clips/a.mp4"),
        chat("<video>Which?", "Three.", videos=[frames]),
        chat("<image>As LLaVA-Video tags it?", "Yes.", video="clips/a.mp4"),
        {
            "messages": [
                {"role": "user", "content": [{"type": "video", "video": "clips/a.mp4"}, {"type": "text", "text": "?"}]},
                {"role": "assistant", "content": "."},
            ]
        },
    )
    result, records = run(file, tmp_path / "out", frames=2)
    assert [len(record.images) for record in records] == [2, 3, 2, 2, 2] and result.counts.rejected == 0
    assert records[1].messages[0].content == "<image>vs<image><image>?"
    media = [json.loads(line) for line in (tmp_path / "out" / "rows.media.jsonl").read_text().splitlines()]
    assert {line["frame"] for line in media if line["source"] == "clips/a.mp4"} == {0, 11}
    assert result.contract.settings["frames"] == {"rule": "uniform", "count": 2, "step": 1, "fps": 1.0, "short": "fewer"}


BOXED = {
    "messages": [{"role": "user", "content": "<image>Find the <ref-object>."}, {"role": "assistant", "content": "<ref-object>: <bbox>"}],
    "images": ["images/square.png"],
    "objects": {"ref": ["square", "It"], "bbox": [[80, 64, 240, 192]]},
}


@pytest.mark.parametrize(("target", "written"), [("0-1000", "[250, 250, 750, 750]"), ("pixels", "[80, 64, 240, 192]")])
def test_boxes_go_with_the_picture(target: str, written: str, tmp_path: Path) -> None:
    shares = {**BOXED, "objects": {"ref": ["square", "It"], "bbox": [[0.25, 0.25, 0.75, 0.75]], "bbox_type": "norm1"}}
    result, records = run(write_rows(tmp_path, BOXED, shares), tmp_path / "out", boxes=target)
    for record in records:
        assert record.messages[0].content == "<image>Find the square." and record.messages[1].content == f"It: {written}"
        assert record.references == (f"It: {written}",)
    assert result.contract.coordinate_space == target


def test_boxes_name_their_picture(tmp_path: Path) -> None:
    row = {
        "messages": [{"role": "user", "content": "<image><image>Find both."}, {"role": "assistant", "content": "<bbox> and <bbox>"}],
        "images": ["images/square.png", "images/circle.png"],
        "objects": {"ref": [], "bbox": [[80, 64, 240, 192], [0, 0, 320, 256]], "image_id": [1, 0], "bbox_type": "real"},
    }
    _, records = run(write_rows(tmp_path, row), tmp_path / "out")
    assert records[0].messages[1].content == "[250, 250, 750, 750] and [0, 0, 1000, 1000]"


def test_boxes_follow_the_processor_unless_told(tmp_path: Path) -> None:
    file = write_rows(tmp_path, BOXED)
    for processor, wish, space in (("qwen3-vl", "auto", "0-1000"), ("qwen2-vl", "auto", "0-1000"), ("qwen2.5-vl", "auto", "pixels")):
        (opened,) = open_source(file, processor=processor, boxes=wish)  # type: ignore[arg-type]
        assert opened.traits.coordinate_space == space and opened.settings["boxes"] == space
    (opened,) = open_source(file, processor="qwen2.5-vl", boxes="0-1000")
    assert opened.traits.coordinate_space == "0-1000"
    arguments = ["convert", "sharegpt", str(file), "--processor", "qwen2.5-vl", "--out", str(tmp_path / "out"), "--workers", "1"]
    assert CliRunner().invoke(app, arguments).exit_code == 0
    contract = read_contract(DatasetPaths(tmp_path / "out", "rows"))
    assert (contract.coordinate_space, contract.pixels.processor) == ("pixels", "qwen2.5-vl")


@pytest.mark.parametrize(
    ("objects", "code", "reason"),
    [
        ({"ref": ["a", "b"], "bbox": []}, "VL210", "1 <bbox> tags, but `objects` has 0"),
        ({"ref": ["a", "b"], "bbox": [[0, 0, 400, 100]]}, "VL211", "outside an image of 320x256"),
        ({"ref": ["a", "b"], "bbox": [[100, 0, 50, 100]]}, "VL211", "corners are not ordered"),
        ({"ref": ["a", "b"], "bbox": [[1, 2, 3]]}, "VL211", "[x, y] or [x1, y1, x2, y2]"),
        ({"ref": ["a", "b"], "bbox": [["1", 2, 3, 4]]}, "VL211", "a list of numbers"),
        ({"ref": ["a", "b"], "bbox": [[1, 2, 3, 4]], "image_id": [1]}, "VL210", "picture 1, but the row has 1"),
        ({"ref": ["a", "b"], "bbox": [[1, 2, 3, 4]], "bbox_type": "xywh"}, "VL210", "bbox_type 'xywh'"),
        ([1], "VL210", "an object with ref and bbox is needed"),
    ],
)
def test_boxes_that_cannot_be_are_rejected(objects: Any, code: str, reason: str, tmp_path: Path) -> None:
    result, _ = run(write_rows(tmp_path, {**BOXED, "objects": objects}, GOOD), tmp_path / "out")
    assert result.reject_counts == {code: 1} and reason in result.rejects[0].reason


BAD_ROWS: list[tuple[Any, str, str]] = [
    (
        {"messages": [{"role": "narrator", "content": "x"}, {"role": "assistant", "content": "y"}]},
        "VL204",
        "'narrator', which is not known",
    ),
    ({"messages": "a string where a list belongs"}, "VL204", "a list is needed"),
    ({"messages": []}, "VL204", "a list is needed"),
    ({"messages": ["x"]}, "VL204", "a turn is 'x'"),
    ({"messages": [{"role": "user", "content": None}, {"role": "assistant", "content": "y"}]}, "VL204", "holds None"),
    ({"messages": [{"role": "user", "content": 7}, {"role": "assistant", "content": "y"}]}, "VL204", "holds 7"),
    ({"messages": [{"content": "x"}]}, "VL204", "the role None"),
    (chat("What?"), "VL004", "the last turn is not the assistant's"),
    (chat("What?", " "), "VL005", "messages[1] (assistant) is empty"),
    (chat("<image>What?", "A."), "VL006", "1 image tag, but the row has 0 images"),
    (chat("<image><image>What?", "A.", images=["images/circle.png"]), "VL006", "2 image tags, but the row has 1 image."),
    (chat("<image>What?", "A.", images=["images/circle.png", "images/square.png"]), "VL006", "1 image tag, but the row has 2 images"),
    (chat("What?", "An <image>."), "VL008", "holds '<image>'"),
    (chat("What is <|im_end|>?", "A token."), "VL008", "'<|im_end|>'"),
    (chat("What?", "A.", images=["images/circle.png"]), "VL206", "the row has 1 image and its text has no tag"),
    (chat("<image>What?", "A.", images=["../../etc/passwd"]), "VL111", "climbs"),
    (chat("<image>What?", "A.", images=["/etc/passwd"]), "VL111", "absolute"),
    (chat("<image>What?", "A.", images=["images/cir\0cle.png"]), "VL111", "control character"),
    (chat("<image>What?", "A.", images=["absent.png"]), "VL202", "'absent.png' is not on disk"),
    (chat("<image>What?", "A.", images=["https://example.org/a.png"]), "VL207", "is remote"),
    (chat("<image>What?", "A.", images=["data:text/html,hello"]), "VL205", "is not base64"),
    (chat("<image>What?", "A.", images=["data:image/png;base64,@@@"]), "VL205", "not valid base64"),
    (chat("<image>What?", "A.", images=[7]), "VL205", "a picture is 7"),
    (chat("What?", "A.", audios=["a.wav"]), "VL205", "audio"),
    ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}, {"role": "assistant", "content": "y"}]}, "VL205", "'hologram'"),
    (
        {"messages": [{"role": "user", "content": [{"type": "text"}]}, {"role": "assistant", "content": "y"}]},
        "VL205",
        "a text part holds None",
    ),
    ({"unknown": 1}, "VL201", "no conversation in the fields 'unknown'"),
    (chat("Hi.", "Hi.", tools="{}"), "VL013", "holds no list"),
    ([[1]], "VL201", "the row is [1]"),
    (b'"text"', "VL201", "the row is 'text'"),
    (b'{"messages": NaN}', "VL001", "NaN is not JSON"),
    (b'{"a": "\\ud800"}', "VL001", "lone surrogate"),
    (b'{"a": 1, "a": 2}', "VL001", "duplicate key 'a'"),
    (b'{"a": 1, "b": {"c": 1, "c" : 2}}', "VL001", "duplicate key 'c'"),
    (b'{"a": "\xff"}', "VL001", "not UTF-8"),
    (b'{"a": 1', "VL001", "not JSON"),
    (b"[" * 5000, "VL001", "nested too deeply"),
    (json.dumps(chat("x" * 20_000_000, "A.")).encode(), "VL208", "the row has 20,0"),
]


@pytest.mark.parametrize(("row", "code", "reason"), BAD_ROWS, ids=[f"{code}-{reason[:24]}" for _, code, reason in BAD_ROWS])
def test_what_cannot_be_understood_is_rejected_by_name(row: Any, code: str, reason: str, tmp_path: Path) -> None:
    result, records = run(write_rows(tmp_path, GOOD, row, GOOD), tmp_path / "out")
    assert len(records) == 2
    assert [(reject.code, reject.where[:12]) for reject in result.rejects] == [(code, "rows.jsonl:2")]
    assert reason in result.rejects[0].reason


def test_encodings_and_line_ends(tmp_path: Path) -> None:
    text = json.dumps(chat("Line\u2028separator?", "Yes."), ensure_ascii=False).encode()
    file = write_rows(tmp_path, GOOD)
    file.write_bytes(b"\xef\xbb\xbf" + text + b"\r\n\r\n" + json.dumps(GOOD).encode())
    _, records = run(file, tmp_path / "out")
    assert [record.messages[0].content for record in records] == ["Line\u2028separator?", "Hi."]


def test_one_bad_row_of_a_list_costs_one_record(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(f'[{json.dumps(GOOD)}, {{"messages": NaN}}, {json.dumps(GOOD)}]')
    result, records = run(file, tmp_path / "out")
    assert len(records) == 2 and [(reject.code, reject.where) for reject in result.rejects] == [("VL001", "rows.json[1]")]
    file.write_text(f"[{json.dumps(GOOD)}, {{]")
    with pytest.raises(DataError, match=r"rows.json: row 1 is not JSON: Expecting property name"):
        open_source(file)


def test_an_id_used_twice(tmp_path: Path) -> None:
    result, records = run(write_rows(tmp_path, {**GOOD, "id": 7}, {**GOOD, "id": "7"}, {**GOOD, "id": "8"}), tmp_path / "out")
    assert [record.id for record in records] == ["rows/7", "rows/8"] and result.reject_counts == {"VL003": 1}


def test_repair_numbers_ids_used_twice_and_lists_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.conversion._PART_DRAFTS", 2)
    lost = chat("<image>?", "No.", id="a", images=["gone.png"])
    file = write_rows(tmp_path, *({**GOOD, "id": name} for name in ("a", "a", "a#2", "b")), lost, *({**GOOD, "id": "a"} for _ in range(3)))
    result, records = run(file, tmp_path / "out", repair=True)
    assert [record.id for record in records] == [f"rows/{name}" for name in ("a", "a#2", "a#2#2", "b", "a#3", "a#4", "a#5")]
    assert result.counts.repaired == 5 and result.reject_counts == {"VL202": 1}
    repairs = [json.loads(line) for line in (tmp_path / "out" / "rows.repairs.jsonl").read_text().splitlines()]
    assert repairs[0] == {"id": "rows/a#2", "where": "rows.jsonl:2", "what": "gave it the id 'rows/a#2', as 'rows/a' was used before"}


def test_one_line_beyond_all_caps_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.sources.jsonrows.MAX_ROW_BYTES", 3 << 20)
    huge = json.dumps(chat("x" * (9 << 20), "y")).encode()
    result, records = run(write_rows(tmp_path, GOOD, huge, GOOD), tmp_path / "out")
    assert [reject.where for reject in result.rejects] == ["rows.jsonl:2"] and len(records) == 2
    assert result.rejects[0].reason == f"the row has {len(huge):,} bytes; at most {3 << 20:,} are read."


def test_repair_does_what_is_unambiguous_and_lists_it(tmp_path: Path) -> None:
    rows = [
        chat("What?", "A.", images=["images/circle.png"]),
        {"messages": [{"role": "user", "content": "One."}, {"role": "user", "content": "Two?"}, {"role": "assistant", "content": "A."}]},
        chat("What is <|im_end|>?", "A token."),
        {"messages": [{"role": "system", "content": ""}, *GOOD["messages"]]},
        chat("<image><image>What?", "A.", images=["images/circle.png"]),
    ]
    result, records = run(write_rows(tmp_path, *rows), tmp_path / "out", repair=True)
    assert [record.messages[0].content for record in records] == ["<image>What?", "One.\nTwo?", "What is < |im_end|>?", "Hi."]
    assert result.reject_counts == {"VL006": 1}  # which tag is one too many, nobody knows
    repairs = [json.loads(line)["what"] for line in (tmp_path / "out" / "rows.repairs.jsonl").read_text().splitlines()]
    assert repairs == [
        "put 1 image in front of the first question",
        "merged messages[1] (user) into the turn before it",
        "escaped '<|im_end|>' in messages[0] (user)",
        "dropped an empty system turn",
    ]
    result, _ = run(write_rows(tmp_path, *rows, GOOD), tmp_path / "other")
    assert result.reject_counts == {"VL206": 1, "VL004": 1, "VL008": 1, "VL005": 1, "VL006": 1}


def test_where_pictures_are_looked_for(tmp_path: Path) -> None:
    root = write_shapes(tmp_path / "pictures" / "deep").parent
    absolute = str((root / "deep" / "square.png").absolute())
    file = write_rows(
        tmp_path,
        chat("<image>?", "beside", images=["images/circle.png"]),
        chat("<image>?", "in images/", images=["triangle.png"]),
        chat("<image>?", "below the root", images=["deep/circle.png"]),
        chat("<image>?", "absolute", images=[absolute]),
        chat("<image>?", "a file URL", images=[f"file://{absolute}"]),
        chat("<image>?", "LLaMA-Factory", images=["data/images/circle.png"]),
    )
    result, _ = run(file, tmp_path / "out", image_root=root)
    assert result.counts.written == 6, result.rejects
    media = {json.loads(line)["source"] for line in (tmp_path / "out" / "rows.media.jsonl").read_text().splitlines()}
    assert media == {"images/circle.png", "images/triangle.png", "deep/circle.png", "deep/square.png"}
    write_shapes(tmp_path / "other")
    result, _ = run(
        write_rows(tmp_path, chat("<image>?", "which?", images=["circle.png"]), GOOD), tmp_path / "b", image_root=tmp_path / "other"
    )
    assert result.reject_counts == {"VL209": 1} and "could be" in result.rejects[0].reason


def test_links_out_of_the_source_need_a_flag(tmp_path: Path) -> None:
    write_shapes(tmp_path / "elsewhere")
    file = write_rows(tmp_path, chat("<image>?", "A.", images=["link.png"]), GOOD)
    (file.parent / "link.png").symlink_to(tmp_path / "elsewhere" / "circle.png")
    result, _ = run(file, tmp_path / "a")
    assert result.reject_counts == {"VL111": 1}
    result, _ = run(file, tmp_path / "b", follow_links=True)
    assert result.counts.written == 2


def test_text_only_runs_are_spread_or_split_off(tmp_path: Path) -> None:
    texts = [chat(f"What is {number}?", "A number.") for number in range(2_500)]
    picture = chat("<image>What?", "A circle.", images=["images/circle.png"])
    result, records = run(write_rows(tmp_path, *texts, picture, picture, picture), tmp_path / "a")
    assert result.names == ("rows",) and bool(records[0].images) and len(records) == 2_503
    result, _ = run(write_rows(tmp_path, *texts, picture), tmp_path / "b")
    assert result.names == ("rows", "rows_text")
    assert sum(1 for _ in iter_records(tmp_path / "b" / "rows_text.jsonl")) == 2_500
    own = {"rows_text": {"file_name": "mine.json"}}
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "dataset_info.json").write_text(json.dumps(own))
    with pytest.raises(DataError, match="'rows_text' is there already and was not made by vldata"):
        run(tmp_path / "src" / "rows.jsonl", tmp_path / "d")
    assert read_dataset_info(tmp_path / "d") == own
    result, _ = run(write_rows(tmp_path, *texts), tmp_path / "c")
    assert result.names == ("rows",) and result.counts.written == 2_500


def test_split_off_texts_count_for_themselves_and_go_when_they_are_not_needed(tmp_path: Path) -> None:
    pictured = chat("<image>What is it?", "A circle.", images=["images/circle.png"])
    file = write_rows(tmp_path, pictured, *(chat("Say more of it.", "x" * 600) for _ in range(1_000)))
    out = tmp_path / "out"
    result, _ = run(file, out)
    assert result.names == ("rows", "rows_text")
    contracts = {name: read_contract(DatasetPaths(out, name)) for name in result.names}
    for name, contract in contracts.items():
        records = [record for _, record in iter_records(out / f"{name}.jsonl")]
        assert contract.tokens.text_bytes == spread([text_bytes(record) for record in records])
        assert (contract.tokens.vision.max > 0) == (name == "rows") and contract.tokens.longest_id in {record.id for record in records}
    text = contracts["rows_text"]
    assert (text.text_only_of, text.counts.written, text.counts.pictures) == ("rows", 1_000, 0)
    assert contracts["rows"].text_only_of == "" and contracts["rows"].counts.written == 1
    mine = {"mine": {"file_name": "mine.json"}}
    (out / "dataset_info.json").write_text(json.dumps(read_dataset_info(out) | mine))
    with pytest.raises(DataError, match="--overwrite"):
        convert(open_source(file)[0], ConvertOptions(max_rejects=1, out=out, workers=1, limit=500))
    convert(open_source(file)[0], ConvertOptions(max_rejects=1, out=out, workers=1, limit=500, overwrite=True))
    assert list(read_dataset_info(out)) == ["rows", "mine"]
    assert not list(out.glob("rows_text*")) and validate(out, workers=1).findings.total == 0


def test_a_dataset_that_only_bears_the_name_stays(tmp_path: Path) -> None:
    pictured = chat("<image>What is it?", "A circle.", images=["images/circle.png"])
    file = write_rows(tmp_path, pictured, chat("And?", "No."))
    out = tmp_path / "out"
    convert(open_source(file)[0], ConvertOptions(max_rejects=1, out=out, workers=1, name="rows_text"))
    run(file, out)
    convert(open_source(file)[0], ConvertOptions(max_rejects=1, out=out, workers=1, limit=1, overwrite=True))
    assert list(read_dataset_info(out)) == ["rows_text", "rows"]


def test_unknown_fields_and_known_ones(tmp_path: Path) -> None:
    late = {**GOOD, "category": "greeting", "licence": 0.5, "seen": None}
    weighted = {"messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello.", "loss": False}]}
    result, records = run(write_rows(tmp_path, GOOD, late, weighted), tmp_path / "out")
    assert [list(record.meta) for record in records] == [["source", "task", "category", "extra"]] * 2
    assert [record.meta["category"] for record in records] == ["", "greeting"]
    assert [record.meta["extra"] for record in records] == ["", '{"licence": 0.5}']
    assert [(field.field, field.rows, field.fate) for field in result.unused] == [("licence", 1, "kept in meta.extra")]
    assert result.contract.unused == result.unused
    assert [(reject.code, "nothing of it is learned" in reject.reason) for reject in result.rejects] == [("VL014", True)]


def test_an_entry_of_dataset_info_is_honoured(tmp_path: Path) -> None:
    file = write_rows(tmp_path, {"chat": [{"who": "q", "says": "<image>What?"}, {"who": "a", "says": "A."}], "pics": ["circle.png"]})
    tags = {"role_tag": "who", "content_tag": "says", "user_tag": "q", "assistant_tag": "a"}
    alpaca = {"file_name": "alpaca.json", "columns": {"prompt": "ask", "response": "say"}}
    table = {
        "mine": {"file_name": "rows.jsonl", "formatting": "sharegpt", "columns": {"messages": "chat", "images": "pics"}, "tags": tags},
        "other": alpaca,
        "hub": {"hf_hub_url": "a/b"},
    }
    info = file.parent / "dataset_info.json"
    info.write_text(json.dumps(table))
    (file.parent / "alpaca.json").write_text(json.dumps([{"ask": "What?", "say": "That.", "input": "not listed"}]))
    _, records = run(info, tmp_path / "out", dataset="mine")
    assert records[0].messages[0].content == "<image>What?" and len(records[0].images) == 1
    _, records = run(info, tmp_path / "out", dataset="other")
    assert [message.content for message in records[0].messages] == ["What?", "That."]
    with pytest.raises(UsageError, match="several datasets are registered"):
        open_source(info)
    with pytest.raises(UsageError, match="no entry 'absent'"):
        open_source(info, dataset="absent")
    with pytest.raises(DataError, match="'hub' is on a hub"):
        open_source(info, dataset="hub")


def test_a_meta_file_of_internvl(tmp_path: Path) -> None:
    draw_sharegpt(tmp_path / "src", "internvl", lines=True)
    meta = {name: {"root": "images", "annotation": "conversations.jsonl", "repeat_time": 2, "length": 2} for name in ("one", "two")}
    (tmp_path / "src" / "meta.json").write_text(json.dumps(meta))
    opened = open_source(tmp_path / "src" / "meta.json")
    assert [source.name for source in opened] == ["one", "two"] and "repeat_time 2 is not applied" in opened[0].said[1]
    assert convert(opened[0], ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1)).counts.written == 2


def test_a_path_in_the_text(tmp_path: Path) -> None:
    row = chat("Picture 1: <img>images/circle.png</img>\nWhat?", "A circle.")
    opened = open_source(write_rows(tmp_path, row))[0]
    assert "Placeholders for media: <img>path</img>." in opened.said
    _, records = run(write_rows(tmp_path, row), tmp_path / "out")
    assert records[0].messages[0].content == "Picture 1: <image>\nWhat?" and len(records[0].images) == 1


def test_what_is_no_conversation_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"):
        open_source(tmp_path / "absent.json")
    (tmp_path / "a.png").write_text("")
    with pytest.raises(UsageError, match="is not an annotation file"):
        open_source(tmp_path / "a.png")
    (tmp_path / "empty.json").write_text("[]")
    with pytest.raises(DataError, match="has no rows"):
        open_source(tmp_path / "empty.json")
    (tmp_path / "rows.jsonl").write_text('{"image": "a.png", "caption": "x"}\n')
    with pytest.raises(DataError, match=r"looks like a conversation; the first has the fields image, caption.\n.*vldata convert jsonl"):
        open_source(tmp_path / "rows.jsonl")


@pytest.mark.parametrize("name", ["mllm_demo.json", "mllm_video_demo.json", "v1_multimodal_demo.jsonl"])
def test_the_demo_data_of_llamafactory_converts_without_a_reject(name: str, tmp_path: Path) -> None:
    file = Path(__file__).parents[4] / "shared" / "data" / "sharegpt" / name
    if not file.is_file():
        pytest.skip("LLaMA-Factory's demo data (../shared) are not on this machine")
    result, records = run(file, tmp_path / "out", frames=2)
    assert result.counts.rejected == 0 and all(record.images for record in records)


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.conversion._PART_DRAFTS", 5)
    rows = [chat(f"What is {number}?", "A number.", id=number % 20) for number in range(23)]
    file = write_rows(tmp_path, chat("<image>What?", "A circle.", images=["images/circle.png"]), *rows)
    run(file, tmp_path / "whole")
    out = tmp_path / "out"

    def interrupt(progress: Any) -> None:
        if progress.done >= 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(open_source(file)[0], ConvertOptions(max_rejects=1, out=out, workers=1), on_progress=interrupt)
    result = convert(open_source(file)[0], ConvertOptions(max_rejects=1, out=out, workers=2))
    assert result.resumed == 15 and result.reject_counts == {"VL003": 3}
    for name in ("rows.jsonl", "rows.rejects.jsonl", "rows.media.jsonl", "rows.contract.json", "dataset_info.json"):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
