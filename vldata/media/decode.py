"""Opening pictures nobody vouches for, and bringing them into one shape: upright, opaque, 8 bits a channel, sRGB.

Pillow is fed bytes of an allowed format only, refuses more than `MAX_SOURCE_PIXELS` before it decodes, and an object that raised once
is never asked again (a second load of a damaged PNG succeeds, with damaged pixels).
"""

from __future__ import annotations

import functools
import importlib
import io
import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from vldata.errors import MissingExtraError
from vldata.media.containers import sniff_format
from vldata.media.pages import count_pdf_pages, render_pdf_page
from vldata.media.sources import Unusable, check_bytes

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL import Image, ImageCms

MAX_SOURCE_PIXELS = 64_000_000
_OTHERS = (  # formats that are recognised only to say what they are
    (0, b"\xff\x0a", "JPEG XL"),
    (4, b"JXL ", "JPEG XL"),
    (0, b"8BPS", "Photoshop"),
    (0, b"\0\0\1\0", "an icon"),
    (0, b"<svg", "SVG"),
    (0, b"<?xml", "XML"),
    (0, b"<!", "HTML"),
    (0, b"<html", "HTML"),
)
_ADDRESS = re.compile(r" ?<[^<>]* at 0x[0-9a-f]+>")
_ORIENTATION = 0x0112
_SIDEWAYS = (5, 6, 7, 8)
_DRAFT_MARGIN = 2  # a JPEG is decoded to at least this many times the size that is wanted

Size = tuple[int, int]


class Decoded(NamedTuple):
    """A picture as decoded: `image` is RGB and upright, `width` and `height` those of the upright source, however it was scaled."""

    image: Image.Image
    width: int
    height: int
    format: str  # as its content says: jpeg, png, webp, gif, bmp, tiff
    mode: str  # Pillow's mode of the source
    stored: Size  # before any turn
    alpha: bool
    turned: bool
    pages: int = 1  # pages or frames there are
    note: str = ""  # what was guessed of its levels


_PILLOW_NAMES = {"jpeg2000": "JPEG2000", "heic": "HEIF"}


def decode_picture(data: bytes, resize: Callable[[int, int], Size] | None = None, page: int = 0) -> Decoded:
    """Decode one page or frame of a picture, by default the first.

    Args:
        data: the whole file.
        resize: given the upright size, the size wanted; the image comes back in it, by BICUBIC. Without it the size stays.
        page: which page or frame, from 0.

    Raises:
        Unusable: with one of the codes VL102 to VL105.
    """
    from PIL import Image

    check_bytes(len(data))
    kind = sniff_format(data[:16])
    if not kind:
        other = next((name for place, magic, name in _OTHERS if data.startswith(magic, place)), "")
        cure = "; draw it as PNG first" if other == "SVG" else ""
        raise Unusable("VL103", f"it is {other}{cure}") if other else Unusable("VL102", "it is no picture")
    if kind == "pdf":
        count = count_pdf_pages(data)
        image, width, height = render_pdf_page(data, page, resize)
        return Decoded(image, width, height, kind, "RGB", (width, height), False, False, count)
    if kind == "heic":
        _open_heic()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decode(Image.open(io.BytesIO(data), formats=(_PILLOW_NAMES.get(kind, kind.upper()),)), kind, resize, page)
    except (Unusable, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Unusable("VL104", f"it has more than {MAX_SOURCE_PIXELS} pixels") from None
    except Exception as error:  # decoders fed hostile bytes raise anything: OSError, SyntaxError, struct.error, KeyError ...
        raise Unusable("VL102", f"it cannot be decoded: {_first_line(error)}") from None


def _open_heic() -> None:
    try:
        import pillow_heif
    except ImportError:
        raise Unusable("VL103", str(MissingExtraError("HEIC", "heic"))) from None
    pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)


def _decode(opened: Any, kind: str, resize: Callable[[int, int], Size] | None, page: int) -> Decoded:
    from PIL import Image

    pages = 1 if kind == "jpeg" else int(getattr(opened, "n_frames", 1))
    if page:
        opened.seek(page)
    width, height = opened.size
    if width * height > MAX_SOURCE_PIXELS:
        raise Unusable("VL104", f"it is {width}x{height}, more than {MAX_SOURCE_PIXELS} pixels")
    mode = str(opened.mode)
    if kind != "jpeg":
        opened.load()  # a PNG may name its orientation after its pixels, a TIFF is turned by loading
        width, height = opened.size
    stored = (width, height)
    turn = 1 if kind == "tiff" else _orientation(opened)
    if turn in _SIDEWAYS:
        width, height = height, width
    wanted = resize(width, height) if resize is not None else (width, height)
    lying = wanted[::-1] if turn in _SIDEWAYS else wanted
    profile = opened.info.get("icc_profile")
    if kind == "jpeg":
        if resize is not None:
            opened.draft(None, tuple(side * _DRAFT_MARGIN for side in lying))
        opened.load()
    note = _levels_note(opened)
    image = flatten(opened)
    if image.size != lying:
        image = image.resize(lying, Image.Resampling.BICUBIC)
    image = to_srgb(image, profile)
    if turn != 1:
        image = image.transpose(_transposes()[turn])
    return Decoded(image, width, height, kind, mode, stored, opened.has_transparency_data, turn != 1, pages, note)


def _orientation(opened: Any) -> int:
    """Return the EXIF orientation, 1 where there is none or it makes no sense: broken metadata do not spoil a picture."""
    try:
        value = opened.getexif().get(_ORIENTATION, 1)
    except MemoryError:
        raise
    except Exception:  # the EXIF parser raises as many things as the decoders
        return 1
    return value if value in _transposes() else 1


@functools.cache
def _transposes() -> dict[int, Image.Transpose]:
    from PIL.Image import Transpose

    return {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }


def flatten(image: Any) -> Image.Image:
    """Return the picture opaque on white, in mode RGB, L, CMYK or LAB: those that can be resampled and that a colour profile speaks of."""
    from PIL import Image

    if image.mode.startswith("I") or image.mode == "F":
        return _scale_levels(image)
    if image.has_transparency_data:
        straight = image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode)).convert("RGBA")
        white = Image.new("RGB", straight.size, (255, 255, 255))
        white.paste(straight, mask=straight.getchannel("A"))
        return white
    if image.mode in ("RGB", "L", "CMYK", "LAB"):
        return image  # type: ignore[no-any-return]
    return image.convert("L" if image.mode == "1" else "RGB")  # type: ignore[no-any-return]


def _top_level(high: float) -> int:
    """Return the highest level of the bits that are used: a camera of 12 bits writes 4,095 into a file of 16."""
    return next((1 << bits) - 1 for bits in (8, 10, 12, 14, 16) if high < 1 << bits)


def _levels_note(image: Any) -> str:
    """Say where a 16-bit picture is read as one of fewer bits."""
    if not image.mode.startswith("I"):
        return ""
    low, high = (float(level) for level in image.getextrema())
    if low < 0.0 or not 0.0 < high <= 65535.0 or (top := _top_level(high)) == 65535:
        return ""
    return f"a 16-bit image whose levels end at {high:,.0f} is read as one of {top.bit_length()} bits"


def _scale_levels(image: Any) -> Image.Image:
    """Scale 16-bit, 32-bit and float levels to 8 bits. Floats up to 1 and integers of 8 to 16 bits keep theirs; others are stretched."""
    import numpy as np
    from PIL import Image

    levels = np.nan_to_num(np.asarray(image).astype(np.float32), copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = (float(levels.min()), float(levels.max())) if levels.size else (0.0, 0.0)
    if image.mode == "F":
        top = next((top for top in (1.0, 255.0, 65535.0) if low >= 0.0 and high <= top), None)
    else:
        top = float(_top_level(high)) if low >= 0.0 and high <= 65535.0 else None
    if top is None:
        levels -= low
        top = (high - low) or 1.0
    levels *= 255.0 / top
    return Image.fromarray(np.rint(levels, out=levels).astype(np.uint8))


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Return the picture in RGB, its colours moved to sRGB where a usable profile says what they are."""
    if profile:
        transform = _transform(profile, image.mode)
        if transform is not None:
            from PIL import ImageCms

            return ImageCms.applyTransform(image, transform) or image
    if image.mode == "LAB":
        transform = _transform(b"", "LAB")
        if transform is not None:
            from PIL import ImageCms

            return ImageCms.applyTransform(image, transform) or image
    return image if image.mode == "RGB" else image.convert("RGB")


@functools.lru_cache(maxsize=16)
def _transform(profile: bytes, mode: str) -> ImageCms.ImageCmsTransform | None:
    """Build the transform from a profile (empty: CIELAB) to sRGB; None where it is sRGB, of another colour model, or broken."""
    from PIL import ImageCms

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile)) if profile else ImageCms.createProfile("LAB")
        if profile and _is_srgb(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _is_srgb(profile: Any) -> bool:
    description = str(profile.profile.profile_description or "")
    return description.lower().startswith(("srgb", "iec 61966-2-1", "iec 61966-2.1"))


def _first_line(error: Exception) -> str:
    text = _ADDRESS.sub("", str(error)).strip().split("\n")[0][:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def warm_up() -> None:
    """Load the readers and writers of the accepted formats now rather than with the first picture."""
    for name in ("Avif", "Bmp", "Gif", "Jpeg", "Jpeg2K", "Mpo", "Png", "Tiff", "WebP"):
        importlib.import_module(f"PIL.{name}ImagePlugin")
