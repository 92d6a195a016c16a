"""Attention inside each sample of a packed row: the segments, and the kernels that take them."""

from __future__ import annotations

import functools
import itertools
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F

Lengths = tuple[int, ...]


def can_flash(x: torch.Tensor) -> bool:
    """Whether PyTorch's own variable-length flash attention runs here."""
    return x.is_cuda and x.dtype in (torch.bfloat16, torch.float16) and torch.cuda.get_device_capability(x.device)[0] >= 8


@functools.cache
def has_cudnn_attention() -> bool:
    """Whether cuDNN's attention runs here, there and back, with shared key heads: tried on a small input."""
    if not torch.cuda.is_available() or torch.cuda.get_device_capability()[0] < 9:
        return False
    try:
        seeded = torch.Generator("cuda").manual_seed(0)  # of its own, so that a run's dropout stays as it was
        drawn = (torch.randn(2, heads, 64, 64, device="cuda", generator=seeded) for heads in (4, 2))
        query, key = (part.to(torch.bfloat16).requires_grad_() for part in drawn)
        wide = [part.detach().float().requires_grad_() for part in (query, key)]
        ours = cudnn_rows(query, key, key, causal=True)
        theirs = F.scaled_dot_product_attention(wide[0], wide[1], wide[1], is_causal=True, enable_gqa=True)
        gradients = zip(torch.autograd.grad(ours.sum(), (query, key)), torch.autograd.grad(theirs.sum(), wide), strict=True)
        pairs = [(ours, theirs), *gradients]
        return all(torch.allclose(found.float(), wanted, atol=0.1, rtol=0.1) for found, wanted in pairs)
    except (RuntimeError, AttributeError):
        return False


class Segments(NamedTuple):
    """How the tokens of a packed row fall into samples, or patches into pictures; attention stays inside each."""

    bounds: torch.Tensor
    lengths: Lengths  # where there is no variable-length kernel: a slice at a time
    longest: int
    flash: bool
    width: int = 0  # all segments have this length, and cuDNN takes them as rows
    spread: torch.Tensor | None = None  # or nearly: (rows, width) places of their tokens, -1 where a row is filled up
    back: torch.Tensor | None = None  # and where each token stands in those rows


class _Move(torch.autograd.Function):
    """Take rows by index where the way back is an index too: faster than the sum over equal indices that PyTorch must assume."""

    @staticmethod
    def forward(x: torch.Tensor, there: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
        return x.index_select(0, there.clamp(min=0))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(inputs[2])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (back,) = ctx.saved_tensors
        taken = gradients[0].index_select(0, back.clamp(min=0))
        return torch.where((back >= 0)[:, None, None], taken, 0), None, None


def move(x: torch.Tensor, there: torch.Tensor, back: torch.Tensor) -> torch.Tensor:
    """Take rows of (rows, heads, width) by index; `back` is where each came from, -1 for nowhere."""
    return _Move.apply(x, there, back)  # type: ignore[no-untyped-call, no-any-return]


def cudnn_rows(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, *, causal: bool) -> torch.Tensor:
    """Attention of (rows, heads, tokens, width) by cuDNN."""
    keep, scale = torch.is_grad_enabled() and q.requires_grad, q.shape[-1] ** -0.5
    return torch.ops.aten._scaled_dot_product_cudnn_attention(q, k, v, None, keep, 0.0, causal, False, scale=scale)[0]  # type: ignore[no-any-return]


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, segments: Segments, *, causal: bool) -> torch.Tensor:
    """Attention of (tokens, heads, width) within each segment only; fewer key heads than query heads are shared."""
    scale, spread, back = q.shape[-1] ** -0.5, segments.spread, segments.back
    if spread is not None and back is not None:  # what fills up stands behind all that counts, so causality hides it
        rows, flat = spread.shape[0], spread.reshape(-1)
        parts = [move(part, flat, back).unflatten(0, (rows, -1)).transpose(1, 2) for part in (q, k, v)]
        return move(cudnn_rows(*parts, causal=causal).transpose(1, 2).flatten(0, 1), back, flat)
    if segments.width:
        parts = [part.view(-1, segments.width, *part.shape[1:]).transpose(1, 2) for part in (q, k, v)]
        return cudnn_rows(*parts, causal=causal).transpose(1, 2).reshape(q.shape)
    if segments.flash:
        bounds, longest = segments.bounds, segments.longest
        return torch.ops.aten._flash_attention_forward(q, k, v, bounds, bounds, longest, longest, 0.0, causal, False, scale=scale)[0]  # type: ignore[no-any-return]
    out, start = [], 0
    for length, run in itertools.groupby(segments.lengths):  # equal ones next to each other together: windows of a picture are many
        count = len(list(run))
        one, two, three = (part[start : start + count * length].unflatten(0, (count, length)).transpose(1, 2) for part in (q, k, v))
        mixed = F.scaled_dot_product_attention(one, two, three, is_causal=causal, scale=scale, enable_gqa=True)
        out.append(mixed.transpose(1, 2).flatten(0, 1))
        start += count * length
    return torch.cat(out)
