from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest

from vldata.commands import build_group, group_parameters
from vldata.errors import UsageError
from vldata.flags import Flag, OptionGroup


class Inner(OptionGroup, frozen=True, kw_only=True):
    PANEL: ClassVar[str] = "Inner"

    deep: Annotated[bool, Flag("Go deep.", ("--go-deep",))] = False


class Outer(OptionGroup, frozen=True, kw_only=True):
    count: Annotated[int, Flag("How many.", least=1, most=9)] = 3
    share: Annotated[float | None, Flag("A share.", least=0)] = None
    kind: Annotated[Literal["", "a", "b"], Flag("A kind.")] = ""
    files: Annotated[tuple[Path, ...], Flag("Files.", ("--file",))] = ()
    inner: Inner = Inner()
    private: str = "here"


def test_a_command_line_and_python_give_the_same_struct() -> None:
    given = {parameter.name: parameter.default for parameter in group_parameters(Outer)}
    assert list(given) == ["count", "share", "kind", "file", "go_deep"]  # not the field that is for Python alone
    assert build_group(Outer, given) == Outer()
    given |= {"count": 9, "file": [Path("x")], "go_deep": True}
    assert build_group(Outer, given) == Outer(count=9, files=(Path("x"),), inner=Inner(deep=True))


def test_texts_become_paths_and_lists_tuples() -> None:
    assert Outer(files=["a", Path("b")]).files == (Path("a"), Path("b"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "--count: 0 is not allowed."),
        ({"count": 10}, "--count: 10 is not allowed."),
        ({"count": "3"}, "--count: '3' cannot be used: expected `int`, got `str`."),
        ({"share": float("nan")}, "--share: nan is not a number."),
        ({"kind": "c"}, "--kind: 'c' is not one of its choices."),
        ({"files": "x"}, "--file: 'x' cannot be used"),
        ({"inner": {"deep": 3}}, "inner: "),
    ],
)
def test_a_bad_value_names_its_option(values: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Outer(**values)
    assert str(caught.value).startswith(message)
