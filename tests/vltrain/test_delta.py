"""The gated delta rule in chunks is the rule a token at a time."""

from __future__ import annotations

import itertools

import pytest
import torch
import torch.nn.functional as F
from vltrain.delta import CHUNK, Mixer, chunks_of, delta_rule

HEADS, SHARED, KEYS, VALUES, TAPS = 2, 2, 8, 6, 4  # each key head serves two heads of values
CHANNELS = HEADS * KEYS * 2 + HEADS * SHARED * VALUES


def by_token(mixed: torch.Tensor, g: torch.Tensor, beta: torch.Tensor, mixer: Mixer) -> torch.Tensor:
    """Equation 10 of "Gated Delta Networks" as it stands, for one sample, after a causal convolution by PyTorch."""
    moved = F.conv1d(F.pad(mixed.T[None], (TAPS - 1, 0)), mixer.weight[:, None], mixer.bias, groups=CHANNELS)[0].T
    q, k, v = F.silu(moved).split(mixer.widths, dim=-1)
    q, k = (F.normalize(part.unflatten(-1, (HEADS, KEYS)), dim=-1, eps=0).repeat_interleave(SHARED, 1) for part in (q, k))
    v = v.unflatten(-1, (HEADS * SHARED, VALUES))
    state, read = torch.zeros(HEADS * SHARED, KEYS, VALUES, dtype=mixed.dtype), []
    for now in range(len(mixed)):
        state = state * g[now].exp()[:, None, None]
        missing = v[now] - (state * k[now][..., None]).sum(1)
        state = state + k[now][..., None] * (beta[now][:, None] * missing)[:, None]
        read.append((state * q[now][..., None]).sum(1) * KEYS**-0.5)
    return torch.stack(read)


@pytest.mark.parametrize("lengths", [(1,), (CHUNK,), (70, 1, 64, 63, 2, 130)])
@pytest.mark.parametrize("hard", [False, True], ids=["drawn", "one key, nothing forgotten"])
def test_the_rule_and_its_gradients_are_those_of_each_sample_by_itself(lengths: tuple[int, ...], hard: bool) -> None:
    torch.manual_seed(0)
    tokens, heads = sum(lengths), HEADS * SHARED
    mixed = torch.randn(tokens, CHANNELS, dtype=torch.float64)
    g, beta = -F.softplus(torch.randn(tokens, heads, dtype=torch.float64)), torch.rand(tokens, heads, dtype=torch.float64)
    if hard:  # the triangular system at its worst: every key meets every earlier one whole
        mixed[:, HEADS * KEYS : 2 * HEADS * KEYS] = 1.0
        g, beta = torch.zeros_like(g), torch.ones_like(beta)
    weight, bias = torch.randn(CHANNELS, TAPS, dtype=torch.float64), torch.randn(CHANNELS, dtype=torch.float64)
    inputs = [part.requires_grad_() for part in (mixed, g, beta)]
    mixer = Mixer(weight, bias, (HEADS * KEYS, HEADS * KEYS, heads * VALUES), (HEADS, heads))
    wanted = torch.cat([by_token(*parts, mixer) for parts in zip(*(part.split(lengths) for part in inputs), strict=True)])
    weigh = torch.randn(wanted.shape, dtype=torch.float64)
    gradients = torch.autograd.grad((wanted * weigh).sum(), inputs)

    ours = [part.detach().float().requires_grad_() for part in inputs]
    narrow = Mixer(weight.float(), bias.float(), mixer.widths, mixer.heads)
    for remade in (True, False):
        found = delta_rule(*ours, narrow, chunks_of(lengths), remade=remade)
        back = torch.autograd.grad((found * weigh.float()).sum(), ours)
        torch.testing.assert_close(found.double(), wanted, rtol=1e-4, atol=2e-5)
        for one, two in zip(back, gradients, strict=True):
            scale = float(two.abs().max())
            torch.testing.assert_close(one.double(), two, rtol=1e-3, atol=1e-4 * scale)


def test_chunks_hold_each_token_once_and_no_two_samples() -> None:
    lengths = (70, 1, 64, 130)
    chunks = chunks_of(lengths)
    owner = torch.tensor(list(itertools.chain.from_iterable([number] * length for number, length in enumerate(lengths))))
    spread = chunks.spread.view(-1, CHUNK)
    assert sorted(spread[spread >= 0].tolist()) == list(range(sum(lengths)))
    assert chunks.spread[chunks.back].tolist() == list(range(sum(lengths)))
    assert all(len(set(owner[row[row >= 0]].tolist())) == 1 for row in spread)
    assert chunks.alive == (4, 2, 1) and len(spread) == sum(chunks.alive)
