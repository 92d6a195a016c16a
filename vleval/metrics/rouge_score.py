"""ROUGE of the `rouge-score` package (Lin 2004): n-gram counts and sentence-level LCS over [a-z0-9] words.

In vlkit a text with letters beyond ASCII, which that package drops, is split by the kinds of its characters instead (`words`), and so is
its partner. The best F1 over the references counts, as the package's `score_multi` does.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from rapidfuzz.distance import LCSseq

from vleval.metric import Scorer, Scores
from vleval.metrics.base import mean_metric, mean_of, over_pairs
from vleval.metrics.caching import cached
from vleval.metrics.options import MetricOptions
from vleval.metrics.words import cached_words, needs_unicode, script_notes
from vleval.rows import Row

_WORD = re.compile("[a-z0-9]+")
_MOST_CELLS = 1_000_000  # of the table of a common subsequence, two lines at a time


Tokenize = Callable[[str], tuple[str, ...]]


def rouge_n(prediction: str, reference: str, order: int, *, stem: bool = False) -> float:
    """F1 of n-gram counts, 0 to 1."""
    tokenize = _tokenizer(prediction, reference, stem)
    have, want = tokenize(prediction), tokenize(reference)
    grams, targets = Counter(_ngrams(have, order)), Counter(_ngrams(want, order))
    common = sum(min(count, targets[gram]) for gram, count in grams.items() if gram in targets)
    return _f1(common, sum(grams.values()), sum(targets.values()))


def rouge_l(prediction: str, reference: str, *, stem: bool = False) -> float:
    """F1 of the longest common subsequence of the whole texts, 0 to 1."""
    tokenize = _tokenizer(prediction, reference, stem)
    have, want = tokenize(prediction), tokenize(reference)
    return _f1(LCSseq.similarity(have, want), len(have), len(want)) if have and want else 0.0


def rouge_lsum(prediction: str, reference: str, *, stem: bool = False) -> float:
    """Summary-level ROUGE-L: a line is a sentence; words that a reference's line has in common with any line of the answer count once."""
    tokenize = _tokenizer(prediction, reference, stem)
    have, want = ([words for line in text.split("\n") if (words := tokenize(line))] for text in (prediction, reference))
    left = Counter(word for line in have for word in line)
    wanted = Counter(word for line in want for word in line)
    hits = 0
    for line in want:
        for place in sorted({place for other in have for place in _common_places(line, other)}):
            word = line[place]
            if left[word] > 0 and wanted[word] > 0:
                hits += 1
                left[word] -= 1
                wanted[word] -= 1
    return _f1(hits, sum(map(len, have)), sum(map(len, want)))


def _common_places(line: tuple[str, ...], other: tuple[str, ...]) -> list[int]:
    """The places in `line` of a longest common subsequence, the one that the package takes where it can be afforded."""
    if len(line) * len(other) <= _MOST_CELLS:
        from rouge_score import rouge_scorer

        table = rouge_scorer._lcs_table(line, other)
        found: list[int] = rouge_scorer._backtrack_norec(table, line, other)
        return found
    deleted = {edit.src_pos for edit in LCSseq.editops(line, other) if edit.tag == "delete"}
    return [place for place in range(len(line)) if place not in deleted]


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


def _build(compare: Callable[..., float], name: str) -> Callable[[MetricOptions], Scorer]:
    def build(options: MetricOptions) -> Scorer:
        def stemmed(prediction: str, reference: str) -> float:
            return compare(prediction, reference, stem=options.stem)

        per_row = over_pairs(stemmed, "max")

        def score(rows: Sequence[Row]) -> Scores:
            return Scores(values=mean_of(per_row)(rows).values, notes=script_notes(rows))

        return mean_metric(score, signature=f"{name} tok:rouge-score+unicode-words stem:{'porter' if options.stem else 'no'} refs:max")

    build.__doc__ = compare.__doc__
    return build


rouge1 = _build(lambda prediction, reference, stem: rouge_n(prediction, reference, 1, stem=stem), "rouge:1")
rouge2 = _build(lambda prediction, reference, stem: rouge_n(prediction, reference, 2, stem=stem), "rouge:2")
rougel = _build(rouge_l, "rouge:L")
rougelsum = _build(rouge_lsum, "rouge:Lsum")
