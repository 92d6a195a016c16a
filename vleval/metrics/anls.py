"""ANLS (Biten et al. 2019, "Scene Text Visual Question Answering", equation 1), in the variants that are in use.

A reference's similarity is 1 - distance / length; below the threshold it is 0; a row's score is the best of its references. The variants
differ in what is lower-cased and stripped, in whose length divides, and in whether the threshold itself is kept.
"""

from __future__ import annotations

import contextlib
import itertools
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence
from contextvars import ContextVar

from rapidfuzz.distance import Levenshtein

from vleval.metric import Scorer, Scores
from vleval.metrics.base import answer, mean_metric, mean_of, references
from vleval.metrics.options import MetricOptions
from vleval.metrics.pieces import collapsed
from vleval.metrics.word_keys import MOST_CELLS, lower_bound
from vleval.rows import Row

_PART = 20_000  # characters of a part of a text that is too long to be compared whole
_bounds: ContextVar[set[str] | None] = ContextVar("bounds", default=None)  # texts of the rows at hand that were compared in parts


def normal(text: str) -> str:
    """Lower case, blanks collapsed."""
    return collapsed(text.lower() if text.isascii() else text.strip().lower())


def distance_ratio(prediction: str, reference: str, length: int, threshold: float) -> float:
    """Levenshtein distance / length, exact wherever 1 - ratio reaches `threshold`; elsewhere it may be any larger ratio."""
    if prediction == reference:
        return 0.0
    cutoff = int((1.0 - threshold) * length) + 1
    return _distance(prediction, reference, max(cutoff, 0)) / length if length else 0.0


def _distance(one: str, other: str, cutoff: int) -> int:
    """Levenshtein distance; of two texts that would take minutes that of their parts, which is never smaller and is noted."""
    if len(one) * len(other) <= MOST_CELLS:
        return Levenshtein.distance(one, other, score_cutoff=cutoff)
    if (noted := _bounds.get()) is not None:
        noted.add(one)
    parts = -(-max(len(one), len(other)) // _PART)
    ends = [(len(one) * place // parts, len(other) * place // parts) for place in range(parts + 1)]
    return sum(Levenshtein.distance(one[a:c], other[b:d]) for (a, b), (c, d) in itertools.pairwise(ends))


@contextlib.contextmanager
def noting() -> Iterator[set[str]]:
    """Note the answers that are compared in parts meanwhile."""
    noted: set[str] = set()
    token = _bounds.set(noted)
    try:
        yield noted
    finally:
        _bounds.reset(token)


def bound_of(noted: Collection[str]) -> str:
    """What is told of rows whose answers were compared in parts; nothing of none."""
    return lower_bound("ANLS", len(noted), "they are compared part by part")


def _over_rows(per_row: Callable[[Row], float]) -> Callable[[Sequence[Row]], Scores]:
    """Score rows one by one, and say of how many the value is a lower bound."""

    def score(rows: Sequence[Row]) -> Scores:
        with noting() as noted:
            values = mean_of(per_row)(rows).values
        return Scores(values=values, inexact=bound_of(noted))

    return score


def anls(prediction: str, known: Sequence[str], *, threshold: float = 0.5) -> float:
    """Our variant: NFKC, lower case, blanks collapsed on both sides, lengths of the normalised texts, the threshold itself kept."""
    return _best_kept(_nfkc(prediction), [_nfkc(reference) for reference in known], threshold)


def _nfkc(text: str) -> str:
    return normal(text if text.isascii() else unicodedata.normalize("NFKC", text))


def _best_kept(prediction: str, known: Sequence[str], threshold: float) -> float:
    best = 1.0 - min(distance_ratio(prediction, reference, max(len(prediction), len(reference)), threshold) for reference in known)
    return best if best >= threshold else 0.0


def raw_length_anls(prediction: str, known: Sequence[str], *, threshold: float = 0.5) -> float:
    """The RRC script for InfographicVQA, kept by lmms-eval, VLMEvalKit and Qwen-VL.

    The texts are normalised, the lengths are those of the raw texts in upper case.
    """
    text, raw = normal(prediction), len(prediction.upper())
    best = 1.0 - min(distance_ratio(text, normal(reference), max(raw, len(reference.upper())), threshold) for reference in known)
    return best if best >= threshold else 0.0


def evalscope_anls(prediction: str, known: Sequence[str], *, threshold: float = 0.5) -> float:
    """As evalscope 1.14 has it, metrics/nlp/metrics.py: lengths of the normalised texts."""
    return _best_kept(normal(prediction), [normal(reference) for reference in known], threshold)


def pip_anls(prediction: str, known: Sequence[str], *, threshold: float = 0.5) -> float:
    """The `anls` package: the threshold is on the distance, which must stay below it, so a similarity of exactly 0.5 is dropped."""
    text = normal(prediction)
    return max(_strict(text, target := normal(reference), _upper_length(text, target), threshold) for reference in known)


def pix2struct_anls(prediction: str, known: Sequence[str], *, threshold: float = 0.5) -> float:
    """pix2struct, metrics.py: lower case only, distance strictly below the threshold. Two empty texts divide by zero upstream; 1 here."""
    text = prediction.lower()
    return max(_strict(text, target := reference.lower(), max(len(text), len(target)), threshold) for reference in known)


def _strict(prediction: str, reference: str, length: int, threshold: float) -> float:
    ratio = distance_ratio(prediction, reference, length, 1.0 - threshold)
    return 1.0 - ratio if ratio < threshold else 0.0


def _upper_length(prediction: str, reference: str) -> int:
    return max(len(prediction.upper()), len(reference.upper()))


def slide_anls(prediction: str, known: Sequence[str], *, threshold: float = 0.5) -> float:
    """SlideVQA in VLMEvalKit: lower case, newlines of the reference removed; a similarity of exactly 0.5 is dropped."""
    text, target = prediction.lower(), known[0].replace("\n", "").lower()
    similarity = 1.0 - distance_ratio(text, target, _upper_length(text, target), threshold)
    return similarity if similarity > threshold else 0.0


def slide_anls_lmms(prediction: str, known: Sequence[str], *, threshold: float = 0.5) -> float:
    """SlideVQA in lmms-eval: as `slide_anls`, with lengths of the lower-case texts, and 0 for two empty texts."""
    text, target = prediction.lower(), known[0].replace("\n", "").lower()
    length = max(len(target), len(text))
    similarity = 1.0 - distance_ratio(text, target, length, threshold) if length else 0.0
    return similarity if similarity > threshold else 0.0


def mp_docvqa(options: MetricOptions) -> Scorer:
    """MP-DocVQA framework, metrics.py: lower case and strip; an empty answer is 0, and so is "none" where an answer exists.

    A row whose `answer_type` is "not-answerable" scores 1 for "none" and 0 otherwise.
    """
    threshold = _threshold(options)

    def per_row(row: Row) -> float:
        known = [reference.lower().strip() for reference in references(row)]
        text = (answer(row) or "").lower().strip()
        if not text:
            return 0.0
        if row.extra.get("answer_type") == "not-answerable":
            return float(text == "none")
        return 0.0 if text == "none" else _best_kept(text, known, threshold)

    return mean_metric(_over_rows(per_row), signature=f"norm:strip+lower len:normalised t:{threshold:g} refs:max")


def _build(compare: Callable[..., float], signature: str) -> Callable[[MetricOptions], Scorer]:
    def build(options: MetricOptions) -> Scorer:
        threshold = _threshold(options)

        def per_row(row: Row) -> float:
            text = answer(row)
            known = references(row)
            return 0.0 if text is None else compare(text, known, threshold=threshold)

        return mean_metric(_over_rows(per_row), signature=f"{signature} t:{threshold:g}")

    build.__doc__ = compare.__doc__
    return build


def _threshold(options: MetricOptions) -> float:
    return 0.5 if options.threshold is None else options.threshold


vlkit = _build(anls, "norm:nfkc+lower+blanks len:normalised keep:>= refs:max")
raw_length = _build(raw_length_anls, "norm:lower+blanks len:raw keep:>= refs:max")
evalscope = _build(evalscope_anls, "norm:lower+blanks len:normalised keep:>= refs:max")
pip = _build(pip_anls, "norm:lower+blanks len:normalised keep:> refs:max")
pix2struct = _build(pix2struct_anls, "norm:lower len:raw keep:> refs:max")
slidevqa = _build(slide_anls, "norm:lower len:raw keep:> refs:first")
slidevqa_lmms = _build(slide_anls_lmms, "norm:lower len:raw keep:> refs:first empty:0")
