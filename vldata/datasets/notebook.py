"""The small table a notebook shows for a dataset: its first records with their pictures, no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from vldata.errors import VlkitError
from vldata.files.gate import below
from vldata.files.paths import path_fault
from vldata.output.contract import Contract
from vldata.records.record import Record, plain_text
from vldata.web.escaping import bdi, text
from vldata.web.thumbs import data_url, make_thumbnail
from vldata.wording import counted

ROWS = 5
_PICTURES = 4
_SIDE_PIXELS = 112
_MAX_TEXT = 240
_CELL = "text-align:left;vertical-align:top;padding:6px 10px;max-width:26em;overflow-wrap:anywhere"


def notebook_table(records: Iterable[Record], count: int, contract: Contract, folder: Path, rows: int = ROWS) -> str:
    """Return the table as HTML. A line that is no record ends it with the reason: a display never raises.

    Args:
        records: the records of the dataset, in order.
        count: how many there are.
        contract: how they were made.
        folder: the folder that their images are relative to.
        rows: how many to show.
    """
    counts, pixels = contract.counts, contract.pixels
    videos = f", {counted(counts.videos, 'video')}" if counts.videos else ""
    counted_all = f"{counted(count, 'record')}, {counted(counts.pictures, 'picture')}{videos}"
    head = f"<b>{bdi(contract.name)}</b>: {counted_all}, {text(pixels.processor)}"
    return f'<div>{head}<table style="margin:6px 0">{"".join(_rows(records, count, folder, rows))}</table></div>'


def _rows(records: Iterable[Record], count: int, folder: Path, rows: int) -> Iterator[str]:
    yield "".join(f'<th style="{_CELL}">{name}</th>' for name in ("", "id", "question", "answer"))
    try:
        for record in islice(records, rows):
            yield _row(folder, record)
    except VlkitError as error:
        yield f'<tr><td colspan="4" style="{_CELL}">{bdi(str(error))}</td></tr>'
    if (left := count - rows) > 0:
        yield f'<tr><td colspan="4" style="{_CELL}">and {left:,} more: <code>vldata preview</code> shows them</td></tr>'


def _row(folder: Path, record: Record) -> str:
    asked = [plain_text(message.content) for message in record.messages if message.role == "user"]
    answered = [message.content for message in record.messages if message.role == "assistant"]
    pictures = []
    for file in record.media[:_PICTURES]:
        thumb = make_thumbnail(below(folder, file), side=_SIDE_PIXELS) if not path_fault(file) else None
        pictures.append(f'<img src="{data_url(thumb)}" alt="">' if isinstance(thumb, bytes) else "(cannot be read)")
    more = len(record.media) - len(pictures)
    words = (bdi(_cut("\n".join(texts))) for texts in (asked, answered))
    cells = ["".join(pictures) + (f" +{more}" if more > 0 else ""), bdi(_cut(record.id)), *words]
    return "<tr>" + "".join(f'<td style="{_CELL}">{cell}</td>' for cell in cells) + "</tr>"


def _cut(value: str) -> str:
    return value if len(value) <= _MAX_TEXT else value[: _MAX_TEXT - 1] + "…"
