"""A certificate that a batch teaches what its samples teach alone: loss and gradients of each, measured on the model and data at hand.

Samples that share a row (packing) or a batch (padding) must not see each other. Which layers carry borders, and whether they do,
differs by model and release: gated-delta-net layers leak where sequence borders do not reach them (transformers #46093, ms-swift
#9618). So nothing is believed: the batch is made as training makes it, and held against each sample run alone by transformers' own
forward pass. With packing a control without borders runs too; a certificate whose control shows no difference is none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import torch

from vldata.errors import DataError, UsageError
from vltrain.adapters import load_base, make_trainable
from vltrain.collate import Batch
from vltrain.data import Example
from vltrain.features import IGNORED, Sample
from vltrain.levers import PLAIN, Step, core_of, levers_of, plain_loss
from vltrain.planning import Prepared, prepare
from vltrain.recipe import Levers, Recipe

# Of the norm: float32 sums in another order differ by some 1e-6; bfloat16 keeps 8 bits.
LIMITS = {"fp32": 1e-5, "bf16": 2e-2}
# A control that differs less than this has no border to cross, or the check is blind.
_CONTROL = 1e-3


class CheckedSample(msgspec.Struct, frozen=True, kw_only=True):
    """One record: its loss alone and in the batch, and how far its gradients are apart, as a share of their norm."""

    id: str
    loss_alone: float
    loss_batched: float
    gradient_error: float


@dataclass(frozen=True)
class BatchOutcome:
    """All records, the greatest errors, and the control without borders (None where nothing is packed)."""

    checked: tuple[CheckedSample, ...]
    way: str
    precision: str
    limit: float
    loss_error: float
    gradient_error: float
    control_error: float | None
    left_out: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether every error is below the limit, and the control is not."""
        blind = self.control_error is not None and self.control_error < max(_CONTROL, 10 * self.limit)
        return max(self.loss_error, self.gradient_error) <= self.limit and not blind


Gradients = dict[str, torch.Tensor]
# Runs the samples with the labels of one of them alone, by its index, and returns the sum of its token losses.
Run = Callable[[int], torch.Tensor]


def certify_batches(recipe: Recipe, *, records: int, precision: str, tell: Callable[[str], None] = lambda _: None) -> BatchOutcome:
    """Run records alone and together, from the longest to the shortest of the data.

    Args:
        recipe: the run to certify: its model, data, levers and what it trains.
        records: how many samples share the batch.
        precision: fp32 or bf16; what is certified is the arithmetic of that type.
        tell: is told what the certificate leaves out.

    Raises:
        DataError: the plan found what would fail, or fewer than two records can be learned from.
        UsageError: the type does not run here.
    """
    if precision == "bf16" and not torch.cuda.is_available():
        raise UsageError("bf16 is certified on a GPU: that is where its kernels run.", cure="Leave --precision out here.")
    changed, left_out = _calm(recipe)
    prepared = prepare(changed)
    if prepared.plan.problems:
        raise DataError(prepared.plan.problems[0], cure=" ".join(prepared.plan.problems[1:]))
    examples, lengths = _spread(prepared, records)
    if len(examples) < 2:
        raise DataError("fewer than two records: nothing shares a batch.", cure="Give data with more records.")
    for line in left_out:
        tell(line)
    if len(set(lengths)) == 1:
        tell(f"All records have {lengths[0]:,} tokens: what happens to shorter ones in a batch is not seen here.")
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False  # the plain patch convolution would round its input
    torch.manual_seed(recipe.seed)
    model = make_trainable(load_base(changed, precision), changed)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # at zero, half of the gradients would be zero too
            torch.nn.init.normal_(parameter, std=0.02)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    model.to(device).train()
    alone, together, control, way = (_packed if prepared.fast else _padded)(model, changed, examples, device)
    try:
        checked, off = _measure(model, examples, alone, together, control)
    except torch.OutOfMemoryError:
        raise DataError(
            f"{len(examples)} samples do not fit this GPU in {precision}.", cure="Give fewer --records, or data with shorter ones."
        ) from None
    scale = max(max(abs(row.loss_alone) for row in checked), 1e-12)
    return BatchOutcome(
        checked=tuple(checked),
        way=way,
        precision=precision,
        limit=LIMITS[precision],
        loss_error=max(abs(row.loss_alone - row.loss_batched) for row in checked) / scale,
        gradient_error=max(row.gradient_error for row in checked),
        control_error=off,
        left_out=left_out,
    )


def _measure(
    model: Any, examples: Sequence[Example], alone: Run, together: Run, control: Run | None
) -> tuple[list[CheckedSample], float | None]:
    """Every sample by each run; returns what was found, and the greatest error of the control."""
    checked, off = [], None if control is None else 0.0
    for place, example in enumerate(examples):
        (loss, wanted), (batched, found) = _gradients(model, alone, place), _gradients(model, together, place)
        checked.append(CheckedSample(id=example.record.id, loss_alone=loss, loss_batched=batched, gradient_error=_apart(wanted, found)))
        if control is not None:
            off = max(off or 0.0, _apart(wanted, _gradients(model, control, place)[1]))
    return checked, off


def _spread(prepared: Prepared, records: int) -> tuple[list[Example], list[int]]:
    """Records from the shortest to the longest in equal steps, the longest first as a batch may have them, with their tokens."""
    ranked = sorted(zip(prepared.train.tokens, prepared.train.examples, strict=True), key=lambda pair: -pair[0])
    count = min(records, len(ranked))
    chosen = [ranked[round(place * (len(ranked) - 1) / max(1, count - 1))] for place in range(count)]
    return [example for _, example in chosen], [tokens for tokens, _ in chosen]


def _calm(recipe: Recipe) -> tuple[Recipe, tuple[str, ...]]:
    """The recipe without what makes two runs differ by design, and what that leaves out of the certificate."""
    changes: dict[str, Any] = {"precision": "auto", "eval_data": (), "val_size": 0, "eval_steps": 0, "keep_best": False, "resume": "never"}
    left_out = []
    for name, calm, why in (
        ("dropout", 0.0, "dropout draws anew at every run"),
        ("compile", False, "the compiled graph is held to the plain one by `make test-gpu`"),
        ("liger", False, "Liger's kernels are"),
        ("keep_vision_gib", 0.0, "kept pictures are in 16 bits"),
        ("base", "full", "eight bits round each product by themselves"),
        ("init", "", "how the adapter begins changes no arithmetic"),
    ):
        if getattr(recipe, name) != calm:
            changes[name] = calm
            left_out.append(f"Not part of it: {name} ({why}).")
    if recipe.method == "qlora":
        changes["method"] = "lora"
        left_out.append("Not part of it: four bits; the base is run unquantised.")
    return msgspec.structs.replace(recipe, **changes), tuple(left_out)


def _packed(model: Any, recipe: Recipe, examples: Sequence[Example], device: torch.device) -> tuple[Run, Run, Run | None, str]:
    """Runs of the fast path: alone padded by transformers' forward, together as the levers say, and packed without borders."""
    from vltrain.features import Featurizer
    from vltrain.trainer import make_collator

    featurizer = Featurizer(Path(recipe.model))
    samples = [featurizer.make(example) for example in examples]
    levers, token = levers_of(recipe), core_of(model).config.image_token_id
    step = Step(model, levers, checkpointing=recipe.checkpointing)

    def batch_of(which: Sequence[Sample], one: Levers, keep: int) -> Batch:
        labelled = [
            sample if place == keep else msgspec.structs.replace(sample, labels=_without(sample.labels))
            for place, sample in enumerate(which)
        ]
        return _on(make_collator(model, one)(labelled), device)

    def alone(place: int) -> torch.Tensor:
        return plain_loss(model, batch_of([samples[place]], PLAIN, 0), token)

    def together(place: int) -> torch.Tensor:
        return step(batch_of(samples, levers, place))

    def without_borders(place: int) -> torch.Tensor:
        batch = batch_of(samples, levers, place)
        total = sum(batch["lengths"])
        batch["lengths"], batch["bounds"] = (total,), torch.tensor([0, total], dtype=torch.int32, device=device)
        for name in ("spread", "back"):
            batch.pop(name, None)
        return step(batch)

    if levers == PLAIN:
        return alone, lambda place: plain_loss(model, batch_of(samples, PLAIN, place), token), None, "padded, by transformers"
    return alone, together, without_borders if levers.packing else None, "packed" if levers.packing else "padded, with levers"


def _padded(model: Any, recipe: Recipe, examples: Sequence[Example], device: torch.device) -> tuple[Run, Run, Run | None, str]:
    """Runs of the generic path: the processor's own batches, of one and of all."""
    from vltrain.generic import ProcessorCollator, open_talk, use_processor_batches

    use_processor_batches(model, checkpointing=recipe.checkpointing)
    collator = ProcessorCollator(Path(recipe.model), own_code=recipe.trust_remote_code)
    talks = [open_talk(example) for example in examples]

    def run(which: Sequence[int], keep: int) -> torch.Tensor:
        batch = collator([talks[place] for place in which])
        if "broken" in batch:
            what, where, cure = batch["broken"]
            raise DataError(what, where=where, cure=cure)
        labels = batch["labels"]
        for row in range(len(which)):
            if row != keep:
                labels[row] = IGNORED
        loss: torch.Tensor = model(**_on(batch, device))
        return loss

    everybody = range(len(talks))
    return lambda place: run([place], 0), lambda place: run(everybody, place), None, "padded, by the model's own processor"


def _without(labels: Any) -> Any:
    import numpy as np

    return np.full_like(labels, IGNORED)


def _on(batch: Batch, device: torch.device) -> Batch:
    return {name: value.to(device) if isinstance(value, torch.Tensor) else value for name, value in batch.items()}


def _gradients(model: Any, run: Run, place: int) -> tuple[float, Gradients]:
    """Loss of one sample by a run, and its gradients."""
    model.zero_grad()
    loss = run(place)
    loss.backward()
    return float(loss.detach()), {name: p.grad.detach().clone() for name, p in model.named_parameters() if p.grad is not None}


def _apart(one: Gradients, other: Gradients) -> float:
    """How far two sets of gradients are apart: the norm of their difference over the norm of the first."""
    names = one.keys() | other.keys()
    nothing = torch.zeros(1)
    apart = sum(float((one.get(name, nothing).cpu().double() - other.get(name, nothing).cpu().double()).square().sum()) for name in names)
    size = sum(float(value.cpu().double().square().sum()) for value in one.values())
    if not size:
        return 0.0 if not apart else float("inf")
    return float((apart / size) ** 0.5)
