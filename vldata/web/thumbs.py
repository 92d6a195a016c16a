"""Pictures for the report: read below one folder only, decoded as pictures nobody vouches for, written anew as small JPEGs."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

SIDE_PIXELS = 440
_QUALITY = 78
BUDGET_BYTES = 24 * 1024 * 1024


def thumbnails(names: Iterable[str], root: Path | None) -> tuple[dict[str, str], str]:
    """`data:` URLs by picture name, and a sentence on those that are not shown ("" when all are).

    Args:
        names: as the rows name them: relative to `root`, or absolute and inside it.
        root: the only folder pictures are read from; None shows none.
    """
    wanted = list(dict.fromkeys(names))
    if root is None:
        return {}, f"{len(wanted):,} pictures are not shown: --image-root names the folder they lie in." if wanted else ""
    shown: dict[str, str] = {}
    size = 0
    for name in wanted:
        if size > BUDGET_BYTES:
            break
        data = _thumbnail(name, root)
        if data is not None:
            shown[name] = "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
            size += len(shown[name])
    lost = len(wanted) - len(shown)
    return shown, f"{lost:,} of {len(wanted):,} pictures could not be shown." if lost else ""


def _thumbnail(name: str, root: Path) -> bytes | None:
    from vldata.media.decode import decode_picture
    from vldata.media.sources import Unusable, read_picture_bytes

    path = safe_path(name, root)
    if path is None:
        return None
    try:
        image = decode_picture(read_picture_bytes(str(path)), _fit).image
    except Unusable:
        return None
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=_QUALITY, optimize=True)
    return buffer.getvalue()


def safe_path(name: str, root: Path) -> Path | None:
    """The file a row names, if it lies inside `root` once every link is followed; None otherwise."""
    if "\x00" in name or "://" in name or "\\" in name or name.startswith("data:"):
        return None
    try:
        top = root.resolve(strict=True)
        path = (top / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return path if path.is_relative_to(top) and path.is_file() else None


def _fit(width: int, height: int) -> tuple[int, int]:
    scale = min(1.0, SIDE_PIXELS / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
