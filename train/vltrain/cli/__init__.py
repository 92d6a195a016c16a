"""The `vltrain` command line, made from the functions of `vltrain.api`."""

from __future__ import annotations

from vldata.commands import make_app
from vldata.terminal import run
from vltrain.api.certify import certify
from vltrain.api.export import export
from vltrain.api.merge import merge, quantize
from vltrain.api.plan import plan
from vltrain.api.sft import sft

COMMANDS = {
    "plan": (plan, "vltrain plan recipe.yaml --gpu T4-16GB"),
    "certify": (certify, "vltrain certify recipe.yaml"),
    "sft": (sft, "vltrain sft recipe.yaml --max-steps 10"),
    "merge": (merge, "vltrain merge recipe.yaml --out merged"),
    "quantize": (quantize, "vltrain quantize merged --out merged-nf4"),
    "export": (export, "vltrain export merged --to vllm --data prepared/openeqa_test"),
}

PANELS = {"What you need first": ("plan", "sft", "merge", "export"), "More": ("certify", "quantize")}

app = make_app("Train, merge and export adapters for vision-language models from validated records.", COMMANDS, panels=PANELS)


def main() -> None:
    """Entry point of `vltrain`."""
    run(app, "vltrain")
