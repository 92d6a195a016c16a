"""What the vision towers of the fast path share, and the seam where families differ: a family overrides what its tower does otherwise.

A tower takes the patches of all pictures in one row. Blocks are called as modules, so each has a function of its own arithmetic; the step
(`vltrain.levers`) chooses kernels, checkpoints and compiles.
"""

from __future__ import annotations

from typing import Any

import torch

from vltrain.attention import Segments, attend
from vltrain.collate import Batch, Lay
from vltrain.linears import linears, rotate_half


class Tower:
    """The tower that transformers made, and how it is run."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def lay(self) -> Lay:
        """Return what works out a picture's positions, and the order of its patches, on the host. It can be pickled."""
        raise NotImplementedError

    def enter(self, hidden: torch.Tensor, table: Batch) -> torch.Tensor:
        """Take the embedded patches to what the first block sees."""
        return hidden

    def prepare(self) -> None:
        """Make the weights ready, once they are where they stay; called before every look."""

    @staticmethod
    def block(block: Any, hidden: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, segments: Segments) -> torch.Tensor:
        """One block on (patches, width)."""
        raise NotImplementedError

    def sees_windows(self, place: int) -> bool:
        """Whether attention in this block stays inside windows of a picture."""
        return False

    def joins(self, place: int, level: int, hidden: torch.Tensor) -> torch.Tensor | None:
        """What a block leaves, as the `level`-th, for the first language layers."""
        return None

    def leave(self, hidden: torch.Tensor, table: Batch) -> torch.Tensor:
        """Make the tokens, in the order of the pictures."""
        return self.module.merger(hidden)  # type: ignore[no-any-return]


def attended(block: Any, hidden: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, segments: Segments) -> torch.Tensor:
    """The first half of a block: attention within each segment, every head turned by row and column."""
    attention = block.attn
    mixed = linears(block.norm1(hidden), (attention.qkv,))[0].view(len(hidden), 3, attention.num_heads, -1)
    q, k, v = mixed.unbind(1)
    q, k = ((part.float() * cos + rotate_half(part.float()) * sin).to(hidden.dtype) for part in (q, k))
    out = attend(q, k, v.contiguous(), segments, causal=False)
    return hidden + linears(out.reshape(len(hidden), -1), (attention.proj,))[0]
