"""References of every kind through the worker pool."""

import io
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from vldata.errors import DataError, UsageError
from vldata.media.refs import BytesRef, ClipRef, Failure, FileRef, Rendered, Sampling
from vldata.media.render import Renderer, render


@pytest.fixture
def refs(tmp_path, draw, draw_video):
    buffer = io.BytesIO()
    draw(500, 400).save(buffer, "PNG")
    (tmp_path / "a.png").write_bytes(buffer.getvalue())
    (tmp_path / "cut.png").write_bytes(buffer.getvalue()[:-200])
    draw_video(tmp_path / "clip.mp4", "libx264", options={"x264-params": "log-level=none"})
    return [
        FileRef(str(tmp_path / "a.png"), "a.png", 4),
        BytesRef(buffer.getvalue(), "row 1"),
        FileRef(str(tmp_path / "cut.png"), "cut.png"),
        ClipRef(str(tmp_path / "clip.mp4"), "clip.mp4", Sampling(count=3)),
        FileRef(str(tmp_path / "none.png"), "none.png"),
    ]


def test_every_kind_of_reference(refs, spec):
    results = dict(render(refs, spec, workers=2))
    assert sorted(results) == [0, 1, 2, 3, 4]
    file, cell, cut, clip, missing = (results[n] for n in range(5))
    assert isinstance(cut, Failure) and cut.code == "VL102"
    assert missing == Failure("VL101", "the file does not exist")
    assert (file.pictures[0].source, file.pictures[0].frame) == ("a.png", 4)
    assert (cell.pictures[0].source, cell.pictures[0].frame) == ("row 1", -1)
    assert file.pictures[0].name == cell.pictures[0].name, "the same picture is stored once"
    assert [picture.frame for picture in clip.pictures] == [0, 24, 47]
    written = {picture.name for rendering in (file, cell, clip) for picture in rendering.pictures}
    assert {str(path.relative_to(spec.images_dir)) for path in Path(spec.images_dir).rglob("*.png")} == written


def test_the_number_of_workers_changes_nothing(refs, spec, tmp_path):
    one = dict(render(refs, spec, workers=1))
    other = msgspec.structs.replace(spec, images_dir=str(tmp_path / "other"))
    assert dict(render(refs, other, workers=3)) == one
    for path in Path(spec.images_dir).rglob("*.*"):
        assert (tmp_path / "other" / path.relative_to(spec.images_dir)).read_bytes() == path.read_bytes()


def test_a_renderer_stays_warm_for_several_shards(refs, spec):
    with Renderer(spec, workers=2) as renderer:
        first, second = (dict(renderer.map_unordered(refs)) for _ in range(2))
    assert first == second and isinstance(first[0], Rendered)


def test_a_folder_that_cannot_be_written_ends_the_run(refs, spec):
    with pytest.raises(DataError, match="cannot be written: No such file"):
        list(render(refs, msgspec.structs.replace(spec, temp_dir="/nonexistent/folder"), workers=2))


def test_an_impossible_budget_ends_the_run(refs, spec):
    with pytest.raises(UsageError, match="no picture has between"):
        list(render(refs, msgspec.structs.replace(spec, max_pixels=1000), workers=2))


def test_importing_the_renderer_loads_no_decoder():
    modules = ["render", "inspect", "pictures", "videos", "video_frames", "decode", "store", "pool", "worker", "sampling"]
    loaded = "[name for name in ('PIL', 'numpy', 'av', 'decord') if name in sys.modules]"
    code = f"import sys, {', '.join('vldata.media.' + name for name in modules)}; print({loaded})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
