"""Videos as moments: each frame has its time in the media lines, and in front of its tag where that is asked for."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

import vldata
from fixtures.shapes import write_clip
from vldata.errors import DataError

ASK = "When does it stop?"


def convert(folder: Path, row: dict[str, Any], converter: str = "sharegpt", **settings: Any) -> tuple[vldata.Record, list[float]]:
    """Convert one row: the record, and the times of its frames by the media lines."""
    (folder / "t.jsonl").write_text(json.dumps(row))
    vldata.convert(converter, folder / "t.jsonl", out=folder / "p", workers=1, overwrite=True, **settings)
    assert vldata.validate(folder / "p", workers=1).ok
    lines = [json.loads(line) for line in (folder / "p" / "t.media.jsonl").read_text().splitlines()]
    (record,) = vldata.read(folder / "p" / "t")
    return record, [line["time_s"] for line in lines]


def talk(video: Any, answer: str = "Here.") -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": f"<video>{ASK}"}, {"role": "assistant", "content": answer}], "videos": [video]}


def test_frames_carry_their_times(tmp_path: Path) -> None:
    write_clip(tmp_path / "c.mp4")  # twelve frames, four a second
    record, times = convert(tmp_path, talk("c.mp4"), frames=4)
    assert times == [0.0, 1.0, 1.75, 2.75] and record.messages[0].content == "<image>" * 4 + ASK
    record, _ = convert(tmp_path, talk("c.mp4"), frames=4, videos="timed")
    assert record.messages[0].content == f"<0.0 seconds><image><1.0 seconds><image><1.8 seconds><image><2.8 seconds><image>{ASK}"
    record, times = convert(tmp_path, talk({"video": "c.mp4", "video_start": 1, "video_end": 2, "nframes": 2}), videos="timed")
    assert record.messages[0].content == f"<1.0 seconds><image><2.0 seconds><image>{ASK}"  # counted from the video's own beginning
    pair = {"video": "c.mp4", "question": ASK, "answer": "Here."}
    record, _ = convert(tmp_path, pair, "jsonl", frames=2, videos="timed")
    assert record.messages[0].content == f"<0.0 seconds><image><2.8 seconds><image>{ASK}"


def test_times_are_those_of_display_where_frames_do_not_come_evenly(tmp_path: Path) -> None:
    import av

    with av.open(str(tmp_path / "c.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=100)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 100)
        for pts in (0, 10, 100, 300):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 64), (pts % 255, 0, 0)))
            frame.pts, frame.time_base = pts, Fraction(1, 100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    assert convert(tmp_path, talk("c.mp4"))[1] == [0.0, 0.1, 1.0, 3.0]


def test_a_list_of_frames_has_no_times(tmp_path: Path) -> None:
    for name in "ab":
        Image.new("RGB", (64, 64)).save(tmp_path / f"{name}.png")
    with pytest.raises(DataError, match="a list of 2 frames, which has no times"):
        convert(tmp_path, talk(["a.png", "b.png"]), videos="timed")


@pytest.mark.parametrize(
    ("answer", "said"), [("It stops at 2.5 s.", True), ("At 00:02.", True), ("Item 3 of 12.", False), ("USB 3.0.", False)]
)
def test_texts_that_speak_of_times_are_told_of_frames_without(answer: str, said: bool, tmp_path: Path) -> None:
    write_clip(tmp_path / "c.mp4")
    (tmp_path / "t.jsonl").write_text(json.dumps(talk("c.mp4", answer)))
    heard: list[str] = []
    vldata.api.convert.convert("sharegpt", tmp_path / "t.jsonl", out=tmp_path / "p", workers=1, frames=2, tell=heard.append)
    assert any("--videos timed" in text for text in heard) is said


def test_a_moment_that_a_row_names_is_kept(tmp_path: Path) -> None:
    write_clip(tmp_path / "c.mp4")
    record, _ = convert(tmp_path, {**talk("c.mp4"), "start": 0.5, "end": 1.5}, videos="timed")
    assert json.loads(record.meta["extra"]) == {"start": 0.5, "end": 1.5}


def test_what_a_row_asks_of_its_one_video_is_obeyed(tmp_path: Path) -> None:
    write_clip(tmp_path / "c.mp4")
    record, times = convert(tmp_path, {**talk("c.mp4"), "nframes": 2, "video_start": 1, "video_end": 2, "fps": 4})
    assert times == [1.0, 2.0] and json.loads(record.meta["extra"]) == {"fps": 4}
