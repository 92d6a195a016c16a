"""From a video to pictures of its sampled frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, TypeVar

from vldata.errors import MissingExtraError
from vldata.media import pixels
from vldata.media.refs import ClipRef, Decoder, Failure, ImageFormat, Rendered, RenderSpec, Sampling
from vldata.media.sampling import TooFewFramesError, sample_between
from vldata.media.sources import Unusable, open_regular
from vldata.media.store import Origin, encode_picture, output_format, store_picture
from vldata.media.video_container import OpenVideo
from vldata.media.video_frames import Chooser, Frames, take_frames

if TYPE_CHECKING:
    from PIL import Image

T = TypeVar("T")


class _Encoded(NamedTuple):
    """A frame as it will be written, and its upright size in the video."""

    data: bytes
    size: tuple[int, int]
    width: int
    height: int


def check_decoder(decoder: Decoder) -> None:
    """Load a decoder.

    Raises:
        MissingExtraError: it is not installed.
    """
    if decoder == "decord":
        try:
            import decord  # noqa: F401
        except ImportError:
            raise MissingExtraError("--decoder decord", "decord") from None
        return
    import av

    av.logging.set_level(None)


def render_clip(clip: ClipRef, spec: RenderSpec) -> Rendered | Failure:
    """Render the sampled frames of a video: upright, RGB, on the processor's grid. The file is opened once.

    Raises:
        DataError: the output folder cannot be written to.
        UsageError: the sampling rule cannot be followed.
    """
    written = output_format(spec.image_format, "")
    try:
        frames = take_images(clip, spec.decoder, lambda image: _encode(image, written, spec))
    except Unusable as verdict:
        return verdict.failure
    except TooFewFramesError as error:
        return Failure("VL107", error.what)
    pictures = {
        index: store_picture(
            frame.data, written, spec, frame.size, Origin(clip.source, frame.width, frame.height, index, frames.times.get(index))
        )
        for index, frame in frames.taken.items()
    }
    sizes = {(frame.width, frame.height) for frame in frames.taken.values()}
    changing = "a video whose frames change their size: its images differ in size too" if len(sizes) > 1 else ""
    note = "; ".join(filter(None, (_note(clip.sampling, frames), changing)))
    return Rendered(tuple(pictures[index] for index in frames.indices), note)


def take_images(clip: ClipRef, decoder: Decoder, convert: Callable[[Image.Image], T]) -> Frames[T]:
    """Take the sampled frames of a video, each upright and RGB in its own size, and keep of it what `convert` makes of it.

    Raises:
        Unusable: with one of the codes VL101, VL102, VL106, VL108, VL111.
        TooFewFramesError: as `sample_indices`.
    """

    def choose(count: int, fps: float | None) -> tuple[int, ...]:
        return sample_between(count, clip.sampling, fps, clip.start_s, clip.end_s)

    with open_regular(clip.path) as file:
        if decoder == "decord":
            return _take_by_decord(file, clip.path, choose, convert)
        return take_frames(file, choose, lambda frame: convert(_upright(frame)))


def _upright(frame: Any) -> Image.Image:
    """Return a frame as an RGB picture, turned as its rotation side data say (degrees against the clock)."""
    from PIL.Image import Transpose

    image: Image.Image = frame.to_image()
    turn = {90: Transpose.ROTATE_90, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_270}.get(round(frame.rotation) % 360)
    return image if turn is None else image.transpose(turn)


def _take_by_decord(file: BinaryIO, path: str, choose: Chooser, convert: Callable[[Image.Image], T]) -> Frames[T]:
    import decord
    from PIL import Image

    OpenVideo(file).close()  # accepted containers only
    try:
        reader = decord.VideoReader(path, ctx=decord.cpu(0), num_threads=1)
        if not len(reader):
            raise Unusable("VL106", "no frame of it can be decoded")
        indices = choose(len(reader), float(reader.get_avg_fps()))
        taken = {index: convert(Image.fromarray(reader[index].asnumpy())) for index in sorted(set(indices))}
        return Frames(len(reader), indices, taken, {index: float(reader.get_frame_timestamp(index)[0]) for index in taken})
    except (decord.DECORDError, RuntimeError, IndexError) as error:
        what = str(error).strip().splitlines() or [type(error).__name__]
        raise Unusable("VL102", f"decord cannot decode it: {what[-1].replace(path, 'it')[:200]}") from None


def _encode(image: Image.Image, written: ImageFormat, spec: RenderSpec) -> _Encoded:
    from PIL.Image import Resampling

    try:
        size = pixels.target_size(*image.size, processor=spec.processor, min_pixels=spec.min_pixels, max_pixels=spec.max_pixels)
    except pixels.RatioError as error:
        raise Unusable("VL105", error.what) from None
    resized = image if image.size == size else image.resize(size, Resampling.BICUBIC)
    return _Encoded(encode_picture(resized, written, quality=spec.quality), size, *image.size)


def _note(sampling: Sampling, frames: Frames[Any]) -> str:
    there, asked = len(frames.taken), sampling.count
    if there >= asked or sampling.rule == "fps":  # so many a second were asked for; the count only caps them
        return ""
    repeated = ", repeated" if len(frames.indices) > there else ""
    return f"{there} frames instead of {asked}{repeated}: the video has {frames.total}"
