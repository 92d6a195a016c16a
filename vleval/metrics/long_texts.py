"""Statistics of chrF and BLEU for answers far longer than any reference, piece by piece: only what a reference holds is counted.

sacrebleu counts every n-gram of an answer in a dictionary, which takes gigabytes for an answer of megabytes. The numbers here are the same.
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vleval.metrics.pieces import BLANKS, SPACES, pieces

LONG = 50_000  # characters from which an answer goes this way
_PIECE = 1 << 15
_MARKS = frozenset(string.punctuation)
# Where the words of sacrebleu's tokenizers 13a, zh and char end whatever stands around.
BREAKS = {
    "13a": re.compile(r"[ \[\](){}!?:]"),
    # zh strips its text first, so a full stop or comma at an end of a part would lose the neighbour that it is split by
    "zh": re.compile(r"(?<![\s.,])(?: (?![\s.,])|[\[\](){}!?:\u4e00-\u9fff])"),
    "char": re.compile(r"[ \[\](){}!?:\u4e00-\u9fff]"),
}


def chrf_counts(
    hypothesis: str, references: Sequence[str], score: Callable[[list[int]], float], order: int, *, word_order: int = 0
) -> list[int] | None:
    """[answer, reference, match] counts of each order for the best reference; None where a reference has too many different characters.

    Args:
        hypothesis: the answer.
        references: the accepted answers.
        score: chrF of such counts, to tell the best reference.
        order: of the longest character n-gram.
        word_order: of the longest word n-gram, behind the characters (chrF++: 2).
    """
    best: list[int] | None = None
    for reference in references:
        line = "".join(reference.split())
        alphabet = np.unique(_codes(line))
        bits = max(len(alphabet).bit_length(), 1)
        if bits * order > 63:
            return None
        counts = _matches(hypothesis, line, alphabet, bits, order)
        if word_order:
            counts += _word_matches(hypothesis, reference, word_order)
        if best is None or score(counts) > score(best):
            best = counts
    return best


def _word_matches(hypothesis: str, reference: str, order: int) -> list[int]:
    """[answer, reference, match] counts of word n-grams, the words as chrF++ has them."""
    wanted = [Counter(_grams_of(_chrf_words(reference), size)) for size in range(1, order + 1)]
    found: list[Counter[tuple[str, ...]]] = [Counter() for _ in wanted]
    length = 0
    tail: list[str] = []
    for piece in pieces(hypothesis, BLANKS):
        fresh = _chrf_words(piece)
        length += len(fresh)
        words = tail + fresh
        for size, (known, seen) in enumerate(zip(wanted, found, strict=True), start=1):
            seen.update(gram for gram in _grams_of(words[max(len(tail) - size + 1, 0) :], size) if gram in known)
        tail = words[max(len(words) - order + 1, 0) :]
    counts: list[int] = []
    for size, (known, seen) in enumerate(zip(wanted, found, strict=True), start=1):
        counts += [max(length - size + 1, 0) if known else 0, known.total(), (known & seen).total()]
    return counts


def _chrf_words(text: str) -> list[str]:
    """Words between blanks, with one mark of punctuation at the end, else at the beginning, parted (sacrebleu, `_remove_punctuation`)."""
    words: list[str] = []
    for word in text.split():
        if len(word) > 1 and word[-1] in _MARKS:
            words += [word[:-1], word[-1]]
        elif len(word) > 1 and word[0] in _MARKS:
            words += [word[0], word[1:]]
        else:
            words.append(word)
    return words


def _grams_of(words: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    return (tuple(words[start : start + size]) for start in range(len(words) - size + 1))


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def character_matches(hypothesis: str, reference: str, order: int) -> list[int] | None:
    """Clipped matches of n-grams of 1 to `order` characters, blanks included; None where a reference has too many different characters."""
    alphabet = np.unique(_codes(reference))
    bits = max(len(alphabet).bit_length(), 1)
    return None if bits * order > 63 else _matches(hypothesis, reference, alphabet, bits, order, blanks=True)[2::3]


def _matches(hypothesis: str, line: str, alphabet: NDArray[np.uint32], bits: int, order: int, *, blanks: bool = False) -> list[int]:
    wanted = [np.unique(_grams(_codes(line), alphabet, bits, size), return_counts=True) for size in range(1, order + 1)]
    found = [np.zeros(len(keys), np.int64) for keys, _ in wanted]
    length, tail = 0, ""
    for start in range(0, len(hypothesis), _PIECE):
        fresh = hypothesis[start : start + _PIECE]
        fresh = fresh if blanks else "".join(fresh.split())
        length += len(fresh)
        joined = tail + fresh
        for size, (keys, _) in enumerate(wanted, start=1):
            kept = joined[max(len(tail) - size + 1, 0) :]  # n-grams that end in the new piece
            if len(keys) and len(kept) >= size:
                grams = _grams(_codes(kept), alphabet, bits, size)
                places = np.searchsorted(keys, grams)
                places[places == len(keys)] = 0
                hits = places[keys[places] == grams]
                found[size - 1] += np.bincount(hits, minlength=len(keys))
        tail = joined[-(order - 1) :] if order > 1 else ""
    counts: list[int] = []
    for size, ((_, known), seen) in enumerate(zip(wanted, found, strict=True), start=1):
        counts += [max(length - size + 1, 0) if len(known) else 0, int(known.sum()), int(np.minimum(known, seen).sum())]
    return counts


def _grams(codes: NDArray[np.uint32], alphabet: NDArray[np.uint32], bits: int, size: int) -> NDArray[np.int64]:
    """The n-grams of a text as numbers; those with a character that the reference lacks are left out."""
    if len(codes) < size or not len(alphabet):
        return np.empty(0, np.int64)
    places = np.searchsorted(alphabet, codes)
    places[places == len(alphabet)] = 0
    names = np.where(alphabet[places] == codes, places + 1, 0).astype(np.int64)
    count = len(codes) - size + 1
    packed = np.zeros(count, np.int64)
    whole = np.ones(count, np.bool_)
    for offset in range(size):
        part = names[offset : offset + count]
        packed = (packed << bits) | part
        whole &= part > 0
    return packed[whole]


def bleu_counts(
    hypothesis: str, references: Sequence[str], tokenize: Callable[[str], str], order: int, *, breaks: re.Pattern[str] = SPACES
) -> list[int]:
    """[answer length, closest reference length, matches ..., totals ...] as sacrebleu's BLEU has them.

    `breaks` are places across which no tokenizer of that kind looks.
    """
    wanted: Counter[tuple[str, ...]] = Counter()
    lengths: list[int] = []
    for reference in references:
        words = tokenize(reference.rstrip()).split()
        lengths.append(len(words))
        for gram, count in Counter(_word_grams(words, order)).items():
            wanted[gram] = max(wanted[gram], count)
    found: Counter[tuple[str, ...]] = Counter()
    length = 0
    tail: list[str] = []
    for piece in pieces(hypothesis.rstrip(), breaks):
        fresh = tokenize(piece).split()
        length += len(fresh)
        words = tail + fresh
        for size in range(1, order + 1):
            first = max(len(tail) - size + 1, 0)
            for start in range(first, len(words) - size + 1):
                gram = tuple(words[start : start + size])
                if gram in wanted:
                    found[gram] += 1
        tail = words[-(order - 1) :]
    correct = [0] * order
    for gram, count in found.items():
        correct[len(gram) - 1] += min(count, wanted[gram])
    closest = min(lengths, key=lambda known: (abs(known - length), known))
    return [length, closest, *correct, *(max(length - size + 1, 0) for size in range(1, order + 1))]


def _word_grams(words: Sequence[str], order: int) -> Iterator[tuple[str, ...]]:
    for size in range(1, order + 1):
        for start in range(len(words) - size + 1):
            yield tuple(words[start : start + size])
