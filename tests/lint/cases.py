"""Cases for `vldata lint`: small files right and wrong, each with what its author meant, written where a trainer finds them."""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

# What the author of a row wanted the model to see and to learn.
Meant = dict[str, Any]  # answers, prompts, system: texts; images: how many; boxes: whether the texts hold pixels; seconds: marks of time

PICTURES = {  # name: size, mode, format
    "a.png": ((64, 64), "RGB"),
    "b.png": ((128, 96), "RGB"),
    "grid.png": ((256, 256), "RGB"),
    "wide.png": ((320, 256), "RGB"),
    "big.jpg": ((1920, 1080), "RGB"),
    "alpha.png": ((256, 256), "RGBA"),
    "grey.png": ((256, 256), "L"),
    "palette.png": ((256, 256), "P"),
    "strip.png": ((2200, 8), "RGB"),
    "dot.png": ((1, 1), "RGB"),
    "名 前.png": ((256, 256), "RGB"),
}


class Case(NamedTuple):
    """One folder: `files` by name (bytes, text, rows of JSON Lines, or any other JSON), what its rows mean, and how it is trained."""

    name: str
    files: Mapping[str, Any]
    meant: Sequence[Meant]
    spec: Mapping[str, Any] = {}


def draw(folder: Path) -> None:
    """Draw the pictures that every case may name, and files that only look like some."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (size, mode) in PICTURES.items():
        Image.new(mode, size, 90).save(folder / name)
    (folder / "cut.png").write_bytes((folder / "grid.png").read_bytes()[:60])
    (folder / "cut.jpg").write_bytes((folder / "big.jpg").read_bytes()[:9_000])
    (folder / "empty.png").write_bytes(b"")
    (folder / "text.png").write_text("not a picture")
    (folder / "wrong.png").write_bytes((folder / "big.jpg").read_bytes())
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (320, 256), "red").save(folder / "turned.jpg", exif=turned)
    turned[0x0112] = 3
    half = Image.new("RGB", (320, 256), "red")
    half.paste("blue", (0, 0, 320, 128))
    half.save(folder / "down.jpg", exif=turned)
    for name, mode in (("16.png", "I;16"), ("cmyk.jpg", "CMYK"), ("la.png", "LA"), ("w.webp", "RGB"), ("p.bmp", "RGB"), ("bit.png", "1")):
        Image.new(mode, (256, 256), 20_000 if mode == "I;16" else 0).save(folder / name)
    Image.new("P", (256, 256), 0).save(folder / "trns.png", transparency=0)
    frames = [Image.new("RGB", (256, 256), colour) for colour in ("red", "blue")]
    for name in ("g.gif", "m.tif"):
        frames[0].save(folder / name, save_all=True, append_images=frames[1:])
    (folder / "huge.png").write_bytes(_png(20_000, 20_000))
    (folder / "v.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')


def _png(width: int, height: int) -> bytes:
    """The beginning and end of a grey PNG of this size: as much of it as a header check reads."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def write(case: Case, root: Path, pictures: Path) -> Path:
    """Write one case below `root`, with links to the pictures it names; returns its folder."""
    folder = root / case.name
    folder.mkdir(parents=True, exist_ok=True)
    texts = []
    for name, value in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(value, bytes):
            path.write_bytes(value)
            continue
        if isinstance(value, str):
            text = value
        elif name.endswith(".jsonl"):
            text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in value)
        else:
            text = json.dumps(value, ensure_ascii=False)
        path.write_text(text, encoding="utf-8")
        texts.append(text)
    together = "\n".join(texts)
    for picture in pictures.iterdir():
        if picture.name in together and not (folder / picture.name).exists():
            (folder / picture.name).hardlink_to(picture)
    (folder / "case.json").write_text(json.dumps({**case.spec, "meant": list(case.meant)}, ensure_ascii=False))
    return folder


_FRAME = re.compile(r"<\|im_start\|>\w+\n|<\|im_end\|>")  # of a turn, without its text


def _in_answer(text: str) -> bool:
    """Whether vision tokens stand in a turn of the assistant."""
    return any("<pads>" in turn for turn in text.split("<|im_start|>") if turn.startswith("assistant"))


def truth(meant: Meant, said: Mapping[str, Any], cutoff: int) -> str:
    """The outcome of one row that was encoded, from what the author meant and what the trainer made of it."""
    text, learned = said["text"], said["learned"]
    if "Mismatch in `image` token count" in said["message"]:
        return "cut"
    if said["message"]:
        return "cut" if said["tokens"] >= cutoff else "crash"
    if said["tokens"] >= cutoff and (
        not all(t in text for t in meant.get("prompts", ())) or not all(t in learned for t in meant["answers"])
    ):
        return "cut"
    if not _FRAME.sub("", learned).strip():
        return "nothing"
    if any(text in learned for text in meant.get("never_learn", ())):
        return "ignored"
    if said.get("rejected") == learned:
        return "nothing"
    if any(prompt in learned for prompt in meant.get("prompts", ())):
        return "prompt"
    if "_pad|>" in learned:
        return "altered"
    if len(said["grids"]) != meant.get("images", 0):
        return "ignored"
    wanted = [*meant["answers"], *meant.get("prompts", ()), *([meant["system"]] if meant.get("system") else [])]
    if not all(piece in (learned if piece in meant["answers"] else text) for piece in wanted):
        return "ignored"
    if any(piece in text for piece in meant.get("never", ())):
        return "altered"
    shapes = [(16 * grid[2], 16 * grid[1]) for grid in said["grids"]]
    if any(not 0.8 < w * h2 / (h * w2) < 1.25 for (w, h), (w2, h2) in zip(meant.get("shapes", ()), shapes, strict=False)):
        return "altered"
    top, first = meant.get("top"), said.get("first", [0, 0, 0])
    if (top == "red" and first[0] < first[2]) or (top == "dark" and first[0] > 0.5):
        return "altered"
    if meant.get("images") and not meant.get("image_in_answer") and _in_answer(text):
        return "altered"
    if meant.get("boxes") and meant.get("sizes") != [[16 * grid[2], 16 * grid[1]] for grid in said["grids"]]:
        return "boxes"
    if "seconds" in meant and not all(mark in text for mark in meant["seconds"]):
        return "time"
    return "train"
