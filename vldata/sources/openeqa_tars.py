"""Episodes of Open-EQA in tars as some mirrors ship them: frames are read where they lie in the tar, nothing is unpacked.

A tar may hold folders of episodes, below any other folders, or be one episode that bears its name. Compressed tars cannot be read at a
place and have to be unpacked.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

import msgspec

from vldata.errors import DataError
from vldata.files.naming import natural_key
from vldata.media.refs import FileRef, MediaRef, Sampling
from vldata.media.sampling import TooFewFramesError
from vldata.records.draft import Reject
from vldata.sources.openeqa_views import choose_views, is_view


def find_tars(folders: Iterable[Path]) -> tuple[Path, ...]:
    """Return the tars of the first of these folders that has some, or whose frames/ has.

    Raises:
        DataError: they are compressed.
    """
    for folder in folders:
        for place in (folder, folder / "frames"):
            tars = sorted(place.glob("*.tar"), key=lambda path: natural_key(path.name))
            if tars:
                return tuple(tars)
            packed = sorted(path for pattern in ("*.tar.*", "*.tgz", "*.zip") for path in place.glob(pattern))
            if packed:
                cure = f"Unpack them first: mkdir {place / 'frames'}; tar -xf {packed[0].name} -C frames"
                raise DataError(f"the episodes are in {len(packed)} compressed files.", where=str(packed[0]), cure=cure)
    return ()


class TarFrames:
    """Finds the sampled frames of an episode in tars, whose headers are read once."""

    def __init__(self, tars: tuple[Path, ...], root: Path, sampling: Sampling) -> None:
        self._sampling = sampling
        self._frames: dict[str, list[tuple[str, FileRef]]] = {}
        for tar in tars:
            for episode, name, ref in _members(tar, root):
                self._frames.setdefault(episode, []).append((name, ref))

    def __call__(self, episode: str) -> tuple[MediaRef, ...] | Reject:
        """Return the sampled frames of an episode, or why there are none."""
        bare = episode.rsplit("/", 1)[-1]
        found = self._frames.get(bare, [])
        if not found:
            return Reject("", "", "VL202", f"{bare} is in none of the tars.")
        try:
            chosen = choose_views(found, lambda item: item[0], self._sampling)
        except TooFewFramesError as error:
            return Reject("", "", "VL107", f"{bare}: {error}")
        return tuple(msgspec.structs.replace(ref, frame=index) for index, (_, ref) in chosen)


def _members(tar: Path, root: Path) -> Iterator[tuple[str, str, FileRef]]:
    """Yield (episode, file name, reference) of every picture of a tar."""
    source = tar.relative_to(root).as_posix()
    try:
        with tarfile.open(tar, "r:") as archive:
            for member in archive:
                path = PurePosixPath(member.name)
                if member.isreg() and is_view(path):
                    episode = path.parent.name or tar.stem
                    name = f"{source}/{member.name}"
                    yield episode, path.name, FileRef(str(tar.absolute()), name, offset=member.offset_data, length=member.size)
    except (tarfile.TarError, OSError) as error:
        raise DataError(f"cannot be read: {error}.", where=str(tar), cure="Fetch the tar again.") from None
