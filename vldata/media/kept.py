"""Keeping a video as a video: copied byte for byte, and the copy decoded from its first frame to its last before it gets its name."""

from __future__ import annotations

import contextlib
import hashlib
import io
import itertools
import os
from pathlib import Path
from typing import BinaryIO

from vldata.causes import write_error
from vldata.files import inside
from vldata.media.refs import Failure, Kept, RenderSpec, Video, VideoRef
from vldata.media.sources import Unusable, open_regular
from vldata.media.video_proof import MAX_VIDEO_BYTES, Proved, prove_video

_BLOCK_BYTES = 1 << 20
_counter = itertools.count()


def keep_video(ref: VideoRef, spec: RenderSpec) -> Kept | Failure:
    """Copy a video to `videos_dir/xx/<sha256>.<ext>` and prove the copy, so that a source changing meanwhile cannot slip through.

    Raises:
        DataError: the output folder cannot be written to.
    """
    temp = Path(spec.temp_dir) / f"{os.getpid()}-{next(_counter)}.video"
    try:
        with io.BytesIO(ref.data) if ref.data else open_regular(ref.path) as source:
            digest, size = _copy(source, temp)
        with temp.open("rb") as file:
            proved = prove_video(file)
        name = f"{digest[:2]}/{digest}.{proved.extension}"
        with inside.parent(Path(spec.videos_dir), name, make=True) as (folder, last):
            os.rename(temp, last, dst_dir_fd=folder)
        return Kept(_video(proved, name, digest, size, ref.source))
    except Unusable as verdict:
        return verdict.failure
    except OSError as error:
        raise write_error(Path(spec.videos_dir), error) from error
    finally:
        with contextlib.suppress(OSError):
            temp.unlink()


def _video(proved: Proved, name: str, digest: str, size: int, source: str) -> Video:
    return Video(
        name=name,
        sha256=digest,
        width=proved.width,
        height=proved.height,
        bytes=size,
        frames=proved.frames,
        fps=proved.fps,
        duration_s=proved.duration_s,
        source=source,
    )


def _copy(source: BinaryIO, target: Path) -> tuple[str, int]:
    """Copy an open file; returns the digest and the number of the bytes that were written.

    Raises:
        Unusable: VL102 for an empty file or a failing disk, VL104 for one above the cap.
    """
    size = source.seek(0, os.SEEK_END)
    source.seek(0)
    if size > MAX_VIDEO_BYTES:
        raise Unusable("VL104", f"the file has {size:,} bytes; at most {MAX_VIDEO_BYTES:,} are read")
    digest, written = hashlib.sha256(), 0
    with target.open("wb") as sink:
        while block := _read(source):
            sink.write(block)
            digest.update(block)
            written += len(block)
    if not written:
        raise Unusable("VL102", "the file is empty")
    return digest.hexdigest(), written


def _read(source: BinaryIO) -> bytes:
    try:
        return source.read(_BLOCK_BYTES)
    except OSError as error:
        raise Unusable("VL102", f"the file cannot be read: {error.strerror}") from None
