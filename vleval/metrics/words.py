"""Words of text in any script, by the kinds of its characters (Unicode general categories), in lower case.

Letters, digits and their combining marks make words; all else parts them. Chinese, Japanese and Korean characters are words of their own,
and so are the letters of scripts that write no blanks between words (Thai, Lao, Khmer, Burmese, Tibetan ...), with their marks.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from vleval.metrics.caching import cached
from vleval.rows import Row

# Scripts without blanks between words, whose words only a dictionary would tell.
_UNSPACED = (
    (0x0E00, 0x0EFF, "Thai or Lao"),
    (0x0F00, 0x0FFF, "Tibetan"),
    (0x1000, 0x109F, "Burmese"),
    (0x1780, 0x17FF, "Khmer"),
    (0x1A00, 0x1AAF, "Lanna"),
    (0xA9E0, 0xA9FF, "Burmese"),
    (0xAA60, 0xAADF, "Burmese"),
)
_CJK = ((0x3040, 0x30FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xAC00, 0xD7AF), (0xF900, 0xFAFF), (0x20000, 0x3134F))


class _Parting(dict[int, str]):
    """What a character becomes on the way to words; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        mark = chr(code)
        category = unicodedata.category(mark)
        if any(low <= code <= high for low, high in _CJK) and category[0] in "LN":
            part = f" {mark} "
        elif category[0] == "M" or code in (0x200C, 0x200D):  # joiners stand within words
            part = mark
        elif category[0] in "LN":
            part = f" {mark}" if any(low <= code <= high for low, high, _ in _UNSPACED) else mark
        else:
            part = " "
        self[code] = part
        return part


_PARTING = _Parting()


def words(text: str) -> list[str]:
    """The words of a text."""
    return unicodedata.normalize("NFKC", text).lower().translate(_PARTING).split()


@cached(1 << 15)
def cached_words(text: str) -> tuple[str, ...]:
    """The words of a text that may come again."""
    return tuple(words(text))


def needs_unicode(text: str) -> bool:
    """Whether a text has letters, digits or marks beyond ASCII, which a rule for [a-z0-9] would drop or cut."""
    return not text.isascii() and any(unicodedata.category(mark)[0] in "LMN" for mark in text if not mark.isascii())


def unspaced_script(text: str) -> str:
    """The script in a text that writes no blanks between words; "" for none."""
    if text.isascii():
        return ""
    return next((name for mark in text for low, high, name in _UNSPACED if low <= ord(mark) <= high), "")


def script_notes(rows: Sequence[Row]) -> tuple[str, ...]:
    """What a reader must know of the rows' scripts; nothing for ASCII letters."""
    texts = [(row.prediction or "", *row.references) for row in rows]
    beyond = sum(1 for row in texts if any(map(needs_unicode, row)))
    if not beyond:
        return ()
    notes = [
        f"{beyond} of {len(rows)} rows have letters beyond ASCII: their words are told by Unicode's kinds of characters, CJK by character."
    ]
    if script := next((name for row in texts for text in row if (name := unspaced_script(text))), ""):
        notes.append(f"{script} has no blanks between words: its letters are counted, which is kinder than words.")
    return tuple(notes)
