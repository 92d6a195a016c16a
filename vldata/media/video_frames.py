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

from vldata.errors import VlkitError
from vldata.media.sources import Unusable
from vldata.media.video_container import OpenVideo, Packet, describe

if TYPE_CHECKING:
    import av

_KEYED_CODECS = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "libdav1d", "mpeg4", "mpeg2video", "mpeg1video", "mjpeg", "prores"})
_SKIP_BYTES = 4 * 1024 * 1024  # packets up to this far ahead are read over; further ones are sought
_LOST_FRAMES, _LOST_SHARE = 2, 0.05  # how many packets of an unkeyed video may decode to nothing

Chooser = Callable[[int, float | None], tuple[int, ...]]


class _MisledError(Exception):
    """The packets do not tell which frame is which, or promised one that decoding does not give."""


class Frames(NamedTuple):
    """What was taken of a video: how many frames it has, which were taken, in the order asked for, and the distinct ones decoded."""

    total: int
    indices: tuple[int, ...]
    decoded: dict[int, av.VideoFrame]


def take_frames(file: BinaryIO, choose: Chooser) -> Frames:
    """Take frames of a video.

    Args:
        file: the video, readable and seekable.
        choose: given the number of frames and how many are shown a second, the indices wanted.

    Raises:
        Unusable: VL102 for a file that cannot be read or a damaged frame, VL106 without frames, VL108 for a file that is cut.
    """
    try:
        try:
            return _take(_Keyed(file), choose)
        except _MisledError:
            return _take(_InOrder(file), choose)
    except (Unusable, VlkitError, MemoryError):
        raise
    except Exception as error:  # a decoder fed hostile bytes raises anything
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)  # str() of theirs has the path in it
        raise Unusable("VL102", f"it cannot be decoded: {type(error).__name__}: {what.strip()[:200]}") from None


def _take(video: _Keyed | _InOrder, choose: Chooser) -> Frames:
    with contextlib.closing(video):
        video.check()
        indices = choose(video.total, video.fps)
        wanted = sorted(set(indices))
        decoded = video.pick(wanted)
        for index in wanted:
            if index not in decoded:
                raise Unusable("VL108", f"frame {index} of {video.total} cannot be decoded")
            if decoded[index].is_corrupt:
                raise Unusable("VL102", f"frame {index} of {video.total} is damaged")
        return Frames(video.total, indices, decoded)


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

    def check(self) -> None:
        """See that the file is whole."""
        self.check_length(self._packets)

    def pick(self, wanted: Sequence[int]) -> dict[int, av.VideoFrame]:
        """Return the frames with these ascending indices.

        Raises:
            _MisledError: one of them does not come out.
        """
        index_of = {self._display[index][0]: index for index in wanted}
        places = [self._display[index][1] for index in wanted]
        starts = [self._start_of(place) for place in places]
        decoder, found = self.stream.codec_context, dict[int, "av.VideoFrame"]()
        began = fed = -1  # the decoder was given the packets [began, fed)
        shown: float = -math.inf

        def keep(frames: list[av.VideoFrame]) -> None:
            nonlocal shown
            for frame in frames:
                if frame.pts is None or frame.pts <= shown:
                    raise _MisledError
                shown = frame.pts
                if shown in index_of:
                    found[index_of[shown]] = frame

        for turn, (place, start) in enumerate(zip(places, starts, strict=True)):
            if not began <= start <= fed:
                decoder.flush_buffers()
                began, fed, shown = start, start, -math.inf
            for at, packet in self._read(fed, place):
                decoder.skip_frame = "DEFAULT" if at in places else "NONREF"
                keep(_decode(decoder, packet))
            fed = max(fed, place + 1)
            if turn + 1 == len(places) or starts[turn + 1] > place:
                keep(_decode(decoder, None))
                decoder.flush_buffers()
                began = fed = -1
        if any(index not in found or found[index].is_corrupt for index in wanted):
            raise _MisledError
        return found

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
        self.total = sum(1 for _ in self._decode())

    def check(self) -> None:
        """See that the file is whole, and that nearly all of it decodes."""
        if self.total == 0:
            raise Unusable("VL106", "no frame of it can be decoded")
        self.check_length(self._packets)
        if self.total < len(self._packets) * (1 - _LOST_SHARE) - _LOST_FRAMES:
            raise Unusable("VL108", f"it has {len(self._packets)} packets, and only {self.total} frames can be decoded")

    def pick(self, wanted: Sequence[int]) -> dict[int, av.VideoFrame]:
        """Return the frames with these ascending indices."""
        self.close()
        super().__init__(self.file)
        frames = enumerate(itertools.islice(self._decode(), wanted[-1] + 1))
        return {index: frame for index, frame in frames if index in wanted}

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


def _decode(decoder: Any, packet: av.Packet[Any] | None) -> list[av.VideoFrame]:
    """Decode a packet.

    Raises:
        _MisledError: it is damaged, and what is decoded from it would be too.
    """
    import av

    try:
        return decoder.decode(packet)  # type: ignore[no-any-return]
    except av.error.InvalidDataError:
        raise _MisledError from None


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
