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
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from vldata.errors import UsageError
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, references
from vleval.metrics.cjk import split_cjk
from vleval.metrics.options import MetricOptions
from vleval.metrics.pieces import PIECE, pieces
from vleval.rows import Row

Gram = tuple[str, ...]
Tokenize = Callable[[list[str]], list[list[str]]]
_ORDERS = 4
_SIGMA = 6.0
_FAR = 2_000  # words beyond the longest reference: the penalty on lengths is 0 from 232 pairs on, in doubles


def cider_scores(hypotheses: Sequence[list[str]], targets: Sequence[Sequence[list[str]]]) -> Floats:
    """Scores of tokenised answers against tokenised references, one a row, times 10."""
    counted = [[_grams(tokens) for tokens in known] for known in targets]
    frequency: Counter[Gram] = Counter()
    for known in counted:
        frequency.update({gram for grams in known for gram in grams})
    log_rows = math.log(max(len(targets), 1))
    idf = {gram: log_rows - math.log(count) for gram, count in frequency.items()}
    scores = np.zeros(len(targets))
    for index, (tokens, known) in enumerate(zip(hypotheses, counted, strict=True)):
        given = _weighted(_grams(tokens), idf, log_rows)
        total = sum(_similarity(given, _weighted(grams, idf, log_rows)) for grams in known)
        scores[index] = total / _ORDERS / len(known) * 10.0
    return scores


class _Weights:
    __slots__ = ("length", "norms", "vector")

    def __init__(self, vector: dict[Gram, float], norms: list[float], length: int) -> None:
        self.vector = vector
        self.norms = norms
        self.length = length


def _grams(tokens: list[str]) -> Counter[Gram]:
    return Counter(tuple(tokens[i : i + order]) for order in range(1, _ORDERS + 1) for i in range(len(tokens) - order + 1))


def _weighted(grams: Counter[Gram], idf: dict[Gram, float], unseen: float) -> _Weights:
    vector = {gram: count * idf.get(gram, unseen) for gram, count in grams.items()}
    squares = [0.0] * _ORDERS
    length = 0
    for gram, weight in vector.items():
        squares[len(gram) - 1] += weight * weight
        if len(gram) == 2:
            length += grams[gram]
    return _Weights(vector, [math.sqrt(square) for square in squares], length)


def _similarity(given: _Weights, target: _Weights) -> float:
    """Sum over the orders. Lengths are counted in word pairs, as upstream."""
    products = [0.0] * _ORDERS
    wanted = target.vector
    for gram, weight in given.vector.items():
        if (other := wanted.get(gram)) is not None:
            products[len(gram) - 1] += min(weight, other) * other
    penalty = math.exp(-((given.length - target.length) ** 2) / (2 * _SIGMA**2))
    total = 0.0
    for order in range(_ORDERS):
        if given.norms[order] and target.norms[order]:
            total += products[order] / (given.norms[order] * target.norms[order])
        else:
            total += products[order]
    return total * penalty


def lower_split(texts: list[str]) -> list[list[str]]:
    """Lower case, words between blanks, CJK characters alone."""
    return [split_cjk(text.lower()) for text in texts]


def ptb(texts: list[str]) -> list[list[str]]:
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
    return [tokenized[index][0].split() for index in range(len(texts))]


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
        texts = [answer(row) or "" for row in rows]
        flat = [reference for row in rows for reference in references(row)]
        known = tokenize(flat)
        rest = iter(known)
        targets = [[next(rest) for _ in row.references] for row in rows]
        most = max(map(len, known), default=0) + _FAR
        values = cider_scores(tokenize([_begun(text, most) for text in texts]), targets)
        notes = ("CIDEr of a single row is 0: there is no other row to tell common words from rare ones.",) if len(rows) == 1 else ()
        return Scores(values=values, corpus=CorpusStats(np.column_stack([values, np.ones(len(rows))]), _value), notes=notes)

    def build(options: MetricOptions) -> Scorer:
        return Scorer(score=score, signature=signature, kind="corpus", scale=10.0)

    return build


cider = _build(lower_split, "n:4 sigma:6 idf:file tok:lower+split refs:all")
cider_ptb = _build(ptb, "n:4 sigma:6 idf:file tok:ptb-3.4.1 refs:all")
