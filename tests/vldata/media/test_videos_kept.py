from __future__ import annotations

import base64
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from fixtures.shapes import write_clip, write_shapes
from vldata.conversion import Conversion, convert
from vldata.datasets.budget import solve_budget
from vldata.datasets.dataset import Dataset
from vldata.datasets.info import merge_folder, prune, rename
from vldata.datasets.select import filter_records, mix, sample
from vldata.datasets.stats import compute_stats
from vldata.errors import DataError, UsageError
from vldata.exports import export
from vldata.exports.plan import ExportPlan
from vldata.media.video_tokens import Clip, marks, qwen3_vl_grid
from vldata.output.contract import read_contract
from vldata.output.dataset_info import make_entry, read_dataset_info
from vldata.output.folder import DatasetPaths
from vldata.output.options import ConvertOptions
from vldata.previews.make import make_preview
from vldata.sources.openeqa import open_source as open_openeqa
from vldata.sources.sharegpt import open_source
from vldata.splits.splitting import split
from vldata.validation import validate

CLIP_FRAMES = 12


def chat(*texts: str, **fields: Any) -> dict[str, Any]:
    """A row of alternating turns."""
    return {"messages": [{"role": ("user", "assistant")[place % 2], "content": text} for place, text in enumerate(texts)], **fields}


ROWS = [
    chat("<video>What moves?", "A circle.", videos=["a.mp4"], category="motion"),
    chat("<image>and<video>?", "Both.", images=["images/circle.png"], videos=["a.mp4"], category="both"),
    chat("<video>then<video>?", "Twice.", videos=["a.mp4", "b.mp4"], category="motion"),
    chat("Hi.", "Hello.", category="text"),
]


def write_source(folder: Path, rows: list[dict[str, Any]]) -> Path:
    """Write rows beside two clips and the drawn pictures."""
    write_shapes(folder / "images")
    write_clip(folder / "a.mp4")
    write_clip(folder / "b.mp4", frames=30)
    file = folder / "clips.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def keep(file: Path, out: Path, **options: Any) -> Conversion:
    """Convert with videos kept."""
    (opened,) = open_source(file, videos="keep")
    return convert(opened, ConvertOptions(max_rejects=1, out=out, workers=1, **options))


@pytest.fixture(scope="module")
def _kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    keep(write_source(folder / "src", ROWS), folder / "out")
    return folder


@pytest.fixture
def kept(_kept: Path, tmp_path: Path) -> Path:
    """A folder with a converted dataset of videos, to be changed at will."""
    return Path(shutil.copytree(_kept / "out", tmp_path / "out"))


def test_a_kept_video_is_the_file_byte_for_byte(_kept: Path, kept: Path) -> None:
    dataset = Dataset(kept / "clips")
    records = {record.meta["category"] + record.messages[0].content: record for record in dataset}
    both = records["both<image>and<video>?"]
    assert len(both.images) == 1 and both.videos == (f"videos/{name_of(_kept / 'src' / 'a.mp4')}",)
    assert (kept / both.kept_videos[0]).read_bytes() == (_kept / "src" / "a.mp4").read_bytes()
    assert records["motion<video>then<video>?"].kept_videos[0] == both.kept_videos[0]  # stored once
    assert all(record.videos is not None for record in dataset) and records["textHi."].videos == ()
    lines = {line.path: line for line in dataset.media()}
    line = lines[both.kept_videos[0]]
    assert (line.frames, line.fps, line.source, line.sha256) == (CLIP_FRAMES, 4.0, "a.mp4", Path(line.path).stem)
    assert line.bytes == (kept / line.path).stat().st_size and line.duration_s == 3.0
    contract = dataset.contract
    assert contract.videos is not None and contract.videos.count == contract.counts.videos == 2
    assert contract.settings["videos"] == "keep" and contract.settings["frames"] is None
    assert read_dataset_info(kept)["clips"] == make_entry("clips.jsonl", videos=True)
    assert validate(kept, workers=1).findings.total == 0 and validate(kept, headers_only=True, workers=1).findings.total == 0


def name_of(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return f"{digest[:2]}/{digest}.mp4"


def test_the_column_is_there_only_where_it_is_used(tmp_path: Path) -> None:
    file = write_source(tmp_path / "src", [chat("<image>?", "A circle.", images=["images/circle.png"])])
    keep(file, tmp_path / "out")
    assert b'"videos":' not in (tmp_path / "out" / "clips.jsonl").read_bytes()
    assert read_dataset_info(tmp_path / "out")["clips"] == make_entry("clips.jsonl")


def test_what_cannot_be_kept_is_rejected_by_name(tmp_path: Path) -> None:
    rows = [*ROWS[:1]] + [chat("<video>?", "No.", videos=[name]) for name in ("cut.mp4", "text.mp4", "one.mp4", "gone.mp4", "empty.mp4")]
    rows.append(chat("<video>?", "No.", videos=[["images/circle.png", "images/square.png"]]))
    file = write_source(tmp_path / "src", rows)
    whole = (tmp_path / "src" / "b.mp4").read_bytes()
    (tmp_path / "src" / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    (tmp_path / "src" / "text.mp4").write_text("not a video")
    (tmp_path / "src" / "empty.mp4").touch()
    write_clip(tmp_path / "src" / "one.mp4", frames=1)
    result = keep(file, tmp_path / "out")
    assert result.counts.written == 1
    assert {reject.where.rpartition(":")[2]: reject.code for reject in result.rejects} == {
        **{"2": "VL102", "3": "VL102", "4": "VL112", "5": "VL202", "6": "VL102", "7": "VL112"}
    }
    assert not list((tmp_path / "out").rglob("*.video"))


def test_a_video_in_the_row_itself(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")
    url = "data:video/mp4;base64," + base64.b64encode((tmp_path / "a.mp4").read_bytes()).decode()
    file = write_source(tmp_path / "src", [chat("<video>?", "Yes.", videos=[url])])
    result = keep(file, tmp_path / "out")
    (record,) = Dataset(tmp_path / "out" / "clips")
    assert (tmp_path / "out" / record.kept_videos[0]).read_bytes() == (tmp_path / "a.mp4").read_bytes()
    assert result.counts.videos == 1
    with pytest.raises(DataError, match=r"VL205 .*the video stands in the row itself.*--videos keep"):
        convert(open_source(file)[0], ConvertOptions(max_rejects=1, out=tmp_path / "frames", workers=1))


def test_a_turned_video_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vldata.media import video_proof

    decode = video_proof._decode

    class Turned:
        def __init__(self, frame: Any) -> None:
            self.is_corrupt, self.width, self.height, self.rotation = False, frame.width, frame.height, -90

    monkeypatch.setattr(video_proof, "_decode", lambda video, packets: map(Turned, decode(video, packets)))
    path = write_clip(tmp_path / "a.mp4")
    outcome = video_proof.inspect_video(str(path))
    assert getattr(outcome, "code", "") == "VL112" and "turned by 270 degrees" in getattr(outcome, "reason", "")


def test_limits_are_looked_at_before_decoding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from vldata.media import video_proof

    path = str(write_clip(tmp_path / "a.mp4"))
    for name, value in (("MAX_VIDEO_BYTES", 100), ("MAX_VIDEO_S", 0.1), ("MAX_SOURCE_PIXELS", 100)):
        with monkeypatch.context() as patch:
            patch.setattr(video_proof, name, value)
            assert getattr(video_proof.inspect_video(path), "code", "") == "VL104", name


def test_damage_is_found_by_name(kept: Path) -> None:
    first, second = sorted((kept / "videos").rglob("*.mp4"))
    other = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(other[: len(other) // 2])
    found = validate(kept, workers=1)
    assert found.counts == {"VL026": 1, "VL027": 2}  # cut; another digest, and another number of frames
    second.unlink()
    assert "VL026" in validate(kept, headers_only=True, workers=1).counts
    media = kept / "clips.media.jsonl"
    media.write_text("".join(line for line in media.read_text().splitlines(keepends=True) if '"frames"' not in line))
    assert validate(kept, headers_only=True, workers=1).counts["VL034"] == 2


def test_other_processors_and_openeqa_are_refused_with_the_cure(tmp_path: Path) -> None:
    file = write_source(tmp_path / "src", ROWS)
    with pytest.raises(UsageError, match=r"known for qwen3-vl, qwen3.5, not for qwen2-vl.\n.*Leave --videos keep out"):
        keep(file, tmp_path / "out", processor="qwen2-vl")
    with pytest.raises(UsageError, match=r"asks about frames of an episode.*\n.*Give --frames N"):
        open_openeqa(tmp_path, videos="keep")


def test_an_interrupted_run_goes_on_and_gives_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.conversion._PART_DRAFTS", 2)
    monkeypatch.setattr("vldata.conversion._PART_RENDERS", 1)
    file = write_source(tmp_path / "src", ROWS)
    keep(file, tmp_path / "whole")

    def interrupt(progress: Any) -> None:
        if progress.done >= 2:
            raise KeyboardInterrupt

    (opened,) = open_source(file, videos="keep")
    with pytest.raises(KeyboardInterrupt):
        convert(opened, ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1), on_progress=interrupt)
    assert keep(file, tmp_path / "out").resumed >= 2
    names = [path.relative_to(tmp_path / "whole") for path in (tmp_path / "whole").rglob("*") if path.is_file()]
    assert len(names) == 8 and all((tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes() for name in names)


def test_pictures_and_videos_both_stand_early(tmp_path: Path) -> None:
    pictured = [chat("<image>?", "A circle.", images=["images/circle.png"], id=number) for number in range(1_100)]
    file = write_source(tmp_path / "src", [*pictured, ROWS[0]])
    keep(file, tmp_path / "out")
    records = list(Dataset(tmp_path / "out" / "clips"))
    assert records[0].images and records[1].kept_videos and len(records) == 1_101
    assert validate(tmp_path / "out", workers=1).findings.total == 0
    lines = (tmp_path / "out" / "clips.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "out" / "clips.jsonl").write_text("".join([lines[0], *lines[2:], lines[1]]))
    assert validate(tmp_path / "out", files=False).counts == {"VL012": 1, "VL033": 1}


def test_shards_of_a_dataset_of_videos(tmp_path: Path) -> None:
    pictured = [chat("<image>?", "A circle.", images=["images/circle.png"], id=number) for number in range(2_300)]
    file = write_source(tmp_path / "src", [*pictured, ROWS[0], ROWS[1]])
    keep(file, tmp_path / "out", shard_size=1_200)
    files = Dataset(tmp_path / "out" / "clips").files()
    assert [path.read_bytes().count(b"\n") for path in files] == [1_200, 1_102]
    assert validate(tmp_path / "out", workers=1).findings.total == 0  # the second video is late in its own file, not in the dataset


def test_knowing_a_dataset_of_videos(kept: Path) -> None:
    found = compute_stats(str(kept / "clips"))
    lines = {line.path: line.tokens("qwen3-vl") for line in Dataset(kept / "clips").media()}
    assert (found.pictures, found.videos, found.records) == (1, 2, 4)
    assert found.vision_tokens.max == max(sum(lines[path] for path in record.media) for record in Dataset(kept / "clips"))
    assert found.vision_tokens == read_contract(DatasetPaths(kept, "clips")).tokens.vision
    assert solve_budget(str(kept / "clips"), cutoff=2048).longest == found.total_tokens.max
    made = make_preview(str(kept / "clips"), workers=1)
    page = made.path.read_text()
    assert made.pictures_shown == 3 and '"frames":12' in page and "2 videos, shown by their first frame" in page
    assert "first frame of the video" in page


def test_derived_datasets_keep_the_column(kept: Path) -> None:
    paths = DatasetPaths(kept, "clips")
    sample(paths, 2, name="few", seed=1)
    filter_records(paths, ["videos>=1"], name="clips_only")
    split(kept, "clips", test=1, group_by="none")
    rename(DatasetPaths(kept, "few"), "fewer")
    table = read_dataset_info(kept)
    assert all("videos" in table[name]["columns"] for name in ("clips_only", "clips_train", "clips_test", "fewer"))
    only = Dataset(kept / "clips_only")
    assert len(only) == 3 and only.contract.videos is not None and only.contract.videos.count == only.contract.counts.videos == 2
    assert validate(kept, workers=1).findings.total == 0
    other = kept.parent / "other"
    assert set(merge_folder(other, kept)) == set(table) and validate(other, workers=1).findings.total == 0
    (kept / "clips.jsonl").write_text("")
    stray = kept / "videos" / "ab" / f"{'ab' * 32}.mp4"
    stray.parent.mkdir()
    stray.write_bytes(b"x")
    assert prune(kept) == (1, 1) and not stray.exists() and len(list((kept / "videos").rglob("*.mp4"))) == 2


def test_a_mixture_with_pictures_alone_has_the_column_everywhere(kept: Path, tmp_path: Path) -> None:
    file = write_source(tmp_path / "more", [chat("<image>?", "A circle.", images=["images/circle.png"])] * 1)
    convert(open_source(file)[0], ConvertOptions(max_rejects=1, out=kept, name="still", workers=1))
    mix(DatasetPaths(kept, "both"), {"clips": 1.0, "still": 1.0})
    assert all(record.videos is not None for record in Dataset(kept / "both"))
    assert "videos" in read_dataset_info(kept)["both"]["columns"] and validate(kept, workers=1).findings.total == 0


@pytest.mark.parametrize("name", ["llamafactory", "alpaca", "swift", "qwen"])
def test_exports_with_videos(name: str, kept: Path) -> None:
    dataset = Dataset(kept / "clips")
    if name in ("llamafactory", "alpaca"):
        with pytest.raises(DataError, match="has 2 videos, of which LLaMA-Factory counts all like the first"):
            export(name, ExportPlan(str(kept / "clips"), kept / "ex"))
        filter_records(DatasetPaths(kept, "clips"), ["videos<=1"], name="single")
        dataset = Dataset(kept / "single")
    result = export(name, ExportPlan(str(kept / dataset.name), kept / "ex", images="copy"))
    rows = [json.loads(line) for line in result.files[0].read_text().splitlines()]
    for row, record in zip(rows, dataset, strict=True):
        given = row.get("videos", row.get("video", []))
        assert tuple([given] if isinstance(given, str) else given) == record.kept_videos
        assert all((kept / "ex" / path).read_bytes() == (kept / path).read_bytes() for path in record.kept_videos)
    if name == "swift":
        assert " FPS=2.0 FPS_MIN_FRAMES=4 FPS_MAX_FRAMES=768 VIDEO_MIN_TOKEN_NUM=128 VIDEO_MAX_TOKEN_NUM=768 MAX_PIXELS=" in result.snippet
    if name in ("llamafactory", "alpaca"):
        assert all("videos" in entry["columns"] for entry in read_dataset_info(kept / "ex").values())
        yaml = result.files[-1].read_text()
        assert "video_fps: 2.0\nvideo_maxlen: 128\nvideo_max_pixels: 65536\n" in yaml


def test_what_llamafactory_misreads_is_noted(tmp_path: Path) -> None:
    rows = [*ROWS[:1], chat("Hi.", "Hello.", "<video>And this?", "A circle.", videos=["a.mp4"]), ROWS[2]]
    result = keep(write_source(tmp_path / "src", rows), tmp_path / "out")
    assert [count for note, count in result.notes.items() if note.startswith("LLaMA-Factory 0.9.5 reads one video")] == [2]
    filter_records(DatasetPaths(tmp_path / "out", "clips"), ["turns>2"], name="later")
    with pytest.raises(DataError, match="has its video after the first question, where LLaMA-Factory stops"):
        export("llamafactory", ExportPlan(str(tmp_path / "out" / "later"), tmp_path / "ex"))


def test_formats_of_one_video_and_of_none(kept: Path) -> None:
    for name in ("trl", "openai"):
        with pytest.raises(DataError, match=f"has a video, which the {name} format cannot hold"):
            export(name, ExportPlan(str(kept / "clips"), kept / "ex"))
    for name in ("llava", "internvl"):
        with pytest.raises(DataError, match=f"has 1 videos and 1 pictures; the {name} format holds one video alone"):
            export(name, ExportPlan(str(kept / "clips"), kept / "ex"))
    filter_records(DatasetPaths(kept, "clips"), ["videos<=1", "images=0"], name="single")
    for name, tag in (("llava", "<image>"), ("internvl", "<video>")):
        result = export(name, ExportPlan(str(kept / "single"), kept / "ex"))
        row = next(row for row in map(json.loads, result.files[0].read_text().splitlines()) if "video" in row)
        assert row["conversations"][0]["value"] == f"{tag}What moves?" and Path(row["video"]).is_file()


# --- what a video costs ------------------------------------------------------------------------------------------------------------------


def test_the_grid_is_the_processors_own() -> None:
    np = pytest.importorskip("numpy")
    module = pytest.importorskip("transformers.models.qwen3_vl.video_processing_qwen3_vl")
    processor = pytest.importorskip("transformers.models.qwen3_vl.processing_qwen3_vl")
    from types import SimpleNamespace

    random = np.random.default_rng(0)
    for _ in range(300):
        frames, fps = int(random.integers(2, 4_000)), float(random.choice([1, 10, 12.5, 24_000 / 1_001, 24, 25, 29.97, 30, 60]))
        width, height = (int(side) for side in random.integers(20, 2_500, 2))
        grid = qwen3_vl_grid(Clip(frames, fps, frames / fps, width, height))
        settings = SimpleNamespace(num_frames=None, fps=2, min_frames=4, max_frames=768)
        told = SimpleNamespace(total_num_frames=frames, fps=fps)
        indices = module.Qwen3VLVideoProcessor.sample_frames(settings, told, fps=2)
        size = module.smart_resize(len(indices), height, width, 2, 32, 4_096, 25_165_824)
        assert (list(grid.indices), grid.rows * 32, grid.columns * 32) == (indices.tolist(), *size)
        times = processor.Qwen3VLProcessor._calculate_timestamps(None, indices.tolist(), fps, 2)
        assert marks(grid, fps) == [f"<{time:.1f} seconds>" for time in times]
