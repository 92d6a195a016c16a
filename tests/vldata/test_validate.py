from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vldata.api.convert import convert
from vldata.api.validate import validate as api_validate
from vldata.errors import DataError
from vldata.records.check import RecordChecker
from vldata.records.findings import FindingList
from vldata.validation import find_folder, validate


def change_first_line(folder: Path, change: Callable[[str], str]) -> None:
    path = folder / "openeqa.jsonl"
    first, rest = path.read_text(encoding="utf-8").split("\n", 1)
    path.write_text(change(first) + "\n" + rest, encoding="utf-8")


def first_image(folder: Path) -> Path:
    record = json.loads((folder / "openeqa.jsonl").read_text().split("\n", 1)[0])
    return folder / str(record["images"][0])


def edit_info(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    path = folder / "dataset_info.json"
    table = json.loads(path.read_text())
    change(table["openeqa"])
    path.write_text(json.dumps(table))


def resave(folder: Path, **options: object) -> None:
    path = first_image(folder)
    with Image.open(path) as image:
        image.load()
        image.save(path, **options)


def with_exif(folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    resave(folder, quality=95, exif=exif)


def repaint(folder: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, "red").save(first_image(folder), quality=95)


CASES: list[tuple[str, Callable[[Path], object], str]] = [
    ("VL001", lambda d: change_first_line(d, lambda line: line.replace('"id":', '"id":"x","id":', 1)), "duplicate key 'id'"),
    ("VL001", lambda d: change_first_line(d, lambda line: line[:-9]), "not JSON"),
    (
        "VL002",
        lambda d: change_first_line(d, lambda line: line.replace('"references":["', '"references":[7,"')),
        "references[0]: 7 is not of type",
    ),
    ("VL003", lambda d: change_first_line(d, lambda line: line.replace("000000000000", "000000000001", 1)), "the id was used before, at "),
    (
        "VL006",
        lambda d: change_first_line(d, lambda line: line.replace("<image>", "", 1)),
        "have 2 <image> tags, but the record has 3 images",
    ),
    ("VL008", lambda d: change_first_line(d, lambda line: line.replace("What", "<|im_end|>", 1)), "'<|im_end|>'"),
    ("VL009", lambda d: change_first_line(d, lambda line: line.replace('"images/', '"../images/', 1)), "climbs"),
    ("VL010", lambda d: change_first_line(d, lambda line: line.replace('"task"', '"job"', 1)), "meta is without task and with job."),
    ("VL020", lambda d: first_image(d).unlink(), "images/"),
    ("VL021", lambda d: first_image(d).write_bytes(first_image(d).read_bytes()[:-500]), "images/"),
    ("VL022", with_exif, "carries metadata"),
    ("VL022", lambda d: Image.new("L", (384, 224)).save(first_image(d), quality=95), "mode L"),
    ("VL023", lambda d: repaint(d, (390, 230)), "390x230 is not a size qwen3-vl leaves alone"),
    ("VL024", lambda d: repaint(d, (1024, 1024)), "1024x1024 is not between 65,536 and 589,824 pixels"),
    ("VL025", lambda d: repaint(d, (384, 224)), "the digest of its bytes is"),
    ("VL030", lambda d: edit_info(d, lambda e: e["tags"].pop("system_tag")), "'tags'"),
    ("VL030", lambda d: edit_info(d, lambda e: e.update(formatting="openai")), "'formatting' is 'openai'"),
    ("VL031", lambda d: (d / "openeqa.jsonl").unlink(), "names 'openeqa.jsonl', which is not there"),
    ("VL032", lambda d: (d / "openeqa.contract.json").write_text("{}"), "required field"),
    ("VL033", lambda d: change_first_line(d, lambda line: line.replace("What", "Which", 1)), "the contract says 28 records of digest"),
    ("VL034", lambda d: (d / "openeqa.media.jsonl").unlink(), "the file is missing"),
    ("VL034", lambda d: (d / "openeqa.media.jsonl").write_text(""), "has no line in openeqa.media.jsonl"),
]


@pytest.mark.parametrize(("code", "damage", "sentence"), CASES, ids=[f"{code}-{i}" for i, (code, _, _) in enumerate(CASES)])
def test_each_damage_is_found_by_name(code: str, damage: Callable[[Path], object], sentence: str, prepared: Path) -> None:
    damage(prepared)
    result = validate(prepared, workers=1)
    assert code in result.counts
    assert any(sentence in finding.message for finding in result.findings.kept if finding.code == code), result.findings.kept


def test_findings_name_file_line_and_id(prepared: Path) -> None:
    change_first_line(prepared, lambda line: line.replace("<image>", "", 1))
    text = "\n".join(validate(prepared, workers=1).findings.lines())
    assert f"{prepared}/openeqa.jsonl:1: [openeqa/00000000-0000-4000-8000-000000000000] the user turns have 2 <image> tags" in text
    assert "Cure: Add the missing picture or remove a tag." in text


def test_headers_only_finds_what_headers_tell(prepared: Path) -> None:
    repaint(prepared, (390, 230))
    assert "VL023" in validate(prepared, headers_only=True, workers=1).counts
    assert validate(prepared, files=False).findings.total == 0


def test_other_peoples_entries_are_passed_over(prepared: Path) -> None:
    path = prepared / "dataset_info.json"
    table = json.loads(path.read_text())
    path.write_text(json.dumps({"theirs": {"hf_hub_url": "a/b"}, **table}))
    result = validate(prepared, workers=1)
    assert list(result.skipped) == ["theirs"] and [d.name for d in result.datasets] == ["openeqa"]


def test_the_first_ten_of_a_code_are_shown(prepared: Path) -> None:
    path = prepared / "openeqa.jsonl"
    path.write_text(path.read_text().replace("<image>", "", 100))
    lines = list(validate(prepared, workers=1, files=False).findings.lines())
    assert sum("<image> tag" in line for line in lines) == 10
    assert any(line.startswith("  ... and ") for line in lines)


def test_the_folder_is_found(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prepared.parent)
    assert find_folder(None) == Path("prepared")
    monkeypatch.chdir(prepared)
    assert find_folder(None) == Path()
    with pytest.raises(DataError, match=r"no dataset_info\.json here"):
        find_folder(prepared / "images")


def row(number: int, *, image: bool) -> str:
    images = ["images/3f/" + "3f" * 32 + ".jpg"] if image else []
    tag = "<image>" if image else ""
    turns = [{"role": "user", "content": f"{tag}q"}, {"role": "assistant", "content": "a"}]
    return json.dumps({"id": str(number), "messages": turns, "images": images, "references": [], "meta": {}}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("pattern", "codes"),
    [("i" + "t" * 999 + "i", set()), ("i" + "t" * 1000 + "i", {"VL012"}), ("ti", {"VL012"}), ("tt", set()), ("ii", set())],
)
def test_text_only_runs(pattern: str, codes: set[str], tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("".join(row(n, image=kind == "i") + "\n" for n, kind in enumerate(pattern)))
    findings = FindingList()
    checker = RecordChecker(None, findings)
    assert checker.check_file(path) == len(pattern)
    checker.finish()
    assert set(findings.counts) == codes


def test_repeated_ids_are_found_over_shards(tmp_path: Path) -> None:
    findings = FindingList()
    checker = RecordChecker(None, findings, collect_images=False)
    for name, numbers in (("a", (1, 2)), ("b", (3, 1))):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(row(n, image=True) + "\n" for n in numbers))
        checker.check_file(path)
    checker.finish()
    assert [(f.where, f.message) for f in findings.kept] == [(f"{tmp_path}/b.jsonl:2", f"the id was used before, at {tmp_path}/a.jsonl:1.")]


def test_a_dataset_in_shards_is_named_as_any_other(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps({"id": str(n), "messages": turns}) + "\n" for n in range(5)))
    convert("sharegpt", tmp_path / "s.jsonl", out=tmp_path / "prepared", name="d", shard_size=2, workers=1)
    for place in (tmp_path / "prepared" / "d", tmp_path / "prepared"):
        assert [one.records for one in api_validate(place).validation.datasets] == [5]
    (tmp_path / "prepared" / "d" / "part-00001.jsonl").unlink()
    found = api_validate(tmp_path / "prepared" / "d").validation
    assert dict(found.counts) == {"VL033": 1} and "there is no such file" in found.findings.kept[0].message
