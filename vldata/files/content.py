"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from typing import Literal

Kind = Literal["image", "video"]

_IMAGES = (
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF87a",
    b"GIF89a",
    b"BM",
    b"II*\x00",
    b"MM\x00*",
    b"II+\x00",
    b"MM\x00+",
    b"\x00\x00\x00\x0cjP  ",
)
_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
_IMAGE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_VIDEOS = (b"\x1a\x45\xdf\xa3", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3", b"FLV", b"OggS", b"\x30\x26\xb2\x75", b"G", b"GIF8")


def is_image(head: bytes) -> bool:
    """Whether a file begins as a picture does: JPEG, PNG, WebP, GIF, BMP, TIFF, JPEG 2000, AVIF or HEIC."""
    if head.startswith(_IMAGES):
        return True
    return (head[:4] == b"RIFF" and head[8:12] == b"WEBP") or (head[4:8] == b"ftyp" and head[8:12] in _IMAGE_BRANDS)


def image_mime(head: bytes) -> str:
    """The media type of a picture by its first bytes."""
    known = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG": "image/png", b"GIF8": "image/gif", b"RIFF": "image/webp", b"BM": "image/bmp"}
    return next((mime for magic, mime in known.items() if head.startswith(magic)), "application/octet-stream")


def is_video(head: bytes) -> bool:
    """Whether a file begins as a video does: MP4 and similar, Matroska, AVI, MPEG, FLV, Ogg, ASF, GIF."""
    return head[4:8] in _BOXES or head.startswith(_VIDEOS) or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def content_fault(head: bytes, kind: Kind) -> str:
    """Say why a file whose first bytes these are is not of `kind`, or ""."""
    if not head:
        return "is empty"
    good = is_image(head) if kind == "image" else is_video(head)
    return "" if good else f"is no {kind} by its content"
