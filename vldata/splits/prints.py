"""What the picture files of several datasets look like, each file opened once; 33 bytes of each are in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from vldata.files.gate import SafePath, below
from vldata.media.refs import Failure
from vldata.splits.columns import Cells
from vldata.splits.corpus import Corpus
from vldata.splits.digests import iter_parts
from vldata.splits.near_pictures import COLOUR_BYTES, HASH_BYTES, fingerprints
from vldata.wording import counted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

OnProgress = Callable[[str, int, int], None]


class Prints:
    """The fingerprints of all files. `of` has those of a corpus; `notes` say what was not compared.

    Args:
        corpora: what shows them.
        workers: processes that open them.
        on_progress: called with files done and in all.
    """

    def __init__(self, corpora: Sequence[Corpus], workers: int, on_progress: OnProgress | None = None) -> None:
        import numpy as np

        self._corpora = corpora
        self._entries: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * len(corpora)
        self._files: list[NDArray[np.int64]] = [np.empty(0, np.int64)] * len(corpora)
        opened = self._number()
        count = sum(len(entries) for _, entries in opened)
        self._hashes = np.zeros((count, HASH_BYTES), dtype=np.uint8)
        self._good = np.zeros(count, dtype=bool)
        self._colours = Cells(COLOUR_BYTES, count)
        lost = plain = 0
        for done, (index, result) in enumerate(fingerprints(_paths(opened), workers=workers) if count else (), start=1):
            if isinstance(result, Failure):
                lost += 1
            elif not result:
                plain += 1
            else:
                self._good[index] = True
                self._hashes[index] = np.frombuffer(result[:HASH_BYTES], dtype=np.uint8)
                self._colours.put(index, result[HASH_BYTES:])
            if on_progress:
                on_progress("all", done, count)
        notes = []
        if lost:
            notes.append(f"Not compared, as they cannot be read: {counted(lost, 'picture')}. vldata validate names them.")
        if plain:
            notes.append(f"Compared by their bytes alone, as they are of one colour: {counted(plain, 'picture')}.")
        self.notes = tuple(notes)

    def of(self, which: int) -> PrintsOf:
        """Those of a corpus."""
        import numpy as np

        those = np.flatnonzero(self._good[self._files[which]])
        files = self._files[which][those]
        return PrintsOf(self._corpora[which], self._entries[which][those], self._hashes[files], files, self._colours)

    def _number(self) -> list[tuple[Corpus, NDArray[np.int64]]]:
        """Number the files: each belongs to the first corpus of its folder that shows it, there in the order of its first use."""
        import numpy as np

        opened: list[tuple[Corpus, NDArray[np.int64]]] = []
        base = 0
        for out in dict.fromkeys(corpus.out.absolute() for corpus in self._corpora):
            those = [number for number, corpus in enumerate(self._corpora) if corpus.out.absolute() == out]
            entries: list[list[NDArray[np.int64]]] = [[] for _ in those]
            owners: list[list[NDArray[np.int64]]] = [[] for _ in those]
            owned: list[list[NDArray[np.int64]]] = [[] for _ in those]
            for part in iter_parts([self._corpora[number].pictures.digests for number in those]):
                firsts = np.stack([part.firsts(which) for which in range(len(those))])
                owner = np.argmax(firsts >= 0, axis=0) if firsts.size else np.empty(0, np.int64)
                for which, column in enumerate(firsts):
                    here = np.flatnonzero(column >= 0)
                    entries[which].append(column[here])
                    owners[which].append(owner[here])
                    owned[which].append(firsts[owner[here], here])
            bases, mine = [], []
            for which, number in enumerate(those):
                own = np.sort(np.concatenate(entries[which])[np.concatenate(owners[which]) == which])
                mine.append(own)
                bases.append(base)
                opened.append((self._corpora[number], own))
                base += len(own)
            for which, number in enumerate(those):
                shown, by, there = (np.concatenate(column[which]) for column in (entries, owners, owned))
                order = np.argsort(shown)
                files = np.empty(len(shown), dtype=np.int64)
                for other in range(which + 1):
                    from_it = by == other
                    files[from_it] = bases[other] + np.searchsorted(mine[other], there[from_it])
                self._entries[number], self._files[number] = shown[order], files[order]
        return opened


def _paths(opened: list[tuple[Corpus, NDArray[np.int64]]]) -> Iterator[SafePath]:
    for corpus, entries in opened:
        out = corpus.out.absolute()
        for entry in entries.tolist():
            yield below(out, corpus.pictures.names[entry])


class PrintsOf:
    """The pictures of one corpus that can be compared, in the order of their first use: as `vldata.splits.near_pictures.Looks`."""

    def __init__(
        self, corpus: Corpus, entries: NDArray[np.int64], hashes: NDArray[np.uint8], files: NDArray[np.int64], cells: Cells
    ) -> None:
        self._corpus, self._entries, self._files, self._cells = corpus, entries, files, cells
        self.hashes = hashes

    def name(self, number: int) -> str:
        """The path of one."""
        return self._corpus.pictures.names[int(self._entries[number])]

    def colours(self, number: int) -> bytes:
        """The colours of its blocks."""
        return self._cells.get(int(self._files[number]))

    def row(self, number: int) -> int:
        """The first record that shows it."""
        return self._corpus.pictures.row(int(self._entries[number]))
