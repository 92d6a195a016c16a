"""What makes a step fast, each a switch; loss and gradients stay those of the plain model. What a family's vision tower does: `towers/`.

`plain_loss` is the model as transformers runs it. `Step` is the same arithmetic with the levers:

- packing: samples end to end in one row, attention kept inside each sample by variable-length kernels (or a slice at a time).
- vision_no_grad: the frozen vision tower keeps nothing for a backward pass that will not come.
- logits_at_labels: the head runs where there is something to learn, not over every picture token.
- linear_patch_embed: the patch convolution as one matrix product; a still picture's two time slices are equal, so their weights add.
- host_positions: position tables come with the batch instead of being made, with synchronisations, on the GPU.
- compile: one graph a layer, shared by all layers, of the language model and of the vision tower.
- liger: Liger's RMSNorm kernels where installed.
- keep_vision_gib: what the frozen tower made of a picture is kept in the host's memory (`kept_vision.py`).

Adapters that share an input share one product, and are cast, not kept, in the compute type.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch.utils.checkpoint import checkpoint

from vltrain.attention import Lengths, Segments, attend, can_flash, has_cudnn_attention
from vltrain.collate import Batch, lay_out
from vltrain.delta import Chunks, Mixer, chunks_of, delta_rule
from vltrain.features import IGNORED
from vltrain.kept_vision import KeptVision, moved
from vltrain.linears import linears, rotate_half
from vltrain.recipe import Levers, Recipe
from vltrain.towers import tower_of

_CUDNN_WIDTH = 128  # of a head: cuDNN's attention takes no wider ones there and back


PLAIN = Levers(packing=False, vision_no_grad=False, logits_at_labels=False, linear_patch_embed=False, host_positions=False)


def levers_of(recipe: Recipe) -> Levers:
    """Read the switches of a recipe; a tower that is trained keeps its gradients."""
    values = {name: getattr(recipe, name) for name in Levers.__struct_fields__}
    values["vision_no_grad"] = recipe.vision_no_grad and not (recipe.train_vision or recipe.train_projector)
    return Levers(**values)


def core_of(model: Any) -> Any:
    """The model inside a peft model, or itself."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def to_pixel_values(patches: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
    """Bytes to what the image processor returns: normalised, each patch with its two equal time slices."""
    values = normalise(patches, normal).view(len(patches), 3, 1, -1)
    return values.expand(-1, -1, 2, -1).reshape(len(patches), -1)


def normalise(patches: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
    """Bytes as the image processor's rescaling, mean and deviation make them; `normal` is factor and summand of each colour."""
    return (patches.view(len(patches), 3, -1).float() * normal[0] + normal[1]).flatten(1)


def plain_loss(forward: Callable[..., Any], batch: Batch, image_token: int) -> torch.Tensor:
    """Sum of the token losses as transformers computes them, logits everywhere. The batch must be padded."""
    has_pictures = batch["grid"].numel() > 0
    pictures: dict[str, Any] = {}
    if has_pictures:
        pictures = {
            "pixel_values": to_pixel_values(batch["patches"], batch["normal"]),
            "image_grid_thw": batch["grid"],
            "mm_token_type_ids": (batch["input_ids"] == image_token).int(),
        }
    logits = forward(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"], use_cache=False, **pictures).logits
    labels = F.pad(batch["labels"], (0, 1), value=IGNORED)[:, 1:]
    return F.cross_entropy(logits.float().flatten(0, 1), labels.reshape(-1), ignore_index=IGNORED, reduction="sum")


# ---------------------------------------------------------------- layers of the language model


def language_layer(
    layer: Any,
    hidden: torch.Tensor,
    cos: torch.Tensor,
    sin: torch.Tensor,
    segments: Segments | None,
) -> torch.Tensor:
    """One decoder layer on (rows, tokens, width). With segments, the row is packed; without, rows are padded on the right."""
    return feed_forward(layer, hidden + attend_packed(layer.self_attn, layer.input_layernorm(hidden), cos, sin, segments))


def is_linear(layer: Any) -> bool:
    """Whether a layer carries a state from token to token (a gated delta net) in place of self-attention."""
    return hasattr(layer, "linear_attn")


def is_dense(layer: Any) -> bool:
    """Whether a layer ends in one gated product; a choice of experts makes no one graph."""
    return hasattr(layer.mlp, "gate_proj")


def feed_forward(layer: Any, hidden: torch.Tensor) -> torch.Tensor:
    """The second half of a layer: a gated product, or experts as the model chooses them."""
    mlp, normed = layer.mlp, layer.post_attention_layernorm(hidden)
    if not is_dense(layer):
        return hidden + mlp(normed)  # type: ignore[no-any-return]
    gate, up = linears(normed, (mlp.gate_proj, mlp.up_proj))
    return hidden + linears(mlp.act_fn(gate) * up, (mlp.down_proj,))[0]


def attend_packed(attention: Any, normed: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor, segments: Segments | None) -> torch.Tensor:
    """Self-attention of (rows, tokens, width). Qwen3.5's has a gate next to each query and turns a part of each head alone."""
    shape = (*normed.shape[:-1], -1, attention.head_dim)
    q, k, v = linears(normed, (attention.q_proj, attention.k_proj, attention.v_proj))
    gate = None
    if q.shape[-1] == 2 * attention.head_dim * attention.config.num_attention_heads:
        q, gate = q.view(*normed.shape[:-1], -1, 2 * attention.head_dim).chunk(2, dim=-1)
        gate = gate.reshape(*normed.shape[:-1], -1)
    q, k, v = q.reshape(shape), k.view(shape), v.view(shape)
    if hasattr(attention, "q_norm"):  # not in Qwen2-VL and Qwen2.5-VL
        q, k = attention.q_norm(q), attention.k_norm(k)
    q, k = (_turned(part, cos, sin) for part in (q, k))
    if segments is not None:
        mixed = attend(q[0], k[0], v[0], segments, causal=True)[None]
    else:  # padding stands behind every token that counts, so causality alone hides it
        q, k, v = (part.transpose(1, 2) for part in (q, k, v))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True, scale=attention.scaling, enable_gqa=True).transpose(1, 2)
    mixed = mixed.reshape(*normed.shape[:-1], -1)
    return linears(mixed if gate is None else mixed * torch.sigmoid(gate), (attention.o_proj,))[0]


def _turned(x: torch.Tensor, cos: torch.Tensor, sin: torch.Tensor) -> torch.Tensor:
    width = cos.shape[-1]
    if width == x.shape[-1]:
        return x * cos + rotate_half(x) * sin
    turned, rest = x[..., :width], x[..., width:]
    return torch.cat((turned * cos + rotate_half(turned) * sin, rest), dim=-1)


class Entered(NamedTuple):
    """What a layer of linear attention makes of its input, a row for each token."""

    mixed: torch.Tensor  # queries, keys and values
    gate: torch.Tensor
    decay: torch.Tensor  # a logarithm
    beta: torch.Tensor


def enter_linear(layer: Any, hidden: torch.Tensor) -> Entered:
    """The first part of a layer of linear attention (a gated delta net), up to its state."""
    module, normed = layer.linear_attn, layer.input_layernorm(hidden).flatten(0, 1)
    mixed, gate, step, size = linears(normed, (module.in_proj_qkv, module.in_proj_z, module.in_proj_a, module.in_proj_b))
    decay = -module.A_log.float().exp() * F.softplus(step.float() + module.dt_bias)
    return Entered(mixed, gate, decay, size.sigmoid())


def leave_linear(layer: Any, hidden: torch.Tensor, read: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    """What follows the state, up to the residual."""
    module = layer.linear_attn
    out = module.norm(read.to(hidden.dtype).flatten(0, 1), gate.reshape(-1, module.head_v_dim)).view(*hidden.shape[:-1], -1)
    return hidden + linears(out, (module.out_proj,))[0]


class Parts(NamedTuple):
    """A layer of linear attention around its rule, compiled or not: the state that goes from chunk to chunk makes no one graph."""

    enter: Callable[..., Any] = enter_linear
    leave: Callable[..., Any] = leave_linear
    feed: Callable[..., Any] = feed_forward
    remade: bool = True  # the rule makes again for the backward pass what it made; where the whole layer is made again, it need not
    compiled: bool = False


def linear_layer(layer: Any, hidden: torch.Tensor, chunks: Chunks, parts: Parts) -> torch.Tensor:
    """One layer of linear attention on (rows, tokens, width), each sample from an empty state."""
    module = layer.linear_attn
    mixed, gate, decay, beta = parts.enter(layer, hidden)
    widths, heads = (module.key_dim, module.key_dim, module.value_dim), (module.num_k_heads, module.num_v_heads)
    mixer = Mixer(module.conv1d.weight.squeeze(1), module.conv1d.bias, widths, heads)
    read = delta_rule(mixed, decay, beta, mixer, chunks, remade=parts.remade, compiled=parts.compiled)
    feed = parts.feed if is_dense(layer) else feed_forward
    return feed(layer, parts.leave(layer, hidden, read, gate))


# ---------------------------------------------------------------- the step


class Step:
    """The loss of a batch with the levers. Layers are called as modules, so that hooks (FSDP2's gathering) stay in place."""

    def __init__(self, model: Any, levers: Levers, *, checkpointing: bool = False) -> None:
        self.levers = levers
        self.cudnn = has_cudnn_attention()
        core = core_of(model)
        self.head, self.language, self.tower = core.lm_head, core.model.language_model, tower_of(core)
        self.lay = self.tower.lay()
        self.kept = KeptVision(levers.keep_vision_gib, self.lay) if levers.keep_vision_gib and levers.vision_no_grad else None
        heads = [layer.self_attn.head_dim for layer in self.language.layers if hasattr(layer, "self_attn")]
        self.cudnn_text = self.cudnn and max(heads) <= _CUDNN_WIDTH
        if levers.liger:
            use_liger(self.language)
        layer_fn, block_fn, expert_fn = language_layer, self.tower.block, language_layer
        parts = Parts(remade=not checkpointing)
        if levers.compile:
            torch._dynamo.config.cache_size_limit = max(64, torch._dynamo.config.cache_size_limit)
            # A layer that is made again is so inside its graph: outside, the second making may meet another graph than the first.
            layer_fn = torch.compile(again(language_layer) if checkpointing else language_layer)
            block_fn = torch.compile(again(block_fn) if checkpointing and not levers.vision_no_grad else block_fn)
            parts = Parts(
                torch.compile(enter_linear), torch.compile(leave_linear), torch.compile(feed_forward), not checkpointing, compiled=True
            )
        linear_fn: Callable[..., torch.Tensor] = functools.partial(linear_layer, parts=parts)
        if levers.compile and checkpointing:
            expert_fn, linear_fn, checkpointing = again(expert_fn), again(linear_fn), False
        self.checkpointing = checkpointing
        for layer in self.language.layers:
            _dispatch(layer, linear_fn if is_linear(layer) else layer_fn if is_dense(layer) else expert_fn)
        for block in self.tower.module.blocks:
            _dispatch(block, block_fn)

    def __call__(self, batch: Batch) -> torch.Tensor:
        """Return the sum of the token losses."""
        embedded = self.language.embed_tokens(batch["input_ids"])
        width = embedded.shape[-1]
        deep: list[torch.Tensor] = []
        if batch["grid"].numel():
            with torch.no_grad() if self.levers.vision_no_grad else contextlib.nullcontext():
                pictures, *deep = self._see(batch)
            rows = batch["picture_rows"]
            embedded = embedded.reshape(-1, width).index_copy(0, rows, pictures.to(embedded.dtype)).view_as(embedded)
        hidden = self._read(embedded, batch, deep)
        flat = hidden.reshape(-1, width)
        if self.levers.logits_at_labels:
            return F.cross_entropy(self.head(flat[batch["label_rows"]]).float(), batch["targets"], reduction="sum")
        targets = torch.full((len(flat),), IGNORED, device=flat.device).index_copy(0, batch["label_rows"], batch["targets"])
        return F.cross_entropy(self.head(flat).float(), targets, ignore_index=IGNORED, reduction="sum")

    def _read(self, hidden: torch.Tensor, batch: Batch, deep: Sequence[torch.Tensor]) -> torch.Tensor:
        cos, sin = self.language.rotary_emb(hidden, batch["position_ids"][1:])
        segments = None
        if "lengths" in batch:
            kernel = self.cudnn_text
            segments = self._segments(hidden, batch["lengths"], batch["bounds"], batch.get("spread"), batch.get("back"), cudnn=kernel)
        attended: tuple[Any, ...] = (cos.unsqueeze(2), sin.unsqueeze(2), segments)
        carried: tuple[Any, ...] = ()
        if any(is_linear(layer) for layer in self.language.layers):
            rows, length, _ = hidden.shape
            carried = (chunks_of(batch.get("lengths", (length,) * rows), hidden.device),)
        keep = self.checkpointing and self.language.training and torch.is_grad_enabled()
        for place, layer in enumerate(self.language.layers):
            fixed = carried if is_linear(layer) else attended
            hidden = checkpoint(layer, hidden, fast=fixed, use_reentrant=False) if keep else layer(hidden, fast=fixed)
            if place < len(deep):
                flat = hidden.reshape(-1, hidden.shape[-1])
                hidden = flat.index_add(0, batch["picture_rows"], deep[place].to(flat.dtype)).view_as(hidden)
        return self.language.norm(hidden)  # type: ignore[no-any-return]

    def _see(self, batch: Batch) -> torch.Tensor:
        """Return (levels, picture tokens, width): what stands for the pictures, and what joins the first language layers."""
        table = batch if self.levers.host_positions else {**batch, **self._lay_out(batch)}
        if self.kept is None:
            return self._look(batch["patches"], table)
        return self.kept.see(batch["picture_names"], batch["patches"], table, self._look)

    def _lay_out(self, batch: Batch) -> Batch:
        """Make on the spot what host_positions has ready: the GPU waits meanwhile."""
        return moved(lay_out(batch["picture_grids"], self.lay), batch["patches"].device)

    def _look(self, patches: torch.Tensor, table: Batch) -> torch.Tensor:
        """Run the vision tower."""
        tower, module = self.tower, self.tower.module
        tower.prepare()
        if "patch_order" in table:
            patches = patches[table["patch_order"]]
        hidden = tower.enter(self._embed_patches(patches, table["normal"]), table)
        cos, sin = module.rotary_pos_emb(hidden, table["patch_places"])
        whole = self._segments(hidden, table["picture_lengths"], table["picture_bounds"], cudnn=self.cudnn)
        near = whole
        if "window_lengths" in table:
            near = self._segments(hidden, table["window_lengths"], table["window_bounds"], cudnn=self.cudnn)
        turned = (cos.unsqueeze(1).float(), sin.unsqueeze(1).float())
        deep: list[torch.Tensor] = []
        keep = self.checkpointing and torch.is_grad_enabled() and not self.levers.vision_no_grad and module.training
        for place, block in enumerate(module.blocks):
            fixed = (*turned, near if tower.sees_windows(place) else whole)
            hidden = checkpoint(block, hidden, fast=fixed, use_reentrant=False) if keep else block(hidden, fast=fixed)
            joins = tower.joins(place, len(deep), hidden)
            if joins is not None:
                deep.append(joins)
        return torch.stack([tower.leave(hidden, table), *deep])

    def _segments(
        self,
        hidden: torch.Tensor,
        lengths: Lengths,
        bounds: torch.Tensor,
        spread: torch.Tensor | None = None,
        back: torch.Tensor | None = None,
        *,
        cudnn: bool,
    ) -> Segments:
        """Choose the kernel: cuDNN's for segments of equal length or, by `spread`, nearly so; else PyTorch's flash; else slices."""
        flash = can_flash(hidden)
        segments = Segments(bounds, () if flash else lengths, max(lengths), flash)
        if not (flash and cudnn):
            return segments
        if len(set(lengths)) == 1:
            return segments._replace(width=lengths[0])
        return segments._replace(spread=spread, back=back)

    def _embed_patches(self, patches: torch.Tensor, normal: torch.Tensor) -> torch.Tensor:
        embed = self.tower.module.patch_embed
        conv = embed.proj
        if not self.levers.linear_patch_embed:
            return embed(to_pixel_values(patches, normal))  # type: ignore[no-any-return]
        weight = conv.weight.float().sum(2).flatten(1).to(conv.weight.dtype)
        return F.linear(normalise(patches, normal).to(weight.dtype), weight, conv.bias)


def again(function: Callable[..., torch.Tensor]) -> Callable[..., torch.Tensor]:
    """Keep only the inputs of a layer, and compute the rest again for the backward pass."""

    def checkpointed(module: Any, *args: Any) -> torch.Tensor:
        return checkpoint(function, module, *args, use_reentrant=False)  # type: ignore[no-any-return]

    return checkpointed


def _dispatch(module: Any, function: Callable[..., Any]) -> None:
    """Let a layer answer a call with `fast=` by our function, and any other call (generate) as before."""
    original = type(module).forward

    def forward(*args: Any, fast: Any = None, **kwargs: Any) -> Any:
        return original(module, *args, **kwargs) if fast is None else function(module, *args, *fast)

    module.forward = forward


def use_liger(language: Any) -> bool:
    """Replace the language model's RMSNorm by Liger's where it is installed and the model has that of Qwen3-VL; say whether it was."""
    if any(is_linear(layer) for layer in language.layers):
        return False
    try:
        from liger_kernel.transformers.monkey_patch import _patch_rms_norm_module
    except ImportError:
        return False
    for layer in language.layers:
        inner = [getattr(layer.self_attn, name) for name in ("q_norm", "k_norm") if hasattr(layer.self_attn, name)]
        for norm in (layer.input_layernorm, layer.post_attention_layernorm, *inner):
            _patch_rms_norm_module(norm, offset=0.0, casting_mode="llama")
    return True
