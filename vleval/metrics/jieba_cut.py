"""The words of one block of Chinese text, as jieba 0.42.1 cuts it with its default dictionary and HMM.

The dictionary is read from the installed package, once, when the first Chinese text comes (about half a second); no cache in the temporary
folder is read or written. The most probable path is found as jieba finds it, with its arithmetic, so that ties fall the same way.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

Weights = dict[str, float | None]  # log probability of a word; None for what only begins words


def cut_block(block: str) -> list[str]:
    """Cut a run of Chinese characters, Latin letters, digits and `+#&._%-`."""
    weights, unseen = dictionary()
    ends = _best_path(block, weights, unseen)
    pieces: list[str] = []
    position = single_from = 0
    while position < len(block):
        end = ends[position]
        if end - position > 1:
            pieces += _singles(block[single_from:position], weights)
            pieces.append(block[position:end])
            single_from = end
        position = end
    return pieces + _singles(block[single_from:], weights)


def _best_path(block: str, weights: Weights, unseen: float) -> list[int]:
    """For each position the end of the word that starts there; of equal paths the one with the longer word."""
    count = len(block)
    scores = [0.0] * (count + 1)
    ends = [0] * count
    missing: Any = dictionary  # any object that is no weight
    for start in range(count - 1, -1, -1):
        best, best_end = -math.inf, 0
        end = start + 1
        weight = weights.get(block[start], missing)
        while weight is not missing:
            if weight is not None and (score := weight + scores[end]) >= best:
                best, best_end = score, end
            end += 1
            if end > count:
                break
            weight = weights.get(block[start:end], missing)
        if not best_end:
            best, best_end = unseen + scores[start + 1], start + 1
        scores[start], ends[start] = best, best_end
    return ends


def _singles(text: str, weights: Weights) -> list[str]:
    """A run of single characters: the HMM looks for words in it that the dictionary does not have."""
    if len(text) < 2:
        return [text] if text else []
    if weights.get(text) is not None:
        return list(text)
    return list(_hmm()(text))


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
def _hmm() -> Callable[[str], Iterator[str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # old escape sequences and pkg_resources in jieba's own modules
        module = importlib.import_module("jieba.finalseg")
    cut: Callable[[str], Iterator[str]] = module.cut
    return cut
