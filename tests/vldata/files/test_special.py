"""Pipes, sockets and devices where a file is meant: no command waits for what may never come."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vldata.files.special import refuse_special_given, special_kind
from vldata.models.layout import check_model_folder
from vldata.sources import load_converter


@pytest.fixture
def pipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)  # the name of a socket may have 100 bytes
    os.mkfifo("pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        yield tmp_path / "pipe"


def test_what_it_is_is_said(pipe: Path) -> None:
    assert special_kind(pipe) == "a named pipe" and special_kind(pipe.with_name("socket")) == "a socket"
    assert special_kind("/dev/zero") == "a device"
    for fine in (__file__, str(pipe.parent), "/dev/null", "/dev/stdin", "nothing", "a\0b", "x" * 9_999):
        assert special_kind(fine) == ""


@pytest.mark.parametrize(
    "read",
    [strictjson.read_json, strictjson.read_bytes, strictjson.read_user_text, lambda path: list(strictjson.iter_lines(path))],
    ids=["json", "bytes", "text", "lines"],
)
def test_no_reader_waits(read: Callable[[Path], Any], pipe: Path) -> None:
    with pytest.raises(DataError, match="is a named pipe, not a file"):
        read(pipe)


@pytest.mark.parametrize("value", [Path("pipe"), "pipe", ["pipe"], ("x", "pipe=0.5")])
def test_the_command_line_refuses_it_first(value: Any, pipe: Path) -> None:
    with pytest.raises(UsageError, match="is a named pipe, not a file or folder"):
        refuse_special_given({"count": 1, "source": value})


@pytest.mark.parametrize("name", ["voc", "labelme", "coco", "label-studio", "yolo", "cvat", "jsonl", "sharegpt", "chartqa", "openeqa"])
def test_pipes_in_a_source_folder_are_no_annotations(name: str, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    for file in ("a.xml", "a.json", "a.jsonl", "a.csv", "a.parquet", "a.tar", "data.yaml", "annotations.xml", "labels/a.txt", "a.png"):
        os.mkfifo(tmp_path / file)
    with pytest.raises((DataError, UsageError)):
        list(load_converter(name)(tmp_path))


def test_a_pipe_in_a_model_folder_is_named(pipe: Path) -> None:
    with pytest.raises(DataError, match="pipe: is a named pipe"):
        check_model_folder(pipe.parent)
