"""The gated delta rule over packed samples: linear attention whose state starts empty at each sample, in matrix products alone.

The rule keeps a state S of (key width, value width) for each head. A token with key k, value v, step size beta and decay g makes
S <- exp(g) S, S <- S + k (beta (v - S^T k))^T, and reads S^T q (Yang, Kautz, Hatamizadeh 2024, "Gated Delta Networks", equation 10).
Tokens are taken in chunks (section 3.3 there): what happens inside a chunk is a triangular system, and only the state goes from chunk to
chunk. A chunk never holds tokens of two samples, so nothing can carry over. The first chunks of all samples are computed together, then the
second ones, and so on: the samples need not have one length.

All is done in 32 bits, as transformers does. The system is inverted by products of blocks that double in size, which is as stable as
substitution and needs no solver. What a layer's rule makes on the way is large, so it is made again for the backward pass.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from vltrain.attention import Lengths, move

CHUNK = 64  # tokens


class Chunks(NamedTuple):
    """Where the tokens of samples stand in chunks, ordered by place in the sample; longer samples first."""

    spread: torch.Tensor  # (chunks * CHUNK,) token of each slot, -1 behind the end of a sample
    back: torch.Tensor  # (tokens,) slot of each token
    places: torch.Tensor  # (tokens,) place of each token in its sample
    alive: Lengths  # how many samples have a first chunk, a second one, ...


def chunks_of(lengths: Lengths, device: torch.device | str = "cpu") -> Chunks:
    """Lay out samples of these lengths, which stand end to end."""
    sizes = np.asarray(lengths)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    order = np.argsort(-sizes, kind="stable")
    alive = tuple(int((sizes > CHUNK * step).sum()) for step in range(-(-int(sizes.max()) // CHUNK)))
    slots = np.arange(CHUNK)
    rows = []
    for step, count in enumerate(alive):
        inside = step * CHUNK + slots[None]
        rows.append(np.where(inside < sizes[order[:count], None], starts[order[:count], None] + inside, -1))
    spread = np.concatenate(rows).reshape(-1)
    back = np.empty(int(sizes.sum()), np.int64)
    (filled,) = np.nonzero(spread >= 0)
    back[spread[filled]] = filled
    places = np.arange(len(back)) - np.repeat(starts, sizes)
    moved = [torch.from_numpy(part).to(device, non_blocking=True) for part in (spread, back, places)]
    return Chunks(moved[0], moved[1], moved[2], alive)


# ---------------------------------------------------------------- the rule


class Inside(NamedTuple):
    """What a chunk does by itself. Shapes start with (chunks, heads)."""

    wanted: torch.Tensor  # (CHUNK, value width) values that the chunk writes into an empty state
    known: torch.Tensor  # (CHUNK, key width) through which the state at its start takes away from them
    kept: torch.Tensor  # (CHUNK, key width) keys, decayed to the chunk's end
    decay: torch.Tensor  # () of the state over the chunk
    asked: torch.Tensor  # (CHUNK, key width) queries, decayed from the chunk's start
    seen: torch.Tensor  # (CHUNK, CHUNK) what each query sees of the chunk itself


def inside_chunks(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, g: torch.Tensor, beta: torch.Tensor) -> Inside:
    """Solve each chunk; q, k, v of (chunks, heads, CHUNK, width), g and beta of (chunks, heads, CHUNK), 0 where a slot has no token."""
    total = g.cumsum(-1)
    lower = torch.ones(CHUNK, CHUNK, dtype=torch.bool, device=q.device).tril()
    between = (total[..., :, None] - total[..., None, :]).masked_fill(~lower, float("-inf")).exp()
    weighted = k * beta[..., None]
    solved = _Inverse.apply((weighted @ k.mT * between).tril(-1))  # type: ignore[no-untyped-call]
    start = total.exp()[..., None]
    return Inside(
        wanted=solved @ (v * beta[..., None]),
        known=solved @ (weighted * start),
        kept=k * (total[..., -1:] - total).exp()[..., None],
        decay=total[..., -1].exp(),
        asked=q * start,
        seen=q @ k.mT * between,
    )


class _Inverse(torch.autograd.Function):
    """(I + L)^-1 for a strictly lower L of (..., CHUNK, CHUNK)."""

    @staticmethod
    def forward(lower: torch.Tensor) -> torch.Tensor:
        places = torch.arange(CHUNK, device=lower.device)
        inverse = torch.eye(CHUNK, dtype=lower.dtype, device=lower.device)
        size = 1
        while size < CHUNK:  # (D^-1 + B)^-1 = D - D B D for the block B between two blocks that D has inverted
            pairs, halves = places // (2 * size), places // size
            joins = (pairs[:, None] == pairs[None]) & (halves[:, None] != halves[None])
            inverse = inverse - inverse @ torch.where(joins, lower, 0) @ inverse
            size *= 2
        return inverse

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        (inverse,) = ctx.saved_tensors
        return -(inverse.mT @ gradients[0] @ inverse.mT).tril(-1)


class _Carry(torch.autograd.Function):
    """Take the state from chunk to chunk: the values each chunk writes, and the state it starts from."""

    @staticmethod
    def forward(
        wanted: torch.Tensor, known: torch.Tensor, kept: torch.Tensor, decay: torch.Tensor, alive: Lengths
    ) -> tuple[torch.Tensor, torch.Tensor]:
        chunks, heads, _, width = wanted.shape
        written = torch.empty_like(wanted)
        states = wanted.new_zeros(chunks, heads, known.shape[-1], width)
        first = 0
        for step, count in enumerate(alive):
            now = slice(first, first + count)
            state = states[now]
            torch.baddbmm(
                wanted[now].flatten(0, 1), known[now].flatten(0, 1), state.flatten(0, 1), alpha=-1, out=written[now].flatten(0, 1)
            )
            if step + 1 < len(alive):
                going = alive[step + 1]
                last = slice(first, first + going)
                carried = decay[last, :, None, None] * state[:going]
                following = states[first + count : first + count + going].flatten(0, 1)
                torch.baddbmm(carried.flatten(0, 1), kept[last].mT.flatten(0, 1), written[last].flatten(0, 1), out=following)
            first += count
        return written, states

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.alive = inputs[4]
        ctx.save_for_backward(*inputs[1:4], *output)

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        known, kept, decay, written, states = ctx.saved_tensors
        to_written, to_states = (part.contiguous() for part in gradients)
        alive: Lengths = ctx.alive
        whole = torch.empty_like(written)  # gradient of what each chunk writes
        ends = torch.zeros_like(states)  # gradient of the state at each chunk's end
        first = len(written)
        state_grad: torch.Tensor | None = None
        for count in reversed(alive):
            first -= count
            now = slice(first, first + count)
            if state_grad is not None:
                ends[first : first + len(state_grad)] = state_grad
            end = ends[now].flatten(0, 1)
            torch.baddbmm(to_written[now].flatten(0, 1), kept[now].flatten(0, 1), end, out=whole[now].flatten(0, 1))
            state_grad = to_states[now] + decay[now, :, None, None] * ends[now]
            flat = state_grad.flatten(0, 1)
            torch.baddbmm(flat, known[now].mT.flatten(0, 1), whole[now].flatten(0, 1), alpha=-1, out=flat)
        to_known = -(whole @ states.mT)
        to_kept = written @ ends.mT
        return whole, to_known, to_kept, (ends * states).sum((-1, -2)), None


# ---------------------------------------------------------------- a layer's tokens in and out of chunks


def shift_mix(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None, places: torch.Tensor) -> torch.Tensor:
    """A causal convolution of (tokens, channels) over each sample, with a kernel of (channels, taps), then SiLU."""
    wide, weight = x.float(), weight.float()
    mixed = wide * weight[:, -1]
    for back in range(1, weight.shape[-1]):
        earlier = F.pad(wide, (0, 0, back, 0))[: len(x)]
        mixed = mixed + torch.where((places >= back)[:, None], earlier, 0) * weight[:, -1 - back]
    return F.silu(mixed if bias is None else mixed + bias).to(x.dtype)


def unit(x: torch.Tensor) -> torch.Tensor:
    """Vectors of length one; the small number is that of flash-linear-attention and transformers."""
    return x * torch.rsqrt((x * x).sum(-1, keepdim=True) + 1e-6)


def chunked(
    q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, g: torch.Tensor, beta: torch.Tensor, spread: torch.Tensor, back: torch.Tensor
) -> tuple[torch.Tensor, ...]:
    """Move (tokens, heads, ...) into chunks, (chunks, heads, CHUNK, ...), in 32 bits; queries and keys get length one.

    Each key head serves an equal number of consecutive heads.
    """
    shared = v.shape[1] // k.shape[1]
    filled = (spread >= 0).view(-1, 1, CHUNK)

    def placed(part: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = move(part, spread, back).unflatten(0, (-1, CHUNK))
        return rows.transpose(1, 2).float()

    q, k, v = (placed(part) for part in (q, k, v))
    g, beta = (torch.where(filled, placed(part.unsqueeze(-1)).squeeze(-1), 0) for part in (g, beta))
    q, k = unit(q) * q.shape[-1] ** -0.5, unit(k)
    return q.repeat_interleave(shared, dim=1), k.repeat_interleave(shared, dim=1), v, g, beta


class Mixer(NamedTuple):
    """What the rule takes from a layer's module: its convolution and widths."""

    weight: torch.Tensor  # (channels, taps)
    bias: torch.Tensor | None
    widths: tuple[int, int, int]  # of all queries, keys and values
    heads: tuple[int, int]  # of keys, of values


def enter(
    mixed: torch.Tensor, g: torch.Tensor, beta: torch.Tensor, mixer: Mixer, spread: torch.Tensor, back: torch.Tensor, places: torch.Tensor
) -> Inside:
    """From (tokens, channels) of queries, keys and values together to solved chunks."""
    keys, values = mixer.heads
    q, k, v = shift_mix(mixed, mixer.weight, mixer.bias, places).split(mixer.widths, dim=-1)
    q, k, v = q.unflatten(-1, (keys, -1)), k.unflatten(-1, (keys, -1)), v.unflatten(-1, (values, -1))
    return inside_chunks(*chunked(q, k, v, g, beta, spread, back))


def read_out(
    asked: torch.Tensor, seen: torch.Tensor, written: torch.Tensor, states: torch.Tensor, spread: torch.Tensor, back: torch.Tensor
) -> torch.Tensor:
    """Read the state of before and the chunk itself; back to (tokens, heads, value width)."""
    return move((asked @ states + seen @ written).transpose(1, 2).flatten(0, 1), back, spread)


@functools.cache
def _graphs() -> tuple[Callable[..., Any], Callable[..., Any]]:
    return torch.compile(enter), torch.compile(read_out)


def delta_rule(
    mixed: torch.Tensor, g: torch.Tensor, beta: torch.Tensor, mixer: Mixer, chunks: Chunks, *, remade: bool = True, compiled: bool = False
) -> torch.Tensor:
    """Read (tokens, heads, value width) of packed samples; g (a logarithm, at most 0) and beta are (tokens, heads).

    `remade`: keep the inputs alone, and make the rest again for the backward pass.
    """
    first, last = _graphs() if compiled else (enter, read_out)

    def run(mixed: torch.Tensor, g: torch.Tensor, beta: torch.Tensor) -> torch.Tensor:
        inside = first(mixed, g, beta, mixer, chunks.spread, chunks.back, chunks.places)
        written, states = _Carry.apply(inside.wanted, inside.known, inside.kept, inside.decay, chunks.alive)  # type: ignore[no-untyped-call]
        out: torch.Tensor = last(inside.asked, inside.seen, written, states, chunks.spread, chunks.back)
        return out

    if not (remade and torch.is_grad_enabled()):
        return run(mixed, g, beta)
    return checkpoint(run, mixed, g, beta, use_reentrant=False, preserve_rng_state=False)  # type: ignore[no-any-return]
