"""From a video to pictures of its sampled frames."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from vldata import pixels
from vldata.errors import MissingExtraError
from vldata.media.refs import ClipRef, Decoder, Failure, Picture, Rendered, RenderSpec, Sampling
from vldata.media.sampling import TooFewFramesError, sample_indices
from vldata.media.sources import Unusable, open_regular
from vldata.media.store import Origin, encode_picture, output_format, store_picture

if TYPE_CHECKING:
    from PIL import Image

Chooser = Callable[[int, float | None], tuple[int, ...]]


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
    """
    try:
        with open_regular(clip.path) as file:
            take = _take_by_decord if spec.decoder == "decord" else _take_by_pyav
            count, indices, images = take(file, clip, _chooser(clip.sampling))
        pictures = {index: _store(image, index, clip, spec) for index, image in images.items()}
        return Rendered(tuple(pictures[index] for index in indices), _note(clip.sampling, count, indices))
    except Unusable as verdict:
        return verdict.failure
    except TooFewFramesError as error:
        return Failure("VL107", error.what)


def _chooser(sampling: Sampling) -> Chooser:
    return lambda count, fps: sample_indices(count, sampling, fps=fps)


def _take_by_pyav(file: BinaryIO, clip: ClipRef, choose: Chooser) -> tuple[int, tuple[int, ...], dict[int, Image.Image]]:
    from vldata.media.video_frames import take_frames

    frames = take_frames(file, choose)
    return frames.total, frames.indices, {index: _upright(frame) for index, frame in frames.decoded.items()}


def _upright(frame: Any) -> Image.Image:
    """Return a frame as an RGB picture, turned as its rotation side data say (degrees against the clock)."""
    from PIL.Image import Transpose

    image: Image.Image = frame.to_image()
    turn = {90: Transpose.ROTATE_90, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_270}.get(round(frame.rotation) % 360)
    return image if turn is None else image.transpose(turn)


def _take_by_decord(file: BinaryIO, clip: ClipRef, choose: Chooser) -> tuple[int, tuple[int, ...], dict[int, Image.Image]]:
    import decord
    from PIL import Image

    from vldata.media.video_frames import check_container

    check_container(file)
    try:
        reader = decord.VideoReader(clip.path, ctx=decord.cpu(0), num_threads=1)
        count = len(reader)
        indices = choose(count, float(reader.get_avg_fps()) or None) if count else ()
        images = {index: Image.fromarray(reader[index].asnumpy()) for index in sorted(set(indices))}
    except (decord.DECORDError, RuntimeError, IndexError) as error:
        raise Unusable("VL102", f"decord cannot decode it: {str(error).strip().splitlines()[0][:200]}") from None
    if not count:
        raise Unusable("VL106", "no frame of it can be decoded")
    return count, indices, images


def _store(image: Image.Image, index: int, clip: ClipRef, spec: RenderSpec) -> Picture:
    from PIL.Image import Resampling

    try:
        size = pixels.target_size(*image.size, processor=spec.processor, min_pixels=spec.min_pixels, max_pixels=spec.max_pixels)
    except pixels.RatioError as error:
        raise Unusable("VL105", error.what) from None
    written = output_format(spec.image_format, "")
    resized = image if image.size == size else image.resize(size, Resampling.BICUBIC)
    encoded = encode_picture(resized, written, quality=spec.quality)
    return store_picture(encoded, written, spec, size, Origin(clip.source, *image.size, index))


def _note(sampling: Sampling, count: int, indices: tuple[int, ...]) -> str:
    asked = sampling.count
    if len(indices) < asked:
        return f"{len(indices)} frames instead of {asked}: the video has {count}"
    if len(set(indices)) < len(indices):
        return f"{len(set(indices))} frames, repeated to make {asked}: the video has {count}"
    return ""
