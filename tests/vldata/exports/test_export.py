from __future__ import annotations

import base64
import hashlib
import json
import struct
import tarfile
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.api.export import export as export_job
from vldata.conversion import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vldata.exports import FORMATS, export
from vldata.exports.plan import ExportPlan
from vldata.exports.turns import LLAVA_ROLES, conversations, split_parts
from vldata.output.options import ConvertOptions
from vldata.records.record import IMAGE_TAG, Message, Record, decode_record
from vldata.sources.sharegpt import open_source
from vldata.splits.splitting import split


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def run(prepared: Path, format_name: str, **options: Any) -> tuple[Path, Any]:
    out = prepared / "exports" / format_name
    return out, export(format_name, ExportPlan(str(prepared / "openeqa"), out, **options))


def first(prepared: Path) -> Record:
    return next(iter(Dataset(prepared / "openeqa")))


def test_every_format_is_tested_here() -> None:
    source = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    assert all(f'"{name}"' in source for name in FORMATS)


def test_llamafactory_holds_the_records_and_their_budget(prepared: Path) -> None:
    out, result = run(prepared, "llamafactory")
    rows = lines(out / "openeqa.jsonl")
    assert len(rows) == result.records == 28
    assert rows[0]["messages"] == list(msgspec.to_builtins(first(prepared).messages))
    assert all(Path(image).is_file() for row in rows for image in row["images"])
    assert json.loads((out / "dataset_info.json").read_text())["openeqa"]["tags"]["system_tag"] == "system"
    yaml = (out / "openeqa.train.yaml").read_text()
    assert "image_max_pixels: 589824\n" in yaml and "template: qwen3_vl_nothink" in yaml
    tokens = Dataset(prepared / "openeqa").contract.tokens
    cutoff = int(yaml.split("cutoff_len: ")[1].split()[0])
    assert tokens.vision.max < cutoff <= tokens.vision.max + tokens.text_bytes.max + 64


def test_alpaca_keeps_the_last_turn_apart(prepared: Path) -> None:
    out, _ = run(prepared, "alpaca")
    row = lines(out / "openeqa_alpaca.jsonl")[0]
    record = first(prepared)
    assert (row["instruction"], row["output"], row["history"]) == (record.messages[0].content, record.messages[1].content, [])


def test_copied_pictures_make_the_export_portable(prepared: Path) -> None:
    out, _ = run(prepared, "swift", images="copy")
    row = lines(out / "openeqa.swift.jsonl")[0]
    assert row["images"] == list(first(prepared).images) and all((out / image).is_file() for image in row["images"])
    assert (out / "openeqa.swift.sh").read_text().startswith("ROOT_IMAGE_DIR=")


def test_trl_has_parts_and_a_completion(prepared: Path) -> None:
    out, _ = run(prepared, "trl")
    row = lines(out / "openeqa.trl.jsonl")[0]
    assert [part["type"] for part in row["prompt"][0]["content"]] == ["image"] * 3 + ["text"]
    assert row["completion"] == [{"role": "assistant", "content": [{"type": "text", "text": first(prepared).messages[1].content}]}]
    compile((out / "openeqa.trl.py").read_text(), "snippet", "exec")


def test_llava_and_qwen_conversations(prepared: Path) -> None:
    record = first(prepared)
    for name, key in (("llava", "id"), ("qwen", "image")):
        row = lines(run(prepared, name)[0] / f"openeqa.{name}.jsonl")[0]
        assert key in row and len(row["image"]) == 3
        assert row["conversations"][0] == {"from": "human", "value": record.messages[0].content}


@pytest.mark.parametrize("name", ["llava", "qwen", "internvl"])
def test_a_column_has_one_type(name: str, prepared: Path, tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    images = [str(prepared / image) for image in first(prepared).images]
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "!"}]
    for counts, kind in (((2, 1, 0), list), ((1, 1, 0), str)):
        rows = [{"messages": [{**turns[0], "content": "<image>" * n + "?"}, turns[1]], "images": images[:n]} for n in counts]
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        convert(open_source(file, image_root=prepared)[0], ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1, overwrite=True))
        result = export(name, ExportPlan(str(tmp_path / "out" / "mixed"), tmp_path / "ex"))
        found = lines(result.files[0])
        assert [type(row.get("image")) for row in found] == [kind, kind, type(None)]
        if name == "internvl":
            assert all(("width_list" in row) == (kind is list) for row in found[:2])


def test_openai_embeds_the_files_own_bytes(prepared: Path) -> None:
    out, _ = run(prepared, "openai", images="embed")
    parts = lines(out / "openeqa.openai.jsonl")[0]["messages"][0]["content"]
    header, data = parts[0]["image_url"]["url"].split(",")
    assert header == "data:image/jpeg;base64" and base64.b64decode(data) == (prepared / first(prepared).images[0]).read_bytes()


def test_internvl_has_sizes_and_a_meta_file(prepared: Path) -> None:
    out, _ = run(prepared, "internvl")
    row = lines(out / "openeqa.internvl.jsonl")[0]
    sizes = {line.path: (line.width, line.height) for line in Dataset(prepared / "openeqa").media()}
    assert list(zip(row["width_list"], row["height_list"], strict=True)) == [sizes[image] for image in first(prepared).images]
    assert json.loads((out / "openeqa.internvl.meta.json").read_text())["openeqa"]["length"] == 28


@pytest.mark.parametrize("images", ["embed", "absolute"])
def test_parquet_round_trip(images: Any, prepared: Path) -> None:
    _, result = run(prepared, "parquet", images=images, rows_per_shard=10)
    assert [path.name for path in result.files] == [f"part-{number:05d}.parquet" for number in range(3)]
    frame = pl.concat([pl.read_parquet(path) for path in result.files])
    records = list(Dataset(prepared / "openeqa"))
    assert frame["id"].to_list() == [record.id for record in records]
    assert frame["messages"].to_list()[5] == list(msgspec.to_builtins(records[5].messages))
    cell = frame["images"].to_list()[5][0]
    original = prepared / records[5].images[0]
    assert cell["bytes"] == (original.read_bytes() if images == "embed" else None)
    assert Path(cell["path"]).name == original.name
    run(prepared, "parquet", images=images)  # an export of ours is replaced


def test_webdataset_round_trip_and_equal_bytes(prepared: Path) -> None:
    out, result = run(prepared, "webdataset", rows_per_shard=20)
    before = [path.read_bytes() for path in result.files]
    assert before == [path.read_bytes() for path in run(prepared, "webdataset", rows_per_shard=20)[1].files]
    records = list(Dataset(prepared / "openeqa"))
    with tarfile.open(result.files[1]) as archive:
        names = archive.getnames()
        assert names[:4] == ["000000020.json", "000000020.0.jpg", "000000020.1.jpg", "000000020.2.jpg"]
        member = archive.extractfile(names[0])
        assert member is not None and decode_record(member.read()) == records[20]
    assert out.is_dir()


def test_hf_needs_its_extra_or_gives_pictures(prepared: Path) -> None:
    try:
        import datasets  # noqa: F401
    except ImportError:
        with pytest.raises(UsageError, match=r"needs: pip install .*\[hf\]"):
            run(prepared, "hf")
        return
    out, result = run(prepared, "hf")
    assert result.records == 28 and (out / "openeqa.hf").is_dir()


class FakeHub:
    """Stands for `datasets.Dataset`: remembers what it is asked."""

    def __init__(self, error: str = "") -> None:
        self.asked: list[Any] = []
        self._error = error

    def __len__(self) -> int:
        return 28

    def save_to_disk(self, folder: str) -> None:
        self.asked.append(folder)

    def push_to_hub(self, name: str, **given: Any) -> None:
        self.asked.append((name, given))
        if self._error:
            raise ConnectionError(self._error)


def test_hf_uploads_when_asked(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = FakeHub()
    monkeypatch.setattr(Dataset, "to_hf", lambda _self, cache=None: hub)
    for part in ("_check_hub", "_push_card"):  # tests/extras/pushes.py, test_card.py
        monkeypatch.setattr(f"vldata.exports.tables.{part}", lambda plan: None)
    out, result = run(prepared, "hf")
    assert (
        hub.asked == [str(out / ".openeqa.hf.partial")]
        and (out / "openeqa.hf").is_dir()
        and 'push_to_hub("NAME", split="train", private=True)' in result.snippet
    )
    _, result = run(prepared, "hf", push="me/openeqa")
    assert hub.asked[-1] == ("me/openeqa", {"split": "train", "private": True})
    assert result.snippet == 'dataset = datasets.load_dataset("me/openeqa", split="train")\n'
    split(prepared, "openeqa", test=5, group_by="none")
    export("hf", ExportPlan(str(prepared / "openeqa_test"), out, push="me/openeqa", public=True))
    assert hub.asked[-1] == ("me/openeqa", {"split": "test", "private": False})
    monkeypatch.setattr(Dataset, "to_hf", lambda _self, cache=None: FakeHub("401 Unauthorized\nmore"))
    with pytest.raises(DataError, match=r"me/openeqa: cannot be uploaded: 401 Unauthorized\n.*hf auth login"):
        run(prepared, "hf", push="me/openeqa")


def test_foreign_folders_and_unknown_formats_are_refused(prepared: Path) -> None:
    folder = prepared / "exports" / "parquet" / "openeqa.parquet"
    folder.mkdir(parents=True)
    (folder / "mine").touch()
    with pytest.raises(DataError, match="was not made by an export"):
        run(prepared, "parquet", images="embed")
    with pytest.raises(UsageError, match=r"no format 'tlr'. Did you mean 'trl'"):
        run(prepared, "tlr")
    with pytest.raises(DataError, match="would replace the dataset"):
        export("llamafactory", ExportPlan(str(prepared / "openeqa"), prepared))


text = st.text(st.characters(codec="utf-8", exclude_categories=("Cc",)), min_size=1).filter(lambda value: IMAGE_TAG not in value)
contents = st.lists(st.just(IMAGE_TAG) | text, min_size=1, max_size=5).map("".join)


@given(contents)
def test_parts_keep_meaning_byte_for_byte(content: str) -> None:
    parts = split_parts(Message(role="user", content=content))
    assert "".join(part if isinstance(part, str) else f"<{part.kind}>" for part in parts) == content
    assert "" not in parts


@given(st.lists(st.tuples(contents, text), min_size=1, max_size=3))
def test_conversations_keep_meaning_byte_for_byte(pairs: list[tuple[str, str]]) -> None:
    messages = tuple(m for ask, answer in pairs for m in (Message(role="user", content=ask), Message(role="assistant", content=answer)))
    record = Record(id="a", messages=messages, images=(), references=(), meta={})
    back = {name: role for role, name in LLAVA_ROLES.items()}
    assert tuple(Message(role=back[turn["from"]], content=turn["value"]) for turn in conversations(record)) == messages  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("to", "told", "says"),
    [
        ("webdataset", {"images": "copy"}, "puts the pictures inside"),
        ("hf", {"images": "absolute"}, "puts the pictures inside"),
        ("trl", {"images": "embed"}, "names images by path"),
        ("swift", {"rows_per_shard": 10}, "has no shards"),
        ("hf", {"rows_per_shard": 10}, "has no shards"),
        ("hff", {}, "hf"),
    ],
)
def test_an_option_that_a_format_cannot_follow_stops_the_export(prepared: Path, to: str, told: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        export_job(str(prepared / "openeqa"), to, out=prepared / "elsewhere", **told)
    assert not (prepared / "elsewhere").exists()


def test_every_format_holds_pictures_as_it_does_unless_told_otherwise(prepared: Path) -> None:
    held = {name: kind.images[0] for name, kind in FORMATS.items() if kind.images[0] != "absolute"}
    assert held == {"openai": "embed", "parquet": "embed", "webdataset": "embed", "mds": "embed", "hf": "embed"}
    export_job(str(prepared / "openeqa"), "openai", out=prepared / "elsewhere")
    row = lines(prepared / "elsewhere" / "openeqa.openai.jsonl")[0]
    assert "data:image/jpeg;base64," in json.dumps(row)


def test_mds_shards_hold_what_their_index_says(prepared: Path) -> None:
    out, result = run(prepared, "mds", rows_per_shard=12)
    folder = out / "openeqa.mds"
    shards = json.loads((folder / "index.json").read_text())["shards"]
    assert [shard["samples"] for shard in shards] == [12, 12, 4] and result.records == 28
    ids = []
    for shard in shards:
        data = (folder / shard["raw_data"]["basename"]).read_bytes()
        assert len(data) == shard["raw_data"]["bytes"] and hashlib.sha256(data).hexdigest() == shard["raw_data"]["hashes"]["sha256"]
        (count,) = struct.unpack_from("<I", data)
        offsets = struct.unpack_from(f"<{count + 1}I", data, 4)
        assert json.loads(data[4 * (count + 2) : offsets[0]])["column_names"] == ["id", "record", "images"] and offsets[-1] == len(data)
        for begin in offsets[:-1]:
            size, *_ = struct.unpack_from("<3I", data, begin)
            ids.append(data[begin + 12 : begin + 12 + size].decode())
    assert ids == [record.id for record in Dataset(prepared / "openeqa")]
    before = [path.read_bytes() for path in result.files]
    assert before == [path.read_bytes() for path in run(prepared, "mds", rows_per_shard=12)[1].files]
