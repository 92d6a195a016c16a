"""The hostile corpus: pictures, videos, JSON, archives, HTML and names that somebody made, given to the commands that meet them.

Each is drawn here; what must hold is always the same: a sentence or a reject, in bounded time and memory, and nothing outside the folder
touched. Paths have their own corpus in `tests/vldata/test_planted.py`, workbooks and YAML theirs beside their readers.
"""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from vldata.conversion import convert
from vldata.errors import DataError
from vldata.media.inspect import inspect_picture
from vldata.media.refs import Failure
from vldata.media.video_proof import inspect_videos
from vldata.output.options import ConvertOptions
from vldata.previews.make import make_preview
from vldata.sources import jsonl, sharegpt
from vldata.validation import validate
from vleval.readers import read_predictions


def png(width: int, height: int, *chunks: tuple[bytes, bytes], data: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = b"".join(chunk(*one) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IDAT", data or zlib.compress(b"\0" * 4)) + chunk(b"IEND", b"")


def good(kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (64, 64), (200, 30, 60)).save(buffer, kind)
    return buffer.getvalue()


PICTURES: dict[str, bytes] = {
    "60,000 pixels wide": png(60_000, 60_000),
    "the largest header": png(2**31 - 1, 2**31 - 1),
    "no pixels": png(0, 0),
    "a text chunk that unpacks to 64 MB": png(8, 8, (b"zTXt", b"a\0\0" + zlib.compress(bytes(64 << 20)))),
    "a profile that unpacks to 64 MB": png(8, 8, (b"iCCP", b"a\0\0" + zlib.compress(bytes(64 << 20)))),
    "pixels that unpack to 256 MB": png(8_000, 8_000, data=zlib.compress(bytes(256 << 20))),
    "a JPEG cut in its middle": good("JPEG")[:200],
    "a PNG cut in its middle": good("PNG")[:60],
    "a WebP that lies about its size": good("WEBP")[:4] + b"\xff\xff\xff\x7f" + good("WEBP")[8:],
    "a GIF without an end": good("GIF")[:-4],
    "a TIFF whose directory is itself": b"II*\0\x08\0\0\0\0\0\x08\0\0\0",
    "a TIFF with 65,535 entries": b"II*\0\x08\0\0\0\xff\xff" + bytes(600),
    "a BMP of negative size": b"BM" + bytes(12) + struct.pack("<IiiHH", 40, -5, -2_000_000_000, 1, 24) + bytes(64),
    "an EPS": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
    "an SVG with an entity": b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>',
    "a playlist": b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n",
    "nothing": b"",
    "zeros": bytes(4_096),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_hostile_picture_is_a_reject(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(PICTURES[name])
    (tmp_path / "b.png").write_bytes(good("PNG"))
    rows = [{"image": image, "text": "A thing."} for image in ("a.png", "b.png")]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (opened,) = jsonl.open_source(tmp_path / "pairs.jsonl")
    result = convert(opened, ConvertOptions(out=tmp_path / "out", workers=1, timeout_s=20, max_rejects=1))
    # Metadata alone, and as many pixels as are read at most: such a picture may be good.
    kept = {"a text chunk that unpacks to 64 MB", "a profile that unpacks to 64 MB", "pixels that unpack to 256 MB"}
    assert result.counts.written == 1 or (name in kept and result.counts.written == 2)
    assert validate(tmp_path / "out", workers=1).findings.total == 0


def test_no_picture_of_the_corpus_takes_memory(tmp_path: Path) -> None:
    """All of them in one process with 700 MB of address space: a bomb that unpacked would end it."""
    for number, data in enumerate(PICTURES.values()):
        (tmp_path / f"{number}.png").write_bytes(data)
    code = (
        "import resource, sys; from pathlib import Path; from vldata.media.inspect import inspect_picture\n"
        "from vldata.media.decode import warm_up; warm_up(); resource.setrlimit(resource.RLIMIT_AS, (1_200 << 20,) * 2)\n"
        "print(sum(type(inspect_picture(str(p))).__name__ == 'Failure' for p in sorted(Path(sys.argv[1]).iterdir())))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True, timeout=60)
    assert int(done.stdout) >= len(PICTURES) - 3


VIDEOS: dict[str, bytes] = {
    "a playlist of local files": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
    "a concat script": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "an mp4 whose box is larger than the world": struct.pack(">I", 1) + b"ftyp" + struct.pack(">Q", 2**62) + b"isom",
    "boxes in boxes": b"".join(struct.pack(">I", 8 * (500 - depth)) + b"moov" for depth in range(500)),
    "a header and no frames": struct.pack(">I", 24) + b"ftypisom" + bytes(4) + b"isomavc1" + struct.pack(">I", 8) + b"mdat",
    "Matroska of nothing": b"\x1a\x45\xdf\xa3\x01\xff\xff\xff\xff\xff\xff\xff" + bytes(64),
    "an AVI that repeats itself": (b"RIFF" + struct.pack("<I", 2**31) + b"AVI LIST" + struct.pack("<I", 8) + b"hdrl") * 50,
    "text": b"no video at all\n" * 100,
}


def test_a_hostile_video_is_a_failure(tmp_path: Path) -> None:
    paths = []
    for number, data in enumerate(VIDEOS.values()):
        paths.append(str(tmp_path / f"{number}.mp4"))
        Path(paths[-1]).write_bytes(data)
    outcomes = dict(inspect_videos(paths, workers=1, timeout_s=20))
    assert {index for index, outcome in outcomes.items() if not isinstance(outcome, Failure)} == set()


LINES: dict[str, bytes] = {
    "deep": b'{"messages": ' + b"[" * 100_000 + b"}",
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a number of 5,000 digits": b'{"id": ' + b"9" * 5_000 + b"}",
    "an exponent without an end": b'{"id": 1e999999}',
    "NaN": b'{"image": NaN, "text": "a"}',
    "a key twice": b'{"image": "a.png", "image": "b.png", "text": "a"}',
    "half a surrogate": b'{"image": "a.png", "text": "\\ud800"}',
    "bytes that are no text": b'{"image": "\xff\xfe\x00", "text": "\xc3\x28"}',
    "an end in the middle": b'{"image": "a.png", "text": "a',
    "line separators": '{"image": "a.png", "text": "a\u2028b\u2029c\u0085d"}'.encode(),
    "very many keys": b"{" + b",".join(b'"k%d": 0' % number for number in range(60_000)) + b"}",
    "escapes of the terminal": json.dumps({"image": "\x1b]0;owned\x07\x1b[2J.png", "text": "\x1b[31m"}).encode(),
    "a name of NULs": json.dumps({"image": "a\0b.png", "text": "a"}).encode(),
    "a name of 70,000 letters": json.dumps({"image": "a" * 70_000, "text": "a"}).encode(),
}


@pytest.mark.parametrize("name", LINES)
def test_hostile_json_is_told_or_rejected(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.png").write_bytes(good("PNG"))
    (tmp_path / "rows.jsonl").write_bytes(b'{"image": "a.png", "text": "good"}\n' + LINES[name] + b"\n")
    readers: list[Callable[[], object]] = [
        lambda: [list(source.drafts()) for source in jsonl.open_source(tmp_path / "rows.jsonl")],
        lambda: [list(source.drafts()) for source in sharegpt.open_source(tmp_path / "rows.jsonl")],
        lambda: read_predictions(tmp_path / "rows.jsonl"),
    ]
    for read in readers:
        try:
            read()
        except DataError as error:
            assert len(str(error)) < 4_000
        except Exception as error:
            assert type(error).__name__ in ("UsageError",), error


def tar_of(*members: tuple[str, bytes, bytes]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, kind, data in members:
            entry = tarfile.TarInfo(name)
            entry.type, entry.size = kind, len(data)
            entry.linkname = "/etc/passwd" if kind != tarfile.REGTYPE else ""
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


TARS: dict[str, bytes] = {
    "climbing names": tar_of(("../../x.png", tarfile.REGTYPE, good("PNG")), ("../../x.txt", tarfile.REGTYPE, b"a")),
    "absolute names": tar_of(("/tmp/x.png", tarfile.REGTYPE, good("PNG")), ("/tmp/x.txt", tarfile.REGTYPE, b"a")),
    "links": tar_of(("0.png", tarfile.SYMTYPE, b""), ("0.txt", tarfile.REGTYPE, b"a")),
    "hard links": tar_of(("0.png", tarfile.LNKTYPE, b""), ("0.txt", tarfile.REGTYPE, b"a")),
    "devices": tar_of(("0.png", tarfile.CHRTYPE, b""), ("0.txt", tarfile.REGTYPE, b"a")),
    "cut": tar_of(("0.png", tarfile.REGTYPE, good("PNG")), ("0.txt", tarfile.REGTYPE, b"a"))[:700],
    "no tar": b"\x1f\x8b\x08\0" + bytes(600),
}


@pytest.mark.parametrize("name", TARS)
def test_a_hostile_archive_puts_nothing_outside(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "shard-000000.tar").write_bytes(TARS[name])
    try:
        for opened in jsonl.open_source(source):
            convert(opened, ConvertOptions(out=tmp_path / "out", workers=1))
    except DataError:
        pass
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "out") == ["source"]
    assert not any(b"root:" in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())


PAYLOADS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><script>alert(1)</script>",
    "<svg/onload=alert(1)>",
    "javascript:alert(1)",
    "{{constructor.constructor('alert(1)')()}}",
    "<!--<script>",
    "\u202e\u2066<b>txt.exe",
    "]]><script>",
    "<iframe srcdoc='<script>alert(1)</script>'>",
    "&lt;script&gt;",
    "\x00<script>",
)


def test_no_payload_is_markup_on_a_page(prepared: Path, tmp_path: Path) -> None:
    path = prepared / "openeqa.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row, payload in zip(rows, PAYLOADS, strict=False):
        row["id"] += payload
        row["messages"][-1]["content"] = payload or "x"
        row["messages"][0]["content"] += payload
        row["meta"] = {key: payload for key in row["meta"]}
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    make_preview(str(prepared / "openeqa"), out=tmp_path / "page.html", workers=1)
    page = (tmp_path / "page.html").read_text()
    assert "Content-Security-Policy" in page and "default-src 'none'" in page
    for payload in ("<script>alert", "<img src=x", "<svg/onload", "<iframe srcdoc", "</script><script>alert"):
        assert payload not in page, payload


def test_a_picture_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe")
    assert isinstance(inspect_picture(str(tmp_path / "pipe")), Failure)
    assert isinstance(inspect_picture("/dev/zero"), Failure)
