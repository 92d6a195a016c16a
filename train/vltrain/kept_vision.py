"""What the frozen vision tower made of a picture, kept: it makes the same again in every epoch and for every question about it.

Open-EQA asks 1,636 questions about 1,216 frames, eight at a time: each frame would pass the tower eleven times an epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from vltrain.collate import Batch, Lay, lay_out

GIB = 2**30
Look = Callable[[torch.Tensor, Batch], torch.Tensor]


class KeptVision:
    """Keeps, in the host's memory, what `look` returns: (levels, tokens, width) for the patches of some pictures.

    What is kept stays to the end; once `limit_gib` is full, further pictures pass the tower each time.
    """

    def __init__(self, limit_gib: float, lay: Lay) -> None:
        self._lay = lay
        self._left = int(limit_gib * GIB)
        self._kept: dict[str, torch.Tensor] = {}

    def see(self, names: Sequence[str], patches: torch.Tensor, table: Batch, look: Look) -> torch.Tensor:
        """Return (levels, tokens, width) of a batch's pictures, in order; `look` is asked for those that are new only."""
        lengths: Sequence[int] = table["picture_lengths"]
        new: dict[str, int] = {}
        for place, name in enumerate(names):
            if name not in self._kept:
                new.setdefault(name, place)
        seen: dict[str, torch.Tensor] = {}
        if new:
            chosen = list(new.values())
            made = look(*(choose(patches, table, chosen, self._lay) if len(chosen) < len(names) else (patches, table)))
            seen = dict(zip(new, made.split([lengths[place] // 4 for place in chosen], dim=1), strict=True))
            for name, part in seen.items():
                self._keep(name, part)
            if len(chosen) == len(names):
                return made
        parts = [seen[name] if name in seen else self._kept[name].to(patches.device, non_blocking=True) for name in names]
        return torch.cat(parts, dim=1)

    def _keep(self, name: str, part: torch.Tensor) -> None:
        size = part.numel() * part.element_size()
        if size > self._left:
            return
        self._left -= size
        self._kept[name] = torch.empty(part.shape, dtype=part.dtype, pin_memory=part.is_cuda).copy_(part, non_blocking=True)


def choose(patches: torch.Tensor, table: Batch, chosen: Sequence[int], lay: Lay) -> tuple[torch.Tensor, Batch]:
    """Take some pictures of a batch."""
    lengths: Sequence[int] = table["picture_lengths"]
    ends = [0]
    for length in lengths:
        ends.append(ends[-1] + length)
    rows = torch.cat([torch.arange(ends[place], ends[place + 1]) for place in chosen]).to(patches.device)
    laid = moved(lay_out([table["picture_grids"][place] for place in chosen], lay), patches.device)
    return patches[rows], {**table, **laid}


def moved(batch: Batch, device: torch.device) -> Batch:
    """The same with its tensors on a device."""
    return {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in batch.items()}
