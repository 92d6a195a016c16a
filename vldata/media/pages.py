"""Which pages of a document, or frames of an animated image, are taken: the first, all, or the first N; and PDF pages as images."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vldata.errors import MissingExtraError, UsageError
from vldata.media.sources import Unusable

if TYPE_CHECKING:
    from PIL import Image

MOST_PAGES = 1_000
PDF_DPI = 200  # a scan's usual resolution; what a page is rendered at before it is fitted into the budget
_MOST_PIXELS = 64_000_000

Size = tuple[int, int]


def pages_wanted(text: str) -> int:
    """Return how many pages `--pages` asks for: 1 for first, 0 for all.

    Raises:
        UsageError: it is neither first, all nor a number above 0.
    """
    if text in ("first", "all"):
        return 1 if text == "first" else 0
    if text.isdecimal() and 0 < int(text) <= MOST_PAGES:
        return int(text)
    raise UsageError(f"--pages: {text!r} is not one of its choices.", cure=f"Choices: first, all, or how many, up to {MOST_PAGES:,}.")


def pages_note(there: int, taken: int, what: str) -> str:
    """Say which of several pages or frames were taken; "" where there is one."""
    if there <= 1:
        return ""
    which = "all are taken" if taken == there else "the first is taken" if taken == 1 else f"the first {taken:,} are taken"
    return f"an image of several {what}: {which} (--pages)"


def count_pdf_pages(data: bytes) -> int:
    """Count the pages of a PDF.

    Raises:
        Unusable: VL103, the extra is not installed; VL102, it cannot be opened; VL104, it has too many pages.
    """
    pdfium = _pdfium()
    try:
        with pdfium.PdfDocument(data) as document:
            count = len(document)
    except pdfium.PdfiumError as error:
        raise Unusable("VL102", f"the PDF cannot be opened: {error}") from None
    if not 1 <= count <= MOST_PAGES:
        raise Unusable("VL104" if count else "VL102", f"the PDF has {count:,} pages; from 1 to {MOST_PAGES:,} are read")
    return count


def render_pdf_page(data: bytes, page: int, resize: Callable[[int, int], Size] | None) -> tuple[Image.Image, int, int]:
    """Render a page in the size that `resize` gives for its size at 200 dots an inch; returns the image and that size.

    Raises:
        Unusable: VL102 where it cannot be rendered, VL104 where it is too large.
    """
    pdfium = _pdfium()
    try:
        with pdfium.PdfDocument(data) as document:
            opened = document[page]
            width, height = (max(1, round(side * PDF_DPI / 72)) for side in opened.get_size())
            if width * height > _MOST_PIXELS:
                raise Unusable("VL104", f"page {page + 1} of the PDF is {width}x{height} at {PDF_DPI} dpi, more than {_MOST_PIXELS} pixels")
            wanted = resize(width, height) if resize is not None else (width, height)
            scale = max(wanted[0] / width, wanted[1] / height) * PDF_DPI / 72
            image = opened.render(scale=scale, may_draw_forms=False).to_pil().convert("RGB")
    except pdfium.PdfiumError as error:
        raise Unusable("VL102", f"page {page + 1} of the PDF cannot be rendered: {error}") from None
    if image.size != wanted:
        from PIL.Image import Resampling

        image = image.resize(wanted, Resampling.BICUBIC)
    return image, width, height


def _pdfium() -> Any:
    try:
        import pypdfium2
    except ImportError:
        raise Unusable("VL103", str(MissingExtraError("PDF", "pdf"))) from None
    return pypdfium2
