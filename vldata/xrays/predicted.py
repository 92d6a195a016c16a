"""What is expected of a record without loading a model: tokens by the arithmetic of its family, rendered by the model's template."""

from __future__ import annotations

from pathlib import Path

from vldata.datasets.dataset import Dataset
from vldata.errors import VlkitError
from vldata.media.video_tokens import marks, qwen3_vl_grid
from vldata.models.families import DEFAULT
from vldata.models.families_of import folder_family, folder_images
from vldata.records.record import Record
from vldata.xrays.text import Tokens, seconds_of
from vldata.xrays.views import Predicted


class RecordPredictor:
    """Counts by the sizes that a dataset's media lines tell."""

    def __init__(self, tokens: Tokens, dataset: Dataset) -> None:
        self._tokens = tokens
        family = folder_family(tokens.folder)
        self._images = folder_images(tokens.folder, family) if family else None
        self._videos = family is not None and family.name == DEFAULT
        self._lines = {line.path: line for line in dataset.media()}

    @classmethod
    def at(cls, folder: Path, tokens: Tokens) -> RecordPredictor:
        """The same for a folder with one converted row."""
        return cls(tokens, Dataset(folder / "row"))

    def of(self, record: Record) -> Predicted | None:
        """What is expected of a record; None where the template refuses it, or the family's arithmetic is not known here."""
        if self._images is None or (record.kept_videos and not self._videos):
            return None
        costs: list[int] = []
        seconds: list[float] = []
        for name in record.media:
            line = self._lines[name]
            if line.frames:
                grid = qwen3_vl_grid(line.clip)
                costs.append(grid.vision_tokens)
                seconds += seconds_of("".join(marks(grid, line.clip.fps)))
            else:
                costs.append(self._images.tokens(line.width, line.height))
        whole = 0
        if not record.kept_videos:
            try:
                whole = len(self._tokens.prompter.encode(record, costs).ids)
            except VlkitError:
                return None
        return Predicted(whole, tuple(costs), tuple(seconds))
