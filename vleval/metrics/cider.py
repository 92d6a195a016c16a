"""CIDEr-D (Vedantam et al. 2015), times 10, as pycocoevalcap computes it.

n-grams up to 4, clipped tf-idf cosine with a Gaussian penalty on length differences (sigma 6), averaged over references and orders. The
document frequencies are those of the file's own references, so a row's score depends on the other rows of the file; resampling keeps
them fixed. A file of one row has no informative n-gram: every score is 0.

`cider` lower-cases and splits at blanks (CJK characters stand alone). `cider:ptb` runs the Stanford tokenizer that pycocoevalcap
carries; it needs that package and Java.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vldata.errors import UsageError
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, references
from vleval.metrics.cjk import split_cjk
from vleval.metrics.options import MetricOptions
from vleval.metrics.pieces import PIECE, pieces
from vleval.metrics.word_bags import Bag
from vleval.metrics.word_keys import Keys, grams_of, keys_of, places_in
from vleval.rows import Row

Text = Iterable[list[str]]
"""The words of a text, list by list."""
Tokenize = Callable[[list[str]], Iterable[Text]]
_ORDERS = 4
_SIGMA = 6.0
_FAR = 2_000  # words beyond the longest reference: the penalty on lengths is 0 from 232 pairs on, in doubles
_AT_ONCE = 1 << 15  # words of the texts that are compared at a time
_PARTS = 8  # of all n-grams, one in memory at a time where a text is longer
_NONE: Keys = np.empty(0, np.uint64)


class Part(NamedTuple):
    """One of several equal parts of all n-grams, so that of a long text only some are in memory."""

    number: int
    of: int

    def has(self, grams: Keys) -> NDArray[np.bool_]:
        """Which n-grams belong to it."""
        mine: NDArray[np.bool_] = (grams >> np.uint64(40)) % np.uint64(self.of) == self.number
        return mine


class Counted(NamedTuple):
    """N-grams, each once a text, the text that each is from, and how often it stands there; shape (grams,) each."""

    grams: Keys
    texts: NDArray[np.int64]
    counts: NDArray[np.int64]


def _counted(grams: Keys, texts: NDArray[np.int64], counts: NDArray[np.int64]) -> Counted:
    _, first, places = np.unique(_of(grams, texts), return_index=True, return_inverse=True)
    return Counted(grams[first], texts[first], np.bincount(places, counts, minlength=len(first)).astype(np.int64))


class Texts:
    """Texts as the numbers of their words, one behind the other.

    Attributes:
        keys: shape (words,), the number of each word.
        ends: shape (texts,), where each text ends among them.
        owners: shape (texts,), the row that each text belongs to, ascending.
    """

    def __init__(self, texts: Iterable[Text], owners: Sequence[int]) -> None:
        parts: list[Keys] = []
        lengths = []
        for text in texts:
            fresh = [keys_of(words) for words in text]
            lengths.append(sum(map(len, fresh)))
            parts += fresh
        self.ends = np.cumsum(lengths, dtype=np.int64)
        self.keys: Keys = np.concatenate([_NONE, *parts])
        self.owners = np.asarray(owners, np.int64)

    @property
    def pairs(self) -> NDArray[np.int64]:
        """How many pairs of neighbouring words each text has: its length, as upstream counts it."""
        words: NDArray[np.int64] = np.diff(self.ends, prepend=0)
        return np.maximum(words - 1, 0)

    def of(self, rows: range) -> range:
        """The texts of some rows."""
        start, stop = np.searchsorted(self.owners, [rows.start, rows.stop])
        return range(int(start), int(stop))

    def grams(self, texts: range, order: int, part: Part) -> Counted:
        """The n-grams of some texts that belong to a part of all."""
        start = int(self.ends[texts.start - 1]) if texts.start else 0
        stop = int(self.ends[texts.stop - 1]) if texts.stop else 0
        found: list[Counted] = []
        for first in range(start, stop - order + 1, _AT_ONCE):
            last = min(first + _AT_ONCE, stop - order + 1)
            places = np.arange(first, last)
            of = np.searchsorted(self.ends, places, side="right")
            grams = grams_of(self.keys[first : last + order - 1], order)
            kept = (places + order <= self.ends[of]) & part.has(grams)
            found.append(_counted(grams[kept], of[kept], np.ones(int(kept.sum()), np.int64)))
        if len(found) == 1:
            return found[0]
        none = np.empty(0, np.int64)
        return _counted(
            np.concatenate([_NONE, *(counted.grams for counted in found)]),
            np.concatenate([none, *(counted.texts for counted in found)]),
            np.concatenate([none, *(counted.counts for counted in found)]),
        )


def cider_scores(hypotheses: Iterable[Text], targets: Iterable[Text], owners: Sequence[int]) -> Floats:
    """Scores of tokenised answers against tokenised references, one a row, times 10.

    Args:
        hypotheses: the words of each row's answer.
        targets: the words of all references, in the order of the rows.
        owners: shape (references,), the row of each reference; every row has one.
    """
    wanted = Texts(targets, owners)
    rows = int(wanted.owners[-1]) + 1 if len(wanted.owners) else 0
    given = Texts(hypotheses, range(rows))
    similar = np.zeros(len(wanted.ends))
    spans = list(_spans(wanted, given, rows))
    for order in range(1, _ORDERS + 1):
        products, squares, answered = (np.zeros(length) for length in (len(similar), len(similar), rows))
        for part in _parts(wanted, given):
            rarity = _Rarity(wanted, spans, order, part)
            for some in spans:
                texts = wanted.of(some)
                mine, other = _weighted(given, rarity, some, order, part), _weighted(wanted, rarity, texts, order, part)
                products[texts.start : texts.stop] += _products(mine, other, texts)
                squares[texts.start : texts.stop] += other.squares(texts)
                answered[some.start : some.stop] += mine.squares(some)
        norms = np.sqrt(answered[wanted.owners]) * np.sqrt(squares)
        similar += np.divide(products, norms, out=np.zeros(len(norms)), where=norms > 0)
    penalty = np.exp(-((given.pairs[wanted.owners] - wanted.pairs) ** 2) / (2 * _SIGMA**2))
    known = np.bincount(wanted.owners, minlength=rows)
    return np.bincount(wanted.owners, similar * penalty, minlength=rows) / _ORDERS / known * 10.0


def _parts(*sides: Texts) -> list[Part]:
    """All n-grams at once, or where a text is long a part of them at a time."""
    longest = max(int(np.diff(side.ends, prepend=0).max(initial=0)) for side in sides)
    parts = 1 if longest <= _AT_ONCE else _PARTS
    return [Part(number, parts) for number in range(parts)]


def _spans(wanted: Texts, given: Texts, rows: int) -> Iterator[range]:
    """The rows in runs of about so many words, or of one row."""
    words = np.bincount(wanted.owners, np.diff(wanted.ends, prepend=0), minlength=rows) + np.diff(given.ends, prepend=0)
    total = np.cumsum(words)
    start = 0
    while start < rows:
        before = total[start - 1] if start else 0
        stop = max(int(np.searchsorted(total, before + _AT_ONCE)), start + 1)
        yield range(start, stop)
        start = stop


class _Rarity:
    """log(rows / rows whose references have it) of the n-grams of one order and part."""

    def __init__(self, wanted: Texts, spans: Sequence[range], order: int, part: Part) -> None:
        self._unseen = math.log(max(spans[-1].stop if spans else 0, 1))
        found = Bag()
        for rows in spans:
            counted = wanted.grams(wanted.of(rows), order, part)
            found.add(counted.grams[np.unique(_of(counted.grams, wanted.owners[counted.texts]), return_index=True)[1]])
        found.settle()
        self._keys, self._counts = found.keys, found.counts

    def of(self, grams: Keys) -> Floats:
        """The weight of one occurrence of each; what no reference has counts as found once."""
        places = places_in(self._keys, grams)
        counts = np.ones(len(grams))
        counts[places >= 0] = self._counts[places[places >= 0]]
        return self._unseen - np.log(counts)


def _of(grams: Keys, owners: NDArray[np.int64]) -> Keys:
    """A number of its own for each n-gram of each owner."""
    return grams * np.uint64(0x9FB21C651E98DF25) + owners.astype(np.uint64) * np.uint64(0xD1B54A32D192ED03)


class _Weights(NamedTuple):
    """The n-grams of some texts, each once a text, with their weights; in order of their numbers, shape (grams,) each."""

    numbers: Keys
    texts: NDArray[np.int64]
    weights: Floats

    def squares(self, texts: range) -> Floats:
        """The square of each text's norm, as far as these n-grams make it."""
        return np.bincount(self.texts - texts.start, self.weights**2, minlength=len(texts)).astype(np.float64)


def _weighted(side: Texts, rarity: _Rarity, texts: range, order: int, part: Part) -> _Weights:
    counted = side.grams(texts, order, part)
    numbers = _of(counted.grams, side.owners[counted.texts])
    ascending = np.argsort(numbers, kind="stable")
    return _Weights(numbers[ascending], counted.texts[ascending], (counted.counts * rarity.of(counted.grams))[ascending])


def _products(mine: _Weights, other: _Weights, texts: range) -> Floats:
    """The clipped scalar product of each reference of some rows with the row's answer."""
    places = places_in(mine.numbers, other.numbers)
    common = places >= 0
    weights = other.weights[common]
    clipped = np.minimum(mine.weights[places[common]], weights) * weights
    return np.bincount(other.texts[common] - texts.start, clipped, minlength=len(texts)).astype(np.float64)


def lower_split(texts: list[str]) -> Iterator[Text]:
    """Lower case, words between blanks, CJK characters alone."""
    return (map(split_cjk, map(str.lower, pieces(text))) for text in texts)


def ptb(texts: list[str]) -> Iterator[Text]:
    """The PTB tokenizer of pycocoevalcap (Java), which drops punctuation.

    Raises:
        UsageError: the package or Java is missing.
    """
    try:
        tokenizer = importlib.import_module("pycocoevalcap.tokenizer.ptbtokenizer").PTBTokenizer()
        lines = [" ".join(text.splitlines()) for text in texts]  # it works by lines, and takes more than "\n" for their ends
        tokenized = tokenizer.tokenize({index: [{"caption": line}] for index, line in enumerate(lines)})
    except (ImportError, OSError) as error:
        missing = "the package pycocoevalcap" if isinstance(error, ImportError) else f"Java and a writable package folder ({error})"
        raise UsageError(
            f"cider:ptb needs {missing}.", cure="Install Java and pycocoevalcap, or take cider, which needs neither."
        ) from None
    return ([tokenized[index][0].split()] for index in range(len(texts)))


def _begun(text: str, most: int) -> str:
    """As much of a text as has more than `most` words between blanks or CJK characters: a longer answer is 0 whatever follows."""
    if len(text) <= PIECE:
        return text
    seen, end = 0, 0
    for piece in pieces(text):
        seen += len(split_cjk(piece.lower()))
        end += len(piece)
        if seen > most:
            break
    return text[:end]


def _value(sums: Floats) -> Floats:
    return np.divide(sums[:, 0], sums[:, 1], out=np.zeros(len(sums)), where=sums[:, 1] > 0)


def _build(tokenize: Tokenize, signature: str) -> Callable[[MetricOptions], Scorer]:
    def score(rows: Sequence[Row]) -> Scores:
        flat = [reference for row in rows for reference in references(row)]
        owners = [index for index, row in enumerate(rows) for _ in references(row)]
        most = max(map(len, flat), default=0) + _FAR
        values = cider_scores(tokenize([_begun(answer(row) or "", most) for row in rows]), tokenize(flat), owners)
        notes = ("CIDEr of a single row is 0: there is no other row to tell common words from rare ones.",) if len(rows) == 1 else ()
        return Scores(values=values, corpus=CorpusStats(np.column_stack([values, np.ones(len(rows))]), _value), notes=notes)

    def build(options: MetricOptions) -> Scorer:
        return Scorer(score=score, signature=signature, kind="corpus", scale=10.0)

    return build


cider = _build(lower_split, "n:4 sigma:6 idf:file tok:lower+split refs:all")
cider_ptb = _build(ptb, "n:4 sigma:6 idf:file tok:ptb-3.4.1 refs:all")
