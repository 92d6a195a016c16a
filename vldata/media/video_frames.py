"""Frames of a video by their place in display order, by PyAV, decoding only what they need.

One pass over the packets, without decoding, tells how many frames there are, when each is shown and where decoding can begin. A frame is
then decoded from the nearest key frame before it, leaving out pictures nothing refers to. Where the packets do not say enough (no
timestamps, GIF), or a frame does not come out as they promised, everything is decoded in order instead.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from vldata.media.sources import Unusable

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

_DEMUXERS = "mov,matroska,avi,mpegts,mpeg,flv,ogg,gif"
_KEYED_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "prores"})
_SKIP_BYTES = 4 * 1024 * 1024  # packets up to this far ahead are read over; further ones are sought
_SLACK, _SLACK_S = 0.05, 1.0  # how far short of its announced length a video may fall: relative, and seconds
_VP8_SHOW_FRAME = 0x10


class _Misled(Exception):
    """The packets promised a frame that decoding does not give."""


class _Packet(NamedTuple):
    pts: int | None
    dts: int | None
    size: int
    key: bool
    shown: bool


class Frames(NamedTuple):
    """What was taken of a video: how many frames it has, which were taken, in the order asked for, and the distinct ones decoded."""

    total: int
    indices: tuple[int, ...]
    decoded: dict[int, av.VideoFrame]


def take_frames(file: BinaryIO, choose: Callable[[int, float | None], tuple[int, ...]]) -> Frames:
    """Take frames of a video.

    Args:
        file: the video, readable and seekable.
        choose: given the number of frames and how many are shown a second, the indices wanted.

    Raises:
        Unusable: VL102 for a file that cannot be read or a damaged frame, VL106 without frames, VL108 for a file that is cut.
    """
    import av

    try:
        try:
            return _take(_Keyed(file), choose)
        except _Misled:
            return _take(_InOrder(file), choose)
    except MemoryError:
        raise
    except (av.error.FFmpegError, ValueError, ArithmeticError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)  # str() of theirs has the path in it
        raise Unusable("VL102", f"it cannot be decoded: {what.strip()[:200]}") from None


def _take(video: _Keyed | _InOrder, choose: Callable[[int, float | None], tuple[int, ...]]) -> Frames:
    with contextlib.closing(video):
        if video.count == 0:
            raise Unusable("VL106", "no frame of it can be decoded")
        video.check_length()
        indices = choose(video.count, video.fps)
        wanted = sorted(set(indices))
        decoded = video.pick(wanted)
        for index in wanted:
            if index not in decoded:
                raise Unusable("VL108", f"frame {index} of {video.count} cannot be decoded")
            if decoded[index].is_corrupt:
                raise Unusable("VL102", f"frame {index} of {video.count} is damaged")
        return Frames(video.count, indices, decoded)


class _Open:
    """An open container and its picture stream."""

    count: int

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._container = _open(file)
        streams = self._container.streams.video
        if not streams:
            self._container.close()
            raise Unusable("VL106", "it has no video stream")
        self._stream = streams[0]
        self._stream.thread_count = 1

    def close(self) -> None:
        """Free the decoder; the file stays the caller's."""
        self._container.close()

    @property
    def fps(self) -> float | None:
        """Mean frames a second, as the container says."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return float(rate) if rate else None


class _Keyed(_Open):
    """A video read by its key frames.

    Raises:
        _Misled: its packets do not tell enough.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        if self._stream.codec_context.codec.name not in _KEYED_CODECS:
            raise _Misled
        self._packets = [_describe(packet) for packet in _demux(self._container, self._stream)]
        if self._container.format.name == "avi" and not all(packet.key for packet in self._packets):
            raise _Misled  # AVI has no times of display
        self._place_of = {packet[:3]: place for place, packet in enumerate(self._packets)}
        self._display = _display_order(self._packets)
        self._keys = [place for place, packet in enumerate(self._packets) if packet.key]
        self._at = len(self._packets)  # place of the packet that comes next
        self._reader: Iterator[av.Packet[Any]] = iter(())
        self.count = len(self._display)

    def check_length(self) -> None:
        """Compare the packets with what the header announces.

        Raises:
            Unusable: VL108.
        """
        announced = self._stream.frames
        if len(self._packets) < announced:
            raise Unusable("VL108", f"it announces {announced} frames and has {len(self._packets)}")
        if announced or not self._container.duration:
            return
        duration = self._container.duration / 1_000_000
        end = float(self._display[-1][0] * (self._stream.time_base or 0))
        if end < _nearly(duration) and _last_second(self._file) < _nearly(duration):
            raise Unusable("VL108", f"it announces {duration:.1f} s and ends after {end:.1f} s")

    def pick(self, wanted: Sequence[int]) -> dict[int, av.VideoFrame]:
        """Return the frames with these ascending indices.

        Raises:
            _Misled: one of them does not come out.
        """
        index_of = {self._display[index][0]: index for index in wanted}
        places = [self._display[index][1] for index in wanted]
        starts = [self._start_of(place) for place in places]
        decoder, found = self._stream.codec_context, dict[int, "av.VideoFrame"]()
        began = fed = -1  # the decoder was given the packets [began, fed)
        shown: float = -math.inf

        def keep(frames: list[av.VideoFrame]) -> None:
            nonlocal shown
            for frame in frames:
                if frame.pts is None or frame.pts <= shown:
                    raise _Misled  # times of display do not ascend
                shown = frame.pts
                if shown in index_of:
                    found[index_of[shown]] = frame

        for turn, (place, start) in enumerate(zip(places, starts, strict=True)):
            if not began <= start <= fed:
                decoder.flush_buffers()
                began, fed, shown = start, start, -math.inf
            for at, packet in self._read(fed, place):
                decoder.skip_frame = "DEFAULT" if at in places else "NONREF"
                keep(decoder.decode(packet))
            fed = max(fed, place + 1)
            if turn + 1 == len(places) or starts[turn + 1] > place:
                keep(decoder.decode(None))
                decoder.flush_buffers()
                began = fed = -1
        if any(index not in found or found[index].is_corrupt for index in wanted):
            raise _Misled
        return found

    def _start_of(self, place: int) -> int:
        """Return where decoding of this packet begins: the last key frame before it that is not shown after it."""
        wanted = self._packets[place].pts
        at = bisect_right(self._keys, place) - 1
        while at > 0 and _time(self._packets[self._keys[at]]) > wanted:  # type: ignore[operator]
            at -= 1
        return self._keys[at]

    def _read(self, first: int, last: int) -> Iterator[tuple[int, av.Packet[Any]]]:
        """Yield the packets from one place to another, both included."""
        if first > last:
            return
        if first < self._at or sum(packet.size for packet in self._packets[self._at : first]) > _SKIP_BYTES:
            self._seek(first)
        for packet in self._reader:
            at, self._at = self._at, self._at + 1
            if at >= first:
                yield at, packet
            if at == last:
                return

    def _seek(self, place: int) -> None:
        """Make the reader give packets from this place or somewhat before it. Containers differ in whether they seek by pts or dts."""
        target, first = self._packets[place], self._packets[0]
        for time in (target.pts, target.dts, first.pts, first.dts):
            if time is None:
                continue
            self._container.seek(time, stream=self._stream)
            reader = _demux(self._container, self._stream)
            packet = next(reader, None)
            at = None if packet is None else self._place_of.get(_describe(packet)[:3])
            if packet is not None and at is not None and at <= place:
                self._reader, self._at = itertools.chain((packet,), reader), at
                return
        raise _Misled


class _InOrder(_Open):
    """A video decoded from its beginning to its end, once to count and once to pick."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.count = sum(1 for _ in self._decode())

    def check_length(self) -> None:
        """Compare the frames with what the header announces; a frame or two may be lost at the ends.

        Raises:
            Unusable: VL108.
        """
        announced = self._stream.frames
        if self.count + 2 < announced * (1 - _SLACK):
            raise Unusable("VL108", f"it announces {announced} frames, and {self.count} can be decoded")

    def pick(self, wanted: Sequence[int]) -> dict[int, av.VideoFrame]:
        """Return the frames with these ascending indices."""
        self.close()
        super().__init__(self._file)
        found = {}
        for index, frame in enumerate(self._decode()):
            if index in wanted:
                found[index] = frame
            if index == wanted[-1]:
                break
        return found

    def _decode(self) -> Iterator[av.VideoFrame]:
        import av

        with contextlib.suppress(av.error.InvalidDataError, EOFError):
            yield from self._container.decode(self._stream)


def _open(file: BinaryIO) -> InputContainer:
    import av

    file.seek(0)
    try:
        return av.open(file, "r", options={"format_whitelist": _DEMUXERS, "protocol_whitelist": "file"}, buffer_size=1 << 16)
    except av.error.ArgumentError:
        raise Unusable("VL102", f"it is no video in an accepted container ({_DEMUXERS})") from None
    except av.error.InvalidDataError:
        raise Unusable("VL102", "its container is damaged, or it is no video") from None


def _demux(container: InputContainer, stream: Any) -> Iterator[av.Packet[Any]]:
    """Yield the packets of a stream up to the end of the file or the first place that cannot be read."""
    import av

    with contextlib.suppress(av.error.InvalidDataError, EOFError):
        for packet in container.demux(stream):
            if packet.size:
                yield packet


def _describe(packet: Any) -> _Packet:
    shown = not packet.is_discard
    if packet.stream.codec_context.codec.name == "vp8":
        shown = shown and bool(memoryview(packet)[0] & _VP8_SHOW_FRAME)
    return _Packet(packet.pts, packet.dts, packet.size, packet.is_keyframe, shown)


def _display_order(packets: Sequence[_Packet]) -> list[tuple[int, int]]:
    """Return (pts, place among the packets) in the order of display.

    Raises:
        _Misled: the packets do not tell.
    """
    shown = [(packet.pts, place) for place, packet in enumerate(packets) if packet.shown and packet.pts is not None]
    whole = len({pts for pts, _ in shown}) == len(shown) == sum(packet.shown for packet in packets)
    if not whole or not packets or not packets[0].key:
        raise _Misled
    return sorted(shown)


def _last_second(file: BinaryIO) -> float:
    """Return when the last packet of any stream begins: sound may go on after the pictures."""
    import av

    last = 0.0
    with _open(file) as container, contextlib.suppress(av.error.InvalidDataError, EOFError):
        for packet in container.demux():
            if packet.size and packet.pts is not None:
                last = max(last, float(packet.pts * packet.time_base))
    return last


def _nearly(seconds: float) -> float:
    return seconds * (1 - _SLACK) - _SLACK_S


def _time(packet: _Packet) -> float:
    return -math.inf if packet.pts is None else packet.pts


def check_container(file: BinaryIO) -> None:
    """Open a video only to see that its container is accepted and has a picture stream.

    Raises:
        Unusable: VL102 or VL106.
    """
    _Open(file).close()
