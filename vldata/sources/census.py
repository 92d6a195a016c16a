"""What became of source fields that a converter did not use: kept, left out because the user said so, or a reason to reject the row.

Three rules. A field whose name is known to change what is learned (`MEANING`) is never passed over: the row is rejected by that name,
unless --ignore names it. A value that is a picture or a video is never text: the row is rejected, since it would lose it. All other
fields go into `meta.extra`, or are named as left out where there is no place for them. Each is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from vldata.media.containers import sniff_format
from vldata.media.refs import ENDINGS
from vldata.records.record import Role
from vldata.sources.errors import RowError

# Fields known to change what is learned or how an answer is judged, under every name seen for them.
MEANING = frozenset(
    {
        *("loss", "loss_scale", "loss_weight", "loss_mask", "weight", "weights", "sample_weight", "mask", "train", "train_on", "masked"),
        *("train_on_turn", "learn", "calculate_loss", "compute_loss", "no_loss", "is_mask", "train_detail", "training_detail"),
        *("desirable", "undesirable", "preferred", "is_good", "is_bad"),
        *("label", "labels", "kto_tag", "kto", "preference", "ranking", "rank", "score", "scores", "reward", "rewards", "margin"),
        *("chosen", "rejected", "rejected_response", "rejected_responses", "rejected_messages", "rejected_images", "rejected_answer"),
        *("chosen_response", "chosen_messages", "positive_messages", "negative_messages"),
        *("neg_response", "negative_response", "neg_answer", "negative_answer", "neg_answers", "negative_answers", "hard_negatives"),
        *("wrong_answer", "wrong_answers", "incorrect_answer", "incorrect_answers", "is_correct", "is_wrong", "is_incorrect", "is_valid"),
        *("system", "system_prompt", "system_message", "history"),
        *("reasoning", "reasoning_content", "thinking", "thought", "thoughts", "rationale", "cot", "solution", "think"),
        *("choices", "options", "choice", "option", "correct_choice_idx", "correct_answer_idx", "distractors"),
        *("objects", "bbox", "bboxes", "bbox_2d", "box", "boxes", "box_2d", "points", "point", "polygon", "polygons", "segmentation"),
        *("keypoints", "mask_rle"),
    }
)
# Of these also where they stand deep inside another unused field: a word like `label` or `score` there is about something else.
_MEANING_DEEP = MEANING & {
    *("loss", "loss_scale", "loss_weight", "kto_tag", "chosen", "rejected", "rejected_response", "reasoning_content", "choices", "options"),
    *("bbox", "bboxes", "bbox_2d", "box_2d", "boxes", "points", "polygon", "polygons", "segmentation", "keypoints"),
}
_LEARNED = frozenset(
    {
        *("loss", "train", "train_on", "weight", "weights", "loss_weight", "loss_scale", "sample_weight"),
        *("train_on_turn", "learn", "calculate_loss", "compute_loss", "desirable", "preferred", "is_good", "is_correct", "is_valid"),
    }
)  # 1 and true: learned
_NOT_LEARNED = frozenset({"mask", "masked", "loss_mask", "no_loss", "is_mask", "undesirable", "is_bad", "is_wrong", "is_incorrect"})
# What is done to a picture before it is shown: turned by a number, or cut to four of them. As words they are about other things (a crop may
# be wheat).
_TURNS = frozenset({"rotation", "rotate", "rotation_angle", "flip", "hflip", "vflip"})
_CUTS = frozenset({"crop", "crop_box", "cropbox", "roi", "region"})
# Marks of a pair of answers: where the rejected one has more, the pair may be the wrong way round.
_MARKS = {
    **{f"{kind}_chosen": f"{kind}_rejected" for kind in ("score", "rating", "reward")},
    **{f"chosen_{kind}": f"rejected_{kind}" for kind in ("score", "rating", "reward")},
}
_MEDIA_NAME = re.compile(
    rf"[^\n\t<>|\"]{{1,300}}\.(?:{ENDINGS.replace('|pdf', '')}|mp4|mov|mkv|webm|avi|m4v)(?:\?\S*)?",
    re.IGNORECASE,  # a PDF is its source
)
_NAME_FIELD = re.compile(
    r"(?:.*[_-])?(?:ids?|names?|filenames?|imgname|urls?|uri|link|source|src|key|title|origin|original|ref|hash)", re.IGNORECASE
)
_PATH_FIELD = re.compile(r"(?:.*[_-])?(?:path|file)", re.IGNORECASE)
_PAIR_COLUMN = re.compile(
    r"(?:chosen|rejected|dispreferred|preferred|preference|losing|winning)_"
    r"(?:conversations?|turns|completions?|outputs?|answers?|texts?|captions?|values?|solutions?|images?|responses?|messages?)"
).fullmatch
_CHOICE_COLUMN = re.compile(r"(?:choice|option)[ _-]?(?:[a-h]|[1-9])").fullmatch
_NUMBER = re.compile(r"-?\d+(?:\.\d*)?").fullmatch
_BOX_COLUMNS = (
    *(("xmin", "ymin", "xmax", "ymax"), ("x1", "y1", "x2", "y2"), ("x0", "y0", "x1", "y1"), ("left", "top", "right", "bottom")),
    *(("x", "y", "width", "height"), ("x", "y", "w", "h"), ("cx", "cy", "w", "h"), ("xcenter", "ycenter", "width", "height")),
)
_BASE64_HEADS = ("/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR", "data:image/", "data:video/")

IN_EXTRA = "kept in meta.extra"
LEFT_OUT = "left out"
IGNORED = "left out (--ignore)"
BYTES = "left out (bytes)"


class Unused(NamedTuple):
    """A field inside a turn, part or object that its reader has no place for. `path` is like `messages[].name`."""

    path: str
    value: Any
    role: Role | None = None

    @property
    def name(self) -> str:
        """Its own name."""
        return self.path.rpartition(".")[2]


Fates = tuple[tuple[str, str], ...]

# Of `MEANING`, what annotation tools write beside a shape as another form of it, or as words about the whole image: it changes no box.
_SHAPES = frozenset(
    {
        *("mask", "mask_rle", "objects", "bbox", "bboxes", "bbox_2d", "box", "boxes", "box_2d", "points", "point", "polygon", "polygons"),
        *("segmentation", "keypoints", "choices", "options", "choice", "option", "labels"),
    }
)


def changed_by(path: str, name: str, value: Any) -> str:
    """Say that an unused field of an annotation changes what is learned, with its cure; "" where it does not."""
    lowered = name.lower()
    if isinstance(value, str):  # XML has texts alone
        value = {"true": True, "false": False}.get(value.strip().lower(), _number(value))
    if lowered in MEANING - _SHAPES and not _is_empty(value) and not _is_neutral(lowered, value, None):
        return f"{path!r} is {_short(value)}, which changes what is learned, and is not used; --ignore {name} leaves it out."
    return ""


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


class Census:
    """Judges the unused fields of a source's rows.

    Args:
        ignore: fields that may be left out, by their names or paths.
        harmless: names of `MEANING` that change nothing in this source.
    """

    def __init__(self, ignore: Collection[str] = (), *, harmless: Collection[str] = ()) -> None:
        self._ignore = frozenset(ignore)
        self._meaning = MEANING - frozenset(harmless)
        self._known: dict[Fates, Fates] = {}  # one tuple for the many rows that are alike

    def judge(
        self, row: dict[str, Any], used: Collection[str], nested: Iterable[Unused] = (), *, shows: Collection[str] = ()
    ) -> tuple[Fates, dict[str, Any]]:
        """Return what becomes of each unused field, and the fields that go into `meta.extra`.

        Args:
            row: the row as read.
            used: its fields that have a place of their own.
            nested: unused fields below those.
            shows: file names of the media that the record will show: the name of one of them in another field is no other picture.

        Raises:
            RowError: a field that changes meaning, or a picture that would be lost.
        """
        extra: dict[str, Any] = {}
        fates: list[tuple[str, str]] = []
        for key, value in row.items():
            if key in used or _is_empty(value):
                continue
            if key in _MARKS and key not in self._ignore:
                _check_marks(row, key)
            fate = self._fate(key, key, value, None, shows)
            fates.append((key, fate))
            if fate == IN_EXTRA:
                extra[key] = value
        for item in nested:
            if not _is_empty(item.value):
                fate = self._fate(item.path, item.name, item.value, item.role, shows)
                fates.append((item.path, LEFT_OUT if fate == IN_EXTRA else fate))
        if len(fates) >= 4 and (corners := _box_columns(row, {path for path, _ in fates} - self._ignore)):
            what = f"{', '.join(map(repr, corners))} are a box, of which the text may speak, and are not used"
            raise RowError("VL215", f"{what}; --ignore {corners[0]} leaves them out.")
        found = tuple(dict.fromkeys(fates))
        return self._known.setdefault(found, found), extra

    def _fate(self, path: str, name: str, value: Any, role: Role | None, shows: Collection[str]) -> str:
        if name in self._ignore or path in self._ignore:
            return IGNORED
        lowered = name.lower()
        if (lowered in self._meaning or _CHOICE_COLUMN(lowered) or _PAIR_COLUMN(lowered)) and not _is_neutral(lowered, value, role):
            raise RowError(
                "VL215", f"{path!r} is {_short(value)}, which changes what is learned, and is not used; --ignore {name} leaves it out."
            )
        if (lowered in _TURNS and _turns(value)) or (lowered in _CUTS and _cuts(value)):
            raise RowError(
                "VL215", f"{path!r} is {_short(value)}: the picture is meant cut or turned, and is used whole; --ignore {name} uses it so."
            )
        if lost := _lost_media(name, value, shows):
            raise RowError("VL214", f"{path!r} holds {lost}, which would be lost.")
        if deep := next(_deep_names(value), None):
            raise RowError(
                "VL215", f"{path!r} holds {deep!r}, which changes what is learned, and is not used; --ignore {name} leaves it out."
            )
        return BYTES if _holds_bytes(value) else IN_EXTRA


def _turns(value: Any) -> bool:
    """Whether a value, as a table writes it too, turns a picture: true or a number but 0."""
    if isinstance(value, str):
        return value.strip().lower() == "true" or (_is_number(value) and float(value) != 0)
    return type(value) in (bool, int, float) and bool(value)


def _cuts(value: Any) -> bool:
    """Whether a value, as a table writes it too, is a part of a picture: four numbers or more."""
    if isinstance(value, str):
        value = re.split(r"[\s,;]+", value.strip().strip("[](){}"))
    numbers = list(value.values()) if isinstance(value, dict) else value
    return isinstance(numbers, list) and len(numbers) >= 4 and all(map(_is_number, numbers))


def _box_columns(row: dict[str, Any], unused: Collection[str]) -> tuple[str, ...]:
    """Return the columns of a row that are together the corners or the place and size of a box; () for none."""
    plain = {re.sub(r"[\s_-]+|^bbox", "", name.lower()): name for name in unused if _is_number(row.get(name))}
    return next((tuple(plain[name] for name in names) for names in _BOX_COLUMNS if plain.keys() >= set(names)), ())


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) or (isinstance(value, str) and _NUMBER(value.strip()) is not None)


def extra_json(extra: dict[str, Any]) -> str:
    """Write what goes into `meta.extra`; "" for nothing."""
    return json.dumps(extra, ensure_ascii=False, sort_keys=True, default=str) if extra else ""


def _check_marks(row: dict[str, Any], key: str) -> None:
    """Refuse a pair whose rejected answer has the better mark.

    Raises:
        RowError: it has.
    """
    better, worse = row[key], row.get(other := _MARKS[key])
    if type(better) in (int, float) and type(worse) in (int, float) and better < worse:
        marks = f"{key!r} is {better:g} and {other!r} is {worse:g}"
        reason = f"{marks}: the rejected answer is marked the better one; --ignore {key} takes the pair so."
        raise RowError("VL215", reason)


def _is_empty(value: Any) -> bool:
    return value is None or (type(value) in (str, list, dict, bytes, tuple) and not value)


def _is_neutral(name: str, value: Any, role: Role | None) -> bool:
    """Whether a value says what happens anyway: answers are learned with weight 1, other turns are not."""
    if type(value) not in (bool, int, float):
        return False
    asks = role is not None and role not in ("assistant", "function_call")
    if name in _LEARNED:
        return bool(value == (0 if asks else 1))
    if name in _NOT_LEARNED:
        return bool(value == (1 if asks else 0))
    return False


def _lost_media(name: str, value: Any, shows: Collection[str]) -> str:
    """Say which picture or video a value holds that the record does not show; "" for none."""
    if isinstance(value, bytes | bytearray):
        return f"a picture of {len(value):,} bytes" if sniff_format(bytes(value[:16])) else ""
    if isinstance(value, str):
        if value.startswith(_BASE64_HEADS) and (len(value) > 200 or value.startswith("data:")):
            return "a picture as base64"
        if not _MEDIA_NAME.fullmatch(value) or value.replace("\\", "/").rpartition("/")[2] in shows:
            return ""
        # With a picture in place, a name or an address is that picture's; so is a path where the row holds the picture itself.
        is_name = bool(shows) and (_NAME_FIELD.fullmatch(name) or ("" in shows and _PATH_FIELD.fullmatch(name)))
        return "" if is_name else f"the file {value[:80]!r}"
    if isinstance(value, list):
        return next((found for item in value[:64] if (found := _lost_media(name, item, shows))), "")
    if isinstance(value, dict):
        return next((found for key, item in value.items() if (found := _lost_media(f"{name}_{key}", item, shows))), "")
    return ""


def _deep_names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if str(key).lower() in _MEANING_DEEP and not _is_empty(item) and not _is_neutral(str(key).lower(), item, None):
                yield str(key)
            yield from _deep_names(item)
    elif isinstance(value, list):
        for item in value[:256]:
            yield from _deep_names(item)


def _holds_bytes(value: Any) -> bool:
    if isinstance(value, bytes | bytearray):
        return True
    if isinstance(value, dict):
        return any(map(_holds_bytes, value.values()))
    return isinstance(value, list) and any(map(_holds_bytes, value))


def _short(value: Any) -> str:
    text = f"{value!r}"
    return text if len(text) <= 60 else f"{text[:57]}..."
