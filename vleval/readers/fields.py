"""Fields that several formats share, taken from a record without guessing: text, references, choices, meta, groups, pictures."""

from __future__ import annotations

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from vldata.errors import DataError
from vleval.readers.names import IDS, REFERENCES, plain_name

IMAGE_KEYS = ("images", "image", "image_path", "img_path", "imgname", "img")
GROUP_KEYS = ("scene", "episode", "cluster")
_QUESTION_KEYS = ("question", "query", "problem")
EXTRA_KEYS = (
    *("mark", "question_type", "answer_type", "precision", "extraction", "year_flags", "duration", "l2-category", "split"),
    *("type", "eval", "bbox"),
)
# OCRBench v2: kinds of question whose accepted answer is an object.
_OBJECT_ANSWERS = frozenset(
    {"chart parsing en", "key information extraction en", "key information mapping en", "key information extraction cn"}
)
_CONTEXT_KEYS = frozenset(
    {*EXTRA_KEYS, *_QUESTION_KEYS, *IMAGE_KEYS, *GROUP_KEYS}
    | {
        "choices",
        "options",
        "index2ans",
        "category",
        "task",
        "kind",
        "type",
        "human_or_machine",
        "lang",
        "width",
        "height",
        "meta",
        "metadata",
    }
    | {"episode_history", "scene_name", "A", "marks", "finish_reason"}
)
MEDIA_TAG = re.compile(r"(?:<image>|<video>|<\|vision_start\|>|<\|(?:image|video)_pad\|>|<\|vision_end\|>)+\s*")


_LETTERED = re.compile(r"\s{0,3}\(?([A-Z])\s{0,2}[.):、]\s{0,3}(?=\S)")


class Context(TypedDict, total=False):
    """The fields of a Row next to id, prediction and references."""

    question: str
    choices: tuple[str, ...]
    category: str
    task: str
    kind: str
    lang: str
    width: int
    height: int
    groups: dict[str, str]
    extra: dict[str, str]
    images: tuple[str, ...]
    finish_reason: str


class NumberText(str):
    """A number as its text: it marks answers that came as numbers, so that they can be counted aloud."""

    __slots__ = ()


def text_of(value: Any, field: str, where: str) -> str | None:
    """Text as it is, a number as it is written, None as None.

    Raises:
        DataError: a list, an object or a boolean, of which no one knows what text was meant.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not math.isfinite(value):
            raise DataError(f"{field} is a number too large to be read.", where=where, cure="Write the answer as text.")
        return NumberText(value)
    kind = {list: "a list", dict: "an object", bool: "a boolean"}[type(value)]
    raise DataError(f"{field} is {kind}, not text.", where=where, cure="Write the answer as the text that the model gave.")


def texts_of(value: Any, field: str, where: str) -> tuple[str, ...]:
    """One text or a list of texts, as a tuple; None is none at all.

    Raises:
        DataError: anything that is not text or a number inside.
    """
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        texts = (text_of(_annotated(item), field, where) for item in value)
        return tuple(str(text) for text in texts if text is not None)
    text = text_of(value, field, where)
    return () if text is None else (str(text),)


def _annotated(item: Any) -> Any:
    """The answer of one annotator, as the VQA datasets write it: `{"answer": "red", "answer_confidence": "yes"}`."""
    return item["answer"] if isinstance(item, dict) and "answer" in item else item


def alternatives(text: str) -> tuple[str, ...] | None:
    """Accepted answers that a tool wrote as Python prints a list of texts; None for a text that is itself the answer.

    lmms-eval and VLMEvalKit write `['a', 'b']` for two accepted answers. `[2003, 2004]` and `["a", "b"]` are no list of texts as Python
    prints one: they are ChartQA's answers, which name two things.
    """
    if not text.startswith("["):
        return None
    found = listed(text)
    return found if found is not None and str(list(found)) == text.strip() else None


def listed(text: str) -> tuple[str, ...] | None:
    """The texts of a list that was written as text, `['a', 'b']`; None when it is not one."""
    stripped = text.strip()
    if not (stripped.startswith("[") and stripped.endswith("]")) or len(stripped) > 1_000_000:
        return None
    try:
        value = ast.literal_eval(stripped)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return None
    if isinstance(value, list) and value and all(isinstance(item, (str, int, float)) and not isinstance(item, bool) for item in value):
        return tuple(str(item) for item in value)
    return None


def find_id(record: Mapping[str, Any], where: str, keys: Iterable[str] = ()) -> str | None:
    """The record's own id, by the names given or by any that ids go by; None where it has none.

    Raises:
        DataError: the id is empty or not text.
    """
    for key in keys or sorted((name for name in record if plain_name(name) in IDS), key=lambda name: IDS[plain_name(name)]):
        if key in record:
            return id_text(record[key], key, where)
    return None


def id_text(value: Any, field: str, where: str) -> str:
    """An id as text.

    Raises:
        DataError: it is empty or not text.
    """
    found = text_of(value, field, where)
    if not found:
        raise DataError(f"{field} is empty.", where=where, cure="Give every prediction an id, or none of them.")
    return str(found)


def reference_field(record: Mapping[str, Any], skip: str = "") -> str:
    """The first field that names the truth, in the order of `names.REFERENCES`; "" where there is none."""
    known = [name for name in record if name != skip and plain_name(name) in REFERENCES]
    return min(known, key=lambda name: REFERENCES[plain_name(name)], default="")


def find_references(record: Mapping[str, Any], where: str, skip: str = "", key: str = "") -> tuple[str, ...]:
    """The accepted answers in the field `key`, or the first that goes by a name of the truth, with OpenEQA's `extra_answers` behind."""
    key = key or reference_field(record, skip)
    if key not in record:
        return ()
    found = texts_of(_as_json(record, record[key]), key, where)
    extra = record.get("extra_answers")
    return found + texts_of(extra, "extra_answers", where) if extra else found


def _as_json(record: Mapping[str, Any], value: Any) -> Any:
    """The truths of a kind of question that is answered by an object, the object as JSON; others as they are."""
    if not isinstance(value, list) or record.get("type") not in _OBJECT_ANSWERS:
        return value
    return [json.dumps(item, ensure_ascii=False) if isinstance(item, dict) else item for item in value]


def context_of(record: Mapping[str, Any], where: str, group_by: str = "") -> Context:
    """Whatever a record says of its question, pictures and groups; its `meta` is read like the record itself."""
    if _CONTEXT_KEYS.isdisjoint(record) and (not group_by or group_by not in record):
        return {}
    meta = next((m for key in ("meta", "metadata") if isinstance(m := record.get(key), dict)), None)
    flat: Mapping[str, Any] = {**meta, **{k: v for k, v in record.items() if v is not None}} if meta else record
    context: Context = {}
    _texts_into(context, flat, where)
    groups = {key: str(flat[key]) for key in (*GROUP_KEYS, group_by) if key and isinstance(flat.get(key), (str, int)) and flat[key] != ""}
    if isinstance(flat.get("episode_history"), str):
        from vldata.sources.openeqa import scene_of

        groups.setdefault("episode", flat["episode_history"])
        groups.setdefault("scene", scene_of(flat["episode_history"])[0])
    if isinstance(flat.get("scene_name"), str) and flat["scene_name"]:  # VSI-Bench
        groups.setdefault("scene", flat["scene_name"])
    if images := _images(flat):
        context["images"] = images
        groups.setdefault("image", "|".join(images))
    if groups:
        context["groups"] = groups
    extra = {key: str(flat[key]) for key in EXTRA_KEYS if flat.get(key) is not None}
    if "bbox" in extra and flat.get("content") is not None:  # OCRBench v2: the texts in the boxes
        extra["content"] = str(flat["content"])
    if extra:
        context["extra"] = extra
    return context


def _texts_into(context: Context, flat: Mapping[str, Any], where: str) -> None:
    for key in _QUESTION_KEYS:
        if isinstance(flat.get(key), str):
            context["question"] = MEDIA_TAG.sub("", flat[key]).strip()
            break
    if choices := _choices(flat, where):
        context["choices"] = choices
    for name in ("category", "task", "lang", "finish_reason"):
        if flat.get(name) not in (None, ""):
            context[name] = str(flat[name])
    if kind := _kind(flat):
        context["kind"] = kind
    for side in ("width", "height"):
        value = flat.get(side)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:9])
        elif isinstance(value, float) and value.is_integer():
            value = int(value)  # pandas writes whole columns as floats
        if isinstance(value, int) and value > 0:
            context[side] = value


def _kind(flat: Mapping[str, Any]) -> str:
    """ChartQA's two halves by any of the names they go by."""
    value = flat.get("kind") or flat.get("type") or flat.get("human_or_machine")
    if isinstance(value, str):
        return value.removesuffix("_test") if value.removesuffix("_test") in ("human", "augmented") else str(flat.get("kind") or "")
    if isinstance(flat.get("human_or_machine"), int):
        return ("human", "augmented")[bool(flat["human_or_machine"])]
    return ""


def _choices(flat: Mapping[str, Any], where: str) -> tuple[str, ...]:
    value = flat.get("choices", flat.get("options", flat.get("index2ans")))
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, str):
        return _without_letters(listed(value) or ())
    if value:
        return _without_letters(texts_of(value, "choices", where))
    letters: list[str] = []
    for letter in "ABCDEFGHIJ":
        if flat.get(letter) in (None, ""):
            break
        letters.append(str(flat[letter]))
    return tuple(letters) if len(letters) > 1 else ()


def _without_letters(choices: tuple[str, ...]) -> tuple[str, ...]:
    """Options without the letters that a tool put before all of them: `A. cat`, `B. dog`."""
    lettered = [_LETTERED.match(choice) for choice in choices]
    if len(choices) < 2 or not all(found and found[1] == chr(ord("A") + place) for place, found in enumerate(lettered)):
        return choices
    return tuple(choice[found.end() :].strip() for choice, found in zip(choices, lettered, strict=True) if found)


def _images(flat: Mapping[str, Any]) -> tuple[str, ...]:
    for key in IMAGE_KEYS:
        value = flat.get(key)
        if isinstance(value, str) and value and len(value) < 4096:
            return (value,)
        if isinstance(value, list) and value:
            names = [item if isinstance(item, str) else item.get("path") for item in value if isinstance(item, (str, dict))]
            return tuple(name for name in names if isinstance(name, str) and name)
    return ()
