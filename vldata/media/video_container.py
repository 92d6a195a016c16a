"""Opening a video container that nobody vouches for, and telling a whole one from one that was cut."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from vldata.media.sources import Unusable

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

_DEMUXERS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,gif"
_SLACK, _SLACK_S = 0.05, 1.0  # how far short of the length of all its streams a video may fall: relative, and seconds
_SLACK_FRAMES = 2.5  # the same where the length is that of the pictures alone
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_VP8_SHOW_FRAME = 0x10


class Packet(NamedTuple):
    """What demuxing tells of one packet; `shown` is False for pictures that are only decoded from."""

    pts: int | None
    dts: int | None
    size: int
    key: bool
    shown: bool
    torn: bool


class OpenVideo:
    """An open container and its first picture stream.

    Raises:
        Unusable: VL102 for a container that is not accepted or cannot be read, VL106 where it has no pictures.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.container = _open(file)
        streams = self.container.streams.video
        if not streams:
            self.container.close()
            raise Unusable("VL106", "it has no video stream")
        self.stream = streams[0]
        if self.stream.codec_context is None:
            self.container.close()
            raise Unusable("VL102", "there is no decoder for its pictures")
        self.stream.thread_count = 1

    def close(self) -> None:
        """Free the decoder; the file stays the caller's."""
        self.container.close()

    @property
    def fps(self) -> float | None:
        """Mean frames a second, as the container says."""
        rate = self.stream.average_rate or self.stream.guessed_rate
        return float(rate) if rate else None

    def demux(self) -> Iterator[av.Packet[Any]]:
        """Yield the packets of the pictures up to the end of the file or the first place that cannot be read."""
        return _demux(self.container, self.stream)

    def check_length(self, packets: Sequence[Packet]) -> None:
        """Compare the packets that are there with what the header announces.

        An edit list may leave announced frames out; then the length in seconds decides. Matroska names the length of the pictures, or at
        least that of the longest stream; sound may go on after the pictures. MPEG-TS and GIF announce nothing.

        Raises:
            Unusable: VL108.
        """
        announced, shown = self.stream.frames, [packet.pts for packet in packets if packet.shown and packet.pts is not None]
        if packets[-1].torn:
            raise Unusable("VL108", f"it ends in the middle of packet {len(packets)}")
        if not shown or not self.stream.time_base:
            return
        step, first = float(self.stream.time_base), min(shown)
        frame = (max(shown) - first) * step / max(1, len(shown) - 1)
        seconds = (max(shown) - first) * step + frame
        if len(packets) < announced:
            length = float(self.stream.duration or 0) * step
            if not length or seconds < length - frame / 2:
                raise Unusable("VL108", f"it announces {announced} frames and has {len(packets)}")
        if announced:
            return
        length = _clock(self.stream.metadata.get("DURATION", ""))
        if length and seconds + first * step < length - _SLACK_FRAMES * frame:
            raise Unusable("VL108", f"it announces {length:.2f} s and ends after {seconds:.2f} s")
        overall = (self.container.duration or 0) / 1_000_000
        nearly = overall * (1 - _SLACK) - _SLACK_S
        if not length and seconds < nearly and _last_second(self.file) < nearly:
            raise Unusable("VL108", f"it announces {overall:.2f} s and ends after {seconds:.2f} s")


def describe(packet: Any) -> Packet:
    """Keep of a packet what is needed to find it again."""
    shown = not packet.is_discard
    if packet.stream.codec_context.codec.name == "vp8":
        shown = shown and bool(memoryview(packet)[0] & _VP8_SHOW_FRAME)
    return Packet(packet.pts, packet.dts, packet.size, packet.is_keyframe, shown, packet.is_corrupt)


def _open(file: BinaryIO) -> InputContainer:
    import av

    if file.seek(0, os.SEEK_END) == 0:
        raise Unusable("VL102", "the file is empty")
    file.seek(0)
    options = {"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}
    try:
        return av.open(file, "r", options=options, metadata_errors="replace", buffer_size=1 << 16)
    except av.error.ArgumentError:
        raise Unusable("VL102", f"it is no video in an accepted container ({_DEMUXERS})") from None
    except (av.error.InvalidDataError, av.error.EOFError):
        raise Unusable("VL102", "its container is damaged, or it is no video") from None


def _demux(container: InputContainer, *streams: Any) -> Iterator[av.Packet[Any]]:
    import av

    with contextlib.suppress(av.error.InvalidDataError, EOFError):
        for packet in container.demux(*streams):
            if packet.size:
                yield packet


def _last_second(file: BinaryIO) -> float:
    """Return when the last packet of any stream begins."""
    with _open(file) as container:
        return max((float(packet.pts * packet.time_base) for packet in _demux(container) if packet.pts is not None), default=0.0)


def _clock(text: str) -> float:
    """Read Matroska's "00:00:02.400000000"; 0 where there is none."""
    match = _CLOCK.match(text)
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3]) if match else 0.0
