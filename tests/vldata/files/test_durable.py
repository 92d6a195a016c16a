"""Files that take the place of others in one step, and what no file may take the place of."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from vldata.errors import DataError
from vldata.files.durable import write_atomic


def test_a_file_is_replaced(tmp_path: Path) -> None:
    for content in (b"old", b"new"):
        write_atomic(tmp_path / "out", content)
    assert (tmp_path / "out").read_bytes() == b"new" and [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_stream_of_the_shell_is_written_to(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    read, write = os.pipe()
    write_atomic(Path(f"/dev/fd/{write}"), b"piped")
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        assert pipe.read() == b"piped"
    before = Path("/dev/stdout").lstat()
    write_atomic(Path("/dev/stdout"), b"printed")
    assert capfdbinary.readouterr().out == b"printed" and os.path.samestat(before, Path("/dev/stdout").lstat())


def test_a_device_is_written_to() -> None:
    ours, terminal = os.openpty()
    write_atomic(Path(os.ttyname(terminal)), b"shown")
    assert os.read(ours, 100) == b"shown"
    for handle in (ours, terminal):
        os.close(handle)


def test_a_pipe_is_not_replaced(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="no file may replace"):
        write_atomic(tmp_path / "pipe", b"x")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)
