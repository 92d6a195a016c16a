"""LLaMA-Factory's sft metric (train/sft/metric.py, scripts/eval_bleu_rouge.py): character BLEU-4 and jieba ROUGE, one reference.

Per record everything is times 100 and rounded to 4 places, as upstream does, and then averaged. Only the first reference counts; the
texts are raw: case, punctuation and `<think>` count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import LCSseq

from vleval.metric import Scorer, Scores
from vleval.metrics import pieces
from vleval.metrics.base import answer, mean_metric, references
from vleval.metrics.bleu_batch import bleu4_characters
from vleval.metrics.caching import cached
from vleval.metrics.options import MetricOptions
from vleval.metrics.segment import EDGE, batches, words, words_and_blanks
from vleval.metrics.word_keys import LONG, Distinct, common_length, grams_of, keys_of, known_codes, lower_bound, shared
from vleval.rows import Row

_SENTENCE_ENDS = (
    (re.compile(r"([。！？\?])([^”’])"), "\\1\n\\2"),
    (re.compile(r"(\.{6})([^”’])"), "\\1\n\\2"),
    (re.compile(r"(…{2})([^”’])"), "\\1\n\\2"),
    (re.compile(r"([。！？\?][”’])([^，。！？\?])"), "\\1\n\\2"),
)


_ENDERS = frozenset(("", *"。！？?"))


def rouge(prediction: str, reference: str) -> tuple[float, float, float, bool]:
    """ROUGE-1, -2 and -L F, 0 to 1, and whether the last is only a lower bound, as a common subsequence of megabytes takes hours."""
    if len(prediction) > LONG or len(reference) > LONG:
        return _long_rouge(prediction, reference)
    return *short_rouge(prediction, reference), False


@cached(1 << 17)
def short_rouge(prediction: str, reference: str) -> tuple[float, float, float]:
    """ROUGE-1, -2 and -L F of rouge_chinese over jieba's words, 0 to 1; all 0 when a side has no word."""
    hypothesis, target = rouge_tokens(prediction), rouge_tokens(reference)
    if not hypothesis or not target:
        return 0.0, 0.0, 0.0
    unigrams = _set_f1(frozenset(hypothesis), frozenset(target))
    bigrams = _set_f1(frozenset(pairwise(hypothesis)), frozenset(pairwise(target)))
    common = LCSseq.similarity(_told_apart(hypothesis), _told_apart(target))
    return unigrams, bigrams, _f1(common, len(hypothesis), len(target))


@cached(1 << 16)
def rouge_tokens(text: str) -> tuple[str, ...]:
    """The flat token list upstream compares: jieba's words cut into sentences and lines, where a blank line leaves an empty token."""
    found = words(text)
    if not found or not _breaks(text):
        return tuple(found)
    joined = " ".join(words_and_blanks(text))
    for pattern, replacement in _SENTENCE_ENDS:
        joined = pattern.sub(replacement, joined)
    lines = [" ".join(line.split()) for line in joined.rstrip().split("\n") if line]
    return tuple(token for line in lines for token in line.split(" "))


def rouge_batches(text: str) -> Iterator[list[str]]:
    """The tokens of `rouge_tokens` list by list."""
    lines = _Lines()
    for piece in pieces.pieces(text, EDGE):
        if len(piece) <= 4 * pieces.PIECE and not _breaks(piece):
            yield from lines.plain(words(piece))
        else:
            for batch in batches(piece):
                yield from lines.parted(batch)


class _Lines:
    """Where sentences and lines end: a sentence behind its mark; a line without a word is an empty token where a word follows."""

    def __init__(self) -> None:
        self._untouched, self._filled, self._held = True, False, 0

    def plain(self, found: list[str]) -> Iterator[list[str]]:
        """Words of a text without a break."""
        self._untouched = False
        if found:
            yield from self._empty_lines()
            self._filled = True
            yield found

    def parted(self, batch: list[str]) -> Iterator[list[str]]:
        """Words and blanks of a text with breaks."""
        found: list[str] = []
        for word in batch:
            if word.isspace():
                if "\n" in word:
                    self._held += not self._filled and not (self._untouched and word == "\n")
                    self._filled = False
                self._untouched = False
                continue
            if self._held:
                yield found
                yield from self._empty_lines()
                found = []
            lines = _dotted_lines(word) if "......" in word else [word]
            found += filter(None, lines)
            self._filled = lines[-1] not in _ENDERS
            self._untouched = False
        yield found

    def _empty_lines(self) -> Iterator[list[str]]:
        for start in range(0, self._held, pieces.PIECE):
            yield [""] * min(self._held - start, pieces.PIECE)
        self._held = 0


def _dotted_lines(word: str) -> list[str]:
    pattern, replacement = _SENTENCE_ENDS[1]
    return [line.strip() for line in pattern.sub(replacement, word + " ").split("\n")]


def _long_rouge(prediction: str, reference: str) -> tuple[float, float, float, bool]:
    """`rouge` of texts too long for lists of their words; last, whether ROUGE-L is a lower bound."""
    targets = [keys_of(batch) for batch in rouge_batches(reference)]
    target = np.concatenate([np.empty(0, np.uint64), *targets])
    wanted, wanted_pairs = np.unique(target), np.unique(grams_of(target, 2))
    have, have_pairs = Distinct(), Distinct()
    known: list[NDArray[np.unsignedinteger]] = []
    length, last = 0, target[:0]
    for batch in rouge_batches(prediction):
        fresh = keys_of(batch)
        have.add(fresh)
        have_pairs.add(grams_of(np.concatenate([last, fresh]), 2))
        known.append(known_codes(wanted, fresh))
        length, last = length + len(fresh), fresh[-1:] if len(fresh) else last
    if not length or not len(target):
        return 0.0, 0.0, 0.0, False
    common, cut = common_length(known, [known_codes(wanted, target)])
    return (
        _f1(shared(have.sorted(), wanted), len(have.sorted()), len(wanted)),
        _f1(shared(have_pairs.sorted(), wanted_pairs), len(have_pairs.sorted()), len(wanted_pairs)),
        _f1(common, length, len(target)),
        cut,
    )


def _breaks(text: str) -> bool:
    if "\n" in text or "?" in text or "......" in text:
        return True
    return not text.isascii() and any(mark in text for mark in ("。", "！", "？", "……"))


def _told_apart(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Without empty tokens, which rapidfuzz takes for NUL characters; no token is a newline."""
    return tuple([token or "\n" for token in tokens]) if "" in tokens else tokens


def _set_f1(have: frozenset[Any], want: frozenset[Any]) -> float:
    return _f1(len(have & want), len(have), len(want))


def _f1(common: int, have: int, want: int) -> float:
    precision = common / have if have else 0.0
    recall = common / want if want else 0.0
    return 2.0 * ((precision * recall) / (precision + recall + 1e-8))


def bleu_4(options: MetricOptions) -> Scorer:
    """`predict_bleu-4`."""

    def score(rows: Sequence[Row]) -> Scores:
        pairs = [(answer(row) or "", references(row)[0]) for row in rows]
        return Scores(values=np.array([round(value * 100, 4) for value in bleu4_characters(pairs)], dtype=np.float64))

    return mean_metric(score, signature="tok:char smooth:nltk-method3 round:4 refs:first", scale=100.0)


def rouge_1(options: MetricOptions) -> Scorer:
    """`predict_rouge-1`."""
    return _metric(0, "tok:jieba ngrams:set")


def rouge_2(options: MetricOptions) -> Scorer:
    """`predict_rouge-2`."""
    return _metric(1, "tok:jieba ngrams:set")


def rouge_l(options: MetricOptions) -> Scorer:
    """`predict_rouge-l`."""
    return _metric(2, "tok:jieba lcs:flat")


def _metric(which: int, signature: str) -> Scorer:
    def score(rows: Sequence[Row]) -> Scores:
        found = [rouge(answer(row) or "", references(row)[0]) for row in rows]
        values = np.array([round(scores[which] * 100, 4) for scores in found], dtype=np.float64)
        return Scores(values=values, inexact=lower_bound("rouge-l", sum(scores[3] for scores in found) if which == 2 else 0))

    return mean_metric(score, signature=f"{signature} round:4 refs:first", scale=100.0)
