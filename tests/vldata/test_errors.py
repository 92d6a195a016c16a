from __future__ import annotations

import json

import pytest

from vldata import errors


class Installed:
    """A distribution as pip notes where it came from (PEP 610)."""

    def __init__(self, told: object) -> None:
        self._told = told

    def read_text(self, name: str) -> str | None:
        assert name == "direct_url.json"
        return None if self._told is None else self._told if isinstance(self._told, str) else json.dumps(self._told)


@pytest.mark.parametrize(
    ("told", "line"),
    [
        (None, "pip install 'vlkit[train]'"),
        ("broken {", "pip install 'vlkit[train]'"),
        ({"url": "file:///home/me/my%20kit", "dir_info": {"editable": True}}, "pip install -e '/home/me/my kit[train]'"),
        ({"url": "file:///home/me/kit", "dir_info": {}}, "pip install '/home/me/kit[train]'"),
        ({"url": "file:///tmp/vlkit-0.1.0-py3-none-any.whl", "archive_info": {}}, "pip install '/tmp/vlkit-0.1.0-py3-none-any.whl[train]'"),
        ({"url": "https://example.org/vlkit.whl"}, "pip install 'vlkit[train]'"),
    ],
)
def test_an_extra_is_installed_the_way_the_package_was(told: object, line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(errors, "distribution", lambda _: Installed(told))
    assert errors.install_line("train") == line
