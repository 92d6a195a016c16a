"""The Open-EQA tutorial: frames, QLoRA by LLaMA-Factory's YAML, scores, merge, Ollama, LMDeploy."""

from __future__ import annotations

import json
import re
import shutil
import signal
import struct
import subprocess
import time
from pathlib import Path

from PIL import Image

from tests.e2e.replay import wires
from tests.e2e.replay.bench import Look, NotHereError, free_port, recipe

TRAINING = {
    "model_name_or_path": "model/Qwen3-VL-2B-Instruct", "trust_remote_code": True, "stage": "sft", "do_train": True,
    "finetuning_type": "lora", "lora_target": "all", "lora_rank": 8, "lora_alpha": 16, "lora_dropout": 0.1, "use_unsloth": False,
    "flash_attn": "auto", "quantization_bit": 4, "quantization_method": "bitsandbytes", "double_quantization": True,
    "dataset": "open_eqa_train_val", "template": "qwen3_vl_nothink", "cutoff_len": 2048, "max_samples": 100000, "overwrite_cache": True,
    "preprocessing_num_workers": 8, "output_dir": "saves/Qwen3-VL-2B-Instruct/qlora/train_openeqa", "logging_steps": 10, "save_steps": 25,
    "resume_from_checkpoint": False, "overwrite_output_dir": True, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 4,
    "learning_rate": 5.0e-5, "num_train_epochs": 3.0, "lr_scheduler_type": "cosine", "warmup_ratio": 0.05, "fp16": True,
    "ddp_timeout": 180000000, "optim": "adamw_torch", "report_to": "tensorboard", "plot_loss": True, "video_max_pixels": 65536,
    "video_min_pixels": 256, "freeze_multi_modal_projector": True, "freeze_vision_tower": True, "image_max_pixels": 589824,
    "image_min_pixels": 1024, "do_eval": True, "per_device_eval_batch_size": 2, "val_size": 0.125, "eval_strategy": "steps",
    "eval_steps": 25, "eval_delay": 0, "prediction_loss_only": True, "load_best_model_at_end": True,
}  # fmt: skip
EVALUATION = {
    "adapter_name_or_path": "runs/squares", "cutoff_len": 2048, "dataset_dir": "prepared", "ddp_timeout": 180000000, "do_predict": True,
    "eval_dataset": "squares_test", "finetuning_type": "lora", "flash_attn": "auto", "max_new_tokens": 128, "max_samples": 99999,
    "model_name_or_path": "models/tiny", "output_dir": "saves/eval", "per_device_eval_batch_size": 2, "predict_with_generate": True,
    "preprocessing_num_workers": 4, "report_to": "none", "stage": "sft", "temperature": 0.2, "template": "qwen3_vl_nothink", "top_p": 1.0,
    "trust_remote_code": True,
}  # fmt: skip
MERGING = {
    "model_name_or_path": "models/tiny", "adapter_name_or_path": "runs/squares", "template": "qwen3_vl_nothink", "finetuning_type": "lora",
    "trust_remote_code": True, "export_dir": "merged-by-yaml", "export_size": 2, "export_device": "auto", "export_legacy_format": False,
}  # fmt: skip


def yaml(settings: dict[str, object], **changes: object) -> str:
    """A YAML file of plain values; JSON's are YAML's."""
    return "".join(f"{key}: {json.dumps(value)}\n" for key, value in {**settings, **changes}.items())


def source(look: Look) -> None:
    bench = look.bench
    prepared = bench.openeqa
    asked = len(json.loads(next((bench.work / "open-eqa").rglob("open-eqa-v0.json")).read_text()))
    look.see(f"every question is a record: {asked}", len(bench.rows(f"{prepared}.jsonl")) == asked)
    look.run("vldata validate prepared")
    shared = Path(__file__).parents[3].parent / "shared" / "data" / "openeqa" / "data" / "open-eqa-v0.json"
    if shared.is_file():
        look.see("the published file has 1,636 questions", len(json.loads(shared.read_text())) == 1_636)


def eight_frames(look: Look) -> None:
    rows = look.bench.rows(f"{look.bench.openeqa}.jsonl")
    look.see("8 images a record", {len(row["images"]) for row in rows} == {8})
    look.see("8 tags a record", {row["messages"][0]["content"].count("<image>") for row in rows} == {8})
    media = {row["path"]: row for row in look.bench.rows(f"{look.bench.openeqa}.media.jsonl")}
    look.see(
        "the index of every frame is on record", all(isinstance(media[name].get("frame"), int) for row in rows for name in row["images"])
    )
    told = look.run("vldata convert openeqa open-eqa --frames 99 --short error --out short --max-rejects 1 --limit 4", code=1).said
    look.see("an episode of fewer frames is an error where so wished", "99" in told)


def same_bytes(look: Look) -> None:
    for name in ("once", "twice"):
        look.run(f"vldata convert openeqa open-eqa --frames 8 --limit 6 --out {name}")
    look.run("diff -r once twice")
    names = [path.stem for path in (look.bench.work / "once" / "images").rglob("*.*")]
    look.see("images are named by their digest", names and all(re.fullmatch(r"[0-9a-f]{64}", name) for name in names))


def split(look: Look) -> None:
    look.see("the folder is there", look.bench.openeqa)
    look.run("vldata certify prepared/openeqa")
    shutil.copytree(look.bench.work / "prepared", look.bench.work / "byrows", dirs_exist_ok=True)
    told = look.run("vldata split byrows/openeqa --test 4 --val 0.125 --group-by none --overwrite").said
    look.see("a split by rows warns", "nothing proves" in told)
    told = look.run("vldata split byrows/openeqa --test 4 --val 0.125 --group-by scene --overwrite").said
    look.see("what a split by rows would leak is said", re.search(r"would have leaked: \d+\.\d% of its test records", told))
    look.see("exactly 4 test records", len(look.bench.rows("byrows/openeqa_test.jsonl")) == 4)


def without_torch(look: Look) -> None:
    look.run("python -c \"import sys, vldata, vleval; sys.exit('torch' in sys.modules or 'unsloth' in sys.modules)\"")
    extras = look.run("python -c \"from importlib.metadata import requires; print(*requires('vlkit'), sep='\\n')\"").out
    look.see("[train] brings tensorboard", re.search(r"tensorboard.*extra == .train", extras))
    look.see("nothing asks for unsloth", "unsloth" not in extras)


def training_yaml(look: Look) -> None:
    work = look.bench.work
    (work / "data" / "frames").mkdir(parents=True, exist_ok=True)
    for number in range(8):
        Image.new("RGB", (768, 768), (number * 20, 90, 120)).save(work / "data" / "frames" / f"{number:03}.jpg")
    frames = [f"frames/{number:03}.jpg" for number in range(8)]
    talk = [{"role": "user", "content": "<image>" * 8 + "What is on the wall?"}, {"role": "assistant", "content": "A clock"}]
    row = json.dumps({"messages": talk, "images": frames})
    look.bench.file("data/open_eqa_train_val.jsonl", f"{row}\n" * 1_378)
    tags = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    entry = {"file_name": "open_eqa_train_val.jsonl", "formatting": "sharegpt", "columns": {"messages": "messages", "images": "images"}}
    look.bench.file("data/dataset_info.json", json.dumps({"open_eqa_train_val": {**entry, "tags": tags}}))
    look.bench.file("training_args.yaml", yaml(TRAINING))
    told = look.run("vltrain plan training_args.yaml --gpu T4-16GB", code=1).said
    look.see("453 steps", "Steps: 453 (1,205 records" in told and "173 held out" in told)
    look.see("8,716,288 parameters", "8,716,288" in told)
    look.see(
        "4,624 tokens of images against a cutoff of 2,048 are a problem", re.search(r"Problem: .*4,6\d\d.*2,?048|Problem: .*cutoff", told)
    )
    look.see("keys without effect are listed", "of no effect here: trust_remote_code" in told)
    look.bench.file("odd.yaml", yaml(TRAINING) + "lora_rnak: 8\n")
    look.see("an unknown key is named with the nearest", "lora_rank" in look.run("vltrain plan odd.yaml", code=2).said)


def four_bit_training(look: Look) -> None:
    bench = look.bench
    planned = look.run("vltrain plan training_args.yaml --gpu T4-16GB --json", code=1).json
    look.see(f"the plan names the quantisation: {planned['quantization']}", "nf4, scales quantised too" in planned["quantization"])
    if bench.run('python -c "import bitsandbytes"').code:
        raise NotHereError("four bits need bitsandbytes: pip install 'vlkit[qlora]'")
    lines = recipe(bench.tiny, f"{bench.squares}_train", "runs/qlora", "method: qlora", "double_quantization: true", "max_steps: 3")
    bench.file("qlora.yaml", lines)
    look.run("vltrain sft qlora.yaml")
    look.see("float32 adapters on an nf4 base", bench.document("runs/qlora/run_manifest.json")["recipe"]["method"] == "qlora")
    look.needs("float16 on a T4: a GPU (`make test-gpu`)")


def frozen_tower(look: Look) -> None:
    names = tensors(look.bench.work / look.bench.tuned / "adapter_model.safetensors")
    look.see(f"{len(names)} tensors of the adapter, none of them visual", names and not any("visual" in name for name in names))
    base = look.bench.work / look.bench.tiny / "model.safetensors"
    merged = look.bench.work / look.bench.merged
    theirs, ours = tensors(base), {k: v for file in merged.glob("*.safetensors") for k, v in tensors(file).items()}
    changed = {name for name in theirs if ours[name] != theirs[name]}
    look.see(f"{len(changed)} tensors changed by the merge, 0 visual", changed and not any("visual" in name for name in changed))


def tensors(path: Path) -> dict[str, bytes]:
    """Name and bytes of each tensor of a safetensors file."""
    raw = path.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + length])
    start = 8 + length
    return {k: raw[start + v["data_offsets"][0] : start + v["data_offsets"][1]] for k, v in header.items() if k != "__metadata__"}


def template(look: Look) -> None:
    look.run("vldata export prepared/openeqa_train --to llamafactory --out factory --model Qwen/Qwen3-VL-2B-Instruct")
    text = (look.bench.work / "factory" / "openeqa_train.train.yaml").read_text()
    look.see("the YAML names qwen3_vl_nothink", "template: qwen3_vl_nothink" in text)
    look.see("the base model is the one that was named", "Qwen/Qwen3-VL-2B-Instruct" in text)
    look.see("it evaluates on the val side", "eval_dataset: openeqa_val" in text and "val_size" not in text)
    look.bench.file("wrong.yaml", yaml(TRAINING, template="qwen2_vl"))
    look.see("another model's template is said", "qwen2_vl" in look.run("vltrain plan wrong.yaml", code=1).said)


def real_llamafactory(look: Look) -> None:
    bench = look.bench
    if bench.llamafactory is None:
        raise NotHereError("LLaMA-Factory in a venv of its own: --llamafactory BIN, or `make consumers`")
    root = Path(__file__).parents[3] / "tests" / "consumers"
    bench.made(f"python {root / 'expected.py'} prepared openeqa expected.json")
    python = bench.llamafactory / "python"
    look.run(f"{python} {root / 'llamafactory_load.py'} prepared openeqa {bench.tiny} expected.json out-llamafactory")


def resume(look: Look) -> None:
    bench = look.bench
    for name in ("whole", "killed"):
        more = ("max_steps: 12", "save_steps: 4", "dropout: 0.1", "batch_size: 4", "log_steps: 2")
        bench.file(f"{name}.yaml", recipe(bench.tiny, f"{bench.squares}_train", f"runs/{name}", *more))
    look.run("vltrain sft whole.yaml")
    look.ran.append("vltrain sft killed.yaml, interrupted after its first checkpoint, and again")
    process = subprocess.Popen(bench.argv("vltrain sft killed.yaml"), cwd=bench.work, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for _ in range(1200):
        if (bench.work / "runs" / "killed" / "checkpoint-4" / "trainer_state.json").exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    look.see("it was interrupted before its end", not (bench.work / "runs" / "killed" / "all_results.json").exists())
    told = look.run("vltrain sft killed.yaml").said
    look.see("it goes on from the checkpoint", "Going on from" in told)
    both = [tensors(bench.work / "runs" / name / "adapter_model.safetensors") for name in ("whole", "killed")]
    look.see("the adapter has the bytes of an undisturbed run", both[0] == both[1])


def loss_pictures(look: Look) -> None:
    run = look.bench.work / "runs" / "whole"
    bench = look.bench
    bench.file(
        "short.yaml",
        recipe(bench.tiny, f"{bench.squares}_train", "runs/short", "max_steps: 3", f"eval_data: {bench.squares}_val", "eval_steps: 2"),
    )
    look.run("vltrain sft short.yaml")
    for name in ("trainer_log.jsonl", "training_loss.png", "training_eval_loss.png"):
        look.see(f"{name} of a run of 3 steps", (bench.work / "runs" / "short" / name).is_file())
    with Image.open(bench.work / "runs" / "short" / "training_loss.png") as picture:
        look.see("the picture opens", picture.size[0] > 300)
    losses = [row["loss"] for row in bench.rows(f"{bench.tuned}/trainer_log.jsonl") if "loss" in row]
    look.see(f"the loss falls: {losses[0]:.2f} to {losses[-1]:.2f}", losses[-1] < losses[0] / 2)
    look.see("a longer run has one too", (run / "training_loss.png").is_file())


def tensorboard(look: Look) -> None:
    events = list((look.bench.work / look.bench.tuned / "runs").rglob("events*"))
    look.see("event files", events)
    port = free_port()
    look.ran.append(f"tensorboard --logdir {look.bench.tuned}/runs --port {port}")
    with look.bench.running(f"tensorboard --logdir {look.bench.tuned}/runs --port {port} --load_fast false", port=port):
        shown = wires.poll(f"http://127.0.0.1:{port}/data/plugin/scalars/tags", lambda body: "loss" in body)
    look.see("TensorBoard serves the loss", "train/loss" in shown)
    row = look.bench.rows(f"{look.bench.tuned}/trainer_log.jsonl")[0]
    look.see("and without it the log has loss, rate and epoch", {"loss", "lr", "epoch"} <= set(row))
    look.run("vltrain sft squares.yaml --output runs/again --max-steps 2")
    shutil.rmtree(look.bench.work / "runs" / "again" / "checkpoint-2", ignore_errors=True)
    look.bench.file("over.yaml", (look.bench.work / "squares.yaml").read_text().replace("runs/squares", "runs/again") + "overwrite: true\n")
    look.run("vltrain sft over.yaml --max-steps 2")
    look.see(
        "a run that begins again leaves one event file", len(list((look.bench.work / "runs" / "again" / "runs").rglob("events*"))) == 1
    )


def best(look: Look) -> None:
    bench = look.bench
    more = ("max_steps: 6", f"eval_data: {bench.squares}_val", "eval_steps: 2", "save_steps: 2", "keep_best: true")
    bench.file("best.yaml", recipe(bench.tiny, f"{bench.squares}_train", "runs/best", *more))
    look.run("vltrain sft best.yaml")
    result = bench.document("runs/best/all_results.json")
    logged = {row["current_steps"]: row["eval_loss"] for row in bench.rows("runs/best/trainer_log.jsonl") if "eval_loss" in row}
    least = min(logged, key=lambda step: logged[step])
    look.see(f"the best of {len(logged)} checkpoints is named", result["best_checkpoint"] == f"checkpoint-{least}")
    ours = tensors(bench.work / "runs/best/adapter_model.safetensors")
    look.see("and is what is saved", ours == tensors(bench.work / f"runs/best/checkpoint-{least}/adapter_model.safetensors"))


def evaluation_yaml(look: Look) -> None:
    bench = look.bench
    look.see("adapter", bench.tuned)
    bench.file("eval_args.yaml", yaml(EVALUATION))
    told = look.run("vltrain plan eval_args.yaml").said
    line = re.search(r"Run: (.*)", told)
    look.see("temperature 0.2 is said to make a draw of the score", "a draw" in told)
    if line:
        for part in line[1].split(" && "):
            look.run(part)
        rows = bench.rows("saves/eval/preds.jsonl")
        look.see(
            "greedy by default, and written into the file",
            "temperature" in json.dumps(rows[0]) or "temperature" in sidecar(bench.work, "saves/eval"),
        )
        look.see("id and prediction in every row", all({"id", "prediction"} <= set(row) for row in rows))


def sidecar(work: Path, folder: str) -> str:
    """The text of the JSON files beside predictions."""
    return "".join(path.read_text() for path in (work / folder).glob("*.json"))


def every_id_once(look: Look) -> None:
    bench = look.bench
    rows = bench.rows(bench.answers)
    look.see("one row an id", len({row["id"] for row in rows}) == len(rows) == 16)
    bench.file("fewer.jsonl", "".join(json.dumps(row) + "\n" for row in rows[:-1]))
    bench.file("twice.jsonl", "".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]))
    data = f"--data {bench.squares}_test"
    look.run(f"vleval score {bench.answers} {data}")
    look.run(f"vleval score fewer.jsonl {data}", code=1)
    look.run(f"vleval score twice.jsonl {data}", code=1)
    look.run(f"vleval score fewer.jsonl {data} --allow-missing")


def their_predictions(look: Look) -> None:
    look.bench.file(
        "generated_predictions.jsonl",
        "".join(
            json.dumps({"prompt": f"user\nq{n}\nassistant\n", "predict": f"red sofa {n % 3}", "label": f"red sofa {n % 2}"}) + "\n"
            for n in range(12)
        ),
    )
    told = look.run("vleval score generated_predictions.jsonl").said
    look.see("read as LLaMA-Factory's without a reference file", "12 rows" in told)


def their_numbers(look: Look) -> None:
    bench = look.bench
    found = look.run("vleval score generated_predictions.jsonl --profile llamafactory --json").json
    names = set(found["metrics"])
    look.see(
        "BLEU-4 and ROUGE by LLaMA-Factory's names",
        {"bleu-4", "rouge-1", "rouge-2", "rouge-l"} <= {name.removeprefix("predict_") for name in names},
    )
    goldens = [json.loads(line) for line in (bench.root / "tests" / "golden" / "llamafactory.text_pairs.jsonl").read_text().splitlines()]
    look.see(f"{len(goldens)} pairs with LLaMA-Factory's own scores are in the tests", len(goldens) > 20)
    honest = look.run(
        "vleval score generated_predictions.jsonl --metric exact_match --metric token_f1 --metric chrf --metric anls --json"
    ).json
    look.see(
        "and honest numbers with intervals",
        all("interval" in json.dumps(value) or "low" in json.dumps(value) for value in honest["metrics"].values()),
    )


def inference_time(look: Look) -> None:
    bench = look.bench
    told = look.run(
        f"vleval predict --data {bench.squares}_test --backend hf --model {bench.merged} --max-tokens 8 --limit 4 --out timed.jsonl"
    ).said
    look.see("wall time and rate at the end", re.search(r"4 asked in [\d.]+ s: [\d.]+ answers a second", told))
    timing = bench.document("timed.jsonl.run.json")["timing"]
    look.see("and beside the predictions", timing["asked"] == 4 and timing["seconds"] > 0 and timing["answers_per_s"] > 0)


def merge(look: Look) -> None:
    bench = look.bench
    look.see("adapter", bench.tuned)
    bench.file("merge_openeqa.yaml", yaml(MERGING))
    told = look.run("vltrain merge merge_openeqa.yaml").said
    apart = re.search(r"at most ([\d.e+-]+)", told)
    look.see("logits of adapter-on-base and merged differ by less than 1e-4", apart and float(apart[1]) < 1e-4)
    names = {path.name for path in (bench.work / "merged-by-yaml").iterdir()}
    look.see("processor and template are there", {"preprocessor_config.json", "chat_template.jinja", "tokenizer.json"} <= names)
    modes = {path.stat().st_mode & 0o777 for path in (bench.work / "merged-by-yaml").iterdir() if path.is_file()}
    look.see(
        f"every file has one mode: {[oct(mode) for mode in modes]}",
        len(modes) == 1 and modes == {(bench.work / "merge_openeqa.yaml").stat().st_mode & 0o777},
    )
    config = bench.document(f"{bench.tiny}/config.json")
    shutil.copytree(bench.work / bench.tiny, bench.work / "models" / "four", dirs_exist_ok=True)
    bench.file("models/four/config.json", json.dumps({**config, "quantization_config": {"load_in_4bit": True}}))
    refused = look.run("vltrain merge --model models/four --adapter runs/squares --out never", code=1).said
    look.see("a base in four bits is refused", "full precision" in refused)


def modelfile(look: Look) -> None:
    bench = look.bench
    look.see("a Modelfile comes with the merge", (bench.work / bench.merged / "Modelfile").is_file())
    shutil.copytree(bench.work / bench.merged, bench.work / "for-ollama", dirs_exist_ok=True)
    look.run(f"vltrain export for-ollama --to ollama --data {bench.openeqa}_test")
    text = (bench.work / "for-ollama" / "Modelfile").read_text()
    context = re.search(r"PARAMETER num_ctx (\d+)", text)
    look.see("num_ctx holds eight frames", context and int(context[1]) > 4_096)
    look.see("Ollama's own renderer and parser in place of a TEMPLATE", "RENDERER qwen3-vl" in text and "TEMPLATE" not in text)
    look.see("Ollama's grammar takes it", wires.modelfile_fault(text) == "")


def ollama(look: Look) -> None:
    bench = look.bench
    told = look.run(f"vleval serve-cmd --data {bench.squares}_test --model {bench.merged} --backend ollama").said
    look.see("create and run with an image", "ollama create" in told and re.search(r"ollama run \S+ .*\.(png|jpg)", told))
    with wires.fake(model="squares") as server:
        look.run(f"vleval predict --data {bench.squares}_test --backend ollama --model squares --base-url {server.url} --out ollama.jsonl")
    look.see("16 answers over Ollama's wire", len(bench.rows("ollama.jsonl")) == 16)
    look.needs("Ollama's program, which no package registry has")


def base64_first(look: Look) -> None:
    bench = look.bench
    with wires.fake(model="squares") as server:
        look.run(
            f"vleval predict --data {bench.squares}_test --backend ollama --model squares --base-url {server.url} --limit 2 --out ollama2.jsonl"
        )
        body = server.bodies[-1]
    look.see("images go as base64 of the file's bytes", wires.is_image(body["messages"][-1]["images"][0]))
    look.see("num_ctx and greedy options go along", body["options"].get("temperature") == 0)
    told = look.run(f"vleval serve-cmd --data {bench.squares}_test --model {bench.merged} --backend ollama").said
    look.see("a curl line that encodes first", "curl" in told and "base64" in told)


def lmdeploy(look: Look) -> None:
    bench = look.bench
    told = look.run(
        f"vleval predict --data {bench.squares}_test --backend lmdeploy --model {bench.merged} --limit 1 --out never.jsonl", code=None
    )
    if told.code:
        look.see("without the package it says what to install", "lmdeploy" in told.said and "Traceback" not in told.said)
    with wires.fake(model="merged") as server:
        look.run(
            f"vleval predict --data {bench.squares}_test --backend lmdeploy --model merged --base-url {server.url} --out lmdeploy.jsonl"
        )
    look.needs("LMDeploy's engine: a GPU (its API server: `make servers`)")


def engine_options(look: Look) -> None:
    bench = look.bench
    options = '{"tp": 1, "session_len": 4096, "max_batch_size": 4, "cache_max_entry_count": 0.6, "eager_mode": true}'
    line = (
        f"vleval predict --data {bench.squares}_test --backend lmdeploy --model {bench.merged} --engine-args '{options}' --out never.jsonl"
    )
    told = look.run(line, code=None)
    look.see("options reach the door of the engine", told.code != 0 and "lmdeploy" in told.said and "Traceback" not in told.said)
    look.see("none of them is refused by us", "engine-args" not in told.said)
    bad = look.run(line.replace(options, "[1]"), code=None)
    look.see("what is no object is refused", bad.code and "[1]" in bad.said and "Traceback" not in bad.said)
    look.needs("LMDeploy's own class takes or refuses them: its package (`make servers`), a GPU to run")


def several_images(look: Look) -> None:
    bench = look.bench
    with wires.fake(model="merged", tokens_a_picture=66) as server:
        look.run(
            f"vleval predict --data {bench.openeqa}_test --backend lmdeploy --model merged --base-url {server.url} --max-tokens 256 --temperature 0.7 --out eight.jsonl"
        )
        body = server.bodies[-1]
    parts = [part["type"] for part in body["messages"][-1]["content"]]
    look.see("eight images, then the text, in one turn", parts == ["image_url"] * 8 + ["text"])
    look.see("max_tokens 256 and temperature 0.7 as asked", (body["max_tokens"], body["temperature"]) == (256, 0.7))


def latency(look: Look) -> None:
    bench = look.bench
    with wires.fake(model="merged", delay_s=0.3) as server:
        line = f"vleval bench --data {bench.squares}_test --backend lmdeploy --model merged --base-url {server.url} --concurrency 1,4 --requests 8 --fresh-images --json"
        found = look.run(line).json
    levels = found.get("levels", found)
    text = json.dumps(levels)
    look.see("levels 1 and 4", len(levels) == 2)
    medians = [float(value) for value in re.findall(r'"(?:answer_ms|latency_ms|total_ms|whole_ms)[^}]*?"p50": ([\d.]+)', text)]
    look.see(f"a known delay of 300 ms is measured within 10 %: {medians}", medians and all(270 <= value <= 330 for value in medians))


def launch_line(look: Look) -> None:
    bench = look.bench
    told = look.run(f"vleval serve-cmd --data {bench.openeqa}_test --model {bench.merged} --backend lmdeploy --gpu t4").out
    for flag in (
        "--backend pytorch",
        "--session-len",
        "--cache-max-entry-count",
        "--max-batch-size",
        "--eager-mode",
        "--server-port 23333",
        "--model-name",
    ):
        look.see(flag, flag in told)
    for backend in ("vllm", "ollama", "transformers", "llama-server"):
        look.run(f"vleval serve-cmd --data {bench.openeqa}_test --model {bench.merged} --backend {backend}")


def ping(look: Look) -> None:
    bench = look.bench
    told = look.run(f"vleval serve-cmd --data {bench.squares}_test --model {bench.merged} --backend lmdeploy").said
    look.see("a curl line in OpenAI's format", "curl" in told and "image_url" in told)
    ask = f"vleval ping --data {bench.squares}_test --backend lmdeploy --model merged --base-url"
    with wires.fake(model="merged", tokens_a_picture=66) as server:
        look.run(f"{ask} {server.url}")
    with wires.fake(model="merged", tokens_a_picture=0) as server:
        look.run(f"{ask} {server.url}", code=1)  # 200, and blind


def t4(look: Look) -> None:
    told = look.run("vltrain plan training_args.yaml --gpu T4-16GB --json", code=1).json
    memory = told["memory"]["T4-16GB"]
    look.see(f"{memory['gib']:.1f} GiB planned of {memory['available_gib']:.1f}", memory["gib"] > 0)
    look.see("bfloat16 is not taken", "sm75" in look.run("vltrain plan training_args.yaml --gpu T4-16GB", code=1).said)
    look.needs("a T4: the plan was measured on an H100 (docs/training.md)")


ROWS = (
    ("0.1", "Open-EQA as the data set", source),
    ("0.2", "eight images a sample", eight_frames),
    ("0.3", "processed frames, the same bytes again", same_bytes),
    ("0.4", "train, val and test split", split),
    ("0.5", "pip install unsloth tensorboard", without_torch),
    ("0.6", "training_args.yaml, every key", training_yaml),
    ("0.7", "double-quantised QLoRA", four_bit_training),
    ("0.8", "tower and projector frozen", frozen_tower),
    ("0.9", "template qwen3_vl_nothink", template),
    ("0.10", "llamafactory-cli train", real_llamafactory),
    ("0.11", "resume_from_checkpoint", resume),
    ("0.12", "training_loss.png", loss_pictures),
    ("0.13", "TensorBoard", tensorboard),
    ("0.14", "the best checkpoint is kept", best),
    ("0.15", "eval_args.yaml", evaluation_yaml),
    ("0.16", "every test sample answered once", every_id_once),
    ("0.17", "generated_predictions.jsonl", their_predictions),
    ("0.18", "BLEU-4 and ROUGE", their_numbers),
    ("0.19", "inference time", inference_time),
    ("0.20", "merge_openeqa.yaml", merge),
    ("0.21", "Modelfile", modelfile),
    ("0.22", "ollama create, ollama run with an image", ollama),
    ("0.23", "curl with base64", base64_first),
    ("0.24", "LMDeploy, PyTorch backend", lmdeploy),
    ("0.25", "PytorchEngineConfig", engine_options),
    ("0.26", "several images in a prompt, GenerationConfig", several_images),
    ("0.27", "latency alone and at batch 4", latency),
    ("0.28", "lmdeploy serve api_server", launch_line),
    ("0.29", "curl in OpenAI's format", ping),
    ("0.30", "a T4 of 16 GB", t4),
)
