"""Options that several commands share, with their words in one place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

MOST_TOKENS = 1_048_576  # the longest context there is
MOST_SEED = 2**31 - 1  # what every server takes


def a_number(value: float) -> float:
    """Refuse nan, which no limit holds off."""
    if value != value:
        raise typer.BadParameter("nan is not a number.")
    return value


File = Annotated[str, typer.Argument(metavar="FILE", help="Predictions of any known tool; - for stdin.")]
References = Annotated[
    str | None, typer.Option("--references", "--data", metavar="FILE|DIR/NAME", help="Accepted answers: a file, or a dataset of vldata.")
]
Profile = Annotated[str, typer.Option("--profile", help="Whose behaviour the metrics reproduce; --list shows them.")]
Metrics = Annotated[list[str] | None, typer.Option("--metric", help="A metric; may be given more than once. Default: by the rows' task.")]
Format = Annotated[str, typer.Option("--format", help="Read the file as this format instead of finding out.")]
GroupBy = Annotated[
    str | None, typer.Option("--group-by", metavar="KEY", help="Field that rows are clustered by; none for independent rows.")
]
AllowMissing = Annotated[bool, typer.Option("--allow-missing", help="Count questions without a prediction as wrong instead of stopping.")]
AllowDuplicates = Annotated[bool, typer.Option("--allow-duplicates", help="Take the last of predictions with one id instead of stopping.")]
AllowExtra = Annotated[bool, typer.Option("--allow-extra", help="Leave predictions without a reference out instead of stopping.")]
StripThink = Annotated[
    bool | None,
    typer.Option("--strip-think/--no-strip-think", help="Score only what follows </think>. Default: on in vlkit, off elsewhere."),
]
CoordSpace = Annotated[
    str, typer.Option("--coord-space", metavar="SPACE", help="Of predicted boxes: 0-1000, pixels, pixels-resized or 0-1.")
]
ReferenceSpace = Annotated[str, typer.Option("--reference-space", metavar="SPACE", help="Of the references' boxes. Default: the same.")]
Iou = Annotated[float, typer.Option("--iou", min=0.0, max=1.0, help="Overlap from which two boxes match.")]
AllowRemoteCode = Annotated[bool, typer.Option("--allow-remote-code", help="Let --metric evaluate:NAME load code from the hub.")]

# Of a judge.
Marks = Annotated[str | None, typer.Option("--marks", metavar="FILE", help="A judge's marks by id, for llm_match.")]
JudgeUrl = Annotated[
    str, typer.Option(metavar="URL", help="Ask a model for marks: address of an OpenAI-compatible server.", show_default=False)
]
JudgeModel = Annotated[str, typer.Option(help="The judge's name, as its server lists it.", show_default=False)]
JudgeMode = Annotated[Literal["robust", "upstream"], typer.Option(help="Our wording with the answer in a data block, or OpenEQA's, exact.")]
JudgePrompts = Annotated[Path | None, typer.Option(help="For upstream: prompts/ of a checkout of open-eqa.", show_default=False)]
JudgeRubric = Annotated[Path | None, typer.Option(help="For robust: a text that says what the marks 1 to 5 mean.", show_default=False)]
HumanMarks = Annotated[
    str | None, typer.Option("--human-marks", metavar="FILE", help="Marks of people by id: say how far the judge agrees with them.")
]

# Of commands that ask a model.
Data = Annotated[str, typer.Option("--data", help="DIR/NAME of a dataset of vldata.", metavar="DIR/NAME")]
Backend = Annotated[
    str, typer.Option(help="vllm, lmdeploy, transformers, llama-server, openai (any server of that API), ollama, or hf: in this process.")
]
Model = Annotated[
    str,
    typer.Option(help="The model's name, as the server lists it; its folder for hf, and for vllm or lmdeploy without --base-url."),
]
BaseUrl = Annotated[
    str, typer.Option(help="Address of the server; by default the backend's usual port on this machine.", show_default=False)
]
Dtype = Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16, for a model in this process.")]
Adapter = Annotated[str, typer.Option(help="LoRA adapter folder, for hf.", show_default=False)]
MaxTokens = Annotated[int, typer.Option(help="Most tokens of an answer.", min=1, max=MOST_TOKENS)]
TimeoutS = Annotated[float, typer.Option("--timeout-s", help="Seconds an answer may take.", min=0.1, max=86_400, callback=a_number)]
Retries = Annotated[int, typer.Option(help="Further attempts after a passing fault.", min=0, max=1_000)]
AskSeed = Annotated[int, typer.Option("--seed", help="Seed sent to the server.", min=0, max=MOST_SEED)]
Strict = Annotated[bool, typer.Option("--strict", help="Stop where the server differs from the contract instead of warning.")]

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Seed = Annotated[int, typer.Option("--seed", help="Of resampling and of samples.")]
