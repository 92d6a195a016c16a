"""`base: fp8`: the frozen linears of the language model in eight bits, e4m3 with a scale for each row.

The base is read twice a step, forward and for the gradient of what came in, and never written; so its weights can stand in the type that
Hopper multiplies at twice the rate of bfloat16. Each direction sums over another side of the matrix and has a copy scaled along that side:
together they are as large as the bfloat16 weights. Activations and gradients are scaled row by row as they come. One product is off by
about 4 % of its norm (bfloat16: 0.2 %), which the adapters, kept wide, learn around; the adapter is merged onto the full-precision base as
ever. Vision tower, head and embeddings stay as they are.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from vldata.errors import DataError

E4M3 = torch.float8_e4m3fn
_GREATEST = 448.0  # of e4m3
_LINEARS = (("self_attn", ("q_proj", "k_proj", "v_proj", "o_proj")), ("mlp", ("gate_proj", "up_proj", "down_proj")))


def check_fp8(precision: str) -> None:
    """Hold this machine to be one where eight bits pay.

    Raises:
        DataError: no GPU, one before Ada and Hopper (compute capability 8.9), or a run that is not in bfloat16.
    """
    if not torch.cuda.is_available():
        raise DataError("base: fp8 needs a GPU.", cure="Leave base out, or run on an Ada or Hopper GPU.")
    if torch.cuda.get_device_capability() < (8, 9):
        raise DataError(f"base: fp8: {torch.cuda.get_device_name()} has no eight-bit products.", cure="Leave base out.")
    if precision != "bf16":
        raise DataError(f"base: fp8 goes with bf16, and the precision is {precision}.", cure="Set precision: bf16.")


def quantise(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Round rows of (rows, columns) to e4m3; returns the values and the scale of each row, shape (rows, 1), float32."""
    scale = x.abs().amax(dim=-1, keepdim=True).float().clamp(min=1e-12) / _GREATEST
    return (x.float() / scale).clamp(-_GREATEST, _GREATEST).to(E4M3), scale


def product(x: torch.Tensor, x_scale: torch.Tensor, w: torch.Tensor, w_scale: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Multiply x (m, k) by w (n, k) transposed, both e4m3 with a scale a row."""
    if not x.is_cuda:  # what the GPU computes, for tests
        return ((x.float() * x_scale) @ (w.float() * w_scale).t()).to(dtype)
    return torch._scaled_mm(x, w.t(), scale_a=x_scale, scale_b=w_scale.t(), out_dtype=dtype, use_fast_accum=True)


class _Frozen(torch.autograd.Function):
    """x times a frozen weight, and the gradient of x by its other copy."""

    @staticmethod
    def forward(x: torch.Tensor, w: torch.Tensor, ws: torch.Tensor, back: torch.Tensor, bs: torch.Tensor) -> torch.Tensor:
        return product(*quantise(x), w, ws, x.dtype)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        ctx.save_for_backward(*inputs[3:])

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> Any:
        back, scale = ctx.saved_tensors
        return product(*quantise(gradients[0]), back, scale, gradients[0].dtype), None, None, None, None


class FrozenFp8(nn.Module):
    """A frozen linear in eight bits; takes (..., in), returns (..., out) in the type of its input. Nothing of it is saved."""

    there: torch.Tensor
    there_scale: torch.Tensor
    back: torch.Tensor
    back_scale: torch.Tensor

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.in_features, self.out_features, self.bias = linear.in_features, linear.out_features, linear.bias
        weight = linear.weight.detach()
        for name, side in (("there", weight), ("back", weight.t().contiguous())):
            values, scale = quantise(side)
            self.register_buffer(name, values, persistent=False)
            self.register_buffer(f"{name}_scale", scale, persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Multiply."""
        flat = x.reshape(-1, self.in_features)
        out: torch.Tensor = _Frozen.apply(flat, self.there, self.there_scale, self.back, self.back_scale)  # type: ignore[no-untyped-call]
        out = out.view(*x.shape[:-1], self.out_features)
        return out if self.bias is None else out + self.bias


def use_fp8(language: Any) -> int:
    """Put the frozen linears of every language layer, under adapters or not, into eight bits; returns how many."""
    changed = 0
    for layer in language.layers:
        for part, names in _LINEARS:
            for name in names:
                holder, key = getattr(layer, part), name
                if hasattr(getattr(holder, name), "base_layer"):
                    holder, key = getattr(holder, name), "base_layer"
                linear = getattr(holder, key)
                if isinstance(linear, nn.Linear) and not linear.weight.requires_grad:
                    setattr(holder, key, FrozenFp8(linear))
                    changed += 1
    return changed


def relative_error(x: torch.Tensor, weight: torch.Tensor) -> float:
    """How far one product in eight bits is from that in float32, as a share of its norm."""
    wanted = F.linear(x.float(), weight.float())
    found = product(*quantise(x), *quantise(weight), torch.float32 if not x.is_cuda else torch.bfloat16).float()
    return float((found - wanted).norm() / wanted.norm())
