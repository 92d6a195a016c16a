"""From a conversation as a row gave it to a draft: placeholders become slots, boxes typed parts, one-cure faults mends."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from vldata.files import strictjson
from vldata.media.refs import MediaRef
from vldata.records.boxes import Box, Space, Target
from vldata.records.draft import Mend, Part, Slot, Turn
from vldata.records.record import Role
from vldata.sources.beside import Beside
from vldata.sources.census import Unused
from vldata.sources.clips import CLIP_KEYS
from vldata.sources.dialects.names import PLACEHOLDERS
from vldata.sources.dialects.talk import Content, Given, Talk
from vldata.sources.errors import RowError
from vldata.sources.locate import MediaFinder
from vldata.sources.merging import merged
from vldata.sources.textboxes import TextBoxMover, check_resized

_EMBEDDED = r"<img>(?P<path>[^<>\n]+)</img>"  # Qwen-VL of 2023 wrote the path into the text
_OBJECT_TAGS = "<ref-object>|<bbox>"
# Tags that name a picture by its number: InternVL and others, MMMU, Phi-3, and brackets.
_NUMBERED = r"<(?:image|img)[ _-]?(?P<n1>\d{1,2})>|<\|image_(?P<n2>\d{1,2})\|>|\[image[ _-]?(?P<n3>\d{1,2})\]"
# An image that a text shows as a page would: nothing of it would be seen.
_IN_TEXT = r"!\[[^\]\n]{0,300}\]\((?P<t1>[^)\s]{1,500})[^)\n]{0,100}\)|<img\s[^<>]{0,500}\bsrc\s*=\s*[\"'](?P<t2>[^\"'<>]{1,500})"
_find_in_text = re.compile(_IN_TEXT, re.IGNORECASE).finditer
_find_numbered = re.compile(_NUMBERED, re.IGNORECASE).finditer
_BBOX_SPACES: dict[str, Space] = {"real": "pixels", "norm1": "0-1", "norm1000": "0-1000"}

_OBJECT_KEYS = frozenset({"ref", "bbox", "bbox_type", "image_id"})
_MEDIA_KEYS = frozenset({"bytes", "path", "url", "uri", "data", "type", "media_type", "video", *CLIP_KEYS})


SHOWING: frozenset[str] = frozenset({"user", "observation"})  # whose turns may hold media


class Assembled(NamedTuple):
    """The parts of a draft that come of a conversation."""

    turns: tuple[Turn, ...]
    media: tuple[MediaRef, ...]
    mends: tuple[Mend, ...]
    unused: tuple[Unused, ...] = ()  # fields of its media that have no place
    rejected: Turn | None = None


class Assembler:
    """Assembles the conversations of one file.

    Args:
        finder: finds its media.
        placeholders: which stand-ins of `PLACEHOLDERS` the file uses.
        boxes: how boxes are to be written.
        embedded: whether paths stand in the text as `<img>path</img>`.
        mover: moves coordinates that stand in the text; None where there are none.
    """

    def __init__(
        self,
        finder: MediaFinder,
        placeholders: tuple[str, ...],
        boxes: Target,
        *,
        embedded: bool = False,
        mover: TextBoxMover | None = None,
    ) -> None:
        self._mover = mover
        tags = "|".join(map(re.escape, sorted(placeholders, key=len, reverse=True)))
        pattern = "|".join(filter(None, (tags, _EMBEDDED if embedded else "")))
        self.find_tag = re.compile(f"{pattern}|{_NUMBERED}|{_IN_TEXT}").search
        self._tags = tags
        self._split = _splitter(pattern)
        self._split_usual = _splitter("<image>|<video>")
        self._split_objects = _splitter("|".join(filter(None, (tags, _OBJECT_TAGS))))
        self._split_answers = _splitter(_OBJECT_TAGS)
        self._finder = finder
        self._boxes = boxes

    def assemble(self, talk: Talk, where: str) -> Assembled:
        """Assemble one conversation.

        Raises:
            RowError: media and tags do not fit, or a medium cannot be used.
        """
        turns = talk.turns
        mends: list[Mend] = []
        if not talk.images and not talk.videos and not talk.named:
            self._refuse_shown(turns)
        if talk.system and (not turns or turns[0][0] != "system"):
            turns = [("system", talk.system), *turns]
        elif talk.system and turns and isinstance(turns[0][1], str) and turns[0][1].strip() != talk.system.strip():
            reason = f"the system prompt beside the turns, {talk.system[:60]!r}, and that in the first turn are both there and differ."
            raise RowError("VL216", reason)
        beside = Beside(talk, len(turns)) if talk.notes or talk.rejected else None
        if beside:
            turns = [*turns, *beside.turns]
        if not talk.images and not talk.videos and talk.objects is None and not talk.named:
            for role, content in turns:
                if type(content) is not str or (role in SHOWING and "<" in content):
                    break
            else:
                built = tuple([Turn(role, (content,)) for role, content in turns])  # type: ignore[arg-type]
                built, rejected = beside.fold(built) if beside else (built, None)
                return Assembled(merged(built, mends), (), tuple(mends), rejected=rejected)
        suffice = tags_suffice(talk)
        usual = talk.objects is None and suffice
        numbers = [] if suffice or talk.named else _numbers(turns)
        split = self._split_special(talk, numbered=bool(numbers)) if talk.named or numbers else None
        cut = [
            (role, list(self._pieces(role, content, objects=talk.objects is not None, usual=usual, split=split))) for role, content in turns
        ]
        if numbers:
            cut = _count_from_one(cut, numbers, len(talk.images))
        if talk.videos and not talk.images:
            _tag_videos(cut, len(talk.videos))
        _lead(cut, talk, mends)
        sorted_out = _Sorter(self, talk, where)
        built = tuple([Turn(role, tuple(sorted_out.parts(role, pieces))) for role, pieces in cut])
        sorted_out.settle()
        if self._mover is not None and sorted_out.media:
            built = self._mover.move(built, sorted_out.media, where)
            check_resized(talk.unused, built)
        built, rejected = beside.fold(built) if beside else (built, None)
        return Assembled(merged(built, mends), tuple(sorted_out.media), tuple(mends), tuple(sorted_out.unused), rejected)

    def _refuse_shown(self, turns: list[tuple[Role, Content]]) -> None:
        """Refuse a row without media whose text shows an image that is there, as Markdown or HTML does; a page of code is only text.

        Raises:
            RowError: with what is shown.
        """
        for role, content in turns:
            if role not in SHOWING or type(content) is not str or ("](" not in content and "<" not in content):
                continue
            for match in _find_in_text(content):
                shown = match["t1"] or match["t2"]
                if self._finder.has(shown):
                    raise RowError("VL214", f"a turn shows the image {shown[:80]!r} in its text, which would be lost.")

    def _split_special(self, talk: Talk, *, numbered: bool) -> Callable[[str], Iterator[str | Given]]:
        """Return what cuts the texts of a row whose tags are its own: named ones, or numbers."""
        own = "|".join(map(re.escape, sorted(talk.named or (), key=len, reverse=True)))
        objects = _OBJECT_TAGS if talk.objects is not None else ""
        return _splitter("|".join(filter(None, (own, _NUMBERED if numbered else "", self._tags, objects))), talk.named)

    def _pieces(
        self, role: Role, content: Content, *, objects: bool, usual: bool, split: Callable[[str], Iterator[str | Given]] | None
    ) -> Iterator[str | Given]:
        """Cut the content of a turn into texts and stand-ins; turns of users and tools hold media, objects may be in any."""
        if not isinstance(content, str):
            yield from content
        elif role in SHOWING and split:
            yield from split(content)
        elif role in SHOWING:
            yield from (self._split_objects if objects else self._split_usual if usual else self._split)(content)
        elif objects:
            yield from self._split_answers(content)
        else:
            yield content

    def media_of(self, kind: str, value: Any, where: str) -> tuple[MediaRef, ...]:
        """Find one medium."""
        return self._finder.video(value, where) if kind == "video" else (self._finder.picture(value, where),)

    @property
    def frame_times(self) -> bool:
        """Whether frames of videos stand with their times."""
        return self._finder.frame_times

    @property
    def boxes(self) -> Target:
        """How boxes are to be written."""
        return self._boxes


def tags_suffice(talk: Talk) -> bool:
    """Whether `<image>` and `<video>` are as many as the row's media: other stand-ins in its texts are then words."""
    asked = [content for role, content in talk.turns if role in SHOWING]
    if not all(isinstance(content, str) for content in asked):
        return False
    counts = [sum(content.count(tag) for content in asked if isinstance(content, str)) for tag in ("<image>", "<video>")]
    return counts == [len(talk.images), len(talk.videos)] and sum(counts) > 0


def _numbers(turns: list[tuple[Role, Content]]) -> list[int]:
    """Return the numbers by which user turns name pictures, in order."""
    asked = [content for role, content in turns if role in SHOWING and isinstance(content, str) and ("<" in content or "[" in content)]
    return [int(next(filter(None, match.groups()))) for text in asked for match in _find_numbered(text)]


def _count_from_one(cut: list[tuple[Role, list[str | Given]]], numbers: list[int], images: int) -> list[tuple[Role, list[str | Given]]]:
    """Check the numbers of a row against its pictures; where they begin at 0, count them from 1.

    Raises:
        RowError: a number without its picture.
    """
    shift = 1 if 0 in numbers else 0
    if max(numbers) + shift > images:
        raise RowError("VL006", f"the text names image {max(numbers)}, but the row has {images} image{'' if images == 1 else 's'}.")
    return [
        (role, [p._replace(number=p.number + shift) if isinstance(p, Given) and p.kind == "numbered" else p for p in pieces])
        for role, pieces in cut
    ]


@functools.lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE if _NUMBERED in pattern else 0)


def _splitter(pattern: str, named: dict[str, Any] | None = None) -> Callable[[str], Iterator[str | Given]]:
    regex = _compiled(pattern) if pattern else None

    def split(text: str) -> Iterator[str | Given]:
        end = 0
        for match in regex.finditer(text) if regex else ():
            if match.start() > end:
                yield text[end : match.start()]
            end = match.end()
            tag = match.group()
            groups = match.groupdict() if regex and regex.groups else {}
            number = groups.get("n1") or groups.get("n2") or groups.get("n3")
            if named and tag in named:
                yield Given("image", named[tag])
            elif number:
                yield Given("numbered", None, int(number))
            else:
                path = groups.get("path")
                yield Given("image", path) if path else Given(PLACEHOLDERS.get(tag, tag))
        if end < len(text) or not text:
            yield text[end:]

    return split


class _Sorter:
    """One conversation's media, handed out to its stand-ins in order."""

    def __init__(self, assembler: Assembler, talk: Talk, where: str) -> None:
        self._assembler = assembler
        self._talk = talk
        self._where = where
        self._taken = {"image": 0, "video": 0}
        self._numbers: set[int] = set()  # of the pictures that the text names by number
        self._lists = {"image": talk.images, "video": talk.videos}
        self._pictures: list[int] = []  # index in media of the n-th picture, which boxes refer to
        self._objects = _Objects(talk.objects, assembler.boxes) if talk.objects is not None else None
        self._named: list[Any] = []  # values of named pictures that were placed
        self.media: list[MediaRef] = []
        self.unused: list[Unused] = list(self._objects.unused) if self._objects else []

    def parts(self, role: Role, pieces: list[str | Given]) -> Iterator[Part]:
        """Yield texts, slots and boxes of one turn."""
        for piece in pieces:
            if isinstance(piece, str):
                yield piece
            elif piece.kind in _OBJECT_TAGS.split("|"):
                yield from self._objects.take(piece.kind, self._picture) if self._objects else ()
            elif role not in SHOWING:
                raise RowError("VL007", f"a turn of {role} holds a {piece.kind}; only turns of users and tools may.")
            else:
                yield from self._place(piece)

    def _place(self, piece: Given) -> Iterator[Slot]:
        if piece.kind == "numbered":
            if not 0 < piece.number <= len(self._lists["image"]):
                reason = f"a part shows the image with the index {piece.number - 1}, but the row has {len(self._lists['image'])}."
                raise RowError("VL006", reason)
            self._numbers.add(piece.number)
            yield from self._add("image", self._lists["image"][piece.number - 1])
            return
        value = piece.value
        if value is None:
            number = self._taken[piece.kind]
            self._taken[piece.kind] += 1
            if number >= len(self._lists[piece.kind]):
                return  # counted; `settle` tells how many there are
            value = self._lists[piece.kind][number]
        yield from self._add(piece.kind, value)

    def _add(self, kind: str, value: Any) -> Iterator[Slot]:
        if self._talk.named:
            self._named.append(value)
        if isinstance(value, dict):
            self.unused += [Unused(f"{kind}s[].{key}", item) for key, item in value.items() if key not in _MEDIA_KEYS]
        for ref in self._assembler.media_of(kind, value, f"{self._where}#{len(self.media)}"):
            if kind == "image":
                self._pictures.append(len(self.media))
            self.media.append(ref)
            yield Slot(len(self.media) - 1, times=kind == "video" and self._assembler.frame_times)

    def _picture(self, number: int) -> int:
        """Index in the media of the n-th picture of the row, which may stand only in a later turn: pictures come in order."""
        if not 0 <= number < max(len(self._talk.images), len(self._pictures)):
            raise RowError("VL210", f"a box is on picture {number}, but the row has {max(len(self._talk.images), len(self._pictures))}.")
        if number >= len(self._pictures):
            raise RowError("VL210", f"a box is on picture {number} before that picture stands in the text.")
        return self._pictures[number]

    def settle(self) -> None:
        """Compare stand-ins with media."""
        if self._objects:
            self._objects.finish()
        if self._talk.named and (left := [tag for tag, value in self._talk.named.items() if all(value != given for given in self._named)]):
            raise RowError("VL006", f"the row has a picture for {left[0]!r}, which no user turn holds.")
        for kind, given in self._lists.items():
            tags, there = self._taken[kind], len(given)
            if kind == "image" and self._numbers:
                if missing := [str(number) for number in range(1, there + 1) if number not in self._numbers]:
                    raise RowError("VL006", f"the text does not name image {', '.join(missing)} of the row's {there}.")
                tags += there
            if tags != there:
                names = f"{there} {kind}{'' if there == 1 else 's'}"
                raise RowError("VL006", f"the user turns have {tags} {kind} tag{'' if tags == 1 else 's'}, but the row has {names}.")


def _tag_videos(cut: list[tuple[Role, list[str | Given]]], videos: int) -> None:
    """Take `<image>` for the video where a row has videos alone and as many tags: LLaVA-Video writes it so."""
    tags = [piece for _, pieces in cut for piece in pieces if isinstance(piece, Given) and piece.value is None]
    if [tag.kind for tag in tags] == ["image"] * videos:
        for index, (role, pieces) in enumerate(cut):
            cut[index] = (role, [Given("video") if piece == Given("image") else piece for piece in pieces])


def _lead(cut: list[tuple[Role, list[str | Given]]], talk: Talk, mends: list[Mend]) -> None:
    """Put the media of a row whose turns have no stand-in at all in front of its first question."""
    first = next((index for index, (role, _) in enumerate(cut) if role == "user"), None)
    tags = _OBJECT_TAGS.split("|")
    if first is None or any(isinstance(piece, Given) and piece.kind not in tags for _, pieces in cut for piece in pieces):
        return
    given = (
        [Given("image")] * len(talk.images)
        + [Given("video")] * len(talk.videos)
        + [Given("image", item) for item in (talk.named or {}).values()]
    )
    if not given:
        return
    counts = {"image": len(talk.images) + len(talk.named or ()), "video": len(talk.videos)}
    names = " and ".join(f"{count} {kind}{'' if count == 1 else 's'}" for kind, count in counts.items() if count)
    if not talk.leading:
        mends.append(Mend("VL206", f"the row has {names} and its text has no tag.", f"put {names} in front of the first question"))
    cut[first] = ("user", [*given, *cut[first][1]])


class _Objects:
    """The `objects` of ms-swift: names and boxes, handed out to `<ref-object>` and `<bbox>` in order."""

    def __init__(self, given: Any, target: Target) -> None:
        if isinstance(given, str):
            try:
                given = strictjson.loads(given)
            except strictjson.StrictJsonError as error:
                raise RowError("VL210", f"`objects` is {error}.") from None
        if not isinstance(given, dict):
            raise RowError("VL210", f"`objects` is {given!r:.80}; an object with ref and bbox is needed.")
        self.unused = [Unused(f"objects.{key}", value) for key, value in given.items() if key not in _OBJECT_KEYS]
        self._names, self._boxes, self._pictures = (given.get(key) or [] for key in ("ref", "bbox", "image_id"))
        kind = given.get("bbox_type") or "real"
        if (
            not isinstance(kind, str)
            or kind not in _BBOX_SPACES
            or not all(isinstance(value, list) for value in (self._names, self._boxes, self._pictures))
        ):
            raise RowError("VL210", f"`objects` has bbox_type {kind!r}, or a value that is no list.")
        self._space = _BBOX_SPACES[kind]
        self._target: Target = target
        self._taken = {"<ref-object>": 0, "<bbox>": 0}

    def take(self, tag: str, picture: Callable[[int], int]) -> Iterator[Part]:
        """Yield the next name or box."""
        number = self._taken[tag]
        self._taken[tag] += 1
        given = self._names if tag == "<ref-object>" else self._boxes
        if number >= len(given):
            return  # `finish` tells
        if tag == "<ref-object>":
            yield str(given[number])
            return
        values = given[number]
        if not isinstance(values, list) or not all(type(value) in (int, float) for value in values):
            raise RowError("VL211", f"a box is {values!r:.80}; a list of numbers is needed.")
        if self._space == "pixels" and values and max(values) <= 1 and (len(values) > 2 or any(value % 1 for value in values)):
            raise RowError("VL211", f"the box {values!r:.80} lies in the first pixel; `bbox_type` of shares of the sides is norm1.")
        place = self._pictures[number] if number < len(self._pictures) else 0
        if type(place) is not int:
            raise RowError("VL210", f"image_id holds {place!r:.40}; whole numbers are needed.")
        yield Box(picture(place), tuple(map(float, values)), self._space, self._target)

    def finish(self) -> None:
        """Compare tags with entries."""
        for tag, given in (("<ref-object>", self._names), ("<bbox>", self._boxes)):
            tags = self._taken[tag]
            if tags != len(given):
                raise RowError("VL210", f"the turns have {tags} {tag} tags, but `objects` has {len(given)}.")
