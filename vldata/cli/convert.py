"""`vldata convert NAME`: one command a converter over the same pipeline.

A command is made from the signature and the docstring of the converter's `open_source`, plus the options all converters share.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from vldata.cli import options as opt
from vldata.sources import Opener, converter_names, load_converter
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.conversion import Conversion
    from vldata.output.options import ConvertOptions
    from vldata.records.draft import Source

EXAMPLES = {
    "openeqa": "vldata convert openeqa open-eqa/ --frames 8 --out prepared",
    "chartqa": "vldata convert chartqa chartqa/ --split test --out prepared",
    "jsonl": 'vldata convert jsonl pairs/pairs.jsonl --prompt "Describe the picture." --out prepared',
    "sharegpt": "vldata convert sharegpt talks/conversations.json --out prepared",
}


def make_convert_app() -> typer.Typer:
    """Build the group with a command for every converter."""
    app = typer.Typer(help="Turn a source into validated records with images on the processor's grid.", no_args_is_help=True)
    for name in converter_names():
        open_source = load_converter(name)
        example = EXAMPLES.get(name, f"vldata convert {name} SOURCE --out prepared")
        app.command(name, help=_first_part(open_source), epilog=f"Example: {example}")(make_command(open_source))
    return app


def _shared(
    out: opt.Out = opt.OUT,
    name: opt.Name = None,
    max_pixels: opt.MaxPixels = opt.MAX_PIXELS,
    min_pixels: opt.MinPixels = 0,
    processor: opt.Processor = "qwen3-vl",
    image_format: opt.ImageFormat = "auto",
    quality: opt.Quality = 95,
    limit: opt.Limit = None,
    workers: opt.Workers = 0,
    timeout_s: opt.Timeout = 60.0,
    decoder: opt.DecoderOption = "pyav",
    repair: opt.Repair = False,
    fresh: opt.Fresh = False,
    overwrite: opt.Overwrite = False,
    shard_size: opt.ShardSize = 0,
) -> ConvertOptions:
    """Gather the options that every converter shares."""
    values = {**locals(), "name": name or ""}
    from vldata.output.options import ConvertOptions

    return ConvertOptions(**values)


def make_command(open_source: Opener) -> Callable[..., None]:
    """Make the command of one converter.

    Its first parameter becomes the argument, the others options; help comes from the lines of `Args:` in the docstring. A parameter
    with the name of an option that all converters share receives its value.
    """
    shared = list(inspect.signature(_shared, eval_str=True, locals={"ConvertOptions": Any}).parameters.values())
    names = {parameter.name for parameter in shared}
    own = [parameter for parameter in _parameters(open_source) if parameter.name not in names]
    wanted = [name for name in inspect.signature(open_source).parameters if name in names]
    ending = [
        inspect.Parameter("strict", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=opt.Strict),
        inspect.Parameter("json_output", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=opt.Json),
    ]

    def command(**given: Any) -> None:
        strict, json_output = given.pop("strict"), given.pop("json_output")
        options = _shared(**{parameter.name: given.pop(parameter.name) for parameter in shared})
        opened = open_source(**given, **{name: getattr(options, name) for name in wanted})
        run_conversions(opened if isinstance(opened, Sequence) else [opened], options, strict=strict, json_output=json_output)

    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in (*own, *shared, *ending)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


def _parameters(open_source: Opener) -> list[inspect.Parameter]:
    hints = get_type_hints(open_source)
    texts = _argument_texts(open_source)
    parameters = []
    for index, parameter in enumerate(inspect.signature(open_source).parameters.values()):
        text = texts.get(parameter.name, "")
        shown = parameter.default is not None and parameter.default is not inspect.Parameter.empty
        info = typer.Argument(help=text, show_default=False) if index == 0 else typer.Option(help=text, show_default=shown)
        parameters.append(parameter.replace(annotation=Annotated[hints[parameter.name], info]))
    return parameters


def _first_part(open_source: Opener) -> str:
    return (inspect.getdoc(open_source) or "").split("\n\nArgs:")[0]


def _argument_texts(open_source: Opener) -> dict[str, str]:
    """Read `name: sentence` entries of the Args section, continuation lines joined."""
    section = re.search(r"\nArgs:\n(.*?)(?:\n\n|\Z)", inspect.getdoc(open_source) or "", re.DOTALL)
    if not section:
        return {}
    entries = re.split(r"\n(?=    \w+: )", "\n" + section.group(1))
    pairs = (entry.split(":", 1) for entry in entries if ":" in entry)
    return {name.strip(): " ".join(text.split()) for name, text in pairs}


def run_conversions(sources: Sequence[Source], options: ConvertOptions, *, strict: bool, json_output: bool) -> None:
    """Convert one source after the other; progress on stderr, results on stdout; exit 1 with `strict` when anything was rejected.

    With several sources --name is the beginning of their names: chartqa_train under --name charts becomes charts_train.
    """
    import msgspec

    from vldata.terminal import note, say_json

    results = []
    for source in sources:
        name = options.name
        if name and len(sources) > 1:
            name = f"{name}_{source.name.rpartition('_')[2]}"
        results.append(_run_one(source, msgspec.structs.replace(options, name=name), quiet=json_output))
    if json_output:
        documents = [_as_json(result) for result in results]
        say_json(documents[0] if len(documents) == 1 else documents)
    rejected = sum(result.counts.rejected for result in results)
    if strict and rejected:
        note(f"--strict: {counted(rejected, 'record')} rejected.")
        raise typer.Exit(1)


def _run_one(source: Source, options: ConvertOptions, *, quiet: bool) -> Conversion:
    from vldata.cli.progress import conversion_progress
    from vldata.conversion import convert
    from vldata.terminal import note

    for sentence in source.said:
        note(sentence)
    try:
        with conversion_progress() as on_progress:
            result = convert(source, options, on_progress=on_progress)
    except KeyboardInterrupt:
        note("Interrupted. The same command goes on from the last finished part.")
        raise
    _note_rejects(result)
    if not quiet:
        _say_result(result)
    return result


def _note_rejects(result: Conversion) -> None:
    from vldata.records.codes import CODES
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
    videos = f", {counted(counts.videos, 'video')}" if counts.videos else ""
    written = f"{counted(counts.written, 'record')}, {counted(counts.pictures, 'picture')}{videos}"
    say(f"{written}; {counts.rejected:,} rejected{excluded}{resumed}.")
    if counts.repaired:
        say(f"{counted(counts.repaired, 'repair')}, listed in {result.out / result.contract.name}.repairs.jsonl")
    if result.verdict:
        say(result.verdict)
    for name in result.names:
        say(f"Registered {name!r} in {result.out / 'dataset_info.json'}")
    note(f"Next: vldata validate {result.out}")


def _as_json(result: Conversion) -> dict[str, object]:
    import msgspec

    document: dict[str, object] = msgspec.to_builtins(msgspec.structs.replace(result, out=str(result.out)))
    return document
