"""What a recipe will do, before anything expensive: steps, parameters, tokens, memory, and everything that would fail.

No weights are loaded and torch is not imported. A plan is complete even when it finds problems.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError, VlkitError, install_line
from vldata.models.layout import check_model_folder, give_folder, is_quantized
from vldata.models.prompt import Prompter
from vldata.models.shapes import PUBLISHED, Shape, published_shape, read_shape
from vldata.output.contract import spread
from vldata.output.tokens import estimate_text_tokens, text_bytes
from vldata.suggest import nearest
from vltrain.data import Example, LoadedSet, crossing_groups, cut, load_set, missing_pictures
from vltrain.memory import GPUS, estimate, system_memory_gib
from vltrain.plan_data import Notes, compare_contracts
from vltrain.recipe import Recipe
from vltrain.towers import REGULAR
from vltrain.trainer_names import OPTIMIZERS, SCHEDULES, TRACKERS
from vltrain.ways import PUBLISHED as PUBLISHED_WAY
from vltrain.ways import Way, by_levers, is_template_of, way_of, what_is_lacking

VERSIONED = ("torch", "transformers", "peft", "accelerate", "bitsandbytes", "liger-kernel")
PRECISIONS = {
    "auto": "bfloat16 where the GPU computes in it, else float16; float32 on the CPU",
    "bf16": "bfloat16",
    "fp16": "float16",
    "fp32": "float32, which takes twice the memory of the 16-bit types",
}
_TESTED = {"torch": ("2.11", "2.13"), "transformers": ("5.17", "5.24")}


class TokenSummary(msgspec.Struct, frozen=True):
    """Tokens of the training records; without a tokenizer `text_counted` is false and they are the pictures' alone."""

    max: int
    p95: int
    text_counted: bool


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What `vltrain plan --json` prints."""

    steps: int
    trainable_parameters: int
    train_records: int
    eval_records: int
    cutoff: int
    tokens: TokenSummary
    memory: dict[str, dict[str, float | bool]]
    quantization: str  # of the frozen base; "" for none
    problems: list[str]
    warnings: list[str]


class Counted(msgspec.Struct, frozen=True):
    """Examples and what each costs in tokens."""

    examples: tuple[Example, ...]
    tokens: tuple[int, ...]


class Prepared(msgspec.Struct, frozen=True, kw_only=True):
    """A plan with what it was made from, for the run that follows."""

    plan: Plan
    shape: Shape | None
    fast: bool  # by the levers; else by the model's own processor
    train: Counted
    validation: Counted
    dropped: tuple[str, ...]
    sets: tuple[LoadedSet, ...]
    facts: list[str]


def prepare(recipe: Recipe, *, gpu: str = "", gpus: int = 1, notes: Sequence[str] = (), elsewhere: bool = False) -> Prepared:
    """Plan a training run.

    Args:
        recipe: the run.
        gpu: a type of `GPUS` to judge for; the run is then for another machine.
        gpus: how many GPUs share the steps.
        notes: what is to be said of the recipe.
        elsewhere: the run is for another machine: what this one lacks is only said.
    """
    said = Notes()
    said.warnings.extend(notes)
    said.facts.append(f"Precision: {PRECISIONS[recipe.precision]}.")
    if recipe.resume not in ("auto", "never") and not (Path(recipe.resume) / "trainer_state.json").is_file():
        fault = f"{recipe.written('resume')}: no checkpoint in {recipe.resume!r}."
        said.problems.append(f"{fault} Give {recipe.output}/checkpoint-N, or {recipe.written('auto')}.")
    shape, prompter, way = _model(recipe, said)
    train_sets, eval_sets = _load(recipe.data, recipe, said), _load(recipe.eval_data, recipe, said)
    _look_at_images((*train_sets, *eval_sets), said)
    train = [example for loaded in train_sets for example in loaded.examples]
    validation = [example for loaded in eval_sets for example in loaded.examples]
    if recipe.val_size and train:
        train, validation = _cut(recipe, train_sets, train, said)
    if "thinking" in Path(recipe.model).name.lower() and train and not any(map(_has_thoughts, train)):
        said.warnings.append("a Thinking model learns to answer without its reasoning from data that have none: take the Instruct model.")
    counted = _count(train, prompter, way, said)
    tokens = spread(counted.tokens)
    kept, dropped = _drop_long(recipe, counted, said, counted_text=prompter is not None)
    kept_eval, _ = _drop_long(recipe, _count(validation, prompter, way, said), said, counted_text=prompter is not None, side="validation")
    compare_contracts(recipe, train_sets, eval_sets, way, said)
    _versions(recipe, said)
    trainable = _trainable(recipe, shape, way, said)
    memory = _memory(recipe, shape if way.kind in REGULAR and way.fast else None, trainable, kept.tokens, counted, gpu, way, said)
    if not (by_levers(way, recipe) and way.kind in REGULAR):
        known = ", ".join(REGULAR)
        if recipe.base == "fp8":
            said.problems.append(f"base: fp8 is for {known} on the fast path (docs/models.md). Leave base out.")
        if recipe.liger:
            said.warnings.append(f"{recipe.written('liger')}: Liger's kernels are for {known}; the run goes without them.")
    (said.warnings if gpu or elsewhere else said.problems).extend(said.here)
    held_out = bool(kept_eval.examples) or (not train and bool(recipe.val_size or recipe.eval_data))  # without data it is not known
    said.problems.extend(setting_problems(recipe, evaluates=held_out))
    plan = Plan(
        steps=count_steps(recipe, len(kept.examples), gpus),
        trainable_parameters=trainable,
        train_records=len(kept.examples),
        eval_records=len(kept_eval.examples),
        cutoff=recipe.cutoff,
        tokens=TokenSummary(tokens.max, tokens.p95, prompter is not None),
        memory=memory,
        quantization=_quantization(recipe),
        problems=said.problems,
        warnings=said.warnings,
    )
    return Prepared(
        plan=plan,
        shape=shape,
        fast=by_levers(way, recipe),
        train=kept,
        validation=kept_eval,
        dropped=dropped,
        sets=(*train_sets, *eval_sets),
        facts=said.facts,
    )


def setting_problems(recipe: Recipe, *, evaluates: bool) -> Iterator[str]:
    """Yield what contradicts itself in a recipe, or names nothing that there is; `evaluates`: whether there are records held out."""
    says = recipe.written
    if recipe.keep_best and not (recipe.eval_steps and recipe.save_steps and evaluates):
        yield f"{says('keep_best')}: it needs eval_steps, save_steps, and val_size or {says('eval_data')}."
    elif recipe.keep_best and recipe.save_steps % recipe.eval_steps:
        yield f"{says('keep_best')}: save_steps {recipe.save_steps} is not a multiple of eval_steps {recipe.eval_steps}."
    for key, known in (("schedule", SCHEDULES), ("optimizer", OPTIMIZERS)):
        value = getattr(recipe, key)
        if value not in known:
            yield f"{says(key)}: there is no {value!r}.{nearest(value, known)} There are: {', '.join(known)}."
    for name in recipe.report_to:
        if name not in TRACKERS:
            trackers = f"{', '.join(TRACKERS)}; TensorBoard is tensorboard: true"
            yield f"report_to: there is no {name!r}.{nearest(name, TRACKERS)} There are: {trackers}."


def count_steps(recipe: Recipe, records: int, gpus: int = 1) -> int:
    """Optimizer steps of the run, as HF Trainer counts them."""
    if recipe.max_steps > 0:
        return recipe.max_steps
    batches = math.ceil(records / (recipe.batch_size * gpus))
    return math.ceil(max(1, math.ceil(batches / recipe.accumulate)) * recipe.epochs) if records else 0


def _model(recipe: Recipe, said: Notes) -> tuple[Shape | None, Prompter | None, Way]:
    folder = Path(recipe.model)
    if recipe.template and not is_template_of(recipe.template, folder):
        said.warnings.append(f"template {recipe.template!r} is of other models: here the model's own template is used.")
    if not folder.is_dir():
        shape = published_shape(recipe.model)
        if shape is None:
            known = ", ".join(found.name for found in PUBLISHED.values())
            said.problems.append(f"{recipe.model}: no model folder here, and not the name of one known ({known}).")
        else:
            said.facts.append(f"Sizes are those published for {shape.name}; text tokens are uncounted.")
            said.here.append(f"{recipe.model}: no model folder here. {give_folder(recipe.model)}")
        return shape, None, PUBLISHED_WAY
    shape = prompter = None
    way = way_of(folder)
    for notes, found in zip((said.facts, said.warnings, said.problems), what_is_lacking(way, folder, recipe), strict=True):
        notes.extend(found)
    try:
        check_model_folder(folder)
        shape = read_shape(folder)
        prompter = Prompter(folder)
        if recipe.method == "qlora" and is_quantized(folder):
            raise DataError(
                "the model is already quantised.",
                where=recipe.model,
                cure=f"Give the full one: {recipe.written('method: qlora')} quantises it.",
            )
        said.facts.append(f"Model folder complete; chat template and tokenizer of {folder.name}.")
    except VlkitError as error:
        said.problems.append(_one_line(error))
    return shape, prompter, way


def _one_line(error: VlkitError) -> str:
    return " ".join(str(error).split())


def _look_at_images(sets: Sequence[LoadedSet], said: Notes) -> None:
    """Say which images are missing, and from which stores they are read."""
    lost, first = missing_pictures(sets)
    if lost:
        said.problems.append(f"{lost:,} pictures of the data are not there, first {first}. Copy them along, or convert again.")
    for store in dict.fromkeys(example.store for loaded in sets for example in loaded.examples[:1] if example.store):
        said.facts.append(f"Images are read from {store} as they are needed; none is kept here.")


def _load(targets: Sequence[str], recipe: Recipe, said: Notes) -> list[LoadedSet]:
    loaded = []
    for target in targets:
        try:
            loaded.append(load_set(target, limit=recipe.max_records))
        except VlkitError as error:
            said.problems.append(_one_line(error))
    return loaded


def _cut(recipe: Recipe, sets: Sequence[LoadedSet], examples: list[Example], said: Notes) -> tuple[list[Example], list[Example]]:
    try:
        train_rows, val_rows = cut(len(examples), recipe.val_size, recipe.seed)
    except VlkitError as error:
        said.problems.append(_one_line(error))
        return examples, []
    train, validation = [examples[row] for row in train_rows], [examples[row] for row in val_rows]
    group, share = crossing_groups(sets, train, validation)
    if share:
        said.warnings.append(
            f"val_size cuts by rows: {share:.1%} of the validation records share their {group} with training, so their loss flatters. "
            f"Cut by group: vldata split ... --val {recipe.val_size:g} --group-by {group if group != 'picture' else 'image'}"
        )
    return train, validation


def _count(examples: Sequence[Example], prompter: Prompter | None, way: Way, said: Notes) -> Counted:
    kept, tokens, seen, passed_over = [], [], 0, 0
    for example in examples:
        pictures = way.costs(example.sizes)
        cost = sum(pictures) + way.around * len(pictures)
        if prompter is not None:
            try:
                encoded = prompter.encode(example.record, pictures)
                cost, passed_over = len(encoded.ids), passed_over + encoded.passed_over
            except VlkitError as error:
                seen += 1
                if seen == 1:
                    said.problems.append(_one_line(error))
                continue
        kept.append(example)
        tokens.append(cost)
    _say_parts(kept, prompter, passed_over, said)
    return Counted(tuple(kept), tuple(tokens))


def _has_thoughts(example: Example) -> bool:
    return any(message.thought for message in example.record.messages)


def _say_parts(examples: Sequence[Example], prompter: Prompter | None, passed_over: int, said: Notes) -> None:
    """Say what becomes of thoughts and of turns that are not learned."""
    records = [example.record for example in examples]
    if thoughts := sum(map(_has_thoughts, examples)):
        how = (
            "as the chat template shows them"
            if prompter is None or prompter.thought_key
            else "as text, <think>...</think>: the template has no place"
        )
        said.facts.append(f"Thoughts in {thoughts:,} records are learned before their answers, {how}.")
    if passed_over:
        said.warnings.append(
            f"{passed_over:,} answers before the last of their record are not learned: the chat template shows them without their thoughts."
        )
    masked = sum(message.answers and not message.learned for record in records for message in record.messages)
    if masked:
        said.facts.append(f"{masked:,} answers are not learned, as the data says (`loss`).")


def _drop_long(
    recipe: Recipe, counted: Counted, said: Notes, *, counted_text: bool, side: str = "training"
) -> tuple[Counted, tuple[str, ...]]:
    """Leave out what is longer than the cutoff; where nothing would be left, that is a problem and all stay."""
    costs = list(counted.tokens)
    if not counted_text:
        costs = [
            cost + estimate_text_tokens(text_bytes(example.record), len(example.record.messages))
            for cost, example in zip(counted.tokens, counted.examples, strict=True)
        ]
    keep = [row for row, cost in enumerate(costs) if cost <= recipe.cutoff]
    long = [counted.examples[row].record.id for row, cost in enumerate(costs) if cost > recipe.cutoff]
    if not long:
        return counted, ()
    most = max(counted.tokens)
    if not keep:
        words = "tokens" if counted_text else "vision tokens"
        budget = f"vldata budget --cutoff {recipe.cutoff}"
        cure = f"Raise {recipe.written('cutoff')} to at least {max(costs)}, or convert again with the --max-pixels that {budget} names."
        said.problems.append(f"every {side} record is over {recipe.written('cutoff')}: {most:,} {words} > {recipe.cutoff:,}. {cure}")
        return counted, tuple(long)
    share = len(long) / len(costs)
    said.warnings.append(
        f"{len(long):,} {side} records ({share:.1%}) are over {recipe.written('cutoff')} and dropped: "
        f"up to {most:,} > {recipe.cutoff:,} tokens."
    )
    return Counted(tuple(counted.examples[row] for row in keep), tuple(counted.tokens[row] for row in keep)), tuple(long)


def _versions(recipe: Recipe, said: Notes) -> None:
    found: dict[str, str] = {}
    for package in VERSIONED:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    said.facts.append(
        "Versions: " + (", ".join(f"{name} {version}" for name, version in found.items()) or "none of torch, transformers, peft")
    )
    if missing := [package for package in ("torch", "transformers", "peft") if package not in found]:
        said.here.append(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} not installed. {install_line('train')}")
    for package, (low, high) in _TESTED.items():
        if package in found and not _number(low) <= _number(found[package])[:2] <= _number(high):
            said.warnings.append(f"{package} {found[package]} is outside what was tried ({low} to {high}).")
    if recipe.method == "qlora" and "bitsandbytes" not in found:
        said.here.append(f"QLoRA needs bitsandbytes, which is not installed. {install_line('qlora')}")
    for name in recipe.report_to:
        if name in TRACKERS and importlib.util.find_spec(name) is None:
            said.here.append(f"report_to: {name} is not installed. pip install {name}, and log in to it first.")
    if recipe.liger and "liger-kernel" not in found:
        said.warnings.append("liger-kernel is not installed; the run goes without it.")


def _quantization(recipe: Recipe) -> str:
    if recipe.method == "qlora":
        return "nf4, scales quantised too" if recipe.double_quantization else "nf4"
    return "e4m3" if recipe.base == "fp8" else ""


def _number(version: str) -> tuple[int, ...]:
    return tuple(int("".join(char for char in part if char.isdigit()) or 0) for part in version.split("+")[0].split("."))


def _trainable(recipe: Recipe, shape: Shape | None, way: Way, said: Notes) -> int:
    if shape is None:
        return 0
    if not way.fast and (recipe.train_vision or recipe.train_projector):
        said.facts.append("Adapters of the vision tower and the projector are not counted before the run.")
        return shape.lora_parameters(recipe.rank, recipe.target_names)
    return shape.lora_parameters(recipe.rank, recipe.target_names, vision=recipe.train_vision, projector=recipe.train_projector)


def _smaller(recipe: Recipe) -> str:
    """Say what makes a run smaller, of what it does not do yet."""
    ways = [recipe.written("method: qlora")] if recipe.method != "qlora" else []
    ways += [recipe.written("checkpointing: true")] if not recipe.checkpointing else []
    ways += [f"a smaller {recipe.written('batch_size')}"] if recipe.batch_size > 1 else []
    return f"Use {', '.join([*ways, 'smaller images (vldata convert --max-pixels)'])}."


def _memory(
    recipe: Recipe, shape: Shape | None, trainable: int, tokens: Sequence[int], counted: Counted, gpu: str, way: Way, said: Notes
) -> dict[str, Any]:
    if shape is None or not tokens:
        return {}
    longest = sorted(tokens)[-recipe.batch_size :]
    step = sum(longest) if recipe.packing else longest[-1] * recipe.batch_size
    pictures = max((4 * sum(way.costs(example.sizes)) for example in counted.examples), default=0)
    memory = estimate(recipe, shape, trainable=trainable, tokens=step, patches=pictures * recipe.batch_size)
    if not any(row["fits"] for row in memory.values()):
        said.warnings.append(f"it fits no GPU known here. {_smaller(recipe)}")
    if not gpu and (room := system_memory_gib()):
        memory["this CPU"] = {"gib": memory["T4-16GB"]["gib"], "available_gib": room, "fits": memory["T4-16GB"]["gib"] <= room}
    if gpu:
        memory = {gpu: memory[gpu]}
        if not memory[gpu]["fits"]:
            needed = f"{gpu} has {memory[gpu]['available_gib']} GiB, and about {memory[gpu]['gib']} are needed."
            said.problems.append(f"{needed} {_smaller(recipe)}")
        if recipe.precision == "bf16" and not GPUS[gpu].bf16:
            said.problems.append(f"{gpu} ({GPUS[gpu].capability}) does not compute in bfloat16. Set {recipe.written('precision: fp16')}.")
        said.facts.append(f"{gpu}: {GPUS[gpu].capability}, bfloat16 {'yes' if GPUS[gpu].bf16 else 'no (fp16 only)'}.")
    return memory
