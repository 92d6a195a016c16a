"""Commands made from option groups: the one place where typer meets the structs of `vldata.flags`.

`command` turns a function that takes groups into one whose signature typer can read: every field of a group becomes an option under the
group's heading, and the function is called with the groups put together and checked.
"""

from __future__ import annotations

import contextlib
import inspect
import keyword
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import FunctionType, NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import typer
import typer.core

from vldata.completion import Complete, complete_dataset, complete_names
from vldata.errors import UsageError
from vldata.files import strictjson
from vldata.files.special import refuse_special_given
from vldata.files.urls import refuse_urls
from vldata.flags import Arg, Flag, OptionGroup, fields_of, is_group
from vldata.progress import count_progress
from vldata.terminal import note, print_version, say_result

G = TypeVar("G", bound=OptionGroup)


class GroupedCommand(typer.core.TyperCommand):
    """A command whose `--help` lists its options under headings, those of the command itself first."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then each heading with its options."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if record := parameter.get_help_record(ctx):
                heading = (
                    "Arguments" if parameter.param_type_name == "argument" else getattr(parameter, "rich_help_panel", None) or "Options"
                )
                panels.setdefault(heading, []).append(record)
        for heading in sorted(panels, key=lambda name: (name != "Arguments", name != "Options")):
            with formatter.section(heading):
                formatter.write_dl(panels[heading])


class ListedGroup(typer.core.TyperGroup):
    """Lists groups of commands first (`vldata convert`): that is where everybody begins. Each command has its first sentence, uncut."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of registration, but groups before commands."""
        return sorted(super().list_commands(ctx), key=lambda name: not hasattr(self.commands[name], "commands"))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands under their headings, in the order in which the headings come first."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            panel = getattr(command, "rich_help_panel", None) or "Commands"
            panels.setdefault(panel, []).append((name, command.get_short_help_str(limit=1_000)))
        for panel, rows in panels.items():
            with formatter.section(panel):
                formatter.write_dl(rows)


def make_app(
    help: str,
    commands: Mapping[str, tuple[Any, str]],
    filled: Mapping[str, Callable[[], Any]] | None = None,
    *,
    panels: Mapping[str, Sequence[str]],
) -> typer.Typer:
    """Make a command line.

    Args:
        help: what it is for, in one sentence.
        commands: for each command its function and the example that ends its help.
        panels: the headings of `--help` in their order, each with its commands in theirs; every command stands under one.
        filled: parameters that no option sets, with what gives their values (a key from the environment).
    """
    app = typer.Typer(cls=ListedGroup, help=help, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
    for panel, names in panels.items():
        for name in names:
            function, example = commands[name]
            app.command(name, cls=GroupedCommand, epilog=f"Example: {example}", rich_help_panel=panel)(command(function, filled or {}))

    @app.callback()
    def _root(version: bool = typer.Option(False, "--version", callback=print_version, is_eager=True, help="Print the version.")) -> None:
        pass

    return app


def command(function: Callable[..., Any], filled: Mapping[str, Callable[[], Any]] | None = None) -> Callable[..., None]:
    """Return a function that typer can read: plain options in place of groups, flags and arguments.

    `function` is either a command that prints for itself and returns None, or a public function that returns a `JobResult`. Of the
    latter the result is printed, as text or with `--json` as data, and these parameters are filled in: `tell` prints notes on stderr,
    `on_progress` shows a bar. A parameter without a flag is for Python alone.
    """
    hints = _hints(function)
    parameters = inspect.signature(function).parameters
    plain: list[inspect.Parameter] = []
    groups: dict[str, type[OptionGroup]] = {}
    renamed: dict[str, str] = {}
    for name, parameter in parameters.items():
        hint = hints[name]
        flag = (
            next((extra for extra in get_args(hint)[1:] if isinstance(extra, Flag | Arg)), None) if get_origin(hint) is Annotated else None
        )
        if is_group(hint):
            groups[name] = hint
            plain += group_parameters(hint)
        elif isinstance(flag, Flag):
            renamed[parameter_name(name, flag)] = name
            plain.append(_parameter(name, get_args(hint)[0], flag, "Options", parameter.default))
        elif isinstance(flag, Arg):
            completing = _completing(flag.metavar, ())
            info = typer.Argument(metavar=flag.metavar or None, help=flag.help, show_default=False, autocompletion=completing)
            plain.append(parameter.replace(annotation=Annotated[_plain_type(get_args(hint)[0]), info], kind=inspect.Parameter.KEYWORD_ONLY))
        elif get_origin(hint) is Annotated:
            plain.append(parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))
    returns = "return" in function.__annotations__ and function.__annotations__["return"] != "None"
    if returns:
        json_flag = Flag("Print the result as one JSON document.")
        plain.append(_parameter("json", bool, json_flag, "Options", False))

    def run(**given: Any) -> None:
        if not hasattr(function, "reaches"):
            refuse_urls(given)
        refuse_special_given(given)
        values = {renamed.get(name, name): _from_plain(value) for name, value in given.items()}
        built = {name: build_group(group, given) for name, group in groups.items()}
        values = {name: value for name, value in values.items() if name in parameters and name not in groups} | built
        if not returns:
            function(**values)
            return
        values |= {name: value() for name, value in (filled or {}).items() if name in parameters}
        if "tell" in parameters:
            values["tell"] = note
        with count_progress() if "on_progress" in parameters else contextlib.nullcontext() as on_progress:
            result = function(**values, **({"on_progress": on_progress} if on_progress else {}))
        say_result(result, json=given["json"])

    plain.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    run.__name__, run.__doc__ = function.__name__, (inspect.getdoc(function) or "").split("\n\nArgs:")[0].split("\n\nRaises:")[0]
    run.__signature__ = inspect.Signature(plain)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in plain}
    return run


def _read_object(option: str, text: str) -> dict[str, Any]:
    """Read the JSON object of an option; an empty text is an empty object."""
    example = f"""For example: {option} '{{"top_k": 1}}'"""
    if not text:
        return {}
    try:
        value = strictjson.loads(text)
    except strictjson.StrictJsonError as error:
        raise UsageError(f"{option} cannot be read: {error}.", cure=example) from None
    if not isinstance(value, dict):
        raise UsageError(f"{option} is not a JSON object.", cure=example)
    try:
        msgspec.msgpack.encode(value)
    except OverflowError:
        raise UsageError(f"{option} holds a number of more than 64 bits.", cure=example) from None
    return value


def _hints(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the parameters; that of the result may need modules that a command loads when it runs."""
    function = inspect.unwrap(function)
    stub = FunctionType(function.__code__, function.__globals__)
    stub.__annotations__ = {name: hint for name, hint in function.__annotations__.items() if name != "return"}
    return get_type_hints(stub, include_extras=True)


def _from_plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def group_parameters(group: type[OptionGroup]) -> list[inspect.Parameter]:
    """Return the parameters that stand for a group's fields on a command line."""
    parameters: list[inspect.Parameter] = []
    defaults = _defaults(group)
    for name, hint, flag in fields_of(group):
        if is_group(hint):
            parameters += group_parameters(hint)
        if flag is None:
            continue
        parameters.append(_parameter(name, hint, flag, group.PANEL, defaults[name]))
    return parameters


def build_group(group: type[G], given: Mapping[str, Any]) -> G:
    """Put a group together from the values of a command line; what was not given keeps the struct's default."""
    values: dict[str, Any] = {}
    for name, hint, flag in fields_of(group):
        if is_group(hint):
            values[name] = build_group(hint, given)
        if flag is None:
            continue
        value = given[parameter_name(name, flag)]
        if value is not None and value != []:
            values[name] = _read_object(flag.spelling(name), value) if flag.json else _from_plain(value)
    return group(**values)


def parameter_name(field: str, flag: Flag) -> str:
    """Return the Python name of an option: that of its long spelling, so that nested groups cannot collide."""
    name = flag.spelling(field).removeprefix("--").replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name


def _parameter(field: str, hint: Any, flag: Flag, panel: str, default: Any) -> inspect.Parameter:
    low = None if flag.least is None else _number(flag.least, hint)
    high = None if flag.most is None else _number(flag.most, hint)
    option = typer.Option(
        *(flag.names or (f"--{field.replace('_', '-')}",)),
        help=flag.help,
        metavar=flag.metavar or _metavar(hint),
        min=low,
        max=high,
        rich_help_panel=panel,
        show_default=flag.show_default,
        autocompletion=_completing(flag.metavar, flag.complete),
    )
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(
        parameter_name(field, flag), kind, default=_plain_default(default), annotation=Annotated[_plain_type(hint), option]
    )


def _completing(metavar: str, names: Iterable[str] | Callable[[], Iterable[str]]) -> Complete | None:
    return complete_names(names) if names else complete_dataset if "DIR/NAME" in metavar else None


def _metavar(hint: Any) -> str | None:
    """Return what stands for a value of this type; None leaves choices and switches to typer."""
    names = {str: "TEXT", int: "N", float: "X", Path: "PATH"}
    return next((names[part] for part in (hint, *get_args(hint)) if part in names), None)


def _number(limit: float, hint: Any) -> float:
    return int(limit) if int in (hint, *get_args(hint)) else limit


def _plain_type(hint: Any) -> Any:
    """Return what typer reads: a list for a tuple, and a nested optional taken apart."""
    if get_origin(hint) in (Union, UnionType):
        inner = [part for part in get_args(hint) if part is not NoneType]
        sequence = next((part for part in inner if get_origin(part) is Sequence), None)
        if sequence is not None or (str in inner and len(inner) > 1):  # of what a function takes, a command line can only say texts
            plain = _plain_type(sequence if sequence is not None else str)
            return plain | None if NoneType in get_args(hint) else plain
        return _plain_type(inner[0]) | None if len(inner) == 1 else hint
    if get_origin(hint) is Sequence:
        return list[_plain_type(get_args(hint)[0])]  # type: ignore[misc]
    if get_origin(hint) is tuple and get_args(hint)[1:] == (Ellipsis,):
        return list[get_args(hint)[0]] | None  # type: ignore[misc]
    if get_origin(hint) is dict:
        return str
    if get_origin(hint) is Literal and "" in get_args(hint):
        return str  # "" stands for "not given", which a list of choices should not show; the group checks the value
    return hint


def _plain_default(default: Any) -> Any:
    if default is msgspec.NODEFAULT:
        return inspect.Parameter.empty
    return None if default == () else "" if default == {} else default


def _defaults(group: type[OptionGroup]) -> dict[str, Any]:
    return {
        field.name: field.default if field.default is not msgspec.NODEFAULT else _made(field.default_factory)
        for field in msgspec.structs.fields(group)
    }


def _made(factory: Any) -> Any:
    return msgspec.NODEFAULT if factory is msgspec.NODEFAULT else factory()
