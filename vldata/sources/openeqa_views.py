"""Which pictures of an Open-EQA episode are shown: views in colour, not the maps that lie beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath
from typing import TypeVar

from vldata.files.naming import natural_key
from vldata.media.refs import Sampling
from vldata.media.sampling import sample_indices
from vldata.sources.shards import PICTURE_SUFFIXES

_COLOUR = re.compile(r"[-_]rgb$").search
_NOT_A_VIEW = re.compile(r"[-_](?:depth|semantic|instance|label|mask)$").search

T = TypeVar("T")


def is_view(path: PurePath) -> bool:
    """Whether a file is a picture, and none of depth or of labels."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not _NOT_A_VIEW(path.stem)


def choose_views(found: Sequence[T], name: Callable[[T], str], sampling: Sampling) -> list[tuple[int, T]]:
    """Sample the views of an episode as people order file names, where some are marked as colour only those: (place, view).

    Raises:
        TooFewFramesError: see `sample_indices`.
    """
    colour = [view for view in found if _COLOUR(PurePath(name(view)).stem)]
    views = sorted(colour or found, key=lambda view: natural_key(name(view)))
    return [(index, views[index]) for index in sample_indices(len(views), sampling)]
