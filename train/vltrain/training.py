"""Supervised fine-tuning: a recipe in, an adapter out. Everything that can fail is looked at before weights are loaded."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files import inside, strictjson
from vldata.files.copying import copy_below
from vldata.models.layout import check_model_folder, model_file
from vldata.wording import counted
from vltrain.checkpoints import find_checkpoint
from vltrain.data import Example
from vltrain.llamafactory import predict_command
from vltrain.planning import Prepared, prepare, setting_problems
from vltrain.recipe import Levers, Recipe, begins_in_base
from vltrain.saving import told_writes


class TrainResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to; the content of all_results.json."""

    output: str
    steps: int
    epoch: float
    train_loss: float
    train_runtime: float
    train_samples_per_second: float
    train_tokens_per_second: float
    data_wait_share: float
    trainable_parameters: int
    peak_memory_gib: float
    steady_samples_per_second: float
    steady_wait_share: float
    parallel: str = "none"
    resumed_from: int = 0
    eval_loss: float | None = None
    best_checkpoint: str = ""


def run_sft(recipe: Recipe, *, notes: Sequence[str] = (), say: Callable[[str], None] = lambda line: None) -> TrainResult:
    """Train.

    Raises:
        DataError: the plan found what would fail, or this machine cannot run it.
        UsageError: the recipe contradicts itself, or is not a training recipe.
    """
    _check_job(recipe)
    prepared = prepare(recipe, gpus=int(os.environ.get("WORLD_SIZE", "1")), notes=notes)
    for line in (*prepared.plan.warnings, *prepared.facts):
        say(line)
    if faults := list(setting_problems(recipe, evaluates=bool(prepared.plan.eval_records))):
        raise UsageError(faults[0], cure=" ".join(faults[1:]))
    if prepared.plan.problems:
        raise DataError(prepared.plan.problems[0], cure=" ".join(prepared.plan.problems[1:]))
    check_model_folder(Path(recipe.model))
    with contextlib.redirect_stdout(sys.stderr) if recipe.report_to else contextlib.nullcontext():  # trackers talk on stdout
        return _train(recipe, prepared, say)


def show_labels(recipe: Recipe, records: int = 1) -> list[str]:
    """Show what is learned of the first records: picture tokens counted, answers between guillemets."""
    _check_job(recipe)
    prepared = prepare(recipe)
    if not prepared.train.examples:
        raise DataError(prepared.plan.problems[0] if prepared.plan.problems else "no records.")
    if not prepared.fast:
        from vltrain.generic import show_lesson

        shown, trusted = prepared.train.examples[:records], recipe.trust_remote_code
        return [show_lesson(Path(recipe.model), example, own_code=trusted) for example in shown]
    from vltrain.features import IGNORED, Featurizer

    featurizer = Featurizer(Path(recipe.model))
    lines = []
    for example in prepared.train.examples[:records]:
        sample = featurizer.make(example)
        learned, pictures = sample.labels != IGNORED, set(sample.pictures.tolist())
        run: list[int] = []
        text, inside = "", False
        for place, token in enumerate([*sample.ids.tolist(), -1]):
            now = token >= 0 and bool(learned[place])
            if token < 0 or now != inside:
                text += featurizer.prompter.decode(run)
                run, text = [], text + ("«" if now else "»" if inside else "")
                inside = now
            if place not in pictures and token >= 0:
                run.append(token)
        lines.append(f"{example.record.id}: {len(sample)} tokens, {len(pictures)} of pictures, {int(learned.sum())} learned\n{text}")
    return lines


def _check_job(recipe: Recipe) -> None:
    if recipe.job == "merge":
        raise UsageError("this YAML merges.", cure="Run: vltrain merge RECIPE.yaml")
    if recipe.job == "predict":
        raise UsageError("this YAML evaluates.", cure=f"Run: {predict_command(recipe)}")


def _train(recipe: Recipe, prepared: Prepared, say: Callable[[str], None]) -> TrainResult:
    import torch
    from transformers import PrinterCallback, set_seed

    from vltrain.adapters import choose_precision, keep_beginning, load_base, make_trainable
    from vltrain.curves import tensorboard_callback
    from vltrain.fp8 import check_fp8, use_fp8
    from vltrain.levers import PLAIN, core_of, levers_of
    from vltrain.logs import MANIFEST, LogFile, check_resumable, make_manifest, write_json
    from vltrain.trainer import SftTrainer, check_parallel

    precision, levers = choose_precision(recipe), levers_of(recipe) if prepared.fast else PLAIN
    if recipe.base == "fp8":
        check_fp8(precision)
    output, checkpoint = Path(recipe.output), find_checkpoint(recipe, prepared.plan.steps)
    manifest = make_manifest(recipe, prepared, levers, precision)
    if checkpoint is not None:
        check_resumable(output, manifest)
        say(f"Going on from {checkpoint}.")
    arguments = _arguments(recipe, precision, plain=levers == PLAIN, prepared=prepared)
    if arguments.process_index == 0:
        output.mkdir(parents=True, exist_ok=True)
        if checkpoint is None:
            remove_checkpoints(output, say)
        write_json(output / MANIFEST, manifest)
    set_seed(recipe.seed)
    on_gpu = torch.cuda.is_available()
    base = load_base(recipe, precision, device=torch.cuda.current_device() if on_gpu and recipe.method == "qlora" else None)
    model = make_trainable(base, recipe)
    if recipe.base == "fp8":
        use_fp8(core_of(model.cuda()).model.language_model)
    if begins_in_base(recipe) and arguments.process_index == 0:
        keep_beginning(model, output)
    samples, collator = _feed(recipe, prepared, model, levers)
    trainer = SftTrainer(
        model=model,
        args=arguments,
        train_dataset=samples(prepared.train.examples),
        eval_dataset=samples(prepared.validation.examples) if prepared.validation.examples else None,
        data_collator=collator,
        callbacks=[LogFile(output, say)],
    )
    if recipe.tensorboard and arguments.process_index == 0:
        trainer.add_callback(tensorboard_callback(output, first_step(checkpoint)))
    if "swanlab" in recipe.report_to:  # by its own callback: that of transformers 5.24 stops with swanlab 0.10 (there is no run yet)
        from swanlab.integration.transformers import SwanLabCallback

        trainer.add_callback(SwanLabCallback(experiment_name=output.name))
    trainer.remove_callback(PrinterCallback)  # it prints on stdout, where the result goes
    check_parallel(trainer, recipe)
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    if recipe.tensorboard and arguments.process_index == 0:
        say(f"Watch it: tensorboard --logdir {shlex.quote(str(output))}")
    with told_writes(output):
        trained = trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
        trainer.mark()
        return _finish(recipe, prepared, trainer, trained, checkpoint)


def _feed(recipe: Recipe, prepared: Prepared, model: Any, levers: Levers) -> tuple[Callable[[Sequence[Example]], Any], Any]:
    """Make the model take batches, and return what makes a dataset and what makes a batch: the fast path's, or the processor's own."""
    folder = Path(recipe.model)
    if not prepared.fast:
        from vltrain.generic import ProcessorCollator, Talks, use_processor_batches

        use_processor_batches(model, checkpointing=recipe.checkpointing)
        return Talks, ProcessorCollator(folder, own_code=recipe.trust_remote_code)
    from vltrain.features import Featurizer
    from vltrain.trainer import Samples, make_collator, use_levers

    use_levers(model, levers, checkpointing=recipe.checkpointing)
    featurizer = Featurizer(folder)
    return lambda examples: Samples(examples, featurizer), make_collator(model, levers)


def remove_checkpoints(output: Path, say: Callable[[str], None]) -> None:
    """Remove the checkpoints and event files of an earlier run, and say so."""
    from vltrain.curves import event_files

    old = sorted(path for path in output.glob("checkpoint-*") if path.is_dir() and not path.is_symlink())
    if old:
        say(f"Starting again in {output}: {counted(len(old), 'checkpoint')} of an earlier run removed, {old[0].name} to {old[-1].name}.")
    for path in old:
        inside.remove_tree(output, path.name)
    if events := event_files(output):
        say(f"{counted(len(events), 'TensorBoard file')} of an earlier run removed.")
    for name in events:
        inside.remove(output, f"runs/{name}")


def first_step(checkpoint: Path | None) -> int:
    """The step that a run goes on from; 0 for one that begins."""
    return int(checkpoint.name[11:]) if checkpoint and checkpoint.name[11:].isdigit() else 0


def _arguments(recipe: Recipe, precision: str, *, plain: bool, prepared: Prepared) -> Any:
    import torch
    from transformers import TrainingArguments

    from vltrain.curves import log_every

    cuda = torch.cuda.is_available()
    workers = min(recipe.workers, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    evaluates = bool(recipe.eval_steps and prepared.plan.eval_records)
    return TrainingArguments(
        output_dir=recipe.output,
        num_train_epochs=recipe.epochs,
        max_steps=recipe.max_steps,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=recipe.eval_batch_size or recipe.batch_size,
        gradient_accumulation_steps=recipe.accumulate,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type=recipe.schedule,
        warmup_steps=recipe.warmup,
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        optim=recipe.optimizer,
        seed=recipe.seed,
        bf16=precision == "bf16" and plain,
        fp16=precision == "fp16",
        use_cpu=not cuda,
        logging_nan_inf_filter=False,  # it would wait for the GPU at every step
        logging_steps=log_every(recipe, prepared.plan.steps),
        save_strategy="steps" if recipe.save_steps else "no",
        save_steps=recipe.save_steps or 500,
        save_total_limit=recipe.save_limit,
        eval_strategy="steps" if evaluates else "no",
        eval_steps=recipe.eval_steps or None,
        load_best_model_at_end=recipe.keep_best,
        metric_for_best_model="eval_loss" if recipe.keep_best else None,
        greater_is_better=False if recipe.keep_best else None,
        dataloader_num_workers=workers,
        dataloader_persistent_workers=workers > 0,
        dataloader_prefetch_factor=4 if workers else None,
        dataloader_pin_memory=cuda,
        ddp_broadcast_buffers=False if recipe.base == "fp8" else None,  # eight-bit weights, the same on every rank
        ddp_find_unused_parameters=recipe.train_vision or recipe.train_projector,
        remove_unused_columns=False,
        label_names=["labels"],
        report_to=[name for name in recipe.report_to if name != "swanlab"] or "none",  # TensorBoard is a callback of ours
        run_name=Path(recipe.output).name,
        disable_tqdm=True,
    )


def _finish(recipe: Recipe, prepared: Prepared, trainer: Any, trained: Any, checkpoint: Path | None) -> TrainResult:
    import torch

    from vltrain.cards import write_card
    from vltrain.curves import plot_losses
    from vltrain.logs import MANIFEST, RESULTS, write_json

    output = Path(recipe.output)
    if recipe.method == "full":
        from vltrain.adapters import as_base_has_it

        as_base_has_it(trainer.model, Path(recipe.model))
    metrics = _last_evaluation(recipe, trainer) or trainer.evaluate() if prepared.validation.examples else {}
    trainer.save_model()
    if begins_in_base(recipe):
        from vltrain.adapters import as_plain_lora

        as_plain_lora(trainer.model, output)
    trainer.save_state()
    runtime = max(1e-9, float(trained.metrics["train_runtime"]))
    began = first_step(checkpoint)
    result = TrainResult(
        output=recipe.output,
        steps=int(trained.global_step),
        epoch=float(trained.metrics.get("epoch", 0.0)),
        train_loss=_mean_loss(trainer, float(trained.training_loss), began),
        train_runtime=runtime,
        train_samples_per_second=trainer.samples * trainer.args.world_size / runtime,
        train_tokens_per_second=trainer.tokens * trainer.args.world_size / runtime,
        data_wait_share=trainer.wait_s / runtime,
        trainable_parameters=sum(parameter.numel() for parameter in trainer.model.parameters() if parameter.requires_grad),
        peak_memory_gib=torch.cuda.max_memory_allocated() / 2**30 if torch.cuda.is_available() else 0.0,
        steady_samples_per_second=trainer.steady_rate() * trainer.args.world_size,
        steady_wait_share=trainer.steady_wait(),
        parallel=trainer.parallel,
        resumed_from=began,
        eval_loss=metrics.get("eval_loss"),
        best_checkpoint=Path(trainer.state.best_model_checkpoint).name if trainer.state.best_model_checkpoint else "",
    )
    if trainer.is_world_process_zero():
        write_json(output / RESULTS, msgspec.to_builtins(result))
        write_json(output / "train_results.json", trained.metrics)
        copy_side_files(Path(recipe.model), output)
        write_card(output, strictjson.read_json(output / MANIFEST), result)
        if recipe.plot:
            plot_losses(output, trainer.state.log_history)
    return result


def _mean_loss(trainer: Any, said: float, began: int) -> float:
    """Mean loss over all steps of a run that was resumed after `began`.

    Trainer sums the steps since; transformers 5.17 divides by all steps, 5.23, which knows where it began, by those since.
    """
    state = trainer.state
    since = state.global_step - began
    if not began or not since:
        return said
    rest = said if hasattr(trainer, "_initial_global_step") else said * state.global_step / since
    covered, total = 0, 0.0
    for row in state.log_history:
        if "loss" in row and covered < row["step"] <= began:
            total += row["loss"] * (row["step"] - covered)
            covered = row["step"]
    before = total / covered if covered else rest
    return float((rest * since + before * began) / state.global_step)


def _last_evaluation(recipe: Recipe, trainer: Any) -> dict[str, float]:
    """The evaluation of these very weights, where the last step had one."""
    rows = [row for row in trainer.state.log_history if "eval_loss" in row and row["step"] == trainer.state.global_step]
    return {} if recipe.keep_best or not rows else rows[-1]


def copy_side_files(model: Path, output: Path) -> None:
    """Copy tokenizer, template and processor files of the base byte for byte, as every loader of an adapter wants them."""
    for path in sorted(model.iterdir()):
        wanted = path.suffix in (".json", ".jinja", ".txt") and not path.name.startswith(
            ("model.safetensors", "adapter", "config.", "trainer")
        )
        if path.is_file() and wanted and not (output / path.name).exists():
            copy_below(model_file(model, path.name), output, path.name)
