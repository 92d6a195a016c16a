"""Commands made from option groups: the one place where typer meets the structs of `vldata.flags`.

`command` turns a function that takes groups into one whose signature typer can read: every field of a group becomes an option under the
group's heading, and the function is called with the groups put together and checked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
import typer
import typer.core

from vldata.flags import Flag, Group, fields_of, is_group
from vldata.terminal import print_version

G = TypeVar("G", bound=Group)


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


class _Listed(typer.core.TyperGroup):
    """Lists groups of commands first (`vldata convert`): that is where everybody begins."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of registration, but groups before commands."""
        return sorted(super().list_commands(ctx), key=lambda name: not hasattr(self.commands[name], "commands"))


def make_app(help: str, commands: Mapping[str, tuple[Any, str]]) -> typer.Typer:
    """Make a command line.

    Args:
        help: what it is for, in one sentence.
        commands: for each command, in the order shown, its function and the example that ends its help.
    """
    app = typer.Typer(cls=_Listed, help=help, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None)
    for name, (function, example) in commands.items():
        app.command(name, cls=GroupedCommand, epilog=f"Example: {example}")(command(function))

    @app.callback()
    def _root(version: bool = typer.Option(False, "--version", callback=print_version, is_eager=True, help="Print the version.")) -> None:
        pass

    return app


def command(function: Callable[..., None]) -> Callable[..., None]:
    """Return `function` with a signature of plain options in place of its groups.

    A parameter whose annotation is a `Group` is expanded, nested groups too; every other parameter stays as typer reads it.
    """
    hints = get_type_hints(function, include_extras=True)
    plain: list[inspect.Parameter] = []
    groups: dict[str, type[Group]] = {}
    for name, parameter in inspect.signature(function).parameters.items():
        hint = hints[name]
        if is_group(hint):
            groups[name] = hint
            plain += group_parameters(hint)
        else:
            plain.append(parameter.replace(annotation=hint, kind=inspect.Parameter.KEYWORD_ONLY))

    def run(**given: Any) -> None:
        built = {name: build_group(group, given) for name, group in groups.items()}
        function(**{name: value for name, value in given.items() if name in hints}, **built)

    plain.sort(key=lambda parameter: parameter.default is not inspect.Parameter.empty)
    run.__name__, run.__doc__ = function.__name__, function.__doc__
    run.__signature__ = inspect.Signature(plain)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in plain}
    return run


def group_parameters(group: type[Group]) -> list[inspect.Parameter]:
    """Return the parameters that stand for a group's fields on a command line."""
    parameters: list[inspect.Parameter] = []
    defaults = _defaults(group)
    for name, hint, flag in fields_of(group):
        if is_group(hint):
            parameters += group_parameters(hint)
        if flag is None:
            continue
        parameters.append(
            inspect.Parameter(
                parameter_name(name, flag),
                inspect.Parameter.KEYWORD_ONLY,
                default=_plain_default(defaults[name]),
                annotation=Annotated[_plain_type(hint), _option(name, hint, flag, group.PANEL)],
            )
        )
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
            values[name] = tuple(value) if isinstance(value, list) else value
    return group(**values)


def parameter_name(field: str, flag: Flag) -> str:
    """Return the Python name of an option: that of its long spelling, so that nested groups cannot collide."""
    return flag.spelling(field).removeprefix("--").replace("-", "_") or field


def _option(name: str, hint: Any, flag: Flag, panel: str) -> Any:
    low = None if flag.least is None else _number(flag.least, hint)
    high = None if flag.most is None else _number(flag.most, hint)
    names = flag.names or (f"--{name.replace('_', '-')}",)
    return typer.Option(
        *names,
        help=flag.help,
        metavar=flag.metavar or _metavar(hint),
        min=low,
        max=high,
        rich_help_panel=panel,
        show_default=flag.show_default,
    )


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
        return _plain_type(inner[0]) | None if len(inner) == 1 else hint
    if get_origin(hint) is tuple:
        return list[get_args(hint)[0]] | None  # type: ignore[misc]
    if get_origin(hint) is Literal and "" in get_args(hint):
        return str  # "" stands for "not given", which a list of choices should not show; the group checks the value
    return hint


def _plain_default(default: Any) -> Any:
    return None if default == () or default is msgspec.NODEFAULT else default


def _defaults(group: type[Group]) -> dict[str, Any]:
    return {
        field.name: field.default if field.default is not msgspec.NODEFAULT else _made(field.default_factory)
        for field in msgspec.structs.fields(group)
    }


def _made(factory: Any) -> Any:
    return msgspec.NODEFAULT if factory is msgspec.NODEFAULT else factory()
