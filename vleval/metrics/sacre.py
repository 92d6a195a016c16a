"""sacreBLEU's corpus metrics: BLEU, chrF2 and TER, from one set of sufficient statistics per row.

The statistics come from sacrebleu itself; the formulas that turn sums into scores are repeated here over arrays, for resampling, and
checked against it. Corpus BLEU of perfect one-word answers is 0, since no two-word match exists; a note says so.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
from rapidfuzz.distance import Levenshtein

from vldata.errors import DataError, UsageError
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, references
from vleval.metrics.long_texts import BREAKS, LONG, bleu_counts, chrf_counts
from vleval.metrics.options import MetricOptions
from vleval.metrics.pieces import SPACES, pieces
from vleval.metrics.text import has_cjk
from vleval.metrics.word_bags import codes_of, distinct_of
from vleval.metrics.word_keys import MOST_CELLS, sequence
from vleval.rows import Row

TOKENIZERS = ("13a", "zh", "char", "intl", "none", "ja-mecab", "ko-mecab")  # those that download a model are left out
_LONGEST_FOR_SHIFTS = 20_000  # looking for shifts in longer answers takes minutes
_AT_ONCE = 100  # rows
_IDEOGRAPH = "\u4e00-\u9fff"
_ASIAN_BREAKS = re.compile(f" |(?<=[{_IDEOGRAPH}])[{_IDEOGRAPH}]")  # where TER's Asian support ends a word
_TINY = -9999999999.0


def bleu_value(sums: Floats) -> Floats:
    """Corpus BLEU-4 with exponential smoothing from [hyp length, ref length, 4 matches, 4 totals]."""
    hyp, ref = sums[:, 0], sums[:, 1]
    correct, total = sums[:, 2:6], sums[:, 6:10]
    logs = np.zeros(len(sums))
    halvings = np.zeros(len(sums))
    alive = np.ones(len(sums), dtype=np.bool_)
    for order in range(4):
        alive &= total[:, order] > 0
        missing = alive & (correct[:, order] == 0)
        halvings += missing
        matches = np.where(missing, 0.5**halvings, correct[:, order])
        precision = np.divide(100.0 * matches, total[:, order], out=np.zeros_like(hyp), where=alive)
        logs += np.log(precision, out=np.full_like(hyp, _TINY), where=precision > 0)
    ratio = np.divide(ref, hyp, out=np.full_like(hyp, np.inf), where=hyp > 0)
    penalty = np.where(hyp < ref, np.exp(np.minimum(1.0 - ratio, 0.0)), 1.0)
    scores: Floats = np.where(correct.any(axis=1), penalty * np.exp(logs / 4), 0.0)
    return scores


def chrf_value(sums: Floats, *, beta: int = 2) -> Floats:
    """Corpus chrF from [hyp, ref, match] counts of each order."""
    hyp, ref, match = sums[:, 0::3], sums[:, 1::3], sums[:, 2::3]
    both = (hyp > 0) & (ref > 0)
    orders = np.maximum(both.sum(axis=1), 1)
    precision = np.divide(match, hyp, out=np.zeros_like(match), where=both).sum(axis=1) / orders
    recall = np.divide(match, ref, out=np.zeros_like(match), where=both).sum(axis=1) / orders
    below = beta**2 * precision + recall
    scores: Floats = 100.0 * np.divide((1 + beta**2) * precision * recall, below, out=np.zeros_like(below), where=below > 0)
    return scores


def ter_value(sums: Floats) -> Floats:
    """Corpus TER from [edits, reference length]; an empty reference and a non-empty answer give 100."""
    edits, length = sums[:, 0], sums[:, 1]
    return 100.0 * np.divide(edits, length, out=(edits > 0).astype(np.float64), where=length > 0)


def sacrebleu(options: MetricOptions) -> Scorer:
    """Corpus BLEU. The tokenizer is 13a, and `zh` (or `char` for kana and hangul) when references have CJK text."""
    _check(options.tokenize)

    def score(rows: Sequence[Row]) -> Scores:
        tokenize = options.tokenize or _tokenizer(rows)
        return _bleu(rows, tokenize, chosen=not options.tokenize)

    return _corpus(score, f"{_signature('BLEU', tokenize=options.tokenize or '13a')}{'' if options.tokenize else ' tok-cjk:zh|char'}")


def sacrebleu_13a(options: MetricOptions) -> Scorer:
    """lmms-eval, api/metrics.py `bleu`: sacrebleu's defaults, whatever the script."""
    tokenize = options.tokenize or "13a"
    _check(tokenize)
    return _corpus(lambda rows: _bleu(rows, tokenize, chosen=False), _signature("BLEU", tokenize=tokenize))


def chrf(options: MetricOptions) -> Scorer:
    """Corpus chrF2 over characters up to order 6; works for any script."""

    def score(rows: Sequence[Row]) -> Scores:
        metric = _metric("CHRF")
        stats = _statistics(metric, [_cut_long(row) for row in rows], 18)
        for index in _long(rows):
            stats[index] = chrf_counts(answer(rows[index]) or "", rows[index].references, metric._compute_f_score, 6)
        return Scores(values=chrf_value(stats), corpus=CorpusStats(stats, chrf_value))

    return _corpus(score, _signature("CHRF"))


def chrf_plus(options: MetricOptions) -> Scorer:
    """Corpus chrF++: chrF with words and pairs of words next to the characters."""

    def score(rows: Sequence[Row]) -> Scores:
        metric = _metric("CHRF", word_order=2)
        stats = _statistics(metric, [_cut_long(row) for row in rows], 24)
        for index in _long(rows):
            row = rows[index]
            stats[index] = chrf_counts(answer(row) or "", row.references, metric._compute_f_score, 6, word_order=2)
        return Scores(values=chrf_value(stats), corpus=CorpusStats(stats, chrf_value))

    return _corpus(score, _signature("CHRF").replace("nw:0", "nw:2"))


def _long(rows: Sequence[Row], most: int = LONG) -> list[int]:
    """The rows that are counted piece by piece: their answer or one of their references is long."""
    return [index for index, row in enumerate(rows) if _is_long(row, most)]


def _is_long(row: Row, most: int = LONG) -> bool:
    return max(len(answer(row) or ""), *map(len, row.references), 0) > most


def _cut_long(row: Row, most: int = LONG) -> Row:
    """The row with nothing in the place of long texts, which are counted apart."""
    return msgspec.structs.replace(row, prediction="", references=("",) * len(row.references)) if _is_long(row, most) else row


def ter(options: MetricOptions) -> Scorer:
    """Corpus TER, in percent, lower is better; an answer that failed counts as an empty hypothesis: every word of the reference is an edit.

    In vlkit CJK text is split by TER's own Asian support.
    """

    def score(rows: Sequence[Row]) -> Scores:
        asian = any(has_cjk(reference) for row in rows for reference in row.references)
        return _ter(rows, asian=asian)

    return _corpus(score, _signature("TER") + " tok-cjk:tercom-norm-asian", higher_is_better=False)


def ter_plain(options: MetricOptions) -> Scorer:
    """lmms-eval, api/metrics.py `ter`: sacrebleu's defaults, whatever the script."""
    return _corpus(lambda rows: _ter(rows, asian=False), _signature("TER"), higher_is_better=False)


def _ter(rows: Sequence[Row], *, asian: bool) -> Scores:
    metric = _metric("TER", normalized=True, asian_support=True) if asian else _metric("TER")
    long = _long(rows, _LONGEST_FOR_SHIFTS)
    stats = _statistics(metric, [_cut_long(row, _LONGEST_FOR_SHIFTS) for row in rows], 2)
    notes = ["Chinese and Japanese characters are split and counted as words of their own."] if asian else []
    for index in long:
        stats[index] = _unshifted(metric.tokenizer, rows[index], _ASIAN_BREAKS if asian else SPACES)
    if long:
        notes.append(f"{len(long)} rows with a text of more than {_LONGEST_FOR_SHIFTS:,} characters are scored without shifts.")
    return Scores(values=ter_value(stats), corpus=CorpusStats(stats, ter_value), notes=tuple(notes))


def _unshifted(tokenizer: Any, row: Row, breaks: re.Pattern[str]) -> tuple[float, float]:
    """The fewest edits to any reference, and the mean length of the references in words.

    Raises:
        DataError: both sides are so long that counting the edits would not end.
    """
    tokenize = _uncached(tokenizer)

    def words(text: str) -> Iterator[list[str]]:
        return (tokenize(piece).split() for piece in pieces(text.rstrip(), breaks))

    known = distinct_of(batch for reference in row.references for batch in words(reference))
    given = sequence([codes_of(known, words(answer(row) or ""))])
    targets = [sequence([codes_of(known, words(reference))]) for reference in row.references]
    if len(given) * max(map(len, targets)) > MOST_CELLS:
        what = f"TER of an answer of {len(given):,} words and a reference of {max(map(len, targets)):,} would take minutes or hours"
        raise DataError(f"{what}.", where=row.id, cure="Take chrf, or leave the row out.")
    return min(Levenshtein.distance(given, target) for target in targets), sum(map(len, targets)) / len(targets)


def _uncached(tokenizer: Any) -> Callable[[str], str]:
    """A tokenizer of sacrebleu without its cache, which would keep every piece of a long text."""
    call: Any = type(tokenizer).__call__
    return functools.partial(getattr(call, "__wrapped__", call), tokenizer)


def _bleu(rows: Sequence[Row], tokenize: str, *, chosen: bool) -> Scores:
    metric = _metric("BLEU", tokenize=tokenize, effective_order=True)
    stats = _statistics(metric, [_cut_long(row) for row in rows], 10)
    for index in _long(rows):
        row = rows[index]
        breaks = BREAKS.get(tokenize, SPACES)
        stats[index] = bleu_counts(answer(row) or "", row.references, _uncached(metric.tokenizer), 4, breaks=breaks)
    values = np.array([metric._compute_score_from_stats([int(number) for number in line]).score for line in stats])
    notes = []
    if chosen and tokenize != "13a":
        notes.append(f"References have CJK text: sacrebleu's {tokenize!r} tokenizer is used, since '13a' would find no words.")
    elif tokenize == "13a" and any(has_cjk(reference) for row in rows for reference in row.references):
        notes.append("References have CJK text, in which the '13a' tokenizer finds no words: this BLEU says little.")
    short = sum(1 for row in rows if len(row.references[0].split(maxsplit=4)) < 4 and not has_cjk(row.references[0]))
    if rows and short > len(rows) / 2:
        notes.append(f"{short} of {len(rows)} references have fewer than four words, where BLEU cannot reach 100 and may be 0.")
    return Scores(values=values, corpus=CorpusStats(stats, bleu_value), notes=tuple(notes))


def _statistics(metric: Any, rows: Sequence[Row], width: int) -> Floats:
    """Shape (rows, width). Some rows at a time: sacrebleu first counts every n-gram of all references that it is given."""
    stats = np.empty((len(rows), width))
    for start in range(0, len(rows), _AT_ONCE):
        some = rows[start : start + _AT_ONCE]
        stats[start : start + _AT_ONCE] = metric._extract_corpus_statistics(*_texts(some))
    return stats


def _texts(rows: Sequence[Row]) -> tuple[list[str], list[list[str | None]]]:
    widest = max((len(references(row)) for row in rows), default=1)
    streams: list[list[str | None]] = [[row.references[i] if i < len(row.references) else None for row in rows] for i in range(widest)]
    return [answer(row) or "" for row in rows], streams


def _metric(name: str, **settings: Any) -> Any:
    from sacrebleu import metrics

    metric = getattr(metrics, name)(**settings)
    metric._force = True  # no warning about answers that end in " ."
    return metric


def _signature(name: str, **settings: Any) -> str:
    parts = {
        "BLEU": f"case:mixed eff:no tok:{settings.get('tokenize')} smooth:exp",
        "CHRF": "case:mixed eff:yes nc:6 nw:0 space:no",
        "TER": "case:lc tok:tercom norm:no punct:yes asian:no",
    }
    return f"{parts[name]} refs:all"


def _tokenizer(rows: Sequence[Row]) -> str:
    marked = [reference for row in rows for reference in row.references if has_cjk(reference)]
    if not marked:
        return "13a"
    return "char" if any("\u3040" <= mark <= "\u30ff" or "\uac00" <= mark <= "\ud7af" for text in marked for mark in text) else "zh"


def _check(tokenize: str) -> None:
    if tokenize and tokenize not in TOKENIZERS:
        raise UsageError(f"no sacrebleu tokenizer {tokenize!r} here.", cure="Take one of: " + ", ".join(TOKENIZERS) + ".")


def _corpus(score: Callable[[Sequence[Row]], Scores], signature: str, *, higher_is_better: bool = True) -> Scorer:
    return Scorer(score=score, signature=signature, kind="corpus", scale=100.0, higher_is_better=higher_is_better)
