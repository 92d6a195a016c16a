"""Every layout Open-EQA is found in gives the records that the folders give; the parquet mirrors are in test_openeqa_parquet."""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from fixtures.openeqa import EPISODES, draw_openeqa, iter_questions
from vldata.conversion import Conversion, convert
from vldata.errors import DataError
from vldata.output.options import ConvertOptions
from vldata.records.record import Record, iter_records
from vldata.sources.openeqa import open_source
from vldata.validation import validate

SMALL = (384, 216)


def run(source: Path, out: Path, **options: Any) -> tuple[Conversion, list[Record]]:
    opened: Any = open_source(source, frames=3, **options)
    result = convert(opened, ConvertOptions(max_rejects=1, out=out, workers=1))
    assert validate(out, workers=1).findings.total == 0
    return result, [record for _, record in iter_records(out / "openeqa.jsonl")]


def _bare(source: Path) -> None:
    """frames/<episode>/00001.jpg, counted from one."""
    frames = source / "frames"
    for episode in EPISODES:
        target = frames / episode.rsplit("/", 1)[-1]
        target.mkdir()
        for number, path in enumerate(sorted((frames / episode).glob("*-rgb.png")), start=1):
            Image.open(path).save(target / f"{number:05d}.jpg", quality=95)
    for folder in ("hm3d-v0", "scannet-v0"):
        shutil.rmtree(frames / folder)


def _below_data(source: Path) -> None:
    """data/frames beside data/open-eqa-v0.json, as the repository has it."""
    (source / "data").mkdir()
    for name in ("frames", "open-eqa-v0.json"):
        (source / name).rename(source / "data" / name)


def _tars(source: Path) -> None:
    """hm3d-v0.tar and scannet-v0.tar with the folders of the episodes in them."""
    for name in ("hm3d-v0", "scannet-v0"):
        with tarfile.open(source / f"{name}.tar", "w") as archive:
            archive.add(source / "frames" / name, arcname=f"frames/{name}")
    shutil.rmtree(source / "frames")


def _tar_an_episode(source: Path) -> None:
    """frames/<episode>.tar with bare pictures in it."""
    for episode in EPISODES:
        with tarfile.open(source / "frames" / f"{episode.rsplit('/', 1)[-1]}.tar", "w") as archive:
            for path in sorted((source / "frames" / episode).iterdir()):
                archive.add(path, arcname=path.name)
    for name in ("hm3d-v0", "scannet-v0"):
        shutil.rmtree(source / "frames" / name)


LAYOUTS: dict[str, Callable[[Path], None]] = {"bare": _bare, "data": _below_data, "tars": _tars, "tar-an-episode": _tar_an_episode}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_records(layout: str, prepared: Path, tmp_path: Path) -> None:
    source = draw_openeqa(tmp_path / "src", size=SMALL)
    LAYOUTS[layout](source)
    result, records = run(source, tmp_path / "out")
    whole = [record for _, record in iter_records(prepared / "openeqa.jsonl")]
    assert result.counts.rejected == 0 and len(records) == 28
    if layout == "bare":  # those are JPEGs
        assert [(r.id, r.messages, len(r.images), r.meta) for r in records] == [(r.id, r.messages, len(r.images), r.meta) for r in whole]
    else:
        assert records == whole
    media = [json.loads(line) for line in (tmp_path / "out" / "openeqa.media.jsonl").read_text().splitlines()]
    assert {line["frame"] for line in media if "hm3d" in line["source"]} >= {0}


def test_videos_by_the_episode_alone(tmp_path: Path) -> None:
    source = draw_openeqa(tmp_path / "src", videos=True, size=SMALL)
    for episode in EPISODES:
        (source / "videos" / f"{episode}-0.mp4").rename(source / "videos" / f"{episode.rsplit('/', 1)[-1]}.mp4")
    result, records = run(source, tmp_path / "out")
    assert result.counts.written == 28 and all(len(record.images) == 3 for record in records)


def test_the_subset_of_questions(tmp_path: Path) -> None:
    source = draw_openeqa(tmp_path / "src", size=SMALL)
    (source / "open-eqa-v0.json").unlink()
    (source / "open-eqa-v0-184-questions.json").write_text(json.dumps(list(iter_questions())[:5]))
    result, records = run(source, tmp_path / "out")
    assert len(records) == 5 and result.contract.sources[0].name == "open-eqa-v0-184-questions.json"


def test_compressed_and_damaged_tars(tmp_path: Path) -> None:
    source = draw_openeqa(tmp_path / "src", size=SMALL)
    shutil.rmtree(source / "frames")
    (source / "frames.tar.gz").touch()
    with pytest.raises(DataError, match=r"the episodes are in 1 compressed files.\n.*tar -xf frames.tar.gz"):
        open_source(source)
    (source / "frames.tar").write_bytes(b"no tar" * 200)
    with pytest.raises(DataError, match=r"frames.tar: cannot be read"):
        open_source(source)
