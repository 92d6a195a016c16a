"""The identity-card tutorial: a ShareGPT dump, LLaMA-Factory's folder, a merge by hand, a page to try the model."""

from __future__ import annotations

import hashlib
import json
import re
import shutil

from tests.e2e.replay import wires
from tests.e2e.replay.bench import Look, NotHereError, free_port, recipe
from tests.e2e.replay.openeqa import yaml

TRAINING = {
    "model_name_or_path": "/data/model/qwen3-vl-4b-instruct", "stage": "sft", "do_train": True, "finetuning_type": "lora",
    "lora_target": "all", "dataset": "qwen_vl_demo", "template": "qwen2_vl", "cutoff_len": 2048, "max_samples": 1000,
    "preprocessing_num_workers": 8, "output_dir": "/data/output/qwen3-vl-lora-ft", "logging_steps": 10, "save_steps": 100,
    "plot_loss": True, "per_device_train_batch_size": 1, "gradient_accumulation_steps": 16, "learning_rate": 1e-4, "num_train_epochs": 3,
    "lr_scheduler_type": "cosine", "warmup_ratio": 0.1, "bf16": False, "ddp_timeout": 180000000, "val_size": 0.1,
    "eval_strategy": "steps", "eval_steps": 50,
}  # fmt: skip


def preview(look: Look) -> None:
    look.run(f"vldata preview {look.bench.cards} --out preview.html")
    text = (look.bench.work / "preview.html").read_text()
    look.see("one page that asks nobody for anything", not re.search(r'(?:src|href)="https?://', text) and "data:image" in text)
    look.run(f"vldata export {look.bench.cards} --to llamafactory --out factory-cards")


def doctor(look: Look) -> None:
    told = look.run("vldata doctor", code=None)
    look.see("it names versions", "transformers" in told.said and "torch" in told.said)
    look.see("whether transformers knows every family", "families" in told.said or "lacks model types of" in told.said)
    site = look.bench.file(
        "old/transformers-4.45.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: transformers\nVersion: 4.45.0\n"
    ).parents[1]
    old = look.run("vldata doctor", code=1, PYTHONPATH=f"{site}:{_path()}").said
    look.see("4.45 is refused with the quoted cure", "'transformers>=" in old and "with the quotes" in old)
    look.see("and says which release Qwen3-VL needs", "Qwen3-VL, dense and MoE (4.57)" in old)
    (look.bench.work / "=4.45.0").write_text("")
    look.see("the file that an unquoted >= makes is named", "=4.45.0" in look.run("vldata doctor", code=None).said)
    (look.bench.work / "=4.45.0").unlink()


def _path() -> str:
    import os

    return os.environ.get("PYTHONPATH", "")


def model_folder(look: Look) -> None:
    bench = look.bench
    look.run(f"vldata doctor --model {bench.tiny}", code=None)
    look.see("a whole folder is good", "model_type qwen3_vl" in bench.run(f"vldata doctor --model {bench.tiny}").said)
    for missing in ("preprocessor_config.json", "chat_template.jinja", "video_preprocessor_config.json"):
        shutil.copytree(bench.work / bench.tiny, bench.work / "models" / "torn", dirs_exist_ok=True)
        (bench.work / "models" / "torn" / missing).unlink(missing_ok=True)
        look.see(f"without {missing} it is named", missing in look.run("vldata doctor --model models/torn", code=None).said)
        shutil.rmtree(bench.work / "models" / "torn")


def records(look: Look) -> None:
    row = look.bench.rows(f"{look.bench.cards}.jsonl")[0]
    look.see("messages and images, as the sample", {"messages", "images"} <= set(row) and set(row["messages"][0]) == {"role", "content"})
    look.run("vldata validate prepared")


def tags(look: Look) -> None:
    bench = look.bench
    rows = bench.rows(f"{bench.cards}.jsonl")
    look.see(
        "as many tags as images", all(sum(m["content"].count("<image>") for m in row["messages"]) == len(row["images"]) for row in rows)
    )
    (bench.work / "bad").mkdir(exist_ok=True)
    shutil.copy(bench.work / "dump" / "images" / "card_000.jpg", bench.work / "bad" / "card.jpg")
    for name, user, answer in (("two", "<image><image>Who?", "A"), ("answer", "<image>Who?", "see <image>")):
        talk = [{"role": "user", "content": user}, {"role": "assistant", "content": answer}]
        bench.file(f"bad/{name}.json", json.dumps([{"messages": talk, "images": ["card.jpg"]}]))
        told = look.run(f"vldata convert sharegpt bad/{name}.json --name {name} --out bad-{name} --max-rejects 1", code=1).said
        look.see(f"{name}: named with its code and place", re.search(rf"VL\d\d\d.*{name}\.json(:\d+|\[0\])", told))


def movable(look: Look) -> None:
    bench = look.bench
    look.see("dataset", bench.cards)
    shutil.copytree(bench.work / "prepared", bench.work / "elsewhere" / "moved", dirs_exist_ok=True)
    look.run("vldata validate elsewhere/moved")
    rows = bench.rows(f"{bench.cards}.jsonl")
    look.see("paths are relative", not any(name.startswith("/") for row in rows for name in row["images"]))
    look.run(f"vldata export {bench.cards} --to llamafactory --images absolute --out absolute")
    look.see("absolute where asked", all(name.startswith("/") for row in bench.rows("absolute/cards.jsonl") for name in row["images"]))


def registry(look: Look) -> None:
    bench = look.bench
    mine = {"alpaca_zh": {"hf_hub_url": "x/y"}, "zz": {"file_name": "zz.json"}}
    bench.file("mixed/dataset_info.json", json.dumps(mine, indent=2))
    look.run("vldata convert sharegpt dump/id_cards.json --name qwen_vl_demo --out mixed")
    entries = bench.document("mixed/dataset_info.json")
    look.see("entries of others and their order stay", list(entries)[:2] == list(mine) and entries["zz"] == mine["zz"])
    wanted = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
    look.see(
        "columns and tags as in the tutorial",
        entries["qwen_vl_demo"]["formatting"] == "sharegpt" and wanted.items() <= entries["qwen_vl_demo"]["tags"].items(),
    )


def own_yaml(look: Look) -> None:
    look.run(f"vldata export {look.bench.cards} --to llamafactory --out factory-cards")
    look.see("a training YAML beside the data", (look.bench.work / "factory-cards" / "cards.train.yaml").is_file())
    look.run("vltrain plan factory-cards/cards.train.yaml", code=1)  # the hub name is no folder


def steps(look: Look) -> None:
    bench = look.bench
    bench.run("python -m fixtures.idcards hundred --count 100")
    look.run("vldata convert sharegpt hundred/id_cards.json --name qwen_vl_demo --out data-cards")
    bench.file("qwen3vl_lora_sft.yaml", yaml(TRAINING, dataset_dir="data-cards"))
    told = look.run("vltrain plan qwen3vl_lora_sft.yaml", code=1).said
    look.see("18 steps, not the 27 of the printed log", "Steps: 18 (90 records" in told)
    look.see("16,515,072 parameters, not 24,576,000", "16,515,072" in told)
    look.see("neither bf16 nor fp16 is said to be float32", "float32, which takes twice the memory" in told)
    look.see("qwen2_vl is said to be of other models", "template 'qwen2_vl' is of other models" in told)


def outputs(look: Look) -> None:
    bench = look.bench
    names = {path.name for path in (bench.work / bench.tuned).iterdir()}
    wanted = {
        "adapter_model.safetensors",
        "adapter_config.json",
        "tokenizer_config.json",
        "preprocessor_config.json",
        "training_loss.png",
        "README.md",
    }
    look.see(f"files: {sorted(wanted)}", wanted <= names)
    card = (bench.work / bench.tuned / "README.md").read_text() if "README.md" in names else ""
    look.see("the card is filled in", "More Information Needed" not in card and "base_model" in card)
    digest = hashlib.sha256((bench.work / f"{bench.squares}_train.jsonl").read_bytes()).hexdigest()
    look.see("with the digest of the data", digest[:12] in card)


def hf_merge(look: Look) -> None:
    bench = look.bench
    line = f'''python -c "from transformers import AutoModelForImageTextToText as M; M.from_pretrained('{bench.merged}')"'''
    look.run(line)
    look.run(f"vleval predict --data {bench.squares}_test --backend hf --model {bench.merged} --max-tokens 8 --limit 2 --out whole.jsonl")
    config = bench.document(f"{bench.merged}/config.json")
    shutil.copytree(bench.work / bench.merged, bench.work / "causal", dirs_exist_ok=True)
    bench.file("causal/config.json", json.dumps({**config, "model_type": "qwen3", "architectures": ["Qwen3ForCausalLM"]}))
    told = look.run(f"vleval predict --data {bench.squares}_test --backend hf --model causal --limit 1 --out never.jsonl", code=None)
    look.see("a model of text alone is refused in a sentence", told.code and "Traceback" not in told.said)


def page(look: Look) -> None:
    bench = look.bench
    look.see("a Dockerfile for the page", bench.dockerfile.is_file())
    if bench.web is None:
        raise NotHereError("gradio in a venv of its own: --web BIN (`make rows` makes it), or `make test-web`")
    port = free_port()
    line = f"vleval chat --backend hf --model {bench.tiny} --adapter {bench.tuned} --port {port} --no-token"
    look.ran.append(line)
    with bench.running(line, port=port, program=bench.web / "vleval"):
        body = wires.poll(f"http://127.0.0.1:{port}/", lambda text: "gradio" in text)
    look.see("the page is served", "gradio" in body)
    look.needs("docker build: no docker daemon")


def model_type(look: Look) -> None:
    bench = look.bench
    told = look.run(f"vldata doctor --model {bench.tiny}", code=None).said
    look.see("model_type qwen3_vl is read from its config.json", "qwen3_vl" in told)


def dtype_flag(look: Look) -> None:
    bench = look.bench
    config = bench.work / bench.merged / "config.json"
    before = config.read_bytes()
    look.run(
        f"vleval predict --data {bench.squares}_test --backend hf --model {bench.merged} --dtype float16 --max-tokens 4 --limit 1 --out half.jsonl"
    )
    look.see("config.json stays as it is", config.read_bytes() == before)
    bench.file("fp16.yaml", recipe(bench.tiny, f"{bench.squares}_train", "runs/fp16", "max_steps: 1").replace("fp32", "fp16"))
    told = look.run("vltrain plan fp16.yaml --gpu T4-16GB").said
    look.see("and precision is a key of the recipe", "float16" in told)


def personal_data(look: Look) -> None:
    bench = look.bench
    told = look.run(f"vldata pii {bench.cards}", code=1).said
    look.see("identity numbers with right check digits are found", re.search(r"identity number \(\d+\)", told))
    look.run(f"vldata pii {bench.cards} --redact", code=None)
    look.run(f"vldata pii {bench.cards}_redacted")


ROWS = (
    ("1.1", "LLaMA-Factory with a WebUI", preview),
    ("1.2", "set-up and versions", doctor),
    ("1.3", "the layout of the model folder", model_folder),
    ("1.4", "messages and images", records),
    ("1.5", "the <image> tag", tags),
    ("1.6", "images/ and absolute paths", movable),
    ("1.7", "the entry of dataset_info.json", registry),
    ("1.8", "copy and edit the example YAML", own_yaml),
    ("1.9", "cutoff, batch, epochs, validation share", steps),
    ("1.10", "the log's trainable parameters", steps),
    ("1.11", "what training writes", outputs),
    ("1.12", "merge by the HF API", hf_merge),
    ("1.13", "a docker image with a page on 7860", page),
    ("1.14", "model_type is qwen3_vl", model_type),
    ("1.15", "too many resources requested: torch_dtype edited", dtype_flag),
    ("1.16", "identity cards are personal data", personal_data),
)
