"""From a video to pictures of its sampled frames."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from vldata import pixels
from vldata.errors import MissingExtraError
from vldata.media.refs import ClipRef, Decoder, Failure, Picture, Rendered, RenderSpec, Sampling
from vldata.media.sampling import TooFewFramesError, sample_indices
from vldata.media.sources import Unusable, open_regular
from vldata.media.store import Origin, encode_picture, output_format, store_picture

if TYPE_CHECKING:
    from PIL import Image


class Taken(NamedTuple):
    """Frames of a video: how many it has, which were taken, in the order asked for, and each distinct one as a picture."""

    total: int
    indices: tuple[int, ...]
    images: dict[int, Image.Image]


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
        taken = take_images(clip, spec.decoder)
        pictures = {index: _store(image, index, clip, spec) for index, image in taken.images.items()}
        return Rendered(tuple(pictures[index] for index in taken.indices), _note(clip.sampling, taken))
    except Unusable as verdict:
        return verdict.failure
    except TooFewFramesError as error:
        return Failure("VL107", error.what)


def take_images(clip: ClipRef, decoder: Decoder) -> Taken:
    """Decode the sampled frames of a video, upright and RGB, in their own size.

    Raises:
        Unusable: with one of the codes VL101, VL102, VL106, VL108, VL111.
        TooFewFramesError: as `sample_indices`.
    """
    with open_regular(clip.path) as file:
        take = _take_by_decord if decoder == "decord" else _take_by_pyav
        return take(file, clip)


def _take_by_pyav(file: BinaryIO, clip: ClipRef) -> Taken:
    from vldata.media.video_frames import take_frames

    frames = take_frames(file, lambda count, fps: sample_indices(count, clip.sampling, fps=fps))
    return Taken(frames.total, frames.indices, {index: _upright(frame) for index, frame in frames.decoded.items()})


def _upright(frame: Any) -> Image.Image:
    """Return a frame as an RGB picture, turned as its rotation side data say (degrees against the clock)."""
    from PIL.Image import Transpose

    image: Image.Image = frame.to_image()
    turn = {90: Transpose.ROTATE_90, 180: Transpose.ROTATE_180, 270: Transpose.ROTATE_270}.get(round(frame.rotation) % 360)
    return image if turn is None else image.transpose(turn)


def _take_by_decord(file: BinaryIO, clip: ClipRef) -> Taken:
    import decord
    from PIL import Image

    from vldata.media.video_container import OpenVideo

    OpenVideo(file).close()  # accepted containers only
    try:
        reader = decord.VideoReader(clip.path, ctx=decord.cpu(0), num_threads=1)
        count = len(reader)
        indices = sample_indices(count, clip.sampling, fps=float(reader.get_avg_fps())) if count else ()
        images = {index: Image.fromarray(reader[index].asnumpy()) for index in sorted(set(indices))}
    except (decord.DECORDError, RuntimeError, IndexError) as error:
        raise Unusable("VL102", f"decord cannot decode it: {str(error).strip().splitlines()[0][:200]}") from None
    if not count:
        raise Unusable("VL106", "no frame of it can be decoded")
    return Taken(count, indices, images)


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


def _note(sampling: Sampling, taken: Taken) -> str:
    there, asked = len(set(taken.indices)), sampling.count
    if there >= asked:
        return ""
    repeated = ", repeated" if len(taken.indices) > there else ""
    return f"{there} frames instead of {asked}{repeated}: the video has {taken.total}"
