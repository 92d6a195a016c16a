"""What one language layer of the 2B shape spends on its products and its attention, on one GPU: what there is left to gain.

python bench/train_kernels.py        # one H100, some seconds
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import torch

TOKENS, HEADS, KEY_HEADS, WIDTH, SAMPLE = 16_384, 16, 8, 128, 2_048
PRODUCTS = {
    "q, k, v": (2_048, (2_048, 1_024, 1_024)),
    "gate, up": (2_048, (6_144, 6_144)),
    "down": (6_144, (2_048,)),
    "o": (2_048, (2_048,)),
}
RANK = 8


def milliseconds(call: Callable[[], object], times: int = 20) -> float:
    """Mean time of a call, after three to warm up."""
    for _ in range(3):
        call()
    began, ended = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
    began.record()
    for _ in range(times):
        call()
    ended.record()
    torch.cuda.synchronize()
    return began.elapsed_time(ended) / times


def draw(*shape: int) -> torch.Tensor:
    """Random bfloat16."""
    return torch.randn(*shape, device="cuda", dtype=torch.bfloat16)


def attention() -> None:
    """PyTorch's variable-length flash attention against cuDNN's, in rows and by lengths."""
    q, k, v = (draw(TOKENS, heads, WIDTH).requires_grad_() for heads in (HEADS, KEY_HEADS, KEY_HEADS))
    given, scale = draw(TOKENS, HEADS, WIDTH), WIDTH**-0.5
    bounds = torch.arange(0, TOKENS + 1, SAMPLE, device="cuda", dtype=torch.int32)
    aten = torch.ops.aten

    def flash() -> torch.Tensor:
        return aten._flash_attention_forward(q, k, v, bounds, bounds, SAMPLE, SAMPLE, 0.0, True, False, scale=scale)[0]

    def rows() -> torch.Tensor:
        parts = (part.view(-1, SAMPLE, part.shape[1], WIDTH).transpose(1, 2) for part in (q, k, v))
        mixed = aten._scaled_dot_product_cudnn_attention(*parts, None, True, 0.0, True, False, scale=scale)[0]
        return mixed.transpose(1, 2).reshape(q.shape)

    def lengths() -> torch.Tensor:
        return aten._cudnn_attention_forward(
            q.detach(), k.detach(), v.detach(), None, bounds, bounds, SAMPLE, SAMPLE, True, 0.0, True, False, scale=scale
        )[0]

    for name, call in (("flash", flash), ("cuDNN, rows", rows)):
        both = milliseconds(lambda call=call: torch.autograd.grad(call(), (q, k, v), given))
        print(f"attention, {name}: forward {milliseconds(call):.2f} ms, with backward {both:.2f} ms")
    print(f"attention, cuDNN by lengths: forward {milliseconds(lengths, 3):.2f} ms")


def products() -> None:
    """The large products alone, with LoRA's apart, and with LoRA's as further columns."""
    totals = dict.fromkeys(("base", "apart", "columns", "base back", "apart back", "columns back"), 0.0)
    for inputs, outputs in PRODUCTS.values():
        total, rank = sum(outputs), RANK * len(outputs)
        x, weight, given = draw(TOKENS, inputs), draw(total, inputs), draw(TOKENS, total)
        down, up, small = draw(rank, inputs), draw(rank, total), draw(TOKENS, rank)
        wide, wider = torch.cat([x, small], 1), torch.cat([weight, up.T], 1)
        weights, givens = weight.split(outputs), [part.contiguous() for part in given.split(outputs, 1)]
        base = milliseconds(lambda: [x @ part.T for part in weights])  # noqa: B023 - called at once
        back = milliseconds(lambda: [one @ part for one, part in zip(givens, weights, strict=True)])  # noqa: B023
        shared = milliseconds(lambda: x @ down.T)  # noqa: B023
        totals["base"] += base
        totals["apart"] += base + shared + milliseconds(lambda: small @ up)  # noqa: B023
        totals["columns"] += shared + milliseconds(lambda: wide @ wider.T)  # noqa: B023
        totals["base back"] += back
        rest = milliseconds(lambda: small @ down)  # noqa: B023
        totals["apart back"] += back + milliseconds(lambda: given @ up.T) + rest  # noqa: B023
        totals["columns back"] += milliseconds(lambda: given @ wider) + rest  # noqa: B023
    flops = 2 * TOKENS * sum(inputs * sum(outputs) for inputs, outputs in PRODUCTS.values())
    print(f"the base's products run at {flops / totals['base'] / 1e9:.0f} TFLOP/s")
    for name, value in totals.items():
        print(f"products of a layer, {name}: {value:.2f} ms")


def main() -> None:
    """Print both."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    attention()
    products()


if __name__ == "__main__":
    main()
