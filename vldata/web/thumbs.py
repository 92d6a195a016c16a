"""Small pictures for pages: decoded as pictures nobody vouches for, written anew as small WebP files, shown by `data:` URL."""

from __future__ import annotations

import base64
import functools
import io
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from vldata.files.gate import SafePath
from vldata.media.refs import Failure
from vldata.media.sources import Unusable, open_regular, read_picture_bytes
from vldata.wording import counted

if TYPE_CHECKING:
    from PIL import Image

SIDE_PIXELS = 440
BUDGET_BYTES = 24 * 1024 * 1024
_VIDEO_SUFFIXES = frozenset({".mp4", ".mov", ".webm", ".mkv", ".avi", ".ts", ".mpg", ".flv", ".ogv"})  # as kept videos are named
_QUALITY = 64
_EFFORT = 2  # of the encoder: half the time of its default for a twentieth more bytes


def thumbnails(names: Iterable[str], root: Path | None) -> tuple[dict[str, str], str]:
    """`data:` URLs by picture name, and a sentence on those that are not shown ("" when all are).

    Args:
        names: as the rows name them: relative to `root`, or absolute and inside it.
        root: the only folder pictures are read from; None shows none.
    """
    wanted = list(dict.fromkeys(names))
    if root is None:
        return {}, f"Not shown: {counted(len(wanted), 'picture')}. --image-root names the folder that holds them." if wanted else ""
    shown: dict[str, str] = {}
    size = 0
    for name in wanted:
        if size > BUDGET_BYTES:
            break
        path = safe_path(name, root)
        data = make_thumbnail(str(path), side=SIDE_PIXELS) if path is not None else None
        if isinstance(data, bytes):
            shown[name] = data_url(data)
            size += len(shown[name])
    lost = len(wanted) - len(shown)
    return shown, f"{lost:,} of {len(wanted):,} pictures could not be shown." if lost else ""


def data_url(data: bytes) -> str:
    """The URL that holds a thumbnail."""
    return "data:image/webp;base64," + base64.b64encode(data).decode("ascii")


def make_thumbnail(path: str | SafePath, *, side: int) -> bytes | Failure:
    """Read one file, of a video its first frame, and write it anew, at most `side` pixels long and wide."""
    from vldata.media.decode import decode_picture

    def fit(width: int, height: int) -> tuple[int, int]:
        scale = min(1.0, side / max(width, height))
        return max(1, round(width * scale)), max(1, round(height * scale))

    try:
        if PurePath(str(path)).suffix in _VIDEO_SUFFIXES:
            open_regular(path).close()  # the gate, for a decoder that opens by name
            still = _first_frame(str(path))
            image = still.resize(fit(*still.size))
        else:
            image = decode_picture(read_picture_bytes(path), fit).image
    except Unusable as verdict:
        return verdict.failure
    buffer = io.BytesIO()
    image.save(buffer, "WEBP", quality=_QUALITY, method=_EFFORT)
    return buffer.getvalue()


def _first_frame(path: str) -> Image.Image:
    """Decode the first frame of a kept video.

    Raises:
        Unusable: it cannot be.
    """
    from vldata.media.refs import ClipRef, Sampling
    from vldata.media.videos import check_decoder, take_images

    check_decoder("pyav")
    frames = take_images(ClipRef(path, path, Sampling(rule="first", count=1)), "pyav", lambda image: image)
    return frames.taken[frames.indices[0]]


def make_thumbnails(paths: Iterable[str | SafePath], *, side: int, workers: int) -> Iterator[tuple[int, bytes | Failure]]:
    """Yield (index of the path, thumbnail or why there is none) as they come, from killable workers."""
    from vldata.media.engines import open_pool

    with open_pool("vldata.web.thumbs:open_thumbnailer", side, workers=workers) as pool:
        yield from pool.map_unordered(paths)


def open_thumbnailer(side: int) -> Callable[[str | SafePath], bytes | Failure]:
    """Load the libraries once and return the work of one worker."""
    from vldata.media.decode import warm_up

    warm_up()
    return functools.partial(make_thumbnail, side=side)


def safe_path(name: str, root: Path) -> Path | None:
    """The file a row names, if it is inside `root` once every link is followed; None otherwise."""
    if "\x00" in name or "://" in name or "\\" in name or name.startswith("data:"):
        return None
    try:
        top = root.resolve(strict=True)
        path = (top / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return path if path.is_relative_to(top) and path.is_file() else None
