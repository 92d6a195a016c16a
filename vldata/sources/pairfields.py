"""Which field of a row holds the picture, the text and the question: tables of the names in use, and the choice among them."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import UsageError
from vldata.files import strictjson
from vldata.media.refs import ENDINGS
from vldata.records.draft import Guess
from vldata.sources.choices import ChoiceForm, find_choices
from vldata.sources.errors import RowError
from vldata.sources.listcells import list_of_text
from vldata.sources.rowmeta import META_FIELDS, plain

# In order of preference where several are in equally many rows.
IMAGE_FIELDS = (
    *("image", "images", "image_path", "image_paths", "img", "img_path", "imgname", "image_file", "image_url", "image_list"),
    *("file_name", "filename", "path", "jpg", "png", "webp", "picture", "photo"),
    *("image_name", "img_name", "image_filename", "filepath", "file_path"),
    *("图片", "图像", "图片路径", "图像路径", "文件名", "图片名"),
)
VIDEO_FIELDS = ("video", "videos", "video_path", "视频")  # looked for where no row has a picture
TEXT_FIELDS = (
    *("caption", "captions", "answer", "answers", "response", "output", "target", "ground_truth"),
    *("text", "texts", "txt", "label", "labels", "cls", "class", "direct_answers"),
    *("描述", "标题", "文本", "答案", "回答", "标注", "内容", "标签"),
)
PROMPT_FIELDS = ("question", "prompt", "query", "problem", "instruction", "input", "问题", "提问", "指令")
_IMAGE_NAMES = frozenset(IMAGE_FIELDS)
_CLASS_FIELDS = frozenset({"label", "labels", "cls", "class", "标签"})
_CONVERSATIONS = ("messages", "conversations", "conversation")
_CAPTION_LIKE = frozenset({"caption", "captions", "text", "texts", "txt", "label", "labels", "cls"})
_NUMBERED = re.compile(r"(?:image|img|picture)s?[_-]?(\d{1,2})").fullmatch
_FILE_NAME = re.compile(rf"[^\n\t]{{1,1000}}\.(?:{ENDINGS})", re.IGNORECASE).fullmatch

_INSTRUCTION = re.compile(
    r"\s*(?:请|麻烦|帮我|解释|描述一下|提取|识别|分析|回答)|.*[?？]\s*$"
    r"|\s*(?:please|describe|extract|explain|list|identify|transcribe|summari[sz]e|what|how|which|why|who|where)\b",
    re.IGNORECASE,
).match


class ChosenFields(msgspec.Struct, frozen=True):
    """The fields of a source and what its texts are; "" for a field that is not there, "auto" for a form not yet known."""

    image: str
    text: str
    prompt: str
    form: str
    columns: tuple[str, ...] = ()  # image_1, image_2 ... where pictures stand in columns of their own
    choices: ChoiceForm | None = None

    @property
    def shows_videos(self) -> bool:
        """Whether `image` is a field of videos."""
        return plain(self.image) in VIDEO_FIELDS

    def sentence(self) -> str:
        """Say what was chosen."""
        question = f", question in {self.prompt!r}" if self.prompt else ""
        if self.columns:
            return f"Pictures in {', '.join(map(repr, self.columns))}, text in {self.text!r}{question}: {self.form} form."
        return f"{'Video' if self.shows_videos else 'Picture'} in {self.image!r}, text in {self.text!r}{question}: {self.form} form."


def choose_fields(rows: Sequence[dict[str, Any]], asked: ChosenFields, path: Path) -> ChosenFields:
    """Choose among the known names those that most of the first rows have; names the user gave are taken as they are.

    Raises:
        UsageError: there is no picture or no text field, or the rows are conversations.
    """
    there = sorted({key for row in rows for key in row})
    for given, flag in ((asked.image, "image"), (asked.text, "text"), (asked.prompt, "prompt")):
        if given and given not in there:
            raise UsageError(f"no row has the field {given!r} of --{flag}-field.", where=str(path), cure=f"Fields are {', '.join(there)}.")
    rounds = any(isinstance(row.get("texts"), list) and row["texts"] and isinstance(row["texts"][0], dict) for row in rows)
    if not asked.text and (rounds or any(_is_talk(row.get(key)) for row in rows for key in _CONVERSATIONS)):
        raise UsageError("the rows are conversations.", where=str(path), cure=f"Run: vldata convert sharegpt {path}")
    columns = () if asked.image else _numbered_columns(rows)
    image = asked.image or _commonest(rows, IMAGE_FIELDS) or next(iter(columns), "") or _commonest(rows, VIDEO_FIELDS)
    choices = find_choices(rows, asked.choices.fields[0] if asked.choices else "", asked.text)
    text = asked.text or (choices.answer if choices else "")
    text = text or _commonest(rows, tuple(name for name in TEXT_FIELDS if name != asked.prompt))
    taken = (text, image, *(choices.fields if choices else ()))
    prompt = asked.prompt or _commonest(rows, tuple(name for name in PROMPT_FIELDS if name not in taken))
    spelt = {plain(name) for name in there}
    beside = {"chosen", "rejected"} & spelt if text or "chosen" in spelt else {"solution"} & spelt
    if not asked.text and prompt and (beside == {"chosen", "rejected"} or beside == {"solution"}):
        what = f"the rows hold {' and '.join(sorted(beside))}, a part that conversations have."
        raise UsageError(what, where=str(path), cure=f"Run: vldata convert sharegpt {path}")
    if not asked.text and prompt and "completion" in spelt and _says_whether(rows):
        raise UsageError(
            "the rows say of each completion whether it is wanted (KTO).", where=str(path), cure=f"Run: vldata convert sharegpt {path}"
        )
    for field, flag, names in ((image, "image", IMAGE_FIELDS), (text, "text", TEXT_FIELDS)):
        if not field:
            likely = [key for key in there if (_holds_names if flag == "image" else _holds_texts)(row.get(key) for row in rows)]
            cure = f"Name it with --{flag}-field; known by themselves are {', '.join(names)}."
            if likely and len(likely) <= 3:
                kind = "names of images" if flag == "image" else "texts"
                cure = f"{' and '.join(map(repr, likely))} hold{'s' * (len(likely) == 1)} {kind}: --{flag}-field {likely[0]}. {cure}"
            raise UsageError(f"no field for the {flag} among {', '.join(there)}.", where=str(path), cure=cure)
    form = asked.form
    if form == "auto":
        form = "choices" if choices else "question" if prompt else "class" if plain(text) in _CLASS_FIELDS else "caption"
    if form in ("question", "choices") and not prompt:
        cure = f"Name the field with --prompt-field; known by themselves are {', '.join(PROMPT_FIELDS)}."
        raise UsageError(f"--form {form} needs a field for the question; there are {', '.join(there)}.", where=str(path), cure=cure)
    return ChosenFields(image, text, prompt, form, columns if image in columns else (), choices if form == "choices" else None)


def _holds_names(values: Iterable[Any]) -> bool:
    """Whether all values are names of image files."""
    given = [value for value in values if value not in (None, "")]
    return bool(given) and all(isinstance(value, str) and _FILE_NAME(value) is not None for value in given)


def _holds_texts(values: Iterable[Any]) -> bool:
    """Whether all values are texts that are neither numbers nor names of image files."""
    given = [value for value in values if value not in (None, "")]
    texts = bool(given) and all(isinstance(value, str) and re.search(r"[^\W\d_]", value) for value in given)
    return texts and not any(_FILE_NAME(value) for value in given)


def _is_talk(value: Any) -> bool:
    """Whether a value is a list of turns, as a cell of a table writes it too."""
    return isinstance(value, list) or (isinstance(value, str) and value.lstrip().startswith(("[{", "[ {")))


def _says_whether(rows: Sequence[dict[str, Any]]) -> bool:
    """Whether every label there is says yes or no, as a table writes it too."""
    labels = [value for row in rows for key, value in row.items() if plain(key) == "label" and value not in (None, "")]
    return bool(labels) and all(str(value).strip().lower() in ("true", "false", "0", "1") for value in labels)


def _numbered_columns(rows: Sequence[dict[str, Any]]) -> tuple[str, ...]:
    """Return the columns image_1, image_2 ... of the first rows by their numbers; one alone is none."""
    found = {key: int(match.group(1)) for row in rows for key in row if (match := _NUMBERED(key))}
    return tuple(sorted(found, key=lambda key: (found[key], key))) if len(found) > 1 else ()


def _commonest(rows: Sequence[dict[str, Any]], names: tuple[str, ...]) -> str:
    spelt: dict[str, list[str]] = {name: [name] for name in names}
    for key in dict.fromkeys(key for row in rows for key in row):
        if key not in spelt and plain(key) in spelt:
            spelt[plain(key)].append(key)
    counts = {key: sum(row.get(key) not in (None, "", [], b"") for row in rows) for keys in spelt.values() for key in keys}
    best = max(counts.values())
    return next((name for name, count in counts.items() if count == best), "") if best else ""


def known_fields(chosen: ChosenFields, *, replaced: bool) -> frozenset[str]:
    """Fields that have a place in the record beside the id; all others go into `meta.extra`, so does a question that --prompt replaced."""
    own = {chosen.image, chosen.text, *chosen.columns} | (set() if replaced else {chosen.prompt})
    own |= set(chosen.choices.fields) if chosen.choices else set()
    if plain(chosen.prompt) == "instruction" and not replaced:
        own |= {"input", "Input", "INPUT"}
    return frozenset(own | {*META_FIELDS})


def answers_of(row: dict[str, Any], chosen: ChosenFields) -> tuple[str, ...]:
    """Return the texts of a row: the first is the answer, all are references.

    Raises:
        RowError: there is none, or it is no text.
    """
    value = row.get(chosen.text)
    if _holds_pair(value):
        what = "holds a chosen and a rejected answer, of which one is not to be learned"
        raise RowError("VL215", f"{chosen.text!r} {what}: make them fields of the row, which vldata convert sharegpt reads.")
    if type(value) is str and value.startswith("{") and (parsed := donut_text(value)) is not None:
        value = parsed
    if type(value) is str:
        if not value.strip():
            raise RowError("VL005", f"{chosen.text!r} is empty.")
        return (value,)
    if isinstance(value, dict) and value:
        return (json.dumps(value, ensure_ascii=False),)
    if isinstance(value, list) and value and all(isinstance(item, dict) and isinstance(item.get("answer"), str) for item in value):
        return _answers_of_people([item["answer"] for item in value], row.get("multiple_choice_answer"))
    texts = value if isinstance(value, list) else [] if value is None else [value]
    if not texts or not all(isinstance(text, str | int | float) for text in texts):
        what = "missing" if chosen.text not in row else f"{value!r:.80}"
        raise RowError("VL201", f"{chosen.text!r} is {what}; a text or a list of texts is needed.")
    if is_number_list(value) and plain(chosen.text) not in _CLASS_FIELDS:
        return (json.dumps(value),)  # a box or a row of a table: no first number of it is the answer
    answers = tuple(str(text) for text in texts)
    if not answers[0].strip():
        raise RowError("VL005", f"{chosen.text!r} begins with an empty text.")
    return answers


def _holds_pair(value: Any) -> bool:
    """Whether a value is a pair of answers, as an object or as its JSON (RLHF-V)."""
    if type(value) is str:
        if not value.startswith("{") or '"chosen"' not in value or '"rejected"' not in value:
            return False
        try:
            value = strictjson.loads(value)
        except strictjson.StrictJsonError:
            return False
    return isinstance(value, dict) and {"chosen", "rejected"} <= value.keys()


def is_number_list(value: Any) -> bool:
    """Whether a value is one answer of several numbers."""
    return isinstance(value, list) and len(value) > 1 and all(type(item) in (int, float) for item in value)


def _answers_of_people(answers: list[str], chosen: Any) -> tuple[str, ...]:
    """Return the answers that several people gave (VQAv2): first the one most gave, then all others; the metric counts how many gave it."""
    first = chosen if isinstance(chosen, str) and chosen in answers else Counter(answers).most_common(1)[0][0]
    if not first.strip():
        raise RowError("VL005", "the answer most people gave is empty.")
    place = answers.index(first)
    return (first, *answers[:place], *answers[place + 1 :])


def question_of(row: dict[str, Any], chosen: ChosenFields) -> str:
    """Return the question of a row; an alpaca row's `input` follows its `instruction`.

    Raises:
        RowError: there is none, or it is no text.
    """
    value = row.get(chosen.prompt)
    if type(value) is not str:
        raise RowError("VL201", f"{chosen.prompt!r} is {'missing' if chosen.prompt not in row else repr(value)[:80]}; a text is needed.")
    more = next((row[key] for key in ("input", "Input", "INPUT") if key in row), None) if plain(chosen.prompt) == "instruction" else None
    return f"{value}\n{more}" if isinstance(more, str) and more else value


def donut_text(text: str) -> Any:
    """Return what Donut's ground truth is to say, of a text that holds it as JSON: gt_parse, one or several; None for any other text."""
    try:
        value = strictjson.loads(text)
    except strictjson.StrictJsonError:
        return None
    if not isinstance(value, dict):
        return None
    if isinstance(value.get("gt_parse"), dict):
        return value["gt_parse"]
    several = value.get("gt_parses")
    if isinstance(several, list) and several and all(isinstance(item, dict) for item in several):
        return [json.dumps(item, ensure_ascii=False) for item in several]
    return None


def media_of(row: dict[str, Any], chosen: ChosenFields) -> list[Any]:
    """Return what a row gives for its pictures: none, one or several.

    Raises:
        RowError: the field is empty, but another one looks like a picture.
    """
    if chosen.columns:
        return [row[name] for name in chosen.columns if row.get(name) not in (None, "", [], b"")]
    value = row.get(chosen.image)
    if value is None or value == "" or value == []:
        others = sorted(_IMAGE_NAMES.intersection(row) - {chosen.image, chosen.text, chosen.prompt})
        other = next((name for name in others if row.get(name)), "")
        if other:
            raise RowError("VL201", f"{chosen.image!r} is empty, but {other!r} is not: which holds the picture?")
        return []
    if type(value) is str:
        return _media_of_text(value)
    return value if isinstance(value, list) else [value]


_SUFFIX = re.compile(rf".+\.(?:{ENDINGS}|mp4|mov|mkv|webm|avi)", re.IGNORECASE).fullmatch


def _media_of_text(text: str) -> list[Any]:
    """Return the pictures that one text names: itself, a list in a table's cell, or names with commas or semicolons between them."""
    listed = list_of_text(text)
    if isinstance(listed, list):
        return listed
    for sign in (";", ","):
        pieces = [piece.strip() for piece in text.split(sign)]
        if len(pieces) > 1 and not text.startswith("data:") and all(map(_SUFFIX, pieces)):
            return pieces
    return [text]


def number_warning(rows: Sequence[dict[str, Any]], chosen: ChosenFields) -> str:
    """Warn where answers are bare numbers of a class: a model would learn to say "3"."""
    if plain(chosen.text) not in _CLASS_FIELDS:
        return ""
    values = [row[chosen.text] for row in rows if row.get(chosen.text) not in (None, "")]
    if not values or not all(type(value) is int or (type(value) is str and value.isdecimal()) for value in values):
        return ""
    return f"Warning: the answers in {chosen.text!r} are bare numbers, for example {values[0]!r}; --label-names gives their names."


def spelling_warning(rows: Sequence[dict[str, Any]], chosen: ChosenFields) -> str:
    """Guess how answers are spelt that are no texts but true, false or fractions: 1.50 of a file is learned as 1.5."""
    cells = [row.get(chosen.text) for row in rows]
    lists = [] if plain(chosen.text) in _CLASS_FIELDS else [cell for cell in cells if is_number_list(cell)]
    single = [cell for cell in cells if not is_number_list(cell)]
    values = lists + [value for cell in single for value in (cell if isinstance(cell, list) else [cell]) if type(value) in (bool, float)]
    if not values:
        return ""
    names = {bool: "true or false", list: "lists of numbers"}
    kinds = " and ".join(sorted({names.get(type(value), "fractions") for value in values}))
    what = f"Warning: answers in {chosen.text!r} are {kinds}, not texts; learned as {str(values[0])!r} and the like, a guess"
    return Guess(f"{what} (write them as texts).")


def instruction_warning(rows: Sequence[dict[str, Any]], chosen: ChosenFields) -> str:
    """Warn where texts that will be answers look like requests: a file that mixes both teaches a model to answer with questions."""
    if chosen.prompt or plain(chosen.text) not in _CAPTION_LIKE:
        return ""
    texts = [row[chosen.text] for row in rows if isinstance(row.get(chosen.text), str)]
    asking = [text for text in texts if _INSTRUCTION(text)]
    if not asking or len(asking) < 0.02 * len(texts):
        return ""
    return f"Warning: {len(asking):,} of the first {len(texts):,} texts look like a request, not an answer, for example {asking[0][:60]!r}."
