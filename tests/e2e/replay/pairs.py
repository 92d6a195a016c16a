"""The tutorial of pairs on a CPU: JSON lines, LoRA in float32, a page to try it."""

from __future__ import annotations

import json
import re
import shutil

from PIL import Image

from tests.e2e.replay.bench import Look, recipe
from tests.e2e.replay.idcards import hf_merge, page

LINES = (
    {"image": "invoice_01.png", "text": "这是一张金额为 ¥8,650 的增值税发票。"},
    {"image": "table_02.jpg", "text": "表格包含三列:产品名称、单价、数量。"},
    {"image": "form_03.png", "text": "该申请表填写了姓名张伟、部门技术部。"},
)
MIXED = (
    {"image": "images/001.jpg", "text": "这张图片展示了一个红色的消防车正在街道上行驶。"},
    {"image": "images/002.png", "text": "请提取图中文字:欢迎来到人工智能时代"},
    {"image": "charts/sales_q4.png", "text": "解释这张图表:第四季度销售额同比增长23%"},
)


def own_layout(look: Look) -> None:
    look.see("any folder will do", look.bench.squares)
    look.run("vldata info prepared")


def _doc(look: Look) -> str:
    folder = look.bench.work / "doc_vl"
    (folder / "images").mkdir(parents=True, exist_ok=True)
    for row in LINES:
        Image.new("RGB", (900, 600), "white").save(folder / "images" / row["image"])
    look.bench.file("doc_vl/train.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in LINES))
    return "doc_vl/train.jsonl"


def pairs(look: Look) -> None:
    told = look.run(f'vldata convert jsonl {_doc(look)} --prompt "描述这张图片。" --name doc --out doc').said
    look.see("fields are found and said", "'image'" in told and "'text'" in told)
    rows = look.bench.rows("doc/doc.jsonl")
    look.see(
        "three records with a question and the text as answer",
        [row["messages"][1]["content"] for row in rows] == [row["text"] for row in LINES],
    )
    look.see("the question is the one given", rows[0]["messages"][0]["content"].endswith("描述这张图片。"))


def subfolder(look: Look) -> None:
    bench = look.bench
    look.see("images/ beside the file was found", (bench.work / _doc(look)).is_file() and len(bench.rows("doc/doc.jsonl")) == 3)
    shutil.copy(bench.work / "doc_vl" / "images" / "invoice_01.png", bench.work / "doc_vl" / "invoice_01.png")
    with Image.open(bench.work / "doc_vl" / "invoice_01.png") as image:
        image.transpose(Image.Transpose.ROTATE_90).save(bench.work / "doc_vl" / "invoice_01.png")
    told = look.run('vldata convert jsonl doc_vl/train.jsonl --prompt "Describe." --name two --out two --max-rejects 1', code=None)
    rejects = "".join(path.read_text() for path in (bench.work / "two").glob("*.rejects.jsonl")) if (bench.work / "two").is_dir() else ""
    look.see("two files that could be meant are an error", "invoice_01.png" in told.said + rejects and len(bench.rows("two/two.jsonl")) < 3)


def mixed_texts(look: Look) -> None:
    bench = look.bench
    for row in MIXED:
        path = bench.work / "mixed_vl" / row["image"]
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (300, 200), "white").save(path)
    bench.file("mixed_vl/train.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in MIXED))
    told = look.run('vldata convert jsonl mixed_vl/train.jsonl --prompt "描述这张图片。" --name mixed --out mixed-out').said
    told += look.run("vldata validate mixed-out", code=None).said
    look.see(
        "answers that read like questions are named",
        re.search(r"VL0\d\d|instruction|question", told) and ("请提取" in told or "like" in told),
    )


def two_targets(look: Look) -> None:
    bench = look.bench
    bench.file(
        "qv.yaml", recipe("Qwen3-VL-2B-Instruct", f"{bench.squares}_train", "runs/qv", "rank: 8", "alpha: 16", "targets: q_proj,v_proj")
    )
    told = look.run("vltrain plan qv.yaml --gpu T4-16GB").said
    look.see("q and v alone: 1,605,632, not 1,572,864", "1,605,632" in told)
    bench.file("all.yaml", recipe("Qwen3-VL-2B-Instruct", f"{bench.squares}_train", "runs/all", "rank: 8", "alpha: 16"))
    look.see("all linears by default: 8,716,288", "8,716,288" in look.run("vltrain plan all.yaml --gpu T4-16GB").said)


def on_a_cpu(look: Look) -> None:
    bench = look.bench
    rows = bench.rows(f"{bench.tuned}/trainer_log.jsonl")
    losses = [row["loss"] for row in rows if "loss" in row]
    look.see(f"the loss falls: {losses[0]:.2f} to {losses[-1]:.2f}", losses[-1] < losses[0] / 2)
    runtime = bench.document(f"{bench.tuned}/all_results.json")["train_runtime"]
    look.see(f"in {runtime:.0f} s", runtime < 120)
    found = look.run(f"vleval score {bench.answers} --data {bench.squares}_test --metric exact_match --json").json
    look.see("squares it has not seen are named", found["metrics"]["exact_match"]["value"] > 0.5)


def log(look: Look) -> None:
    row = look.bench.rows(f"{look.bench.tuned}/trainer_log.jsonl")[0]
    look.see("step, loss, rate, epoch, time left", {"current_steps", "loss", "lr", "epoch", "remaining_time"} <= set(row))


def adapter(look: Look) -> None:
    bench = look.bench
    look.run(
        f"vleval predict --data {bench.squares}_test --backend hf --model {bench.tiny} --adapter {bench.tuned} --max-tokens 8 --out adapter.jsonl"
    )
    both = [{row["id"]: row["prediction"] for row in bench.rows(name)} for name in ("adapter.jsonl", bench.answers)]
    look.see("adapter and merged model answer alike", both[0] == both[1])


def form(look: Look) -> None:
    bench = look.bench
    fields = {"申请人": "李娜", "部门": "人力资源部", "事由": "报销差旅费用"}
    rows = [
        {"id": "1", "prediction": json.dumps(fields, ensure_ascii=False), "references": [json.dumps(fields, ensure_ascii=False)]},
        {
            "id": "2",
            "prediction": json.dumps({**fields, "部门": "技术部"}, ensure_ascii=False),
            "references": [json.dumps(fields, ensure_ascii=False)],
        },
    ]
    bench.file("form.jsonl", "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    for metric in ("json_f1", "anls_star"):
        value = look.run(f"vleval score form.jsonl --metric {metric} --json").json["metrics"][metric]["value"]
        look.see(f"{metric}: right but for one field of six: {value:.3f}", 0.7 < value < 1)


def on_a_cpu_faster(look: Look) -> None:
    text = (look.bench.root / "docs" / "cpu.md").read_text() if (look.bench.root / "docs" / "cpu.md").is_file() else ""
    look.see("a page says what was tried, with figures", all(word in text for word in ("ONNX", "OpenVINO", "llama.cpp", "tokens/s")))
    look.run(f"vleval bench --data {look.bench.squares}_test --backend hf --model {look.bench.merged} --concurrency 1,8 --requests 8")


def budget(look: Look) -> None:
    bench = look.bench
    look.bench.file("doc_vl/images/one.jsonl", json.dumps({"image": "table_02.jpg", "text": "Three columns."}) + "\n")
    look.run('vldata convert jsonl doc_vl/images/one.jsonl --prompt "Describe." --name small --out small --max-pixels 200704')
    rows = bench.rows("small/small.media.jsonl")
    look.see(
        "a budget of pixels, not a square",
        rows and all(row["width"] * row["height"] <= 200_704 and row["width"] != row["height"] for row in rows),
    )
    look.see("the aspect is kept within rounding", all(abs(row["width"] / row["height"] - 1.5) < 0.15 for row in rows))
    look.run(f"vldata budget {bench.squares} --cutoff 512")


def start_small(look: Look) -> None:
    bench = look.bench
    look.run(f"vldata sample {bench.squares}_train -n 8 --seed 0")
    look.see("eight records", len(bench.rows(f"{bench.squares}_train_sample.jsonl")) == 8)


def kept_apart(look: Look) -> None:
    bench = look.bench
    look.run(f"vldata certify {bench.squares}", code=None)
    look.run(f"vldata verify {bench.squares}_train {bench.tiny} {bench.tuned} {bench.merged}")
    look.run(f"vldata verify {bench.squares}_test {bench.merged} {bench.answers}", code=None)
    changed = bench.work / "changed"
    shutil.copytree(bench.work / bench.merged, changed, dirs_exist_ok=True)
    weights = changed / "model.safetensors"
    target = weights if weights.is_file() else next(changed.glob("*.safetensors"))
    raw = bytearray(target.read_bytes())
    raw[-1] ^= 1
    target.write_bytes(bytes(raw))
    look.run(f"vldata verify {bench.squares}_train {bench.tiny} {bench.tuned} changed", code=1)


ROWS = (
    ("3.1", "/workspace layout", own_layout),
    ("3.2", "JSON lines of image and text", pairs),
    ("3.3", "paths that lack their folder", subfolder),
    ("3.4", "texts of mixed kinds", mixed_texts),
    ("3.5", "LoRA on q and v", two_targets),
    ("3.6", "float32 on a CPU", on_a_cpu),
    ("3.7", "losses are printed", log),
    ("3.8", "the adapter is saved", adapter),
    ("3.9", "merge_lora.py", hf_merge),
    ("3.10", "a page to try the model", page),
    ("3.11", "a form that was held out, and its fields", form),
    ("3.12", "ONNX Runtime, OpenVINO, batches", on_a_cpu_faster),
    ("3.13", "448 x 448, 512 tokens", budget),
    ("3.14", "start with 5 to 10 samples", start_small),
    ("3.15", "keep a test set, version models", kept_apart),
)
