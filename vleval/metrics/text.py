"""Text on its way to a metric: one normal form for vlkit, script detection."""

from __future__ import annotations

import re
import unicodedata

from vleval.metrics.caching import cached
from vleval.metrics.pieces import collapsed

_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f]")


@cached(1 << 16)
def vlkit_normal(text: str) -> str:
    """Our normal form: NFKC, case folded, blanks collapsed, and one final full stop taken off."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    folded = collapsed(text).casefold()
    if folded.endswith((".", "。")) and not folded.endswith(".."):
        folded = folded[:-1].rstrip()
    return folded


def has_cjk(text: str) -> bool:
    """Whether the text has Chinese, Japanese or Korean characters."""
    return not text.isascii() and _CJK.search(text) is not None
