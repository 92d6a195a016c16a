"""OCRBench v2: thirty kinds of question, each by its own rule; the mean over abilities of each language.

Yuliang-Liu/MultimodalOCR, OCRBench_v2/eval_scripts/eval.py `process_predictions` and get_score.py, commit 794c36d6. An answer that
upstream's script ends at is 0. METEOR is nltk's and needs its WordNet, which nltk downloads on request.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from vldata.errors import DataError
from vleval.benchmarks import ocr_reading as reading
from vleval.benchmarks import ocr_texts as texts
from vleval.benchmarks.spotting import spotting_f1
from vleval.metric import CorpusStats, Floats, Scorer, Scores
from vleval.metrics.base import answer, references
from vleval.metrics.options import MetricOptions
from vleval.metrics.teds import TableTooLargeError, teds
from vleval.rows import Row

_OWN_FILE = "Give the benchmark's own file (OCRBench_v2.json, or VLMEvalKit's OCRBench_v2.tsv) as --references."
_WITHOUT = "without "  # VLMEvalKit's table writes "without eval", "without bbox", "without content"


class Asked(NamedTuple):
    """A question with its truth: texts, or one object as JSON."""

    row: Row
    truths: tuple[str, ...]

    @property
    def truth(self) -> str:
        """The only truth.

        Raises:
            DataError: there are several.
        """
        if len(self.truths) != 1:
            raise DataError(f"has {len(self.truths)} accepted answers where its kind has one.", where=self.row.id, cure=_OWN_FILE)
        return self.truths[0]

    def told(self, name: str) -> str:
        """A field of the benchmark's file, "" where it is absent."""
        value = self.row.extra.get(name, "")
        return "" if value.startswith(_WITHOUT) else value


class _IgnoredError(Exception):
    """Upstream leaves the question out of its averages."""


def _vqa(asked: Asked, text: str) -> float:
    how = asked.told("eval")
    if how == "multiple choice":
        return float("".join(filter(str.isalpha, text)) == asked.truth)
    if how == "case sensitive":
        return texts.contains(text, asked.truths, lower=False)
    _only(asked, how, "")
    return texts.contains(text, asked.truths)


def _vqa_cn(asked: Asked, text: str) -> float:
    how = asked.told("eval")
    return _vqa(asked, text) if how in ("multiple choice", "case sensitive") else texts.contains_cn(text, asked.truths)


def _only(asked: Asked, how: str, *known: str) -> None:
    if how not in known:
        raise DataError(f"{how!r} is no way to judge a question of this kind.", where=asked.row.id, cure=_OWN_FILE)


def _counting(asked: Asked, text: str) -> float:
    how = asked.told("eval")
    _only(asked, how, "exact match", "regression")
    judge = texts.counts_exactly if how == "exact match" else texts.counts_nearly
    try:
        return max(judge(text, truth) for truth in asked.truths)
    except ValueError:
        raise DataError("the reference of a question for a count is no whole number.", where=asked.row.id, cure=_OWN_FILE) from None


def _formula(asked: Asked, text: str) -> float:
    return texts.holds_formula(text, asked.truths)


def _formula_cn(asked: Asked, text: str) -> float:
    return texts.holds_formula(texts.without_text_tags(text), (texts.without_text_tags(asked.truth),))


def _page(asked: Asked, text: str) -> float:
    return texts.page_similarity(text, asked.truths[0]) if text else 0.0


def _translation(asked: Asked, text: str) -> float:
    if text and not asked.truths[0]:
        raise _IgnoredError
    return _page(asked, text)


def _handwriting(asked: Asked, text: str) -> float:
    if "简答" in asked.row.question:
        return _page(asked, text)
    return texts.holds_letters(text, asked.truth)


def _table(asked: Asked, text: str) -> float:
    question, truth = asked.row.question.lower(), asked.truth
    if "html" in question:
        return _table_cn(asked, text)
    if "markdown" in question:
        return teds(reading.html_of_markdown(text), reading.html_of_markdown(truth))
    raise DataError("asks for a table neither in HTML nor in Markdown.", where=asked.row.id, cure=_OWN_FILE)


def _table_cn(asked: Asked, text: str) -> float:
    table = reading.table_in(text)
    return 0.0 if table is None else teds(reading.html_page(table), reading.html_page(asked.truths[0]))


def _chart(asked: Asked, text: str) -> float:
    data = reading.read_nested(text)
    return teds(reading.html_of_fields(data), reading.html_of_fields(_object(asked))) if data else 0.0


def _object(asked: Asked) -> dict[object, object]:
    """The truth that is an object: JSON, or as Python prints it, or such a text within quotes."""
    text = asked.truths[0].strip('"')
    for _ in range(2):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            data = reading.literal(text)[1]
        if isinstance(data, dict):
            return data
        if not isinstance(data, str):
            break
        text = data
    raise DataError(f"the reference {text[:60]!r} is no object.", where=asked.row.id, cure=_OWN_FILE)


def _fields(asked: Asked, text: str) -> float:
    """The share of keys whose value is an accepted one; upstream takes the best of all combinations, which is the same."""
    given, truth = reading.read_fields(text), _object(asked)
    accepted = {str(key): value if isinstance(value, list) else [value] for key, value in truth.items()}
    if not all(accepted.values()):
        return 0.0  # no combination
    keys = given.keys() | accepted.keys()
    right = sum(key in given and texts.bare(given[key]) in {texts.bare(str(value)) for value in accepted.get(key, ())} for key in keys)
    return right / len(keys) if keys else 0.0


def _outline(asked: Asked, text: str) -> float:
    found = reading.outline_similarity(text, asked.truth)
    if found is None:
        raise TableTooLargeError
    return found


def _grounding(asked: Asked, text: str) -> float:
    return texts.box_iou(reading.read_box(text), asked.truths)


def _vqa_with_position(asked: Asked, text: str) -> float:
    given = reading.read_fields(text)
    content = texts.contains(given["answer"], asked.truths) if "answer" in given else 0.0
    where, right = reading.literal(given.get("bbox", ""))[1], reading.literal(asked.told("bbox"))[1]
    return 0.5 * content + 0.5 * (texts.box_iou(where, right) if "bbox" in given else 0.0)


def _spotting(asked: Asked, text: str) -> float:
    boxes, words = (reading.literal(asked.told(name))[1] for name in ("bbox", "content"))
    if not isinstance(boxes, list) or not isinstance(words, list):
        raise DataError("has no 'bbox' and 'content' of the texts in its image.", where=asked.row.id, cure=_OWN_FILE)
    return spotting_f1(reading.read_spots(text), [(box, str(word)) for box, word in zip(boxes, words, strict=False)])


Judge = Callable[[Asked, str], float]
# What each kind of question measures, by language, and its rule (get_score.py, eval.py).
KINDS: dict[str, tuple[str, Judge]] = {
    "text recognition en": ("text recognition", _vqa),
    "fine-grained text recognition en": ("text recognition", _page),
    "full-page OCR en": ("text recognition", _page),
    "text grounding en": ("text detection", _grounding),
    "VQA with position en": ("text detection", _vqa_with_position),
    "text spotting en": ("text spotting", _spotting),
    "key information extraction en": ("relationship extraction", _fields),
    "key information mapping en": ("relationship extraction", _fields),
    "document parsing en": ("element parsing", _outline),
    "chart parsing en": ("element parsing", _chart),
    "table parsing en": ("element parsing", _table),
    "formula recognition en": ("element parsing", _formula),
    "math QA en": ("mathematical calculation", _vqa),
    "text counting en": ("mathematical calculation", _counting),
    "document classification en": ("visual text understanding", _vqa),
    "cognition VQA en": ("visual text understanding", _vqa),
    "diagram QA en": ("visual text understanding", _vqa),
    "reasoning VQA en": ("knowledge reasoning", _vqa),
    "science QA en": ("knowledge reasoning", _vqa),
    "APP agent en": ("knowledge reasoning", _vqa),
    "ASCII art classification en": ("knowledge reasoning", _vqa),
    "full-page OCR cn": ("text recognition", _page),
    "key information extraction cn": ("relationship extraction", _fields),
    "handwritten answer extraction cn": ("relationship extraction", _handwriting),
    "document parsing cn": ("element parsing", _outline),
    "table parsing cn": ("element parsing", _table_cn),
    "formula recognition cn": ("element parsing", _formula_cn),
    "cognition VQA cn": ("visual text understanding", _vqa_cn),
    "reasoning VQA cn": ("knowledge reasoning", _vqa_cn),
    "text translation cn": ("knowledge reasoning", _translation),
}
LANGUAGES = {"en": "English overall", "cn": "Chinese overall"}
_ABILITIES = tuple(dict.fromkeys((kind.rsplit(" ", 1)[1], ability) for kind, (ability, _) in KINDS.items()))


def _kind(row: Row) -> str:
    kind = row.category or row.extra.get("type", "")
    if kind not in KINDS:
        known = ", ".join(KINDS)
        raise DataError(f"{kind!r} is no kind of question of OCRBench v2 ({known}).", where=row.id, cure=_OWN_FILE)
    return kind


def _asked(row: Row) -> Asked:
    known = references(row)
    if (
        len(known) == 1 and row.extra.get("bbox") and row.extra.get("eval") and row.extra.get("content")
    ):  # VLMEvalKit's table: a list as text
        data = reading.literal(known[0])[1]
        if isinstance(data, list):
            known = tuple(item if isinstance(item, str) else json.dumps(item, ensure_ascii=False) for item in data)
    return Asked(row, known)


def score_of(row: Row) -> float | None:
    """The score of a row from 0 to 1, None where upstream leaves it out.

    Raises:
        DataError: a field of the benchmark is missing, or WordNet is.
        TableTooLargeError: answer and truth are too large to be compared as trees.
    """
    kind, text = _kind(row), answer(row)
    asked = _asked(row)
    if text is None:
        return 0.0
    try:
        return KINDS[kind][1](asked, text)
    except _IgnoredError:
        return None
    except TableTooLargeError:
        raise
    except ValueError:  # a span or a number that cannot be one: upstream counts 0, or ends there
        return 0.0


def _value(sums: Floats) -> Floats:
    """Values of (sum, count) an ability: the mean over languages of the mean over their abilities, in percent."""
    pairs = sums.reshape(len(sums), len(_ABILITIES), 2)
    overall = [_mean(pairs[:, [place for place, (spoken, _) in enumerate(_ABILITIES) if spoken == language]]) for language in LANGUAGES]
    there = np.array([~np.isnan(found) for found in overall])
    found: Floats = np.where(there, overall, 0.0).sum(axis=0) / np.maximum(there.sum(axis=0), 1)
    return 100 * found


def _mean(pairs: Floats) -> Floats:
    """The mean over abilities of their means, NaN where there is none."""
    there = pairs[..., 1] > 0
    means = np.divide(pairs[..., 0], pairs[..., 1], out=np.zeros(there.shape), where=there)
    known = there.sum(axis=-1)
    overall: Floats = np.divide(means.sum(axis=-1), known, out=np.full(known.shape, np.nan), where=known > 0)
    return overall


def ocrbench_v2(options: MetricOptions) -> Scorer:
    """The mean of the English and the Chinese score, in percent; both, and each ability, are its parts."""

    def score(rows: Sequence[Row]) -> Scores:
        values, stats = np.zeros(len(rows)), np.zeros((len(rows), len(_ABILITIES), 2))
        dropped, large = np.zeros(len(rows), dtype=bool), 0
        for index, row in enumerate(rows):
            try:
                found = score_of(row)
            except TableTooLargeError:
                found, large = 0.0, large + 1
            if found is None:
                dropped[index] = True
                continue
            values[index] = found
            kind = _kind(row)
            stats[index, _ABILITIES.index((kind.rsplit(" ", 1)[1], KINDS[kind][0]))] = (found, 1.0)
        sums = stats.sum(axis=0)
        parts = {f"{language} {name}": 100 * float(t / n) for (language, name), (t, n) in zip(_ABILITIES, sums, strict=True) if n}
        for language, title in LANGUAGES.items():
            mean = _mean(sums[None, [place for place, (spoken, _) in enumerate(_ABILITIES) if spoken == language]])[0]
            if not np.isnan(mean):
                parts[title] = 100 * float(mean)
        notes = [f"{', '.join(title for title in LANGUAGES.values() if title in parts)}: papers quote each; the number is their mean."]
        if len(parts) < len(_ABILITIES) + len(LANGUAGES):
            notes.append(f"{len(_ABILITIES) + len(LANGUAGES) - len(parts)} of its abilities and languages have no question here.")
        if large:
            notes.append(f"{large:,} of {len(rows):,} answers are too large to be compared as trees and count as 0.")
        flat = stats.reshape(len(rows), 2 * len(_ABILITIES))
        return Scores(
            values=100 * values,
            corpus=CorpusStats(flat, _value),
            dropped=dropped if dropped.any() else None,
            parts=parts,
            notes=tuple(notes),
        )

    return Scorer(score=score, signature="ocrbench-v2 mean:abilities", scale=100.0, kind="corpus", styled=False)
