"""Tokens of text that mixes Latin words with Chinese, Japanese and Korean: words between blanks, and each CJK character by itself."""

from __future__ import annotations

import re

_CJK_CHARACTER = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f])")
_CJK_MARKS = str.maketrans(dict.fromkeys("，。！？；：、“”‘’（）《》【】「」『』…—·～", " "))


def split_cjk(text: str) -> list[str]:
    """Words between blanks; CJK characters alone; CJK punctuation dropped."""
    if text.isascii():
        return text.split()
    return _CJK_CHARACTER.sub(r" \1 ", text.translate(_CJK_MARKS)).split()
