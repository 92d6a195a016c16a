"""Text on its way to a metric: reasoning taken off, one normal form for vlkit, script detection."""

from __future__ import annotations

import re
import unicodedata

from vleval.metrics.caching import cached

_CLOSING = re.compile(r"</think(?:ing)?>", re.IGNORECASE)
_OPENING = re.compile(r"<think(?:ing)?>", re.IGNORECASE)
_BLANKS = re.compile(r"\s+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f]")


def strip_think(text: str) -> str:
    """What follows the last `</think>`; "" when reasoning was opened and never closed (the answer was cut off); else the text itself."""
    if "think" not in text and "THINK" not in text and "Think" not in text:
        return text
    parts = _CLOSING.split(text)
    if len(parts) > 1:
        return parts[-1].strip()
    opened = _OPENING.search(text)
    return text[: opened.start()].strip() if opened else text


@cached(1 << 16)
def vlkit_normal(text: str) -> str:
    """Our normal form: NFKC, case folded, blanks collapsed, and one final full stop taken off."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    folded = _BLANKS.sub(" ", text).strip().casefold()
    if folded.endswith((".", "。")) and not folded.endswith(".."):
        folded = folded[:-1].rstrip()
    return folded


def has_cjk(text: str) -> bool:
    """Whether the text has Chinese, Japanese or Korean characters."""
    return not text.isascii() and _CJK.search(text) is not None
