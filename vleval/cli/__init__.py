"""The `vleval` command line: one module per command, each importing what it needs when it runs."""

from __future__ import annotations

from vldata.commands import make_app
from vldata.remote.reach import listen
from vldata.terminal import note, run
from vleval.api.bench import bench
from vleval.api.gap import gap
from vleval.api.parity import parity
from vleval.api.predict import ping, predict
from vleval.api.serve_cmd import serve_cmd
from vleval.cli.chat import chat
from vleval.cli.compare import compare
from vleval.cli.detect import detect
from vleval.cli.options import api_key
from vleval.cli.report import report
from vleval.cli.score import score

COMMANDS = {
    "predict": (predict, "vleval predict --data prepared/openeqa_test --backend vllm --model tuned --out preds.jsonl"),
    "ping": (ping, "vleval ping --data prepared/openeqa_test --backend vllm --model tuned"),
    "parity": (parity, "vleval parity --data prepared/openeqa_test --backends hf@merged,vllm@tuned=http://127.0.0.1:8000"),
    "bench": (bench, "vleval bench --data prepared/openeqa_test --backend vllm --model tuned --concurrency 1,4,16"),
    "chat": (chat, "vleval chat --data prepared/openeqa_test --backend vllm --model tuned"),
    "serve-cmd": (serve_cmd, "vleval serve-cmd --data prepared/openeqa_test --model merged --backend vllm --gpu t4"),
    "score": (score, "vleval score preds.jsonl --metric exact_match --metric token_f1"),
    "compare": (compare, "vleval compare base.jsonl tuned.jsonl --metric exact_match"),
    "gap": (gap, "vleval gap base.jsonl tuned.jsonl"),
    "report": (report, "vleval report preds.jsonl --out report.html"),
    "detect": (detect, "vleval detect boxes.jsonl --image-root pictures --coord-space 0-1000 --out drawn"),
}

PANELS = {
    "What you need first": ("predict", "score", "compare", "report"),
    "Servers and models": ("serve-cmd", "ping", "bench", "parity", "chat"),
    "Boxes, and other harnesses": ("detect", "gap"),
}

app = make_app("Score, compare and report what vision-language models answer.", COMMANDS, {"api_key": api_key}, panels=PANELS)


def main() -> None:
    """Entry point of `vleval`."""
    listen(note)
    run(app, "vleval")
