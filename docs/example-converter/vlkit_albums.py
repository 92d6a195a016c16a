"""A converter of one's own: albums as folders of photographs with a captions.txt of `file: caption` lines.

The whole of it: find the annotations, say what was found, yield drafts. Pictures are named, never opened; rendering, grid, resume,
rejects and contract are vldata's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from vldata.errors import DataError
from vldata.files.paths import PathError, find_below
from vldata.media.refs import FileRef, FormatRule
from vldata.output.contract import Setting
from vldata.records.draft import Draft, Reject, Slot, Turn


class AlbumSource(msgspec.Struct, frozen=True, kw_only=True):
    """One opened folder of albums; `vldata.records.draft.Source` says what each field is."""

    converter: str = "albums"
    name: str = "albums"
    said: tuple[str, ...]
    columns: tuple[str, ...] = ("source", "task", "album")
    annotations: tuple[Path, ...]
    media_root: Path
    settings: dict[str, Setting]
    image_format: FormatRule = "auto"
    total: int | None = None
    question: str

    def drafts(self) -> Iterator[Draft | Reject]:
        """Yield every line of every captions.txt."""
        for file in self.annotations:
            album = file.parent
            for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
                name, sign, caption = line.partition(":")
                yield self._draft(album, name.strip(), caption.strip() if sign else "", f"{album.name}/captions.txt:{number}")

    def _draft(self, album: Path, name: str, caption: str, where: str) -> Draft | Reject:
        record_id = f"albums/{album.name}/{name}"
        if not caption:
            return Reject(record_id, where, "VL201", "the line has no caption.")
        try:
            picture = find_below(album, name)
        except PathError as error:
            return Reject(record_id, where, "VL111", f"{error}.")
        if picture is None:
            return Reject(record_id, where, "VL202", f"{name!r} is not in the album.")
        return Draft(
            id=record_id,
            where=where,
            turns=(Turn("user", (Slot(0), self.question)), Turn("assistant", (caption,))),
            media=(FileRef(path=str(picture.absolute()), source=f"{album.name}/{name}"),),
            references=(caption,),
            meta={"source": "albums", "task": "caption", "album": album.name},
        )


def open_source(source: Path | None = None, *, question: str = "What does the photograph show?") -> AlbumSource:
    """Albums: folders of photographs with a captions.txt.

    Args:
        source: The folder of albums; by default the working folder.
        question: What the user asks of every photograph.
    """
    root = source or Path()
    files = tuple(sorted(root.glob("*/captions.txt")))
    if not files:
        raise DataError("no album here has a captions.txt.", where=str(root), cure="Give the folder that holds the albums.")
    return AlbumSource(
        said=(f"{len(files)} albums in {root}.",),
        annotations=files,
        media_root=root,
        settings={"question": question},
        question=question,
    )
