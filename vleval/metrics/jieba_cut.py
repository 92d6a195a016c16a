"""The words of one block of Chinese text, as jieba 0.42.1 cuts it with its default dictionary and HMM.

The dictionary is read from the installed package, once, when the first Chinese text comes (about half a second); no cache in the temporary
folder is read or written. The most probable path is found as jieba finds it, with its arithmetic, so that ties fall the same way.
"""

from __future__ import annotations

import importlib
import math
import re
import warnings
from collections.abc import Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Weights = dict[str, float | None]  # log probability of a word; None for what only begins words

LONGEST = 64  # characters; no word of the dictionary is as long
_CHUNK = 1 << 12
_LONG_RUN = 1_000  # characters, from which the HMM's path is found in linear time
_HAN_RUN = re.compile("[\u4e00-\u9fd5]+")


def cut_block(block: str) -> Iterator[str]:
    """Cut a run of Chinese characters, Latin letters, digits and `+#&._%-`; of a long one no list as long as it is kept."""
    weights, unseen = dictionary()
    lengths = _word_lengths(block, weights, unseen)
    position = single_from = 0
    while position < len(block):
        length = lengths[position]
        if length > 1:
            yield from _singles(block[single_from:position], weights)
            yield block[position : position + length]
            single_from = position + length
        position += length
    yield from _singles(block[single_from:], weights)


def _word_lengths(block: str, weights: Weights, unseen: float) -> bytearray:
    """For each position the length of the word that starts there; of equal paths the one with the longer word."""
    count = len(block)
    lengths = bytearray(count)
    ahead = [0.0]  # scores of the positions from the end of the chunk on, as far as a word reaches
    missing: Any = dictionary  # any object that is no weight
    for high in range(count, 0, -_CHUNK):
        low = max(high - _CHUNK, 0)
        scores = [0.0] * (high - low) + ahead
        for start in range(high - 1, low - 1, -1):
            best, best_end = -math.inf, 0
            end = start + 1
            weight = weights.get(block[start], missing)
            while weight is not missing:
                if weight is not None and (score := weight + scores[end - low]) >= best:
                    best, best_end = score, end
                end += 1
                if end > count:
                    break
                weight = weights.get(block[start:end], missing)
            if not best_end:
                best, best_end = unseen + scores[start + 1 - low], start + 1
            scores[start - low], lengths[start] = best, best_end - start
        ahead = scores[:LONGEST]
    return lengths


def _singles(text: str, weights: Weights) -> Iterator[str]:
    """A run of single characters: the HMM looks for words in it that the dictionary does not have."""
    if len(text) < 2 or weights.get(text) is not None:
        yield from text
    elif len(text) <= _LONG_RUN:
        yield from _hmm().cut(text)
    else:
        position = 0
        for match in _HAN_RUN.finditer(text):
            yield from _hmm().cut(text[position : match.start()])
            yield from hidden_words(match[0]) if len(match[0]) > _LONG_RUN else _hmm().cut(match[0])
            position = match.end()
        yield from _hmm().cut(text[position:])


def hidden_words(run: str) -> Iterator[str]:
    """The words of a run of Chinese characters by the most probable states of jieba's HMM (begin, middle, end, single).

    jieba copies the path at every character, which takes a long run quadratic time and memory; here a byte a character is kept.
    """
    model = _hmm()
    start, emit = model.start_P, model.emit_P
    step = {(one, other): model.trans_P[one].get(other, model.MIN_FLOAT) for one, other in ("EB", "SB", "MM", "BM", "BE", "ME", "SS", "ES")}
    (eb, sb), (mm, bm) = (step["E", "B"], step["S", "B"]), (step["M", "M"], step["B", "M"])
    (be, me), (ss, es) = (step["B", "E"], step["M", "E"]), (step["S", "S"], step["E", "S"])
    begins, middles, ends, singles = (emit[state] for state in "BMES")
    least = model.MIN_FLOAT
    b, m, e, s = (start[state] + emit[state].get(run[0], least) for state in "BMES")
    came = bytearray(len(run))  # bits: B came from S, M from M, E from M, S from S; of equal ways the later letter, as jieba takes it
    for place in range(1, len(run)):
        mark = run[place]
        out = begins.get(mark, least)
        from_e, from_s = e + eb + out, s + sb + out
        out = middles.get(mark, least)
        from_m, from_b = m + mm + out, b + bm + out
        out = ends.get(mark, least)
        b_ends, m_ends = b + be + out, m + me + out
        out = singles.get(mark, least)
        s_again, e_then = s + ss + out, e + es + out
        came[place] = (from_s >= from_e) | (from_m >= from_b) << 1 | (m_ends >= b_ends) << 2 | (s_again >= e_then) << 3
        b, m, e, s = max(from_e, from_s), max(from_m, from_b), max(b_ends, m_ends), max(s_again, e_then)
    yield from _by_states(run, came, "S" if s >= e else "E")


_BEFORE = {"B": (1, "S", "E"), "M": (2, "M", "B"), "E": (4, "M", "B"), "S": (8, "S", "E")}


def _by_states(run: str, came: bytearray, state: str) -> Iterator[str]:
    """The words of a run whose last character is in a state; `came` is overwritten with the states."""
    for place in range(len(run) - 1, -1, -1):
        bit, yes, no = _BEFORE[state]
        before = yes if came[place] & bit else no
        came[place] = ord(state)
        state = before
    begin = 0
    for place, code in enumerate(came):
        if code in b"BS":
            begin = place
        if code in b"ES":
            yield run[begin : place + 1]


@lru_cache(maxsize=1)
def dictionary() -> tuple[Weights, float]:
    """The default dictionary's weights, and the weight of a character it does not have."""
    counts: dict[str, int] = {}
    total = 0
    with package_dir().joinpath("dict.txt").open(encoding="utf-8") as lines:
        for line in lines:
            word, count, _ = line.split(" ", 2)
            counts[word] = number = int(count)
            total += number
            for end in range(1, len(word)):
                counts.setdefault(word[:end], 0)
    log_total = math.log(total)
    return {word: math.log(count) - log_total if count else None for word, count in counts.items()}, 0.0 - log_total


def package_dir() -> Path:
    """The folder of the installed jieba, found without importing it."""
    spec = find_spec("jieba")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("jieba is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=1)
def _hmm() -> Any:
    """The module of jieba of the HMM."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old escape sequences and pkg_resources in jieba's own modules
        return importlib.import_module("jieba.finalseg")
