"""`vldata convert NAME`: one command a converter over the same pipeline.

A command is made from the signature and the docstring of the converter's `open_source`, plus the options all converters share.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from vldata.commands import GroupedCommand, ListedGroup, group_parameters
from vldata.errors import UsageError
from vldata.files.special import refuse_special_given
from vldata.flags import is_group
from vldata.output.options import ConvertOptions
from vldata.sources import Opener, converter_names, load_converter
from vldata.wording import counted

if TYPE_CHECKING:
    from vldata.converted import Conversion

EXAMPLES = {
    "openeqa": "vldata convert openeqa open-eqa/ --frames 8 --out prepared",
    "chartqa": "vldata convert chartqa chartqa/ --split test --out prepared",
    "jsonl": 'vldata convert jsonl pairs/pairs.jsonl --prompt "Describe the picture." --out prepared',
    "coco": "vldata convert coco coco/ --out prepared",
    "yolo": "vldata convert yolo yolo/ --per class --negatives 1 --out prepared",
    "voc": "vldata convert voc voc/ --out prepared",
    "labelme": "vldata convert labelme labelme/ --out prepared",
    "cvat": "vldata convert cvat cvat/ --language zh --out prepared",
    "label-studio": "vldata convert label-studio label-studio/ --out prepared",
    "images": 'vldata convert images photos/ --classes "red square,blue square" --out asked',
    "official": "vldata convert official gqa/ --split train --out prepared",
    "sharegpt": "vldata convert sharegpt talks/conversations.json --out prepared",
}


def make_convert_app() -> typer.Typer:
    """Build the group with a command for every converter; one whose package cannot be imported costs itself alone."""
    app = typer.Typer(
        cls=ListedGroup, help="Turn a source into validated records with images on the processor's grid.", no_args_is_help=True
    )
    for name in converter_names():
        example = EXAMPLES.get(name, f"vldata convert {name} SOURCE --out prepared")
        try:
            open_source = load_converter(name)
        except UsageError as error:
            app.command(name, help=f"Not available: {error.what}")(_unavailable(error))
            continue
        command = make_command(name, open_source)
        app.command(name, cls=GroupedCommand, help=_first_part(open_source), epilog=f"Example: {example}")(command)
    return app


def _unavailable(error: UsageError) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


def make_command(name: str, open_source: Opener) -> Callable[..., None]:
    """Make the command of one converter.

    Its first parameter becomes the argument, the others options; help comes from the lines of `Args:` in the docstring, and a parameter
    that is a group of options gives an option a field. One with the name of an option that all converters share receives its value.
    """
    shared = group_parameters(ConvertOptions)
    own = [parameter for parameter in _parameters(open_source) if parameter.name not in ConvertOptions.__struct_fields__]
    source = own[0].name
    keyword = inspect.Parameter.KEYWORD_ONLY
    ending = [
        inspect.Parameter("strict", keyword, default=False, annotation=Annotated[bool, typer.Option("--strict", help=_STRICT)]),
        inspect.Parameter("json_output", keyword, default=False, annotation=Annotated[bool, typer.Option("--json", help=_JSON)]),
    ]

    def command(**given: Any) -> None:
        refuse_special_given(given)
        strict, json_output = given.pop("strict"), given.pop("json_output")
        if given.get("name") == "":
            raise UsageError("--name is empty.", cure="Name the dataset, or leave --name out.")
        settings = {key: value for key, value in given.items() if key != source and value is not None}
        _run(name, given[source], settings, strict=strict, json_output=json_output)

    parameters = [parameter.replace(kind=keyword) for parameter in (*own, *_without_empty_name(shared), *ending)]
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return command


_STRICT = "Exit 1 when any record was rejected."
_JSON = "Print the result as one JSON document."


def _without_empty_name(shared: list[inspect.Parameter]) -> list[inspect.Parameter]:
    """Make --name None where it is not given, so that an empty one, as an unset variable of a shell gives, is seen."""
    return [parameter.replace(default=None) if parameter.name == "name" else parameter for parameter in shared]


def _parameters(open_source: Opener) -> list[inspect.Parameter]:
    hints = get_type_hints(open_source)
    texts = _argument_texts(open_source)
    parameters = []
    for index, parameter in enumerate(inspect.signature(open_source).parameters.values()):
        if is_group(hints[parameter.name]):
            parameters += group_parameters(hints[parameter.name])
            continue
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


def _run(name: str, source: Any, settings: dict[str, Any], *, strict: bool, json_output: bool) -> None:
    """Convert; progress and notes on stderr, results on stdout; exit 1 with `strict` when anything was rejected."""
    from vldata.api.convert import conversion_lines, convert, reject_lines
    from vldata.cli.progress import conversion_progress
    from vldata.terminal import note, say, say_json

    def say_made(made: Conversion) -> None:
        for line in reject_lines(made):
            note(line)
        for line in () if json_output else conversion_lines(made):
            say(line)
        if not json_output:
            note(f"Next: vldata validate {made.out}")

    try:
        with conversion_progress() as on_progress:
            result = convert(name, source, strict=strict, tell=note, on_made=say_made, on_progress=on_progress, **settings)
    except KeyboardInterrupt:
        note("Interrupted. The same command goes on from the last finished part.")
        raise
    if json_output:
        say_json(result.document())
    if not result.ok:
        note(f"--strict: {counted(result.rejected, 'record')} rejected.")
        raise typer.Exit(1)
