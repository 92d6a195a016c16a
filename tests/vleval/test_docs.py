from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "scoring.md").read_text()
COMMANDS = re.search(r"```sh\n(.*?)```", PAGE, re.DOTALL)[1].splitlines()
CODE = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_of_the_page_run(vleval, quiz, tmp_path, monkeypatch, command):
    for path in quiz["base"].parent.iterdir():
        (tmp_path / path.name).symlink_to(path)
    monkeypatch.chdir(tmp_path)
    ran = vleval(*shlex.split(command)[1:])
    assert ran.code == 0, ran.err


def test_the_python_of_the_page_runs(capsys):
    exec(compile(CODE, "docs/scoring.md", "exec"), {})
    assert capsys.readouterr().out.startswith("1.0 shape: (1, 5)")


def test_every_format_is_in_the_table():
    from vleval.readers.formats import FORMATS

    assert set(re.findall(r"^\| `([\w-]+)` \|", PAGE, re.MULTILINE)) == set(FORMATS)
