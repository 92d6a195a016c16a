"""`vldata convert SOURCE-KIND`: one command a converter over the same pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from vldata.cli import options as opt

if TYPE_CHECKING:
    from vldata.convert import Conversion, ConvertOptions
    from vldata.draft import Source

app = typer.Typer(help="Turn a source into validated records with images on the processor's grid.", no_args_is_help=True)

_FRAMES_HELP = "Frames per episode."


@app.command("openeqa", epilog="Example: vldata convert openeqa open-eqa/ --frames 8 --out prepared")
def openeqa(
    source: Annotated[Path | None, typer.Argument(help="The folder as the dataset ships; by default the working folder.")] = None,
    frames: Annotated[int, typer.Option(help=_FRAMES_HELP, min=1, max=1024)] = 8,
    frame_rule: Annotated[
        Literal["uniform", "first", "every", "fps"],
        typer.Option(help="uniform: evenly from first to last; first: the first N; every: each k-th, at most N; fps: so many a second."),
    ] = "uniform",
    step: Annotated[int, typer.Option(help="k of --frame-rule every.", min=1)] = 1,
    fps: Annotated[float, typer.Option(help="Frames a second of --frame-rule fps (videos only).", min=0.001)] = 1.0,
    short: Annotated[
        Literal["error", "repeat", "fewer"],
        typer.Option(help="What to do with episodes of fewer frames: reject, repeat some, or take all."),
    ] = "fewer",
    questions: Annotated[Path | None, typer.Option(help="Question file; by default the full one in the folder.")] = None,
    prompt: Annotated[
        Path | None, typer.Option(help="Text file with the user turn: {question} is replaced, {images} says where the frames stand.")
    ] = None,
    out: opt.Out = opt.OUT,
    name: opt.Name = "",
    max_pixels: opt.MaxPixels = opt.MAX_PIXELS,
    min_pixels: opt.MinPixels = 0,
    processor: opt.Processor = "qwen3-vl",
    image_format: opt.ImageFormat = "auto",
    quality: opt.Quality = 95,
    limit: opt.Limit = None,
    workers: opt.Workers = 0,
    timeout_s: opt.Timeout = 60.0,
    decoder: opt.DecoderOption = "pyav",
    strict: opt.Strict = False,
    repair: opt.Repair = False,
    fresh: opt.Fresh = False,
    overwrite: opt.Overwrite = False,
    shard_size: opt.ShardSize = 0,
    json_output: opt.Json = False,
) -> None:
    """Open-EQA: questions about an episode, each with N frames of it.

    Frame folders are taken before videos; what was found and chosen is said. Records that cannot be used are counted and listed in
    NAME.rejects.jsonl.
    """
    from vldata.converters.openeqa import DEFAULT_PROMPT, open_source
    from vldata.media.refs import Sampling

    options = opt.make_options(
        out, name, max_pixels, min_pixels, processor, image_format, quality, limit, workers, timeout_s, decoder, repair, fresh, overwrite,
        shard_size,
    )  # fmt: skip
    opened = open_source(
        source,
        sampling=Sampling(rule=frame_rule, count=frames, step=step, fps=fps, short=short),
        questions=questions,
        prompt=opt.read_text(prompt).rstrip("\n") if prompt else DEFAULT_PROMPT,
    )
    run_conversion(opened, options, strict=strict, json_output=json_output)


def run_conversion(source: Source, options: ConvertOptions, *, strict: bool, json_output: bool) -> None:
    """Convert, show progress on stderr and the result on stdout; exit 1 with `strict` when anything was rejected."""
    from vldata.cli.progress import conversion_progress
    from vldata.convert import convert
    from vldata.terminal import note, say_json

    for sentence in source.said:
        note(sentence)
    with conversion_progress() as on_progress:
        result = convert(source, options, on_progress=on_progress)
    _note_rejects(result)
    if json_output:
        say_json(_as_json(result))
    else:
        _say_result(result)
    if strict and result.counts.rejected:
        note(f"--strict: {result.counts.rejected:,} records were rejected.")
        raise typer.Exit(1)


def _note_rejects(result: Conversion) -> None:
    from vldata.codes import CODES
    from vldata.terminal import note

    for sentence, count in sorted(result.notes.items()):
        note(f"Note ({count:,}): {sentence}")
    for code, count in sorted(result.reject_counts.items()):
        note(f"Rejected {count:,}: {code} {CODES[code].title}")
        for reject in [reject for reject in result.rejects if reject.code == code]:
            note(f"  {reject.where}: [{reject.id}] {reject.reason}")
        if count > 10:
            note(f"  ... and {count - 10:,} more in {result.out / result.contract.name}.rejects.jsonl")
        note(f"  Cure: {CODES[code].cure}")


def _say_result(result: Conversion) -> None:
    from vldata.terminal import note, say

    counts = result.counts
    excluded = f", {counts.excluded:,} left out by --limit" if counts.excluded else ""
    resumed = f" ({result.resumed:,} taken over from the interrupted run)" if result.resumed else ""
    say(f"{counts.written:,} records, {counts.pictures:,} pictures; {counts.rejected:,} rejected{excluded}{resumed}.")
    if counts.repaired:
        say(f"{counts.repaired:,} repairs, listed in {result.out / result.contract.name}.repairs.jsonl")
    if result.verdict:
        say(result.verdict)
    for name in result.names:
        say(f"Registered {name!r} in {result.out / 'dataset_info.json'}")
    note(f"Next: vldata validate {result.out}")


def _as_json(result: Conversion) -> dict[str, object]:
    import msgspec

    document: dict[str, object] = msgspec.to_builtins(msgspec.structs.replace(result, out=str(result.out)))
    return document
