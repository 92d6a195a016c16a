"""LLaMA-Factory's training, evaluation and merge YAML (release 0.9.5), read into our recipe unchanged.

Every key is translated, of no effect here (said so), or refused by name. A key that LLaMA-Factory does not have either is a typing error.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any

from vldata.errors import UsageError
from vldata.suggest import nearest

Fields = dict[str, Any]

# LLaMA-Factory key -> ours, value as it is.
_RENAMED = {
    "model_name_or_path": "model",
    "output_dir": "output",
    "cutoff_len": "cutoff",
    "max_samples": "max_records",
    "template": "template",
    "image_max_pixels": "max_pixels",
    "image_min_pixels": "min_pixels",
    "val_size": "val_size",
    "lora_rank": "rank",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "double_quantization": "double_quantization",
    "num_train_epochs": "epochs",
    "max_steps": "max_steps",
    "per_device_train_batch_size": "batch_size",
    "per_device_eval_batch_size": "eval_batch_size",
    "gradient_accumulation_steps": "accumulate",
    "learning_rate": "learning_rate",
    "lr_scheduler_type": "schedule",
    "warmup_ratio": "warmup",
    "warmup_steps": "warmup",
    "weight_decay": "weight_decay",
    "max_grad_norm": "max_grad_norm",
    "optim": "optimizer",
    "seed": "seed",
    "packing": "packing",
    "enable_liger_kernel": "liger",
    "logging_steps": "log_steps",
    "save_steps": "save_steps",
    "save_total_limit": "save_limit",
    "load_best_model_at_end": "keep_best",
    "overwrite_output_dir": "overwrite",
    "plot_loss": "plot",
    "dataloader_num_workers": "workers",
    "adapter_name_or_path": "adapter",
    "export_dir": "merge_to",
    "export_size": "shard_gb",
}
_GENERATION = ("max_new_tokens", "temperature", "top_p", "top_k", "repetition_penalty")
_LISTS = {"dataset": "data", "eval_dataset": "eval_data"}
_COMBINED = frozenset(
    {
        "dataset_dir", "bf16", "fp16", "pure_bf16", "lora_target", "freeze_vision_tower", "freeze_multi_modal_projector",
        "quantization_bit", "eval_strategy", "eval_steps", "save_strategy", "resume_from_checkpoint", "report_to", "do_train", "do_eval",
        "do_predict", "disable_gradient_checkpointing", "gradient_checkpointing",
    }
)  # fmt: skip
# Of no effect here, with the reason.
_MOOT = {
    "trust_remote_code": "no code of a model folder is ever run",
    "use_unsloth": "",
    "flash_attn": "the fastest attention there is, is taken",
    "overwrite_cache": "nothing is cached",
    "preprocessing_num_workers": "records are prepared while the GPU works",
    "ddp_timeout": "",
    "video_max_pixels": "videos are frames here",
    "video_min_pixels": "videos are frames here",
    "video_fps": "videos are frames here",
    "video_maxlen": "videos are frames here",
    "eval_delay": "",
    "prediction_loss_only": "",
    "predict_with_generate": "",
    "export_device": "the merge runs on the CPU, a shard at a time",
    "export_legacy_format": "safetensors are written",
    "save_only_model": "",
    "logging_dir": "",
    "include_num_input_tokens_seen": "",
    "metric_for_best_model": "the evaluation loss",
    "greater_is_better": "the evaluation loss",
    "remove_unused_columns": "",
    "stage": "",
    "finetuning_type": "",
    "quantization_method": "",
    "cache_dir": "",
    "tokenized_path": "",
    "media_dir": "pictures lie beside dataset_info.json",
    "neat_packing": "packing never lets samples see each other",
    "run_name": "",
    "logging_first_step": "",
    "ray_run_name": "",
}
# What must hold for a moot key to be moot.
_REQUIRED: dict[str, tuple[Any, ...]] = {
    "stage": ("sft",),
    "finetuning_type": ("lora",),
    "quantization_method": ("bitsandbytes", "bnb"),
    "export_legacy_format": (False,),
    "use_unsloth": (False,),
    "greater_is_better": (False, None),
    "metric_for_best_model": ("eval_loss", "loss", None),
}
_UNSUPPORTED = frozenset(
    {
        "deepspeed", "fsdp", "fsdp_config", "galore", "use_galore", "use_badam", "use_apollo", "use_dora", "use_rslora",
        "pissa_init", "loraplus_lr_ratio", "use_llama_pro", "freeze_trainable_layers", "additional_target",
        "create_new_adapter", "mask_history", "train_on_prompt", "streaming", "mix_strategy", "interleave_probs",
        "neftune_noise_alpha", "resize_vocab", "rope_scaling", "shift_attn", "upcast_layernorm", "pref_beta", "pref_loss",
        "reward_model", "ref_model", "ppo_epochs", "kto_chosen_weight", "export_quantization_bit",
        "export_quantization_dataset", "export_hub_model_id", "push_to_hub", "use_kt", "infer_backend", "hub_token",
        "hf_hub_token", "dataset_shards", "tool_format", "default_system", "enable_thinking", "audio_sampling_rate",
        "crop_to_bbox", "image_do_pan_and_scan", "use_audio_in_video", "moe_aux_loss_coef", "compute_accuracy",
        "quantization_device_map", "quantization_type", "freeze_language_model", "mixture_of_depths", "swanlab_project",
        "use_swanlab", "disable_shuffling", "eval_on_each_dataset", "eval_num_beams", "ignore_pad_token_for_loss",
        "lora_target_parameters", "use_adam_mini", "use_muon", "use_dft_loss",
    }
)  # fmt: skip


def known_keys() -> tuple[str, ...]:
    """Every key this module can answer."""
    return (*_RENAMED, *_GENERATION, *_LISTS, *_COMBINED, *_MOOT, *_UNSUPPORTED)


def is_llamafactory(values: Fields) -> bool:
    """Whether the keys are LLaMA-Factory's and not ours."""
    return "model_name_or_path" in values or ("stage" in values and "model" not in values)


def translate(values: Fields, *, where: str) -> tuple[Fields, list[str]]:
    """Translate to recipe fields, and list what a reader should know.

    Raises:
        UsageError: an unknown key, with the nearest real one; a known one that is not supported; a value that is not.
    """
    _refuse_unknown(values, where)
    fields: Fields = {ours: values[theirs] for theirs, ours in _RENAMED.items() if values.get(theirs) is not None}
    fields["job"] = _job(values)
    fields.setdefault("cutoff", 2_048)
    fields.setdefault("packing", False)
    fields["shard_gb"] = float(values.get("export_size") or 5)
    folder = PurePosixPath(str(values.get("dataset_dir") or "data"))
    for theirs, ours in _LISTS.items():
        names = str(values.get(theirs) or "").split(",")
        fields[ours] = [str(folder / name.strip()) for name in names if name.strip()]
    fields["generation"] = {key: values[key] for key in _GENERATION if values.get(key) is not None}
    for step in (_precision, _adapters, _schedule, _logging):
        step(values, fields, where)
    if fields.get("max_records") is not None and fields["max_records"] >= 10_000_000:
        del fields["max_records"]
    moot = [f"{key} ({_MOOT[key]})" for key in values if _MOOT.get(key) and key not in _REQUIRED]
    return fields, [f"of no effect here: {'; '.join(moot)}."] if moot else []


def _refuse_unknown(values: Fields, where: str) -> None:
    for key, value in values.items():
        if key in _UNSUPPORTED:
            if value in (None, False, 0, ""):
                continue
            raise UsageError(
                f"{key} is LLaMA-Factory's, and not supported here.", where=where, cure=f"Remove {key!r}, or train with llamafactory-cli."
            )
        if key not in known_keys():
            raise UsageError(f"unknown key {key!r}.{nearest(key, known_keys())}", where=where)
        if key in _REQUIRED and value not in _REQUIRED[key]:
            allowed = " or ".join(str(value) for value in _REQUIRED[key] if value is not None)
            raise UsageError(f"{key}: {value!r} is not supported; here it is {allowed}.", where=where)


def _job(values: Fields) -> str:
    if values.get("export_dir"):
        return "merge"
    return "predict" if values.get("do_predict") and not values.get("do_train") else "sft"


def _precision(values: Fields, fields: Fields, where: str) -> None:
    if values.get("bf16") and values.get("fp16"):
        raise UsageError("bf16 and fp16 exclude each other.", where=where)
    if values.get("bf16") or values.get("pure_bf16"):
        fields["precision"] = "bf16"
    elif values.get("fp16"):
        fields["precision"] = "fp16"
    else:
        fields["precision"] = "fp32" if "bf16" in values or "fp16" in values else "auto"


def _adapters(values: Fields, fields: Fields, where: str) -> None:
    target = str(values.get("lora_target") or "all")
    fields["targets"] = [name.strip() for name in target.split(",") if name.strip()]
    fields["train_vision"] = values.get("freeze_vision_tower") is False
    fields["train_projector"] = values.get("freeze_multi_modal_projector") is False
    bits = values.get("quantization_bit")
    if bits not in (None, 4):
        raise UsageError(f"quantization_bit: {bits!r} is not supported; here it is 4 (nf4).", where=where)
    fields["method"] = "qlora" if bits == 4 else "lora"


def _schedule(values: Fields, fields: Fields, where: str) -> None:
    if values.get("warmup_steps"):
        fields["warmup"] = values["warmup_steps"]
    strategy = values.get("eval_strategy", "no")
    if strategy not in ("no", False, "steps", "epoch"):
        raise UsageError(f"eval_strategy: {strategy!r} is none of no, steps, epoch.", where=where)
    if strategy == "steps":
        fields["eval_steps"] = values.get("eval_steps") or values.get("logging_steps") or 10
    if values.get("save_strategy") == "no":
        fields["save_steps"] = 0
    elif "save_steps" not in values:
        fields["save_steps"] = 500
    fields["checkpointing"] = not values.get("disable_gradient_checkpointing", not values.get("gradient_checkpointing", True))


def _logging(values: Fields, fields: Fields, where: str) -> None:
    names = values.get("report_to", "none")
    names = names if isinstance(names, list) else [names]
    for name in names:
        if name not in ("none", "tensorboard", "all", None):
            raise UsageError(f"report_to: {name!r} is not supported; here it is none or tensorboard.", where=where)
    fields["tensorboard"] = "tensorboard" in names or "all" in names
    fields.setdefault("plot", False)
    resume: Callable[[], str] = lambda: "never" if fields.get("overwrite") else "auto"  # noqa: E731
    given = values.get("resume_from_checkpoint")
    fields["resume"] = resume() if given in (None, True) else "never" if given is False else str(given)
