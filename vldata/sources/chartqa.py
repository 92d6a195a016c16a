"""ChartQA (Masry et al., ACL Findings 2022): one chart, one question, written by people ("human") or by a model ("augmented").

Layouts found by themselves, below SOURCE, SOURCE/data or SOURCE/ChartQA Dataset:

    {train,val,test}/png/*.png + {train,val,test}/{split}_{human,augmented}.json     the original; tables/*.csv beside
    *.parquet with image, query, label, human_or_machine                             HuggingFaceM4, swift
    *.parquet with image, question, answer, type                                     lmms-lab
    *.parquet with imgname, query, label, type, image (raw bytes)                    ahmed-masry
    *.tsv with index, image (base64), question, answer, split                        VLMEvalKit
    {split}_{human,augmented}.jsonl, *.json lists                                    InternVL and re-exports
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.paths import PathError, find_below, refuse_archive
from vldata.files.strictjson import read_user_text
from vldata.media.refs import BytesRef, FileRef, FormatRule, MediaRef
from vldata.records.draft import Draft, Reject, Setting, Slot, Turn
from vldata.sources.census import Census, extra_json
from vldata.sources.chartqa_rows import ChartFile, ChartRow, find_row_files
from vldata.sources.errors import RowError

COLUMNS = ("source", "task", "split", "kind", "chart", "extra")
SPLITS = ("train", "val", "test")

# The wordings in use. "analyst" is the tutorial prompt that Unsloth's ChartQA notebooks popularised, byte for byte.
PROMPTS = {
    "plain": "{images}{question}",
    "analyst": (
        "{images}You are a precise chart analyst. Read the chart and answer the question.\n"
        "Keep the final answer concise (numbers/text only).\nQuestion: {question}"
    ),
    "short": "{images}{question}\nAnswer the question using a single word or phrase.",
}


class ChartQaSource(msgspec.Struct, frozen=True, kw_only=True):
    """One split of an opened ChartQA; see `vldata.records.draft.Source` for the fields."""

    converter: str = "chartqa"
    name: str
    columns: tuple[str, ...] = COLUMNS
    image_format: FormatRule = "png"
    said: tuple[str, ...]
    annotations: tuple[Path, ...]
    media_root: Path
    settings: dict[str, Setting]
    total: int | None
    split: str
    files: tuple[ChartFile, ...]
    prompt: str
    tables: bool
    ignore: tuple[str, ...] = ()

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield every question of the split, in the order of its files."""
        number = 0
        census = Census(self.ignore)
        for file in self.files:
            for where, row in file.rows(self.split):
                yield self._draft(row, where, number, census)
                number += 1

    def _draft(self, row: ChartRow | str, where: str, number: int, census: Census) -> Draft | Reject:
        record_id = f"chartqa/{self.split}/{number:05d}"
        if isinstance(row, str):
            return Reject(record_id, where, "VL201", row)
        try:
            media = _media(row)
            unused, extra = census.judge(row.extra, (), shows=(row.chart.rpartition("/")[2],))
        except PathError as error:
            return Reject(record_id, where, "VL111", f"{error}.")
        except RowError as error:
            return Reject(record_id, where, error.code, error.reason)
        if media is None:
            return Reject(record_id, where, "VL202", f"the chart {row.chart!r} is not on disk.")
        turns: tuple[Turn, ...] = (Turn("user", _fill(self.prompt, row.question)), Turn("assistant", (row.labels[0],)))
        if self.tables and (table := _table_text(row)):
            turns += (Turn("user", ("Write the data of the chart as a table.",)), Turn("assistant", (table,)))
        return Draft(
            id=record_id,
            where=where,
            turns=turns,
            media=(media,),
            references=row.labels,
            meta={
                "source": "chartqa",
                "task": "chartqa",
                "split": self.split,
                "kind": row.kind,
                "chart": row.chart,
                "extra": extra_json(extra),
            },
            unused=unused,
        )


def open_source(
    source: Path | None = None,
    *,
    split: str = "",
    prompt_preset: Literal["plain", "analyst", "short"] = "plain",
    prompt: Path | None = None,
    tables: bool = False,
    follow_links: bool = False,
    ignore: tuple[str, ...] = (),
) -> list[ChartQaSource]:
    """ChartQA: questions about charts, human and augmented, in any of its layouts.

    Without --split every split becomes a dataset: NAME_train, NAME_val, NAME_test. `meta.kind` says human or augmented; all labels are
    references.

    Args:
        source: The folder or file; by default the working folder.
        split: Only this split: train, val or test.
        prompt_preset: Wording of the question: the question alone (plain), the precise chart analyst (analyst), or with a request for
            a short answer (short).
        prompt: Text file with another wording: {question} is replaced, {images} says where the chart stands.
        tables: Add a second turn that asks for the chart's data table, where the original tables/ folder is there.
        follow_links: Follow links that lead out of the source folder.
        ignore: Fields that may be left out although they change meaning.

    Raises:
        DataError: nothing that looks like ChartQA was found.
        UsageError: an unknown split, or a prompt that does not hold {question}.
    """
    root = source or Path()
    if not root.exists():
        raise DataError("is not there.", where=str(root), cure="Give the folder or file of ChartQA.")
    refuse_archive(root)
    if split and split not in SPLITS:
        raise UsageError(f"no split {split!r}.", cure="Splits are train, val and test.")
    wording = _wording(prompt, prompt_preset)
    files = find_row_files(root, follow_links=follow_links)
    if not files:
        raise DataError(
            "nothing here looks like ChartQA.",
            where=str(root),
            cure="Give the folder that holds train/, val/ and test/, or the .parquet, .tsv or .json files.",
        )
    found = [name for name in SPLITS if any(name in file.splits for file in files)]
    wanted = [split] if split else found
    if split and split not in found:
        raise DataError(f"there is no {split} split here.", where=str(root), cure=f"Found are: {', '.join(found)}.")
    return [_source_of(name, files, root, wording, tables=tables, ignore=tuple(ignore)) for name in wanted]


def _source_of(split: str, files: list[ChartFile], root: Path, prompt: str, *, tables: bool, ignore: tuple[str, ...]) -> ChartQaSource:
    own = tuple(file for file in files if split in file.splits)
    total = sum(file.splits[split] for file in own)
    layout = ", ".join(dict.fromkeys(file.layout for file in own))
    return ChartQaSource(
        name=f"chartqa_{split}",
        said=(f"ChartQA {split}: {total:,} questions; layout: {layout}; files: {', '.join(str(file.path) for file in own)}.",),
        annotations=tuple(file.path for file in own),
        media_root=root if root.is_dir() else root.parent,
        settings={"split": split, "prompt": prompt, "tables": tables},
        total=total,
        split=split,
        files=own,
        prompt=prompt,
        tables=tables,
        ignore=ignore,
    )


def _wording(prompt: Path | None, preset: str) -> str:
    text = read_user_text(prompt).rstrip("\n") if prompt else PROMPTS[preset]
    if text.count("{question}") != 1 or text.count("{images}") > 1:
        raise UsageError("the prompt must hold {question} once, and {images} at most once.", cure="For example: {images}{question}")
    return text if "{images}" in text else "{images}" + text


def _fill(prompt: str, question: str) -> tuple[str | Slot, ...]:
    before, after = (part.replace("{question}", question) for part in prompt.split("{images}"))
    parts: tuple[str | Slot, ...] = (before, Slot(0), after)
    return tuple(part for part in parts if part != "")


def _media(row: ChartRow) -> MediaRef | None:
    if row.data is not None:
        return BytesRef(data=row.data, source=row.source)
    path = find_below(row.folder, row.chart, follow_links=row.follow_links)
    if path is None:
        return None
    return FileRef(path=str(path.absolute()), source=row.source)


def _table_text(row: ChartRow) -> str:
    """Return the chart's table as tab-separated lines, or "" where there is none."""
    path = row.folder.parent / "tables" / f"{Path(row.chart).stem}.csv"
    if row.data is not None or not path.is_file():
        return ""
    try:
        cells: list[list[Any]] = list(csv.reader(io.StringIO(path.read_text(encoding="utf-8", errors="replace"), newline="")))
    except csv.Error as error:
        raise DataError(f"cannot be read as rows of cells: {error}.", where=str(path), cure="Fetch the file again.") from None
    return "\n".join("\t".join(line) for line in cells if line)
