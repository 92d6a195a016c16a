"""Character BLEU-4 of many pairs at once: the n-gram matches of `bleu.bleu4` counted by sorting, to the same last digit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from vleval.metrics.bleu import bleu4
from vleval.metrics.long_texts import LONG, character_matches

_CHUNK = 512  # pairs; their number takes 9 bits of a key next to four characters and the side
_ROW_BITS = 9


def bleu4_characters(pairs: Sequence[tuple[str, str]]) -> list[float]:
    """`bleu4(hypothesis, reference)` of each pair of strings."""
    scores: list[float] = []
    for start in range(0, len(pairs), _CHUNK):
        chunk = pairs[start : start + _CHUNK]
        if any(_long(*pair) for pair in chunk):
            scores += [_alone(hypothesis, reference) for hypothesis, reference in chunk]
            continue
        matches = _matches(chunk)
        if matches is None:
            scores += [bleu4(hypothesis, reference) for hypothesis, reference in chunk]
        else:
            lengths = [(len(hypothesis), len(reference)) for hypothesis, reference in chunk]
            scores += [score_of(have, want, *found) for (have, want), found in zip(lengths, matches.tolist(), strict=True)]
    return scores


def _long(hypothesis: str, reference: str) -> bool:
    return len(hypothesis) > LONG or len(reference) > LONG


def _alone(hypothesis: str, reference: str) -> float:
    """One pair; long texts are counted part by part."""
    if not _long(hypothesis, reference):
        return bleu4(hypothesis, reference)
    return score_of(len(hypothesis), len(reference), *character_matches(hypothesis, reference, 4))


@lru_cache(maxsize=1 << 16)
def score_of(length: int, reference_length: int, *matches: int) -> float:
    """`bleu.bleu4` of the lengths of both sides and the clipped matches of orders 1 to 4."""
    if not matches[0]:
        return 0.0
    logs = []
    smoothing = 1
    for order, common in enumerate(matches):
        total = max(1, length - order)
        if common:
            logs.append(0.25 * math.log(common / total))
        else:
            logs.append(0.25 * math.log(1 / (2**smoothing * total)))
            smoothing += 1
    penalty = 1.0 if length > reference_length else math.exp(1 - reference_length / length)
    return penalty * math.exp(math.fsum(logs))


def _matches(pairs: Sequence[tuple[str, str]]) -> NDArray[np.int64] | None:
    """Clipped matches of orders 1 to 4, a row a pair; None when the characters are too many kinds to be packed into 64 bits."""
    texts = [pair[0] for pair in pairs] + [pair[1] for pair in pairs]
    joined = "".join(texts)
    if not joined:
        return np.zeros((len(pairs), 4), dtype=np.int64)
    codes, bits = _alphabet(joined)
    if 4 * bits + _ROW_BITS + 1 > 64:
        return None
    owner = np.repeat(np.arange(len(texts), dtype=np.uint64), [len(text) for text in texts])
    side = (owner >= len(pairs)).astype(np.uint64)
    row = owner - side * np.uint64(len(pairs))
    found = np.zeros((len(pairs), 4), dtype=np.int64)
    grams = codes
    for order in range(1, 5):
        if order > 1:
            grams = (grams[:-1] << np.uint64(bits)) | codes[order - 1 :]
            inside = owner[: len(grams)] == owner[order - 1 :]
            if not inside.any():
                break
            selected = grams[inside], row[: len(grams)][inside], side[: len(grams)][inside]
        else:
            selected = grams, row, side
        found[:, order - 1] = _common(*selected, shift=order * bits, rows=len(pairs))
    return found


def _alphabet(joined: str) -> tuple[NDArray[np.uint64], int]:
    """Characters as small numbers, and how many bits they take."""
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    highest = int(codes.max())
    if highest >= 256:
        present = np.zeros(highest + 1, dtype=np.bool_)
        present[codes] = True
        numbers = np.cumsum(present, dtype=np.uint32) - 1
        codes, highest = numbers[codes], int(numbers[-1])
    return codes.astype(np.uint64), max(highest.bit_length(), 1)


def _common(grams: NDArray[np.uint64], row: NDArray[np.uint64], side: NDArray[np.uint64], *, shift: int, rows: int) -> NDArray[np.int64]:
    """Per row, the sizes of the multiset intersections of the two sides."""
    keys = (((row << np.uint64(shift)) | grams) << np.uint64(1)) | side
    keys.sort()
    whole = keys >> np.uint64(1)
    starts = np.concatenate(([0], np.flatnonzero(whole[1:] != whole[:-1]) + 1))
    sizes = np.diff(np.append(starts, len(keys)))
    wanted = np.add.reduceat((keys & np.uint64(1)).astype(np.int64), starts)
    clipped = np.minimum(wanted, sizes - wanted)
    return np.bincount((whole[starts] >> np.uint64(shift)).astype(np.int64), weights=clipped, minlength=rows).astype(np.int64)
