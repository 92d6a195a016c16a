"""jieba's words, exactly, without loading jieba for texts that have no Chinese character.

The default dictionary of jieba 0.42.1 has five entries of more than one character that hold no Chinese: `AT&T`, `c#`, `C#`,
`c++` and `C++`. They cannot overlap, so the most probable path always takes them; all other text without Chinese falls into the
pieces of jieba's two
expressions: letters and digits with an optional decimal part and percent sign, runs of `+#&._%-`, and single characters. A test
compares both facts with the installed dictionary. Blanks are left out: no caller needs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from vleval.metrics import pieces as parts
from vleval.metrics.caching import cached
from vleval.metrics.jieba_cut import cut_block

ASCII_WORDS = ("AT&T", "c#", "C#", "c++", "C++")

_HAN = re.compile("[\u4e00-\u9fd5]")
_BLOCK = re.compile(r"([\u4E00-\u9FD5a-zA-Z0-9+#&._%\-]+)")
_PIECE = re.compile(r"[a-zA-Z0-9]+(?:\.[0-9]+)?%?|[+#&._%\-]+|\S")
_BLANK = re.compile(r"(\r\n|\s)")
EDGE = re.compile("[^\u4e00-\u9fd5a-zA-Z0-9+#&._%\\-\n]|(?<!\r)\n")  # jieba looks at no such character and its neighbours at once
_ONE = re.compile(r"\r\n|[\s\S]")
_WORD = re.compile("(" + "|".join(re.escape(word) for word in ASCII_WORDS) + ")")


def words(text: str) -> list[str]:
    """The words of `jieba.lcut(text)` that are not blanks."""
    if not text.isascii() and _HAN.search(text):
        pieces: list[str] = []
        for block in _BLOCK.split(text):
            if _HAN.search(block):
                pieces += _cut_block(block)
            elif block:
                pieces += _latin(block)
        return pieces
    return _latin(text)


def _latin(text: str) -> list[str]:
    if ("#" in text or "++" in text or "AT&T" in text) and _WORD.search(text):
        pieces: list[str] = []
        for part in _WORD.split(text):
            if part in ASCII_WORDS:
                pieces.append(part)
            elif part:
                pieces += _PIECE.findall(part)
        return pieces
    return _PIECE.findall(text)


@cached(1 << 15)
def _cut_block(block: str) -> tuple[str, ...]:
    return tuple(cut_block(block))


def words_and_blanks(text: str) -> list[str]:
    """`jieba.lcut(text)` itself, blanks included."""
    pieces: list[str] = []
    for block in _BLOCK.split(text):
        if not block:
            continue
        if _BLOCK.match(block):
            pieces += words(block)
        else:
            for part in _BLANK.split(block):
                pieces += [part] if part == "\r\n" else part
    return pieces


def batches(text: str) -> Iterator[list[str]]:
    """The words of `words_and_blanks` list by list, for a text too long for one list."""
    for piece in parts.pieces(text, EDGE):
        if len(piece) <= 4 * parts.PIECE:
            yield words_and_blanks(piece)
        else:
            found = _one_by_one(piece)
            while batch := list(islice(found, parts.PIECE)):
                yield batch


def _one_by_one(text: str) -> Iterator[str]:
    position = 0
    for block in _BLOCK.finditer(text):
        yield from _ones(text, position, block.start())
        if _HAN.search(block[0]):
            yield from cut_block(block[0])
        else:
            yield from _latin_ones(block[0])
        position = block.end()
    yield from _ones(text, position, len(text))


def _ones(text: str, start: int, end: int) -> Iterator[str]:
    for part in _ONE.finditer(text, start, end):
        yield part[0]


def _latin_ones(block: str) -> Iterator[str]:
    position = 0
    for word in _WORD.finditer(block):
        for part in _PIECE.finditer(block, position, word.start()):
            yield part[0]
        yield word[0]
        position = word.end()
    for part in _PIECE.finditer(block, position):
        yield part[0]
