"""What a picture file says of itself, read from its bytes alone: format, size, channels, and whether it carries anything but pixels.

Decoding proves a picture whole; this only walks its container, fast enough for a hundred thousand files. It understands what we write
(JPEG, PNG, WebP) and recognises the rest by its first bytes.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

_JPEG_SIZES = frozenset({0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_JPEG_MODES = {1: "L", 3: "RGB", 4: "CMYK"}
_PNG_MODES = {0: "L", 2: "RGB", 3: "P", 4: "LA", 6: "RGBA"}
_HEIF_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Container(NamedTuple):
    """One picture file. `mode` is Pillow's name; `bits` a channel; `plain` promises nothing in it but the pixels of one still picture."""

    format: str
    width: int
    height: int
    mode: str
    bits: int
    alpha: bool
    exif: bool
    plain: bool


def sniff_format(head: bytes) -> str:
    """Name the format by its first bytes: jpeg, png, webp, gif, bmp, tiff, avif, heic, jpeg2000, pdf, or "" for anything else."""
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(_PNG_SIGNATURE):
        return "png"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"BM"):
        return "bmp"
    if head[4:8] == b"ftyp":
        return "avif" if head[8:11] == b"avi" else "heic" if head[8:12] in _HEIF_BRANDS else ""
    if head[4:8] == b"jP  " or head.startswith(b"\xff\x4f\xff\x51"):
        return "jpeg2000"
    if head.startswith(b"%PDF-"):
        return "pdf"
    return "tiff" if head[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+") else ""


def walk_container(head: bytes, tail: bytes, size: int) -> Container | None:
    """Walk a file of `size` bytes that begins with `head` and ends with `tail`; both may be all of it.

    Returns None for a format that is not walked, or a container that is cut or not understood within `head`.
    """
    walk = {"jpeg": _walk_jpeg, "png": _walk_png, "webp": _walk_webp}.get(sniff_format(head[:16]))
    if walk is None:
        return None
    try:
        return walk(head, tail, size)
    except (struct.error, IndexError):
        return None


def _walk_jpeg(head: bytes, tail: bytes, size: int) -> Container | None:
    place, width, height, bits, channels, exif, plain = 2, 0, 0, 8, 0, False, tail.endswith(b"\xff\xd9")
    while True:
        if head[place] != 0xFF:
            return None
        marker = head[place + 1]
        if marker == 0xFF:
            place += 1
            continue
        (length,) = struct.unpack_from(">H", head, place + 2)
        body = head[place + 4 : place + 2 + length]
        if marker in _JPEG_SIZES:
            bits, height, width, channels = struct.unpack_from(">BHHB", head, place + 4)
        elif marker == 0xDA:
            break
        elif marker == 0xE1:
            exif, plain = exif or body.startswith(b"Exif\0"), False
        elif marker == 0xFE or (0xE0 <= marker <= 0xEF and not body.startswith((b"JFIF\0", b"Adobe"))):
            plain = False
        place += 2 + length
    if not width or not height or channels not in _JPEG_MODES:
        return None
    return Container("jpeg", width, height, _JPEG_MODES[channels], bits, False, exif, plain)


def _walk_png(head: bytes, tail: bytes, size: int) -> Container | None:
    width, height, bits, colour = struct.unpack_from(">IIBB", head, 16)
    if head[12:16] != b"IHDR" or colour not in _PNG_MODES:
        return None
    place, alpha, exif, plain = 8, colour in (4, 6), False, True
    while place + 8 <= len(head):
        length, kind = struct.unpack_from(">I4s", head, place)
        if kind == b"IEND":
            plain = plain and place + 12 == size
            break
        alpha, exif = alpha or kind == b"tRNS", exif or kind == b"eXIf"
        plain = plain and kind in (b"IHDR", b"IDAT", b"PLTE")
        place += 12 + length
    plain = plain and tail[-12:-4] == b"\0\0\0\0IEND"
    mode = "1" if (colour, bits) == (0, 1) else "I;16" if (colour, bits) == (0, 16) else _PNG_MODES[colour]
    return Container("png", width, height, mode, bits, alpha, exif, plain)


def _walk_webp(head: bytes, tail: bytes, size: int) -> Container | None:
    (riff,) = struct.unpack_from("<I", head, 4)
    kind, plain = head[12:16], riff + 8 == size
    if kind == b"VP8 ":
        (length,) = struct.unpack_from("<I", head, 16)
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", head, 26))
        return Container("webp", width, height, "RGB", 8, False, False, plain and 20 + length + (length & 1) == size)
    if kind == b"VP8L":
        (length, _, packed) = struct.unpack_from("<IBI", head, 16)
        alpha = bool(packed >> 28 & 1)
        width, height = (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
        whole = plain and 20 + length + (length & 1) == size
        return Container("webp", width, height, "RGBA" if alpha else "RGB", 8, alpha, False, whole)
    if kind == b"VP8X":
        flags = head[20]
        width, height = (int.from_bytes(head[at : at + 3], "little") + 1 for at in (24, 27))
        alpha = bool(flags & 0x10)
        return Container("webp", width, height, "RGBA" if alpha else "RGB", 8, alpha, bool(flags & 0x08), False)
    return None
