"""The ChartQA tutorial: Unsloth, TRL, vLLM and a client."""

from __future__ import annotations

import ast
import json
import re

from tests.e2e.replay import wires
from tests.e2e.replay.bench import Look, NotHereError, recipe

ANALYST = "You are a precise chart analyst. Read the chart and answer the question.\nKeep the final answer concise (numbers/text only).\nQuestion: "


def memory(look: Look) -> None:
    bench = look.bench
    look.see("data", bench.charts)
    for size, gpu in (("4B", "T4-16GB"), ("8B", "RTX4090-24GB")):
        more = ("method: qlora", "rank: 16", "alpha: 16", "batch_size: 1")
        text = recipe(f"Qwen3-VL-{size}-Instruct", f"{bench.charts}_train", "runs/chart", *more).replace(
            "precision: fp32", "precision: auto"
        )
        bench.file("chart.yaml", text.replace("checkpointing: false", "checkpointing: true"))
        told = look.run(f"vltrain plan chart.yaml --gpu {gpu} --json", code=None)
        row = told.json["memory"][gpu]
        look.see(f"{size} in four bits on {gpu}: {row['gib']:.1f} GiB planned, fits", row["fits"])
    look.needs("a mixture of experts of 30B: not planned; measured figures are in docs/training.md, on an H100")


def unsloth(look: Look) -> None:
    bench = look.bench
    look.run(f"vldata export {bench.charts}_train --to unsloth --out unsloth --model unsloth/Qwen3-VL-8B-Instruct-unsloth-bnb-4bit")
    text = (bench.work / "unsloth" / "charts_train.unsloth.py").read_text()
    tree = ast.parse(text)
    look.see("the script compiles", tree.body)
    look.see("the base model is the one named", "unsloth/Qwen3-VL-8B-Instruct-unsloth-bnb-4bit" in text)
    look.needs("running Unsloth: a GPU")


def frozen_vision(look: Look) -> None:
    bench = look.bench
    text = (bench.work / "unsloth" / "charts_train.unsloth.py").read_text()
    given = {
        word.arg: ast.unparse(word.value)
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call)
        for word in call.keywords
        if word.arg
    }
    look.see(
        "vision off, language, attention and MLP on",
        (given.get("finetune_vision_layers"), given.get("finetune_language_layers")) == ("False", "True"),
    )
    look.see("r 16, alpha 16", (given.get("r"), given.get("lora_alpha")) == ("16", "16"))
    bench.file("chart8.yaml", recipe("Qwen3-VL-8B-Instruct", f"{bench.charts}_train", "runs/chart", "rank: 16", "alpha: 16"))
    told = look.run("vltrain plan chart8.yaml --gpu T4-16GB", code=None).said
    look.see("43,646,976 parameters", "43,646,976" in told)


def share(look: Look) -> None:
    told = look.run("vltrain plan chart8.yaml --gpu T4-16GB", code=None).said
    look.see("43,646,976 of 8,810,770,672 (0.4954%)", "43,646,976 of 8,810,770,672 (0.4954%)" in told)


def analyst(look: Look) -> None:
    bench = look.bench
    look.run("vldata convert chartqa charts --split test --prompt-preset analyst --name analyst --out analyst")
    rows = bench.rows("analyst/analyst.jsonl")
    look.see(
        "the tutorial's words, byte for byte, after the image",
        all(row["messages"][0]["content"].startswith("<image>" + ANALYST) for row in rows),
    )


def trl_export(look: Look) -> None:
    bench = look.bench
    look.run(f"vldata export {bench.charts}_train --to trl --out trl --model Qwen/Qwen3-VL-8B-Instruct")
    text = (bench.work / "trl" / "charts_train.trl.py").read_text()
    ast.parse(text)
    look.see("evaluation side included", "charts_val" in text)
    look.see("LoRA, four bits by option", "LoraConfig" in text and "load_in_4bit" in text)
    if bench.trl is None:
        raise NotHereError("TRL in a venv of its own: --trl BIN, or `make consumers`")
    script = bench.root / "tests" / "consumers" / "trl_script.py"
    look.run(f"{bench.trl / 'python'} {script} trl/charts_train.trl.py {bench.tiny} out-trl")


def responses_only(look: Look) -> None:
    bench = look.bench
    text = (bench.work / "unsloth" / "charts_train.unsloth.py").read_text()
    look.see("the collator is told to learn answers alone", "completion_only_loss=True" in text)
    bench.file("chart-tiny.yaml", recipe(bench.tiny, f"{bench.charts}_train", "runs/chart-tiny"))
    told = look.run("vltrain sft chart-tiny.yaml --show-labels 1").said
    learned = re.findall(r"«(.*?)»", told, re.DOTALL)
    look.see(
        f"ours learns {learned} and no token of the prompt",
        learned and all("user" not in part and "image_pad" not in part for part in learned),
    )


def not_applicable(look: Look) -> None:
    look.run("vltrain sft chart-tiny.yaml --max-steps 2")


def thinking(look: Look) -> None:
    bench = look.bench
    bench.file("thinking.yaml", recipe("Qwen3-VL-8B-Thinking", f"{bench.charts}_train", "runs/thinking"))
    told = look.run("vltrain plan thinking.yaml --gpu T4-16GB", code=None).said
    look.see("a Thinking model and answers without thoughts are warned of", re.search(r"Warning: .*[Tt]hink", told))


def serve_line(look: Look) -> None:
    bench = look.bench
    told = look.run(f"vleval serve-cmd --data {bench.charts}_test --model Qwen/Qwen3-VL-8B-Instruct --backend vllm --host 0.0.0.0").out
    for flag in ("--limit-mm-per-prompt", "--mm-processor-kwargs", "--max-model-len", "--port 8000", "--host 0.0.0.0"):
        look.see(flag, flag in told)
    look.see("no trust_remote_code", "--trust-remote-code" not in told)


def client(look: Look) -> None:
    bench = look.bench
    with wires.fake(model="m") as server:
        look.run(
            f"vleval predict --data {bench.charts}_test --backend openai --model m --base-url {server.url} --max-tokens 256 --timeout-s 120 --out client.jsonl"
        )
        body = server.bodies[-1]
    url = body["messages"][-1]["content"][0]["image_url"]["url"]
    kind = url.split(";")[0].removeprefix("data:")
    bytes_ = {"image/jpeg": b"\xff\xd8", "image/png": b"\x89PNG", "image/webp": b"RIFF"}[kind]
    import base64

    look.see(f"the data URL says what the bytes are: {kind}", base64.b64decode(url.split(",")[1]).startswith(bytes_))
    look.see("temperature 0, 256 tokens", (body["temperature"], body["max_tokens"]) == (0, 256))
    failing = wires.failing(model="m", status=500, times=2)
    with failing as server:
        look.run(f"vleval predict --data {bench.charts}_test --backend openai --model m --base-url {server.url} --out retried.jsonl")
    look.see(
        "two answers of 500 are asked again",
        len(bench.rows("retried.jsonl")) == 8 and not any(row.get("error") for row in bench.rows("retried.jsonl")),
    )


def evaluation(look: Look) -> None:
    bench = look.bench
    answers = {row["id"]: row["references"][0] for row in bench.rows(f"{bench.charts}_test.jsonl")}
    bench.file(
        "charts.jsonl",
        "".join(json.dumps({"id": name, "prediction": text if n else "none"}) + "\n" for n, (name, text) in enumerate(answers.items())),
    )
    told = look.run(f"vleval score charts.jsonl --data {bench.charts}_test").said
    look.see("relaxed accuracy, 7 of 8", "relaxed_accuracy = 0.8750" in told)
    look.see("human and augmented apart", "human" in told and "augmented" in told)


ROWS = (
    ("4.1", "memory of 4B, 8B and the mixture of experts", memory),
    ("4.2", "FastVisionModel in four bits", unsloth),
    ("4.3", "vision layers off, r 16, alpha 16", frozen_vision),
    ("4.4", "the line of trainable parameters", share),
    ("4.5", "ChartQA as messages", analyst),
    ("4.6", "TRL's SFTTrainer", trl_export),
    ("4.7", "UnslothVisionDataCollator", responses_only),
    ("4.8", "for_training", not_applicable),
    ("4.9", "Thinking variants", thinking),
    ("4.10", "vllm serve", serve_line),
    ("4.11", "the client with a data URL", client),
    ("4.12", "an evaluation, which the tutorial lacks", evaluation),
)
