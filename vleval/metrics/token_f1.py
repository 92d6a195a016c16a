"""Token F1 (Rajpurkar et al. 2016, SQuAD), ours and inspect_ai's."""

from __future__ import annotations

import math
import re
import string
from collections import Counter

from vleval.metric import Scorer
from vleval.metrics.base import answer, mean_metric, mean_of, references
from vleval.metrics.options import MetricOptions
from vleval.metrics.pieces import BLANKS, SPACES, pieces, rejoined
from vleval.metrics.word_bags import Bag, bag_of
from vleval.metrics.word_keys import LONG
from vleval.metrics.words import words
from vleval.rows import Row

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)
_EDGES = string.whitespace + string.punctuation
_TOKEN = re.compile(" |-")


def token_f1(prediction: str, reference: str) -> float:
    """F1 of the bags of tokens after SQuAD's normalisation: lower case, no ASCII punctuation, no articles.

    Other scripts have words by Unicode's kinds of characters, CJK by character. Two texts without tokens are equal: 1.
    """
    if len(prediction) > LONG or len(reference) > LONG:
        given, target = (bag_of(map(_squad_tokens, pieces(text))) for text in (prediction, reference))
        if not given.total or not target.total:
            return float(given.total == target.total)
        return 2.0 * given.common(target) / (given.total + target.total)
    want = _squad_tokens(reference)
    wanted = Counter(want)
    found: Counter[str] = Counter()
    length = 0
    for piece in pieces(prediction):
        have = _squad_tokens(piece)
        length += len(have)
        found.update(token for token in have if token in wanted)
    if not length or not want:
        return float(length == len(want))
    return 2.0 * (found & wanted).total() / (length + len(want))


def _squad_tokens(text: str) -> list[str]:
    bare = _ARTICLES.sub(" ", text.lower().translate(_NO_PUNCTUATION))
    return bare.split() if bare.isascii() else words(bare)


def vlkit(options: MetricOptions) -> Scorer:
    """Best over the references; see `token_f1`."""

    def per_row(row: Row) -> float:
        text = answer(row)
        known = references(row)
        return 0.0 if text is None else max(token_f1(text, reference) for reference in known)

    return mean_metric(mean_of(per_row), signature="norm:squad tok:unicode-words refs:max")


def inspect(options: MetricOptions) -> Scorer:
    """inspect_ai 0.3.285, scorer/_classification.py `f1`: bags of words, best over the references with words, rounded to 2 places."""

    def per_row(row: Row) -> float:
        text = answer(row)
        known = references(row)
        if text is None:
            return 0.0
        if max(len(text), *map(len, known), 0) > LONG:
            bags = [bag for target in known if (bag := _long_bag(target)).total]
            given = _long_bag(text)
            return round(max((_f1(given.common(bag), given.total, bag.total) for bag in bags), default=0.0), 2)
        have = Counter(word for piece in pieces(inspect_normal(text), BLANKS) for word in piece.split())
        targets = [words for target in known if (words := Counter(inspect_normal(target).split()))]
        return round(max((_bag_f1(have, want) for want in targets), default=0.0), 2)

    return mean_metric(mean_of(per_row), signature="norm:inspect tok:bag round:2 refs:max")


def inspect_exact(options: MetricOptions) -> Scorer:
    """inspect_ai, scorer/_classification.py `exact`: equal after its normalisation, over the references that keep a word."""

    def per_row(row: Row) -> float:
        text = answer(row)
        known = references(row)
        if text is None:
            return 0.0
        given = inspect_normal(text)
        return float(bool(given) and any(inspect_normal(target) == given for target in known))

    return mean_metric(mean_of(per_row), signature="norm:inspect refs:max", binary=True)


def inspect_normal(text: str) -> str:
    """Tokens between blanks and hyphens, each without case, punctuation and articles; numbers as Python prints their float."""
    return rejoined(text, _inspect_tokens, SPACES).strip()


def _inspect_tokens(text: str) -> str:
    tokens = [_inspect_token(token) for token in _TOKEN.split(text)]
    return " ".join([token for token in tokens if token.strip()])


def _inspect_token(token: str) -> str:
    token = token.casefold()
    if not _finite(token):
        edged = token.strip(_EDGES)
        token = edged if _finite(edged) else token.translate(_NO_PUNCTUATION)
    if _finite(token):
        token = str(float(token))
    return " ".join(_ARTICLES.sub(" ", token).split())


def _finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _bag_f1(have: Counter[str], want: Counter[str]) -> float:
    return _f1((have & want).total(), have.total(), want.total())


def _long_bag(text: str) -> Bag:
    return bag_of(piece.split() for piece in pieces(inspect_normal(text), BLANKS))


def _f1(common: int, have: int, want: int) -> float:
    precision = common / have if have else 1.0
    recall = common / want
    return 2 * precision * recall / (precision + recall) if precision or recall else 0.0
