"""Open-EQA as parquet mirrors ship it: the questions with the frames of their episode in the row.

question_id, category, episode_history, question, answer, extra_answers [..], videos [{bytes, path}, ..]
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.files.naming import natural_key
from vldata.files.parquet import iter_parquet_rows, parquet_columns
from vldata.media.refs import BytesRef, MediaRef, Sampling
from vldata.media.sampling import TooFewFramesError, sample_indices
from vldata.records.draft import Draft, Reject
from vldata.sources.census import Census
from vldata.sources.openeqa import Opened, make_draft, row_fault

_FRAME_COLUMNS = ("videos", "video", "frames", "images")
_ROWS_AT_ONCE = 4  # a row holds all frames of an episode: megabytes


class EmbeddedSource(Opened, frozen=True, kw_only=True):
    """An opened parquet mirror."""

    frame_column: str
    sampling: Sampling

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield every question, in the order of the files."""
        for file in self.annotations:
            for number, cells in iter_parquet_rows(file, rows_at_once=_ROWS_AT_ONCE):
                yield self._draft(cells, f"{file.name}[{number}]")

    def _draft(self, cells: dict[str, Any], where: str) -> Draft | Reject:
        frames = cells.pop(self.frame_column)
        row = {key: value for key, value in cells.items() if value is not None}
        record_id = f"openeqa/{row['question_id']}" if isinstance(row.get("question_id"), str) else ""
        if fault := row_fault(row):
            return Reject(record_id, where, "VL201", fault)
        data = [frame.get("bytes") if isinstance(frame, dict) else frame for frame in frames or []]
        try:
            chosen = sample_indices(len(data), self.sampling)
        except TooFewFramesError as error:
            return Reject(record_id, where, "VL107" if data else "VL203", f"{self.frame_column!r}: {error}")
        media: list[MediaRef] = []
        for index in chosen:
            picture = data[index]
            if not isinstance(picture, bytes) or not picture:
                return Reject(record_id, where, "VL202", f"{self.frame_column}[{index}] holds no bytes.")
            media.append(BytesRef(picture, f"{where}#{self.frame_column}[{index}]"))
        return make_draft(row, where, tuple(media), self.prompt, Census(self.ignore))


def find_parquet(root: Path) -> tuple[tuple[Path, ...], str]:
    """Return the parquet files of a mirror and the column of their frames; no file where there is none of the kind."""
    for folder in (root, root / "data"):
        files = (
            [root] if root.is_file() and root.suffix == ".parquet" else sorted(folder.glob("*.parquet"), key=lambda p: natural_key(p.name))
        )
        if not files:
            continue
        columns = parquet_columns(files[0])
        frames = next((name for name in _FRAME_COLUMNS if name in columns), "")
        if frames and {"question_id", "question", "answer", "episode_history"} <= columns.keys():
            return tuple(files), frames
    return (), ""


def open_embedded(
    files: tuple[Path, ...], frame_column: str, sampling: Sampling, prompt: str, ignore: tuple[str, ...] = ()
) -> EmbeddedSource:
    """Open a mirror."""
    total = sum(parquet_columns(file).rows for file in files)
    more = f" and {len(files) - 1:,} more" if len(files) > 1 else ""
    return EmbeddedSource(
        said=(f"Questions: {total:,} with embedded frames ({frame_column}) from {files[0]}{more}.",),
        annotations=files,
        media_root=files[0].parent,
        settings={"frames": msgspec.to_builtins(sampling), "prompt": prompt},
        total=total,
        frame_column=frame_column,
        sampling=sampling,
        prompt=prompt,
        ignore=ignore,
    )
