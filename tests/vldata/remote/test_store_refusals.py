"""A store that cannot be opened for want of an account is one line."""

from __future__ import annotations

import pytest

from vldata.errors import DataError
from vldata.files.urls import Url
from vldata.remote.store import Store


def test_a_store_without_credentials_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    fsspec = pytest.importorskip("fsspec", reason="needs the remote extra")

    def refuse(*_: object, **__: object) -> None:
        raise ValueError("Must provide either a connection_string or account_name with credentials!!")

    monkeypatch.setattr(fsspec, "filesystem", refuse)
    with pytest.raises(DataError, match="no account or no credentials"):
        Store(Url("memory", "box", "prepared"))
