"""The `vleval` command line: one module per command, each importing what it needs when it runs."""

from __future__ import annotations

import typer

from vldata.terminal import print_version, run
from vleval.cli.bench import bench
from vleval.cli.chat import chat
from vleval.cli.compare import compare
from vleval.cli.detect import detect
from vleval.cli.parity import parity
from vleval.cli.predict import ping, predict
from vleval.cli.report import report
from vleval.cli.score import score
from vleval.cli.serve_cmd import serve_cmd

app = typer.Typer(
    help="Score, compare and report what vision-language models answer.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("predict", epilog="Example: vleval predict --data prepared/openeqa_test --backend vllm --model tuned --out preds.jsonl")(
    predict
)
app.command("ping", epilog="Example: vleval ping --data prepared/openeqa_test --backend vllm --model tuned")(ping)
app.command("parity", epilog="Example: vleval parity --data prepared/openeqa_test --backends hf@merged,vllm@tuned=http://127.0.0.1:8000")(
    parity
)
app.command("bench", epilog="Example: vleval bench --data prepared/openeqa_test --backend vllm --model tuned --concurrency 1,4,16")(bench)
app.command("chat", epilog="Example: vleval chat --data prepared/openeqa_test --backend vllm --model tuned")(chat)
app.command("serve-cmd", epilog="Example: vleval serve-cmd --data prepared/openeqa_test --model merged --backend vllm --gpu t4")(serve_cmd)
app.command("score", epilog="Example: vleval score preds.jsonl --metric exact_match --metric token_f1")(score)
app.command("compare", epilog="Example: vleval compare base.jsonl tuned.jsonl --metric exact_match")(compare)
app.command("report", epilog="Example: vleval report preds.jsonl --out report.html")(report)
app.command("detect", epilog="Example: vleval detect boxes.jsonl --image-root pictures --coord-space 0-1000 --out drawn")(detect)


@app.callback()
def _root(version: bool = typer.Option(False, "--version", callback=print_version, is_eager=True, help="Print the version.")) -> None:
    pass


def main() -> None:
    """Entry point of `vleval`."""
    run(app, "vleval")
