"""Statistics of chrF and BLEU for long texts, piece by piece.

sacrebleu counts every n-gram in a dictionary, which takes gigabytes for a text of megabytes. The numbers here are the same.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from vleval.metrics.pieces import BLANKS, SPACES, pieces
from vleval.metrics.word_bags import Matches, Words, clipped_matches, gram_matches

LONG = 50_000  # characters of a side from which texts go this way
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
) -> list[int]:
    """[answer, reference, match] counts of each order for the best reference.

    Args:
        hypothesis: the answer.
        references: the accepted answers.
        score: chrF of such counts, to tell the best reference.
        order: of the longest character n-gram.
        word_order: of the longest word n-gram, behind the characters (chrF++: 2).
    """
    best: list[int] | None = None
    for reference in references:
        counts = _matches(hypothesis, reference, order, blanks=False)
        if word_order:
            counts += _word_matches(hypothesis, reference, word_order)
        if best is None or score(counts) > score(best):
            best = counts
    return best or []


def _word_matches(hypothesis: str, reference: str, order: int) -> list[int]:
    """[answer, reference, match] counts of word n-grams, the words as chrF++ has them."""
    return _triples(
        clipped_matches(lambda: map(_chrf_words, pieces(hypothesis, BLANKS)), [lambda: map(_chrf_words, pieces(reference, BLANKS))], order)
    )


def _triples(counted: Matches) -> list[int]:
    """[answer, reference, match] counts of each order; an order that the reference is too short for counts nothing."""
    counts: list[int] = []
    for size, found in enumerate(counted.found):
        target = max(counted.targets[0] - size, 0)
        counts += [max(counted.length - size, 0) if target else 0, target, found]
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


def character_matches(hypothesis: str, reference: str, order: int) -> list[int]:
    """Clipped matches of n-grams of 1 to `order` characters, blanks included."""
    return _matches(hypothesis, reference, order, blanks=True)[2::3]


def _codes(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _parts(text: str, blanks: bool) -> Iterator[NDArray[np.uint32]]:
    """The characters of a text part by part."""
    for start in range(0, len(text), _PIECE):
        part = text[start : start + _PIECE]
        yield _codes(part if blanks else "".join(part.split()))


def _matches(hypothesis: str, reference: str, order: int, *, blanks: bool) -> list[int]:
    """[answer, reference, match] counts of characters' n-grams; where one side is short the other is held against a table of it."""
    few, many = (hypothesis, reference) if len(hypothesis) < len(reference) else (reference, hypothesis)
    alphabet = np.unique(np.concatenate([np.empty(0, np.uint32), *map(np.unique, _parts(few, blanks))]))
    bits = max(len(alphabet).bit_length(), 1)
    if len(few) <= LONG and bits * order <= 63:
        line = np.concatenate([alphabet[:0], *_parts(few, blanks)])
        counted = _table_matches(many, line, alphabet, bits, order, blanks=blanks)
    else:
        codes = [_places(text, alphabet, blanks) for text in (many, few)]
        counted = Matches(len(codes[0]), [len(codes[1])], gram_matches(codes[0], codes[1:], order))
    return _triples(counted if few is reference else Matches(counted.targets[0], [counted.length], counted.found))


def _places(text: str, alphabet: NDArray[np.uint32], blanks: bool) -> NDArray[np.unsignedinteger]:
    """The characters of a text by their place in an alphabet, and one number for all others."""
    kind = np.min_scalar_type(len(alphabet))
    parts = [np.empty(0, kind)]
    for codes in _parts(text, blanks):
        places = np.searchsorted(alphabet, codes)
        known = places < len(alphabet)
        known[known] = alphabet[places[known]] == codes[known]
        places[~known] = len(alphabet)
        parts.append(places.astype(kind))
    return np.concatenate(parts)


def _table_matches(text: str, line: NDArray[np.uint32], alphabet: NDArray[np.uint32], bits: int, order: int, *, blanks: bool) -> Matches:
    wanted = [np.unique(_grams(line, alphabet, bits, size), return_counts=True) for size in range(1, order + 1)]
    found = [np.zeros(len(keys), np.int64) for keys, _ in wanted]
    length, tail = 0, line[:0]
    for fresh in _parts(text, blanks):
        length += len(fresh)
        joined = np.concatenate([tail, fresh])
        for size, (keys, _) in enumerate(wanted, start=1):
            kept = joined[max(len(tail) - size + 1, 0) :]  # n-grams that end in the new piece
            if len(keys) and len(kept) >= size:
                grams = _grams(kept, alphabet, bits, size)
                places = np.searchsorted(keys, grams)
                places[places == len(keys)] = 0
                hits = places[keys[places] == grams]
                found[size - 1] += np.bincount(hits, minlength=len(keys))
        tail = joined[len(joined) - min(len(joined), order - 1) :]
    matches = [int(np.minimum(known, seen).sum()) for (_, known), seen in zip(wanted, found, strict=True)]
    return Matches(length, [len(line)], matches)


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

    def words(text: str) -> Words:
        return lambda: (tokenize(piece).split() for piece in pieces(text.rstrip(), breaks))

    length, lengths, correct = clipped_matches(words(hypothesis), [words(reference) for reference in references], order)
    closest = min(lengths, key=lambda known: (abs(known - length), known))
    return [length, closest, *correct, *(max(length - size + 1, 0) for size in range(1, order + 1))]
