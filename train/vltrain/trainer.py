"""HF Trainer with our batches and our loss: the token mean over a whole optimizer step and all ranks."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch.distributed.tensor import DTensor
from torch.utils.data import DataLoader, Dataset, Subset
from transformers import Trainer

from vldata.errors import DataError, UsageError
from vldata.models.layout import ADAPTER_WEIGHTS
from vltrain.collate import Batch, Collator
from vltrain.data import Example
from vltrain.features import Featurizer, Sample
from vltrain.levers import PLAIN, Step, core_of, plain_loss
from vltrain.recipe import Levers, Recipe
from vltrain.towers import tower_of


class Samples(Dataset[Sample | DataError]):
    """Examples as samples, made when asked for. What cannot be read comes as its error: raised in a worker, it would lose its words."""

    def __init__(self, examples: Sequence[Example], featurizer: Featurizer) -> None:
        self._examples = examples
        self._featurizer = featurizer

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> Sample | DataError:
        try:
            return self._featurizer.make(self._examples[index])
        except DataError as error:
            return error


def use_levers(model: Any, levers: Levers, *, checkpointing: bool) -> None:
    """Make a call of the model take a batch and return the sum of its token losses.

    The call itself is replaced, not wrapped, so that whatever wraps the model (DDP, FSDP2) sees it. `generate` works as before.
    """
    token = core_of(model).config.image_token_id
    if levers == PLAIN:
        if checkpointing:
            core_of(model).gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        original = model.forward

        def forward(**batch: Any) -> torch.Tensor:
            return plain_loss(original, batch, token)

    else:
        step = Step(model, levers, checkpointing=checkpointing)

        def forward(**batch: Any) -> torch.Tensor:
            with torch.autocast(batch["input_ids"].device.type, enabled=False):
                return step(batch)

    model.forward = forward


class SftTrainer(Trainer):
    """Counts tokens, not batches, in training and in evaluation, and measures how long the loader kept it waiting."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.model_accepts_loss_kwargs = True  # makes Trainer count the labels of a whole optimizer step, over all ranks
        self.wait_s = 0.0
        self.tokens = 0
        self.samples = 0
        self._marks: list[tuple[float, int, float]] = []  # when a step began, samples before it, seconds waited before it

    def compute_loss(self, model: Any, inputs: Batch, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        """Return the sum over this batch divided by the tokens of the step; DDP averages over ranks, so that is undone."""
        total = model(**inputs)
        if num_items_in_batch is None:
            return total / max(1, len(inputs["targets"]))
        count = num_items_in_batch.to(total.device) if isinstance(num_items_in_batch, torch.Tensor) else num_items_in_batch
        return total * self.accelerator.num_processes / count

    def get_train_dataloader(self) -> DataLoader[Any]:
        """Return Trainer's loader, which starts its workers without a draw from the generator that dropout uses.

        A loader with workers draws a seed for them each time it starts, and starting anew draws otherwise than starting again: a resumed
        run would go on with other dropout than an undisturbed one.
        """
        loader: Any = super().get_train_dataloader()
        inner = getattr(loader, "base_dataloader", loader)  # accelerate wraps torch's own
        start = inner._get_iterator

        def start_apart() -> Any:
            iterator = _apart(start)()
            iterator._reset = _apart(iterator._reset)
            return iterator

        inner._get_iterator = start_apart
        return loader  # type: ignore[no-any-return]

    def get_batch_samples(self, epoch_iterator: Iterator[Batch], num_batches: int, device: torch.device) -> tuple[list[Batch], Any]:
        """Fetch the batches of a step, and keep the time that took."""
        began = time.perf_counter()
        self._marks.append((began, self.samples, self.wait_s))
        batches, count = super().get_batch_samples(sound(epoch_iterator), num_batches, device)
        self.wait_s += time.perf_counter() - began
        self.tokens += sum(batch["input_ids"].numel() for batch in batches)
        self.samples += sum(int(batch["samples"]) for batch in batches)
        return batches, count

    def mark(self) -> None:
        """Note that training has ended, once the GPU has."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._marks.append((time.perf_counter(), self.samples, self.wait_s))

    def steady_rate(self) -> float:
        """Samples a second over the second half of the steps: without compiling, first allocations and the loader's start."""
        (began, before, _), (ended, after, _) = self._marks[len(self._marks) // 2], self._marks[-1]
        return (after - before) / (ended - began) if after > before else 0.0

    def steady_wait(self) -> float:
        """Share of the time of the same steps in which the loader had no batch ready."""
        (began, _, before), (ended, _, after) = self._marks[len(self._marks) // 2], self._marks[-1]
        return (after - before) / (ended - began) if ended > began else 0.0

    @property
    def parallel(self) -> str:
        """How the run was spread: `none`, `ddp`, or `fsdp2` where the parameters really are in shards."""
        model: Any = self.model
        if any(isinstance(parameter, DTensor) for parameter in model.parameters()):
            return "fsdp2"
        return "ddp" if self.args.world_size > 1 else "none"

    def save_model(self, output_dir: str | None = None, _internal_call: bool = False) -> None:
        """Save the adapter; under FSDP2 every rank helps to gather it, and the first writes."""
        if not self.is_fsdp_enabled:
            super().save_model(output_dir, _internal_call=_internal_call)
            return
        model: Any = self.accelerator.unwrap_model(self.model)
        gathered = {}
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                whole = parameter.full_tensor() if hasattr(parameter, "full_tensor") else parameter
                gathered[name.replace(".default.", ".")] = whole.detach().cpu().contiguous()
        if self.args.should_save:
            folder = Path(output_dir or str(self.args.output_dir))
            folder.mkdir(parents=True, exist_ok=True)
            save_file(gathered, folder / ADAPTER_WEIGHTS, metadata={"format": "pt"})
            model.peft_config["default"].save_pretrained(str(folder))
        self.accelerator.wait_for_everyone()

    def evaluate(self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> dict[str, float]:
        """Return the token mean of the loss over the evaluation set, each record once whatever the number of ranks."""
        dataset: Any = eval_dataset if eval_dataset is not None else self.eval_dataset
        model: Any = self.model_wrapped if self.is_fsdp_enabled else self.model
        rank, world = self.args.process_index, self.args.world_size
        began = time.perf_counter()
        share = Subset(dataset, range(rank, len(dataset), world))
        loader: Any = DataLoader(
            share,
            batch_size=self.args.per_device_eval_batch_size,
            collate_fn=self.data_collator,
            num_workers=self.args.dataloader_num_workers,
            generator=torch.Generator(),  # the seed of its workers is not drawn from the generator that dropout uses
        )
        training = model.training
        model.eval()
        sums = torch.zeros(2, dtype=torch.float64, device=self.args.device)
        with torch.no_grad(), self._autocast():
            for batch in sound(loader):
                inputs = self._prepare_inputs(batch)
                sums += torch.stack(
                    [model(**inputs).double(), torch.tensor(float(len(inputs["targets"])), device=self.args.device).double()]
                )
        model.train(training)
        if world > 1:
            torch.distributed.all_reduce(sums)
        metrics = {f"{metric_key_prefix}_loss": float(sums[0] / sums[1]), f"{metric_key_prefix}_runtime": time.perf_counter() - began}
        self.log(dict(metrics))
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def _autocast(self) -> Any:
        half = torch.bfloat16 if self.args.bf16 else torch.float16 if self.args.fp16 else None
        return torch.autocast(self.args.device.type, half) if half else contextlib.nullcontext()


def _apart(call: Callable[..., Any]) -> Callable[..., Any]:
    """Return a call that leaves torch's generator as it was."""

    def quiet(*args: Any, **kwargs: Any) -> Any:
        with torch.random.fork_rng(devices=[]):
            return call(*args, **kwargs)

    return quiet


def sound(batches: Iterable[Batch]) -> Iterator[Batch]:
    """Pass batches on, and raise what a worker could not read.

    Raises:
        DataError: a picture is not there or damaged.
    """
    for batch in batches:
        if "broken" in batch:
            what, where, cure = batch["broken"]
            raise DataError(what, where=where, cure=cure)
        yield batch


def check_parallel(trainer: SftTrainer, recipe: Recipe) -> None:
    """Hold the way a run is spread to be one that is proven.

    Raises:
        UsageError: FSDP's first version, FSDP without GPUs, where it silently runs as DDP, or FSDP over a base in eight bits.
    """
    if not trainer.is_fsdp_enabled:
        return
    if getattr(trainer.accelerator.state.fsdp_plugin, "fsdp_version", 1) != 2:
        raise UsageError("FSDP's first version is not supported.", cure="Launch with --fsdp_version 2, as docs/training.md shows.")
    if recipe.base == "fp8":
        raise UsageError("base: fp8 was not tried with FSDP.", cure="Launch with torchrun, without FSDP, or leave base out.")
    if trainer.args.device.type == "cpu":
        raise UsageError("FSDP needs GPUs; on the CPU it would silently run as DDP.", cure="Launch with torchrun, without FSDP.")


def make_collator(model: Any, levers: Levers) -> Collator:
    """Build the collator for a model."""
    core = core_of(model)
    pad = core.config.text_config.pad_token_id or 0
    return Collator(packing=levers.packing, pad_id=pad, lay=tower_of(core).lay())
