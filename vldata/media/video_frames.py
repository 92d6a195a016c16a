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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Generic, NamedTuple, TypeVar

from vldata.errors import VlkitError
from vldata.media.sources import Unusable
from vldata.media.video_container import OpenVideo, Packet, describe

if TYPE_CHECKING:
    import av

_KEYED_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "prores"})
_SKIP_BYTES = 4 * 1024 * 1024  # packets up to this far ahead are read over; further ones are sought
_LOST_FRAMES, _LOST_SHARE = 2, 0.05  # how many packets of an unkeyed video may decode to nothing

T = TypeVar("T")
Chooser = Callable[[int, float | None], tuple[int, ...]]


class _MisledError(Exception):
    """The packets do not tell which frame is which, or promised one that decoding does not give."""


class Frames(NamedTuple, Generic[T]):
    """What was taken of a video: how many frames it has, which were taken, in the order asked for, and what each distinct one became.

    `times` are seconds from the first frame of the video to each taken one, where they can be told.
    """

    total: int
    indices: tuple[int, ...]
    taken: dict[int, T]
    times: Mapping[int, float] = MappingProxyType({})


def take_frames(file: BinaryIO, choose: Chooser, convert: Callable[[av.VideoFrame], T]) -> Frames[T]:
    """Take frames of a video.

    Args:
        file: the video, readable and seekable.
        choose: given the number of frames and how many are shown a second, the indices wanted.
        convert: what to keep of a frame; called as frames are decoded, so that a long video need not fit into memory.

    Raises:
        Unusable: VL102 for a file that cannot be read or a damaged frame, VL106 without frames, VL108 for a file that is cut.
    """
    try:
        try:
            return _take(_Keyed(file), choose, convert)
        except _MisledError:
            return _take(_InOrder(file), choose, convert)
    except (Unusable, VlkitError, MemoryError):
        raise
    except Exception as error:  # a decoder fed hostile bytes raises anything
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)  # str() of theirs has the path in it
        raise Unusable("VL102", f"it cannot be decoded: {type(error).__name__}: {what.strip()[:200]}") from None


def _take(video: _Keyed | _InOrder, choose: Chooser, convert: Callable[[av.VideoFrame], T]) -> Frames[T]:
    with contextlib.closing(video):
        video.check()
        indices = choose(video.total, video.fps)
        taken: dict[int, T] = {}
        times: dict[int, float] = {}
        for index, frame in video.pick(sorted(set(indices))):
            taken[index] = convert(frame)
            if (time := _seconds(video, frame)) is not None:
                times[index] = time
        for index in indices:
            if index not in taken:
                raise Unusable("VL108", f"frame {index} of {video.total} cannot be decoded")
        return Frames(video.total, indices, taken, times)


def _seconds(video: _Keyed | _InOrder, frame: av.VideoFrame) -> float | None:
    """Seconds from the first frame that is shown to this one."""
    base = video.stream.time_base
    if frame.pts is None or video.first_pts is None or base is None:
        return None
    return float((frame.pts - video.first_pts) * base)


class _Keyed(OpenVideo):
    """A video read by its key frames.

    Raises:
        _MisledError: its packets do not tell enough.
    """

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        if self.stream.codec_context.codec.name not in _KEYED_CODECS:
            raise _MisledError
        self._packets = [describe(packet) for packet in self.demux()]
        if self.container.format.name == "avi" and not all(packet.key for packet in self._packets):
            raise _MisledError  # AVI has no times of display
        self._place_of = {packet[:3]: place for place, packet in enumerate(self._packets)}
        self._display = _display_order(self._packets)
        self._keys = [place for place, packet in enumerate(self._packets) if packet.key]
        self._at = len(self._packets)  # place of the packet that comes next
        self._reader: Iterator[av.Packet[Any]] = iter(())
        self.total = len(self._display)
        self.first_pts: int | None = self._display[0][0]

    def check(self) -> None:
        """See that the file is whole."""
        self.check_length(self._packets)

    def pick(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the frames with these ascending indices.

        Raises:
            _MisledError: one of them does not come out, or comes out damaged.
        """
        index_of = {self._display[index][0]: index for index in wanted}
        places = frozenset(self._display[index][1] for index in wanted)
        for begin, end in _runs((self._start_of(place), place) for place in places):
            for time, frame in self._decode(begin, end, places):
                index = index_of.pop(time, None)
                if index is not None:
                    if frame.is_corrupt:
                        raise _MisledError
                    yield index, frame
        if index_of:
            raise _MisledError

    def _decode(self, begin: int, end: int, wanted: frozenset[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield what the packets from one place to another, both included, decode to; next to the wanted ones only what they refer to."""
        import av

        decoder = self.stream.codec_context
        shown: float = -math.inf
        try:
            for at, packet in itertools.chain(self._read(begin, end), [(end, None)]):
                decoder.skip_frame = "DEFAULT" if at in wanted else "NONREF"
                for frame in decoder.decode(packet):
                    if frame.pts is None or frame.pts <= shown:
                        raise _MisledError
                    shown = frame.pts
                    yield frame.pts, frame
        except av.error.InvalidDataError:
            raise _MisledError from None
        decoder.flush_buffers()

    def _start_of(self, place: int) -> int:
        """Return where decoding of this packet begins: the last key frame before it that is not shown after it."""
        wanted = _time(self._packets[place])
        at = bisect_right(self._keys, place) - 1
        while at > 0 and _time(self._packets[self._keys[at]]) > wanted:
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
            self.container.seek(time, stream=self.stream)
            reader = self.demux()
            packet = next(reader, None)
            at = None if packet is None else self._place_of.get(describe(packet)[:3])
            if packet is not None and at is not None and at <= place:
                self._reader, self._at = itertools.chain((packet,), reader), at
                return
        raise _MisledError


class _InOrder(OpenVideo):
    """A video decoded from its beginning to its end, once to count and once to pick."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self._packets: list[Packet] = []
        self.first_pts: int | None = None
        self.total = 0
        for frame in self._decode():
            self.first_pts = frame.pts if not self.total else self.first_pts
            self.total += 1

    def check(self) -> None:
        """See that the file is whole, and that nearly all of it decodes."""
        if self.total == 0:
            raise Unusable("VL106", "no frame of it can be decoded")
        self.check_length(self._packets)
        if self.total < len(self._packets) * (1 - _LOST_SHARE) - _LOST_FRAMES:
            raise Unusable("VL108", f"it has {len(self._packets)} packets, and only {self.total} frames can be decoded")

    def pick(self, wanted: Sequence[int]) -> Iterator[tuple[int, av.VideoFrame]]:
        """Yield the frames with these ascending indices, as far as there are such.

        Raises:
            Unusable: VL102 for a damaged one.
        """
        self.close()
        super().__init__(self.file)
        places = frozenset(wanted)
        for index, frame in enumerate(itertools.islice(self._decode(), wanted[-1] + 1)):
            if index in places:
                if frame.is_corrupt:
                    raise Unusable("VL102", f"frame {index} of {self.total} is damaged")
                yield index, frame

    def _decode(self) -> Iterator[av.VideoFrame]:
        """Yield the frames up to the end or the first packet that does not decode."""
        import av

        decoder = self.stream.codec_context
        with contextlib.suppress(av.error.InvalidDataError, EOFError):
            for packet in self.demux():
                self._packets.append(describe(packet))
                yield from decoder.decode(packet)
        with contextlib.suppress(av.error.InvalidDataError, EOFError):
            yield from decoder.decode(None)


def _runs(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Join spans of packets, both ends included, that overlap."""
    joined: tuple[int, int] | None = None
    for begin, end in sorted(spans):
        if joined is not None and begin <= joined[1]:
            joined = (joined[0], max(end, joined[1]))
            continue
        if joined is not None:
            yield joined
        joined = (begin, end)
    if joined is not None:
        yield joined


def _display_order(packets: Sequence[Packet]) -> list[tuple[int, int]]:
    """Return (pts, place among the packets) in the order of display.

    Raises:
        _MisledError: the packets do not tell.
    """
    shown = [(packet.pts, place) for place, packet in enumerate(packets) if packet.shown and packet.pts is not None]
    whole = len({pts for pts, _ in shown}) == len(shown) == sum(packet.shown for packet in packets)
    if not whole or not shown or not packets[0].key:
        raise _MisledError
    return sorted(shown)


def _time(packet: Packet) -> float:
    return -math.inf if packet.pts is None else packet.pts
