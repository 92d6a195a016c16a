"""From a picture as it is in a dataset to one as the model sees it."""

from __future__ import annotations

from pathlib import PurePath

from vldata.media import pixels
from vldata.media.containers import walk_container
from vldata.media.decode import Decoded, decode_picture
from vldata.media.pages import MOST_PAGES, pages_note, pages_wanted
from vldata.media.refs import SUFFIXES, BytesRef, Failure, FileRef, Picture, Rendered, RenderSpec
from vldata.media.sources import Unusable, read_picture_bytes
from vldata.media.store import Origin, encode_picture, output_format, store_picture


def render_picture(source: FileRef | BytesRef, spec: RenderSpec) -> Rendered | Failure:
    """Render one picture: upright, RGB, flattened on white, sRGB, on the processor's grid, without metadata.

    A file that is all that already is copied byte for byte. The content decides what format a file is; a name that says another is noted.

    Raises:
        DataError: the output folder cannot be written to.
    """
    try:
        data = source.data if isinstance(source, BytesRef) else read_picture_bytes(source.path, source.offset, source.length)
        return _render(data, source, spec)
    except Unusable as verdict:
        return verdict.failure


def _render(data: bytes, source: FileRef | BytesRef, spec: RenderSpec) -> Rendered:
    def resize(width: int, height: int) -> tuple[int, int]:
        try:
            return pixels.target_size(width, height, processor=spec.processor, min_pixels=spec.min_pixels, max_pixels=spec.max_pixels)
        except pixels.RatioError as error:
            raise Unusable("VL105", error.what) from None

    decoded = decode_picture(data, resize)
    wanted = pages_wanted(spec.pages)
    count = min(decoded.pages, MOST_PAGES, wanted or decoded.pages)
    shown = [decoded, *(decode_picture(data, resize, page) for page in range(1, count))]
    pictures = tuple(_store(data, one, source, spec, page if count > 1 else -1) for page, one in enumerate(shown))
    what = "pages" if decoded.format in ("tiff", "pdf", "heic") else "frames"
    notes = (pages_note(decoded.pages, count, what), _named(source, decoded.format), decoded.note)
    return Rendered(pictures, "; ".join(filter(None, notes)))


def _store(data: bytes, decoded: Decoded, source: FileRef | BytesRef, spec: RenderSpec, page: int) -> Picture:
    written = output_format(spec.image_format, decoded.format)
    container = walk_container(data, data[-16:], len(data))
    copied = (
        container is not None
        and container.plain
        and (container.format, container.mode, container.bits) == (written, "RGB", 8)
        and not container.alpha
        and (container.width, container.height) == decoded.image.size
    )
    encoded = data if copied else encode_picture(decoded.image, written, quality=spec.quality)
    frame = page if page >= 0 else source.frame if isinstance(source, FileRef) else -1
    origin = Origin(source.source, decoded.width, decoded.height, frame)
    return store_picture(encoded, written, spec, decoded.image.size, origin)


def _named(source: FileRef | BytesRef, content: str) -> str:
    if isinstance(source, BytesRef):
        return ""
    named = SUFFIXES.get(PurePath(source.path).suffix.lower())
    return f"{source.source!r} holds a {content.upper()} picture" if named is not None and named != content else ""
