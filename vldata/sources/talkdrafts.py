"""The drafts of conversations: one maker a file, with a short way for rows that hold turns and images and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vldata.records.boxes import Target
from vldata.records.draft import Draft, Reject, TextDraft
from vldata.records.parts import PARTS, TASKS, PartName, in_order, said_of
from vldata.sources.assemble import Assembled, Assembler
from vldata.sources.census import IN_EXTRA, LEFT_OUT, Census, Fates, extra_json
from vldata.sources.clips import ROW_KEYS, with_row_wishes
from vldata.sources.dialects import DIALECTS, Dialect, dialect_keys, find_dialect, part_keys, read_row
from vldata.sources.dialects.messages import listed as media_list
from vldata.sources.dialects.messages import numbered_columns
from vldata.sources.dialects.names import Names
from vldata.sources.dialects.talk import Talk, without_thoughts
from vldata.sources.errors import RowError
from vldata.sources.locate import names_of
from vldata.sources.opened import RowSource
from vldata.sources.partscan import Thinking, parts_in
from vldata.sources.plainrows import PlainRows, PlainTalk
from vldata.sources.remote import map_ahead
from vldata.sources.rowmeta import ID_FIELDS, META_FIELDS, id_field, id_of, is_own
from vldata.sources.rows import RowFault, RowFile
from vldata.sources.shards import Shard
from vldata.sources.talkfiles import FoundTalk, rows_of
from vldata.sources.textboxes import BARE, TextBoxMover, bare_boxes, calls_with_coordinates
from vldata.sources.textspace import Evidence


class ShareGptSource(RowSource, frozen=True, kw_only=True):
    """One opened file of conversations."""

    converter: str = "sharegpt"
    files: tuple[RowFile | Shard, ...]
    names: Names
    found: FoundTalk
    boxes: Target
    ignore: tuple[str, ...] = ()
    thinking: Thinking = "keep"

    def quick_drafts(self, evidence: Evidence | None = None) -> Iterator[Draft | TextDraft | Reject]:
        """Yield what `drafts` does, plain rows of text alone as `TextDraft`."""
        maker = _DraftMaker(self, evidence)
        if self.remote:
            numbered = enumerate(_unpacked(rows_of(self.files)))
            yield from map_ahead(lambda given: maker.draft(*given), ((row, where, number) for number, (where, row) in numbered))
            return
        draft, plain = maker.draft, maker.plain_rows
        for where, row in _unpacked(maker.rows(self.files)):
            yield row if type(row) is TextDraft else draft(row, where, plain.read)
            plain.read += 1


def _unpacked(rows: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, Any]]:
    for where, row in rows:
        if type(row) is list and row:
            for place, inner in enumerate(row):
                yield f"{where}[{place}]", inner
        else:
            yield where, row


class _DraftMaker:
    """Makes the drafts of one source; what every row needs is looked up once."""

    def __init__(self, source: ShareGptSource, evidence: Evidence | None = None) -> None:
        self._names = source.names
        self._dialect = source.found.dialect
        moves = evidence is not None or source.texts.looked
        mover = TextBoxMover(source.boxes, None if evidence else source.texts.spaces, evidence) if moves else None
        self._assembler = Assembler(source.finder, source.found.placeholders, source.boxes, embedded=source.found.embedded, mover=mover)
        self._prefix = source.prefix
        self._fields = tuple(column for column in source.columns if column in META_FIELDS)
        self._has_tools = source.traits.tools
        self._own = source.found.own
        task = "solution" if "solution" in source.traits.parts else "chat"
        self._base = {"source": source.prefix, "task": task, **dict.fromkeys(self._fields, ""), "extra": ""}
        names = source.names
        self._beside = frozenset({*names.images, *names.videos, *names.system, *names.tools})
        every = {*names.turns, *self._beside, *names.prompt, *names.query, *names.response, *names.history}
        self._kept = frozenset({*META_FIELDS} | ({"references", "meta"} if self._own else set()))
        self._census = Census(source.ignore)
        self._ignore = frozenset(source.ignore)
        keys = source.found.keys
        self.plain_rows = PlainRows(self._prefix, self._base, source.traits)
        self._plain = PlainTalk(self.plain_rows, *keys, names.roles, self._assembler.find_tag)
        self._parts, self._thinking = source.traits.parts, source.thinking
        self._task: PartName | None = next((name for name in self._parts if name in TASKS), None)
        self._part_keys = part_keys(names)
        self._quick = not self._parts and not names.marked and bool(keys[0])
        # Fields that mean more than themselves: a row with one of them takes the long way.
        telling = every | dialect_keys() | {*ID_FIELDS, *self._kept, "objects", "data_path", "width", "height", "audios"}
        self._telling = frozenset(telling) - {keys[0], "id"}

    def rows(self, files: tuple[RowFile | Shard, ...]) -> Iterator[tuple[str, Any]]:
        """Yield the rows of all files; plain ones as `TextDraft`, where the dataset may hold such."""
        for file in files:
            quick = self._quick and isinstance(file, RowFile)
            yield from file.quick_rows(self._plain.reader) if quick else file.rows()  # type: ignore[union-attr]

    def draft(self, row: Any, where: str, number: int) -> Draft | TextDraft | Reject:
        """Make the draft of one row, or the reject."""
        if type(row) is not dict:
            code, reason = row if isinstance(row, RowFault) else ("VL201", f"the row is {row!r:.60}, not an object.")
            return Reject(f"{self._prefix}/{number:08d}", where, code, reason)
        if self._quick and self._telling.isdisjoint(row) and (plain := self._plain.of_row(row, where)):
            return plain
        record_id = id_of(row, self._prefix, number)
        try:
            dialect = self._dialect
            if not dialect.claims(row, self._names):
                dialect = self._other_dialect(row)
            used = self._used(row, dialect)
            talk = self._with_dataset(read_row(dialect, row, self._names, self._part_keys))
            used |= talk.used
            if folder := row.get("data_path"):
                talk = talk._replace(images=_below(folder, talk.images), videos=_below(folder, talk.videos))
            if talk.videos and (videos := with_row_wishes(row, talk.videos)) is not talk.videos:
                talk = talk._replace(videos=videos)
                used |= set(ROW_KEYS)
            if row.get("audios"):
                raise RowError("VL205", "the row has audio, which is not supported.")
            turns, media, mends, beside, rejected = self._assembler.assemble(talk, where)
            if talk.unused or beside or not row.keys() <= used:
                unused, extra = self._census.judge(row, used, (*talk.unused, *beside), shows=names_of(media))
            else:
                unused, extra = (), {}
            unused += talk.changed
            if media and self._has_tools and calls_with_coordinates(turns):
                unused += (("coordinates in a tool call", "left as they are, also where the image changes its size"),)
            if media and bare_boxes(turns):
                unused += (BARE,)
        except RowError as error:
            return Reject(record_id, where, error.code, error.reason)
        if self._own and is_own(row):
            lost = tuple((name, LEFT_OUT if fate == IN_EXTRA else fate) for name, fate in unused)  # its meta is taken over as it is
            assembled = Assembled(turns, media, mends, rejected=rejected)
            return self._own_draft(row, where, assembled, talk, lost)
        meta = self._base.copy()
        for field in self._fields:
            value = row.get(field)
            if value is not None:
                meta[field] = value if type(value) is str else str(value)
        if extra:
            meta["extra"] = extra_json(extra)
        return Draft(
            id=record_id,
            where=where,
            turns=turns,
            media=media,
            references=talk.answers or None,
            meta=meta,
            tools=talk.tools if self._has_tools else None,
            mends=mends,
            unused=unused,
            rejected=rejected,
            wanted=talk.wanted,
            solution=talk.solution,
        )

    def _with_dataset(self, talk: Talk) -> Talk:
        """Hold a talk to the parts that the dataset has, and do with its thoughts what --thinking says.

        Raises:
            RowError: it has a part that the others have not, or the other way round.
        """
        if self._thinking != "keep" and (dropped := without_thoughts(talk, f"left out (--thinking {self._thinking})")):
            talk = dropped
        if not self._parts and not talk.notes and talk.rejected is None and talk.wanted is None and talk.solution is None:
            return talk
        there = set(parts_in(talk))
        if more := [name for name in in_order(there) if name not in self._parts]:
            raise RowError("VL219", f"the row has {said_of(more)}, and the dataset is of rows without.")
        if self._task and self._task not in there:
            raise RowError("VL219", f"the row has no {self._task!r}, and other rows of the file have: {PARTS[self._task].said}.")
        return talk

    def _used(self, row: dict[str, Any], dialect: Dialect) -> frozenset[str]:
        """Return which fields of a row have a place in its record.

        Raises:
            RowError: it holds one thing under two names, and they differ.
        """
        names = self._names
        used = {*self._kept, id_field(row)}
        groups = [names.images, names.videos, names.system, names.tools, *dialect.alternatives]
        if dialect is DIALECTS["messages"] or dialect is DIALECTS["rounds"]:
            groups.append(names.turns)
        elif dialect is DIALECTS["fields"]:
            groups += [names.prompt, names.query, names.response, names.history]
        for group in groups:
            there = [key for key in group if row.get(key) not in (None, "", [], {}) and key not in self._ignore]
            if len(there) > 1 and any(media_list(row[key]) != media_list(row[there[0]]) for key in there[1:]):
                raise RowError("VL216", f"{' and '.join(map(repr, there))} are both there and differ.")
            used.update(there)
        used |= dialect.keys
        if not any(row.get(key) not in (None, "", []) for key in names.images):
            used.update(numbered_columns(row))
        return frozenset(used | _BESIDE)

    def _own_draft(
        self,
        row: dict[str, Any],
        where: str,
        assembled: Assembled,
        talk: Talk,
        unused: Fates,
    ) -> Draft:
        """Make the draft of a record of ours."""
        return Draft(
            id=row["id"],
            where=where,
            turns=assembled.turns,
            media=assembled.media,
            references=tuple(row["references"]),
            meta={column: row["meta"].get(column, "") for column in self._own},
            tools=talk.tools if self._has_tools else None,
            mends=assembled.mends,
            unused=unused,
            rejected=assembled.rejected,
            wanted=talk.wanted,
            solution=talk.solution,
        )

    def _other_dialect(self, row: dict[str, Any]) -> Dialect:
        dialect = find_dialect(row, self._names)
        if dialect is None:
            raise RowError("VL201", f"no conversation in the fields {', '.join(map(repr, list(row)[:12]))}.")
        return dialect


_BESIDE = frozenset({"objects", "data_path", "width", "height", "audios"})


def _below(folder: Any, media: list[Any]) -> list[Any]:
    """Put the row's own folder (Qwen's data_path) in front of its relative paths."""
    if not isinstance(folder, str):
        raise RowError("VL205", f"`data_path` is {folder!r:.60}; a text is needed.")
    joined = [f"{folder.rstrip('/')}/{item}" if isinstance(item, str) and not item.startswith(("/", "data:")) else item for item in media]
    return joined
