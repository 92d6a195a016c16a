"""ROUGE of the `rouge-score` package (Lin 2004): n-gram counts and sentence-level LCS over [a-z0-9] words.

In vlkit a text with letters beyond ASCII, which that package drops, is split by the kinds of its characters instead (`words`), and so is
its partner. The best F1 over the references counts, as the package's `score_multi` does.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

from rapidfuzz.distance import LCSseq

from vldata.errors import DataError
from vleval.metric import Scorer, Scores
from vleval.metrics.base import mean_metric, mean_of, over_pairs
from vleval.metrics.caching import cached
from vleval.metrics.lcs import WALKED_CELLS, common_places
from vleval.metrics.options import MetricOptions
from vleval.metrics.pieces import pieces
from vleval.metrics.word_bags import Words, clipped_matches, codes_of, distinct_of
from vleval.metrics.word_keys import LONG, common_length, lower_bound, within_reach
from vleval.metrics.words import cached_words, needs_unicode, script_notes
from vleval.rows import Row

_WORD = re.compile("[a-z0-9]+")
_LINE = re.compile(r"[^\n]+")
_MOST_CELLS = 1_000_000  # of the table of a common subsequence, two lines at a time
LONG_LINE = 20_000  # characters, of a line whose words are not all kept


Tokenize = Callable[[str], tuple[str, ...]]
Cut = set[tuple[str, str]]  # pairs of texts whose value is a lower bound


def rouge_n(prediction: str, reference: str, order: int, *, stem: bool = False, cut: Cut | None = None) -> float:
    """F1 of n-gram counts, 0 to 1."""
    tokenize = _tokenizer(prediction, reference, stem)
    if len(reference) > LONG:
        counted = clipped_matches(_words(prediction, tokenize), [_words(reference, tokenize)], order)
        return _f1(counted.found[-1], max(counted.length - order + 1, 0), max(counted.targets[0] - order + 1, 0))
    targets = Counter(_ngrams(tokenize(reference), order))
    found: Counter[tuple[str, ...]] = Counter()
    total = 0
    tail: tuple[str, ...] = ()
    for piece in pieces(prediction):
        words = tail + tokenize(piece)
        grams = _ngrams(words, order)
        total += len(grams)
        found.update(gram for gram in grams if gram in targets)
        tail = words[len(words) - order + 1 :] if len(words) >= order else words
    return _f1((found & targets).total(), total, targets.total())


def rouge_l(prediction: str, reference: str, *, stem: bool = False, cut: Cut | None = None) -> float:
    """F1 of the longest common subsequence of the whole texts, 0 to 1; of two that would take hours a lower bound, which `cut` is told."""
    tokenize = _tokenizer(prediction, reference, stem)
    if len(reference) > LONG:
        return _long_rouge_l(prediction, reference, tokenize, cut)
    want = tokenize(reference)
    codes = {word: code for code, word in enumerate(dict.fromkeys(want))}
    have, length = _known_words(prediction, tokenize, codes)
    if not have or not want:
        return 0.0
    first, second = within_reach(have, array("q", [codes[word] for word in want]))
    if cut is not None and len(first) + len(second) < len(have) + len(want):
        cut.add((prediction, reference))
    return _f1(LCSseq.similarity(first, second), length, len(want))


def _long_rouge_l(prediction: str, reference: str, tokenize: Tokenize, cut: Cut | None) -> float:
    """`rouge_l` of a reference that is too long for a list of its words."""
    known = distinct_of(_words(reference, tokenize)())
    want = codes_of(known, _words(reference, tokenize)())
    have = codes_of(known, _words(prediction, tokenize)())
    length = len(have)
    have = have[have < len(known)]
    common, short = common_length([have], [want])
    if short and cut is not None:
        cut.add((prediction, reference))
    return _f1(common, length, len(want)) if len(have) else 0.0


def _words(text: str, tokenize: Tokenize) -> Words:
    return lambda: map(tokenize, pieces(text))


def _known_words(text: str, tokenize: Tokenize, codes: Mapping[str, int]) -> tuple[array[int], int]:
    """The codes of the words of a text that have one, in order, and how many words it has in all."""
    found = array("q")
    length = 0
    for piece in pieces(text):
        words = tokenize(piece)
        length += len(words)
        found.extend(codes[word] for word in words if word in codes)
    return found, length


def rouge_lsum(prediction: str, reference: str, *, stem: bool = False, cut: Cut | None = None) -> float:
    """Summary-level ROUGE-L: a line is a sentence; words that a reference's line has in common with any line of the answer count once."""
    tokenize = _tokenizer(prediction, reference, stem)
    want = [words for line in _LINE.findall(reference) if (words := tokenize(line))]
    wanted = Counter(word for line in want for word in line)
    left: Counter[str] = Counter()
    common: list[set[int]] = [set() for _ in want]
    length = 0
    for match in _LINE.finditer(prediction):
        other = _line_words(match[0], tokenize, wanted)
        length += other.length
        left.update(word for word in other.words if word in wanted)
        for places, line in zip(common, want, strict=True):
            if len(line) * len(other.words) > WALKED_CELLS and cut is not None:
                cut.add((prediction, reference))
            places.update(_common_places(line, other.words))
    hits = 0
    for line, places in zip(want, common, strict=True):
        for place in sorted(places):
            word = line[place]
            if left[word] > 0 and wanted[word] > 0:
                hits += 1
                left[word] -= 1
                wanted[word] -= 1
    return _f1(hits, length, sum(map(len, want)))


class _Line(NamedTuple):
    words: tuple[str, ...]
    length: int


def _line_words(line: str, tokenize: Tokenize, wanted: Mapping[str, int]) -> _Line:
    """The words of a line; of one too long for the package's own table those that the reference has, as no other can be in common."""
    if len(line) <= LONG_LINE:
        words = tokenize(line)
        return _Line(words, len(words))
    found: list[str] = []
    length = 0
    for piece in pieces(line):
        words = tokenize(piece)
        length += len(words)
        found += [word for word in words if word in wanted]
    return _Line(tuple(found), length)


def _common_places(line: tuple[str, ...], other: tuple[str, ...]) -> list[int]:
    """The places in `line` of a longest common subsequence, the one that the package takes where it can be afforded."""
    if len(line) * len(other) <= _MOST_CELLS:
        from rouge_score import rouge_scorer

        table = rouge_scorer._lcs_table(line, other)
        found: list[int] = rouge_scorer._backtrack_norec(table, line, other)
        return found
    if len(line) * len(other) > WALKED_CELLS:
        line = line[: int(WALKED_CELLS**0.5)]
        other = other[: WALKED_CELLS // len(line)]
    codes = {word: code for code, word in enumerate(dict.fromkeys(line))}
    walked = common_places([codes.get(word, -1) for word in other], [codes[word] for word in line])
    return [place for _, place in walked]


def _tokenizer(prediction: str, reference: str, stem: bool) -> Tokenize:
    if needs_unicode(prediction) or needs_unicode(reference):
        return cached_words
    return stemmed_tokens if stem else tokens


@cached(1 << 15)
def tokens(text: str) -> tuple[str, ...]:
    """The package's default tokenizer."""
    return tuple(_WORD.findall(text.lower()))


@cached(1 << 15)
def stemmed_tokens(text: str) -> tuple[str, ...]:
    """The package's tokenizer with its stemmer: Porter's, for words of more than three letters."""
    from nltk.stem.porter import PorterStemmer

    stemmer = PorterStemmer()
    return tuple(stemmer.stem(word) if len(word) > 3 else word for word in tokens(text))


def _ngrams(items: tuple[str, ...], order: int) -> list[tuple[str, ...]]:
    return [items[i : i + order] for i in range(len(items) - order + 1)]


def _f1(common: int, have: int, want: int) -> float:
    precision, recall = common / max(have, 1), common / max(want, 1)
    return 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0


def _refuse_long(rows: Sequence[Row]) -> None:
    """Each line of a reference is held against each of the answer, which for megabytes is bounded neither in memory nor in time."""
    for row in rows:
        if (longest := max(map(len, row.references), default=0)) > LONG:
            raise DataError(
                f"rougeLsum takes references of at most {LONG:,} characters; this one has {longest:,}.",
                where=row.id,
                cure="Take rougeL, which compares the texts whole.",
            )


def _build(compare: Callable[..., float], name: str) -> Callable[[MetricOptions], Scorer]:
    def build(options: MetricOptions) -> Scorer:
        def score(rows: Sequence[Row]) -> Scores:
            if compare is rouge_lsum:
                _refuse_long(rows)
            cut: Cut = set()
            per_row = over_pairs(lambda prediction, reference: compare(prediction, reference, stem=options.stem, cut=cut), "max")
            values = mean_of(per_row)(rows).values
            return Scores(values=values, notes=script_notes(rows), inexact=lower_bound(name, len({text for text, _ in cut})))

        return mean_metric(score, signature=f"{name} tok:rouge-score+unicode-words stem:{'porter' if options.stem else 'no'} refs:max")

    build.__doc__ = compare.__doc__
    return build


rouge1 = _build(partial(rouge_n, order=1), "rouge:1")
rouge2 = _build(partial(rouge_n, order=2), "rouge:2")
rougel = _build(rouge_l, "rouge:L")
rougelsum = _build(rouge_lsum, "rouge:Lsum")
