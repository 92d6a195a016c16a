"""Proving that a video decodes from its first frame to its last, as a trainer will: no packet fails, no frame is damaged or odd.

A video that is kept is read by other people's decoders later. What one of them would stop at, or see differently from another, is
refused here by name.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

import msgspec

from vldata.errors import VlkitError
from vldata.files.gate import SafePath
from vldata.media.decode import MAX_SOURCE_PIXELS
from vldata.media.engines import open_pool
from vldata.media.pixels import MAX_RATIO
from vldata.media.pool import DEFAULT_TIMEOUT_S
from vldata.media.refs import Failure
from vldata.media.sources import Unusable, open_regular
from vldata.media.video_container import OpenVideo, Packet, describe

if TYPE_CHECKING:
    import av

MAX_VIDEO_BYTES = 4 * 1024**3
MAX_VIDEO_S = 4 * 3600.0
MIN_VIDEO_FRAMES = 2  # two frames make one step in time; processors refuse fewer
_BLOCK_BYTES = 1 << 20
_WEBM_CODECS = frozenset({"vp8", "vp9", "av1", "libdav1d", "libvpx", "libvpx-vp9", "opus", "libopus", "vorbis"})
_EXTENSIONS = {"avi": "avi", "mpegts": "ts", "mpeg": "mpg", "flv": "flv", "ogg": "ogv", "gif": "gif"}


class Proved(NamedTuple):
    """What a video is that decoded whole. `extension` follows from its content."""

    width: int
    height: int
    frames: int
    fps: float
    duration_s: float
    extension: str


class VideoFacts(msgspec.Struct, frozen=True):
    """What validation compares with the media line; `sha256` is "" where the file was only opened."""

    width: int
    height: int
    frames: int
    sha256: str


def prove_video(file: BinaryIO) -> Proved:
    """Decode every frame of an open file.

    Raises:
        Unusable: VL102 for what cannot be decoded, VL104 beyond a limit, VL105, VL106, VL108 for a cut file, VL112 for what readers
            would see differently.
    """
    try:
        return _prove(file)
    except (Unusable, VlkitError, MemoryError):
        raise
    except Exception as error:  # a decoder fed hostile bytes raises anything
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise Unusable("VL102", f"it cannot be decoded: {type(error).__name__}: {what.strip()[:200]}") from None


def _prove(file: BinaryIO) -> Proved:
    size = os.fstat(file.fileno()).st_size
    if size > MAX_VIDEO_BYTES:
        raise Unusable("VL104", f"the file has {size:,} bytes; at most {MAX_VIDEO_BYTES:,} are read")
    video = OpenVideo(file)
    try:
        width, height = video.stream.codec_context.width, video.stream.codec_context.height
        _check_limits(video, width, height)
        packets: list[Packet] = []
        frames = 0
        for frame in _decode(video, packets):
            if frame.is_corrupt:
                raise Unusable("VL102", f"frame {frames} is damaged")
            if (frame.width, frame.height) != (width, height):
                raise Unusable("VL112", f"frame {frames} is {frame.width}x{frame.height} and the first is {width}x{height}")
            if round(frame.rotation) % 360:
                raise Unusable("VL112", f"it is to be turned by {round(frame.rotation) % 360} degrees, which some readers do not do")
            frames += 1
        if not frames:
            raise Unusable("VL106", "no frame of it can be decoded")
        video.check_length(packets)
        if frames < MIN_VIDEO_FRAMES:
            raise Unusable("VL112", f"it has {frames} frame; at least {MIN_VIDEO_FRAMES} are needed")
        fps = video.fps
        if not fps:
            raise Unusable("VL112", "it does not say how many frames a second it has")
        seconds = float((video.stream.duration or 0) * (video.stream.time_base or 0)) or frames / fps
        return Proved(width, height, frames, round(fps, 6), round(seconds, 3), _extension(video))
    finally:
        video.close()


def _decode(video: OpenVideo, packets: list[Packet]) -> Iterator[av.VideoFrame]:
    """Yield every frame; the first packet that does not decode ends it with its number.

    Raises:
        Unusable: VL102.
    """
    import av

    decoder = video.stream.codec_context
    try:
        for packet in video.demux():
            packets.append(describe(packet))
            yield from decoder.decode(packet)
        yield from decoder.decode(None)
    except av.error.EOFError:
        return
    except av.error.InvalidDataError:
        raise Unusable("VL102", f"packet {len(packets)} of its pictures cannot be decoded") from None


def _check_limits(video: OpenVideo, width: int, height: int) -> None:
    if width * height > MAX_SOURCE_PIXELS:
        raise Unusable("VL104", f"its frames are {width}x{height}; at most {MAX_SOURCE_PIXELS:,} pixels are decoded")
    if width < 1 or height < 1:
        raise Unusable("VL102", "it does not say how large its frames are")
    if max(width, height) > MAX_RATIO * min(width, height):
        raise Unusable("VL105", f"its frames are {width}x{height}")
    seconds = (video.container.duration or 0) / 1_000_000
    if seconds > MAX_VIDEO_S:
        raise Unusable("VL104", f"it is {seconds:,.0f} s long; at most {MAX_VIDEO_S:,.0f} s are read")


def _extension(video: OpenVideo) -> str:
    names = video.container.format.name.split(",")
    if "matroska" in names:
        codecs = {stream.codec_context.name for stream in video.container.streams if stream.codec_context is not None}
        return "webm" if codecs <= _WEBM_CODECS else "mkv"
    if "mov" in names:
        return "mov" if video.container.metadata.get("major_brand", "").startswith("qt") else "mp4"
    return _EXTENSIONS.get(names[0], "mp4")


def inspect_video(path: str | SafePath, *, headers_only: bool = False) -> VideoFacts | Failure:
    """Inspect one kept video: decode it whole and digest it, or open no more than its container."""
    try:
        with open_regular(path) as file:
            if headers_only:
                video = OpenVideo(file)
                try:
                    context = video.stream.codec_context
                    return VideoFacts(context.width, context.height, 0, "")
                finally:
                    video.close()
            proved = prove_video(file)
            file.seek(0)
            digest = hashlib.sha256()
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
            return VideoFacts(proved.width, proved.height, proved.frames, digest.hexdigest())
    except Unusable as verdict:
        return verdict.failure


def inspect_videos(
    paths: Sequence[str | SafePath], *, headers_only: bool = False, workers: int, timeout_s: float = DEFAULT_TIMEOUT_S
) -> Iterator[tuple[int, VideoFacts | Failure]]:
    """Yield (index of the path, facts or why there are none) as they come, from killable workers; also headers, which may hang too."""
    with open_pool("vldata.media.video_proof:open_inspector", headers_only, workers=workers, timeout_s=timeout_s) as pool:
        yield from pool.map_unordered(paths)


def open_inspector(headers_only: bool) -> Callable[[str | SafePath], VideoFacts | Failure]:
    """Load the library once and return the work of one worker."""
    from vldata.media.videos import check_decoder

    check_decoder("pyav")
    return lambda path: inspect_video(path, headers_only=headers_only)
