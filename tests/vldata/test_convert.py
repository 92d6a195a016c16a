from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import vldata
from vldata.conversion import Conversion, convert
from vldata.errors import DataError, UsageError
from vldata.output import journal
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths
from vldata.output.options import ConvertOptions
from vldata.records.record import decode_record, iter_records
from vldata.sources.openeqa import open_source
from vldata.validation import validate


def run(source: Path, out: Path, *, frames: int = 3, short: str = "fewer", **options: Any) -> Conversion:
    opened = open_source(source, frames=frames, short=short)  # type: ignore[arg-type]
    return convert(opened, ConvertOptions(max_rejects=1, **{"out": out, "workers": 1, **options}))


def tree(out: Path) -> dict[str, bytes]:
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture
def source(open_eqa: Path, tmp_path: Path) -> Path:
    """A copy of the sample that a test may break."""
    return Path(shutil.copytree(open_eqa, tmp_path / "src"))


def edit_questions(source: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    file = source / "open-eqa-v0.json"
    rows = json.loads(file.read_text())
    change(rows)
    file.write_text(json.dumps(rows))


def test_a_conversion_validates_clean_and_accounts_for_every_question(open_eqa: Path, tmp_path: Path) -> None:
    result = run(open_eqa, tmp_path / "out")
    assert (result.counts.read, result.counts.written, result.counts.rejected) == (28, 28, 0)
    outcome = validate(tmp_path / "out", workers=1)
    assert outcome.findings.total == 0
    assert [(d.name, d.records) for d in outcome.datasets] == [("openeqa", 28)]
    assert not (tmp_path / "out" / ".vldata").exists()


def test_the_record_is_what_a_trainer_reads(prepared: Path) -> None:
    records = [record for _, record in iter_records(prepared / "openeqa.jsonl")]
    second = records[1]
    assert second.messages[0].content == "<image>" * 3 + "Which piece of furniture is " + second.messages[0].content.split(" is ")[1]
    assert second.references == ("The table", "Table")
    assert list(second.meta) == ["source", "task", "category", "episode", "scene", "extra"]
    assert second.meta["episode"] == "hm3d-v0/000-hm3d-AAAAroomOne" and second.meta["scene"] == "AAAAroomOne"
    assert {r.meta["scene"] for r in records if "scannet" in r.meta["episode"]} == {"scene0100", "scene0200"}
    assert len({image for record in records for image in record.images}) == 18  # 7 episodes, two of one room, 3 frames each


def test_every_picture_is_rendered_once_and_is_plain(prepared: Path) -> None:
    lines = [json.loads(line) for line in (prepared / "openeqa.media.jsonl").read_text().splitlines()]
    assert len(lines) == 21 and [line["frame"] for line in lines[:3]] == [0, 6, 11]  # linspace(0, 11, 3) = 0, 5.5, 11
    for line in lines:
        with Image.open(prepared / line["path"]) as image:
            assert image.mode == "RGB" and image.size == (line["width"], line["height"]) and not image.getexif()
            assert image.width % 32 == image.height % 32 == 0 and image.width * image.height >= 65_536


@pytest.mark.parametrize("options", [{"workers": 2}, {"workers": 3, "timeout_s": 30.0}])
def test_the_result_does_not_depend_on_how_it_was_run(options: dict[str, Any], open_eqa: Path, tmp_path: Path, prepared: Path) -> None:
    run(open_eqa, tmp_path / "out", **options)
    assert tree(tmp_path / "out") == tree(prepared)


def test_videos_are_taken_where_there_are_no_frames(tmp_path: Path) -> None:
    from fixtures.openeqa import draw_openeqa

    source = draw_openeqa(tmp_path / "src", videos=True, size=(384, 216))
    result = run(source, tmp_path / "out")
    assert result.counts.written == 28 and all(len(r.images) == 3 for _, r in iter_records(tmp_path / "out" / "openeqa.jsonl"))
    assert "videos" in open_source(source).said[1]


def test_a_large_dataset_is_written_in_shards_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.output.publish.FILE_RECORDS", 4)
    rows = [
        {"id": f"r{number}", "messages": [{"role": "user", "content": f"q{number}"}, {"role": "assistant", "content": "a"}]}
        for number in range(10)
    ]
    (tmp_path / "talks.json").write_text(json.dumps(rows))
    vldata.convert("sharegpt", tmp_path / "talks.json", out=tmp_path / "out", name="d", workers=1)
    dataset = vldata.open(tmp_path / "out" / "d")
    assert [(file.name, file.records) for file in dataset.contract.files] == [
        (f"d/part-0000{n}.jsonl", c) for n, c in ((0, 4), (1, 4), (2, 2))
    ]
    assert [record.id for record in dataset] == [f"talks/r{number}" for number in range(10)]
    assert vldata.validate(tmp_path / "out").ok
    vldata.info(tmp_path / "out", rename=("d", "e"))
    assert vldata.validate(tmp_path / "out").ok and not (tmp_path / "out" / "d").exists()


def test_shards(open_eqa: Path, tmp_path: Path) -> None:
    run(open_eqa, tmp_path / "out", shard_size=10)
    files = sorted(path.name for path in (tmp_path / "out" / "openeqa").iterdir())
    assert files == ["part-00000.jsonl", "part-00001.jsonl", "part-00002.jsonl"]
    assert read_dataset_info(tmp_path / "out")["openeqa"]["file_name"] == "openeqa"
    assert validate(tmp_path / "out", workers=1).findings.total == 0
    run(open_eqa, tmp_path / "out", overwrite=True)
    assert not (tmp_path / "out" / "openeqa").exists()
    assert validate(tmp_path / "out", workers=1).findings.total == 0


def test_limit_excludes_and_counts(open_eqa: Path, tmp_path: Path) -> None:
    counts = run(open_eqa, tmp_path / "out", limit=5).counts
    assert (counts.read, counts.written, counts.excluded) == (28, 5, 23)


def break_frame(source: Path) -> None:
    frame = source / "frames" / "hm3d-v0" / "000-hm3d-AAAAroomOne" / "00000-rgb.png"
    frame.write_bytes(frame.read_bytes()[:-200])


def empty_folder(source: Path) -> None:
    folder = source / "frames" / "hm3d-v0" / "000-hm3d-AAAAroomOne"
    for file in folder.iterdir():
        file.unlink()


def drop_folder(source: Path) -> None:
    shutil.rmtree(source / "frames" / "hm3d-v0" / "000-hm3d-AAAAroomOne")


def climbing(source: Path) -> None:
    edit_questions(source, lambda rows: [row.update(episode_history="../../etc") for row in rows[:4]])


def without_answer(source: Path) -> None:
    edit_questions(source, lambda rows: [row.pop("answer") for row in rows[:4]])


def with_control_token(source: Path) -> None:
    edit_questions(source, lambda rows: [row.update(question="What is <image>?") for row in rows[:4]])


def with_one_id(source: Path) -> None:
    edit_questions(source, lambda rows: [row.update(question_id=rows[27]["question_id"]) for row in rows[:4]])


@pytest.mark.parametrize(
    ("damage", "code", "rejected", "sentence"),
    [
        (break_frame, "VL102", 4, "00000-rgb.png"),
        (empty_folder, "VL203", 4, "no picture in the folder"),
        (drop_folder, "VL202", 4, "is not on disk"),
        (climbing, "VL111", 4, "'../../etc' climbs"),
        (without_answer, "VL201", 4, "'answer' is missing"),
        (with_control_token, "VL008", 4, "holds '<image>'"),
        (with_one_id, "VL003", 4, "was used before"),
    ],
)
def test_what_cannot_be_used_is_rejected_by_name(
    damage: Callable[[Path], None], code: str, rejected: int, sentence: str, source: Path, tmp_path: Path
) -> None:
    damage(source)
    result = run(source, tmp_path / "out")
    assert result.reject_counts == {code: rejected}
    assert result.counts.read == result.counts.written + result.counts.rejected == 28
    rows = [json.loads(line) for line in (tmp_path / "out" / "openeqa.rejects.jsonl").read_text().splitlines()]
    assert len(rows) == rejected
    assert all(row["code"] == code and sentence in row["reason"] and row["where"].startswith("open-eqa-v0.json[") for row in rows)
    assert validate(tmp_path / "out", workers=1).findings.total == 0


def test_what_is_on_disk_is_not_said_to_be_missing(source: Path) -> None:
    said = open_source(source, frames=100_000, short="error").said
    assert not any("not on disk" in sentence for sentence in said)
    assert any(s.startswith("Warning: 7 of 7 episodes are on disk and cannot be used; the first: ") and "100000 frames" in s for s in said)
    drop_folder(source)
    said = open_source(source).said
    assert any(s.startswith("Warning: 1 of 7 episodes are not on disk: ") for s in said)


def test_repair_escapes_and_lists(source: Path, tmp_path: Path) -> None:
    with_control_token(source)
    result = run(source, tmp_path / "out", repair=True)
    assert (result.counts.written, result.counts.repaired) == (28, 4)
    first = next(iter_records(tmp_path / "out" / "openeqa.jsonl"))[1]
    assert first.messages[0].content == "<image>" * 3 + "What is < image>?"
    assert len((tmp_path / "out" / "openeqa.repairs.jsonl").read_text().splitlines()) == 4
    assert validate(tmp_path / "out", workers=1).findings.total == 0


def test_links_out_of_the_source_need_a_flag(source: Path, tmp_path: Path) -> None:
    (source / "frames" / "hm3d-v0").rename(tmp_path / "other-disk")
    (source / "frames" / "hm3d-v0").symlink_to(tmp_path / "other-disk")
    result = run(source, tmp_path / "a")
    assert result.reject_counts == {"VL111": 16} and "--follow-links allows that" in result.rejects[0].reason
    result = convert(open_source(source, frames=3, follow_links=True), ConvertOptions(max_rejects=1, out=tmp_path / "b", workers=1))
    assert result.counts.written == 28


def test_short_episodes(source: Path, tmp_path: Path) -> None:
    assert run(source, tmp_path / "a", frames=16).counts.written == 28
    assert {len(r.images) for _, r in iter_records(tmp_path / "a" / "openeqa.jsonl")} == {12}
    assert run(source, tmp_path / "b", frames=16, short="repeat").counts.written == 28
    assert {len(r.images) for _, r in iter_records(tmp_path / "b" / "openeqa.jsonl")} == {16}
    with pytest.raises(DataError, match=r"none of 28 records could be used.\n  28 x VL107 too few frames; the first"):
        run(source, tmp_path / "c", frames=16, short="error")


def test_other_settings_are_refused_for_a_name_in_use(open_eqa: Path, prepared: Path) -> None:
    before = tree(prepared)
    with pytest.raises(DataError, match=r"'openeqa' was made with other max_pixels \(589824, now 300000\)"):
        run(open_eqa, prepared, max_pixels=300_000)
    assert tree(prepared) == before
    run(open_eqa, prepared, max_pixels=300_000, overwrite=True)
    assert validate(prepared, workers=1).findings.total == 0


def test_a_users_own_dataset_is_never_replaced(open_eqa: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    own = {"mine": {"file_name": "mine.json", "odd": [1, None]}, "openeqa": {"hf_hub_url": "x/y"}}
    (out / "dataset_info.json").write_text(json.dumps(own))
    with pytest.raises(DataError, match="was not made by vldata"):
        run(open_eqa, out, overwrite=True)
    run(open_eqa, out, name="other")
    table = json.loads((out / "dataset_info.json").read_text())
    assert list(table) == ["mine", "openeqa", "other"] and table["mine"] == own["mine"] and table["openeqa"] == own["openeqa"]


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "images", "a b", "x" * 101, "a.jsonl"])
def test_names_that_cannot_be(name: str, open_eqa: Path, tmp_path: Path) -> None:
    if not name:
        return  # the default
    with pytest.raises(UsageError, match="cannot name a dataset"):
        run(open_eqa, tmp_path / "out", name=name)


def test_two_runs_at_once(open_eqa: Path, tmp_path: Path) -> None:
    from vldata.files.lock import hold

    paths = DatasetPaths(tmp_path / "out", "openeqa")
    with hold(paths.lock, "dataset 'openeqa'"), pytest.raises(DataError, match=f"in use by process {os.getpid()} on "):
        run(open_eqa, tmp_path / "out")


@pytest.mark.parametrize("step", range(5))
def test_a_commit_cut_at_any_step_is_rolled_forward(
    step: int, open_eqa: Path, tmp_path: Path, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Die before the n-th rename or the registry: the next command completes the dataset, and until then it is not registered."""
    calls, committing = 0, False
    roll_forward = journal._roll_forward

    def dying(original: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            nonlocal calls
            if committing:
                if calls == step:
                    raise KeyboardInterrupt
                calls += 1
            return original(*args, **kwargs)

        return wrapper

    def arm(*args: Any) -> None:
        nonlocal committing
        committing = True
        roll_forward(*args)

    with monkeypatch.context() as patch:
        patch.setattr(journal.inside, "move", dying(journal.inside.move))
        patch.setattr(journal, "merge_entries", dying(journal.merge_entries))
        patch.setattr(journal, "_roll_forward", arm)
        with pytest.raises(KeyboardInterrupt):
            run(open_eqa, tmp_path / "out")
    assert "openeqa" not in read_dataset_info(tmp_path / "out")
    run(open_eqa, tmp_path / "out")
    assert tree(tmp_path / "out") == tree(prepared)


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(open_eqa: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.conversion._PART_DRAFTS", 5)
    run(open_eqa, tmp_path / "whole")
    out = tmp_path / "out"

    def interrupt(progress: Any) -> None:
        if progress.done >= 15:
            raise KeyboardInterrupt

    opened = open_source(open_eqa, frames=3)
    with pytest.raises(KeyboardInterrupt):
        convert(opened, ConvertOptions(max_rejects=1, out=out, workers=1), on_progress=interrupt)
    assert not (out / "openeqa.jsonl").exists()
    with pytest.raises(DataError, match="an interrupted conversion of 'openeqa' was made from other settings"):
        run(open_eqa, out, frames=2)
    result = run(open_eqa, out)
    assert result.resumed == 15
    assert tree(out) == tree(tmp_path / "whole")


def test_a_source_changed_between_kill_and_resume_is_refused(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.conversion._PART_DRAFTS", 5)

    def interrupt(progress: Any) -> None:
        if progress.done >= 15:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        convert(open_source(source, frames=3), ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1), on_progress=interrupt)
    frame = source / "frames" / "hm3d-v0" / "000-hm3d-AAAAroomOne" / "00000-rgb.png"
    Image.new("RGB", (384, 216), "red").save(frame)
    with pytest.raises(DataError, match=r"00000-rgb\.png: changed since the interrupted conversion"):
        run(source, tmp_path / "out")
    run(source, tmp_path / "out", fresh=True)
    assert validate(tmp_path / "out", workers=1).findings.total == 0


_CHILD = """
import sys
from pathlib import Path
from vldata.conversion import convert
from vldata.output.options import ConvertOptions
from vldata.sources.openeqa import open_source
import vldata.conversion
vldata.conversion._PART_DRAFTS = 5
convert(open_source(Path(sys.argv[1]), frames=3), ConvertOptions(max_rejects=1, out=Path(sys.argv[2]), workers=1))
"""


@pytest.mark.parametrize("delay_s", [0.5, 0.9])
def test_kill_dash_nine_then_the_same_command(delay_s: float, open_eqa: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.conversion._PART_DRAFTS", 5)
    child = subprocess.Popen([sys.executable, "-c", _CHILD, str(open_eqa), str(tmp_path / "out")], stderr=subprocess.DEVNULL)
    time.sleep(delay_s)
    child.send_signal(signal.SIGKILL)
    child.wait()
    run(open_eqa, tmp_path / "out")
    run(open_eqa, tmp_path / "whole")
    found, wanted = tree(tmp_path / "out"), tree(tmp_path / "whole")
    assert {name: data for name, data in found.items() if not name.startswith("images/")} == {
        name: data for name, data in wanted.items() if not name.startswith("images/")
    }
    assert set(wanted) <= set(found)


def _limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_a_full_disk_is_one_line_and_resumable(open_eqa: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from vldata.cli import main; main()", "convert", "openeqa", str(open_eqa), "--frames", "3"]
    command += ["--out", str(tmp_path / "out"), "--workers", "1"]
    full = subprocess.run(command, capture_output=True, text=True, preexec_fn=_limit_file_size, check=False)
    assert full.returncode == 1 and "Traceback" not in full.stderr
    assert "cannot be written: File too large" in full.stderr and "again" in full.stderr
    assert not (tmp_path / "out" / "dataset_info.json").exists()
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    assert validate(tmp_path / "out", workers=1).findings.total == 0


def test_lines_are_canonical(prepared: Path) -> None:
    for line in (prepared / "openeqa.jsonl").read_bytes().splitlines():
        decode_record(line)
        assert json.loads(line)["id"].startswith("openeqa/")


@pytest.mark.parametrize("converter", ["openeqa", "chartqa", "jsonl", "sharegpt"])
def test_an_archive_is_named_as_one(converter: str, tmp_path: Path) -> None:
    packed = tmp_path / "ChartQA Dataset.zip"
    packed.write_bytes(b"PK\x05\x06" + bytes(18))
    with pytest.raises(UsageError, match=r"is an archive\.\n  Unpack it, and give what was in it\."):
        vldata.convert(converter, packed, out=tmp_path / "out")
