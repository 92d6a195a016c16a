from __future__ import annotations

import errno
from pathlib import Path

import pytest

from vldata.causes import read_error, write_error
from vldata.errors import DataError
from vldata.files.durable import write_atomic
from vldata.files.strictjson import iter_lines, read_json, read_user_text


@pytest.mark.parametrize(
    ("number", "cure"),
    [
        (errno.ENOSPC, "Free disk space"),
        (errno.EROFS, "make this one writable"),
        (errno.EISDIR, "a folder of that name"),
        (errno.EEXIST, "a file where a folder is needed"),
        (errno.ENOTDIR, "is a file, not a folder"),
        (errno.EIO, "whether the disk is well"),
    ],
)
def test_the_cure_of_a_failed_write_is_that_of_its_cause(number: int, cure: str) -> None:
    said = str(write_error(Path("x"), OSError(number, "why")))
    assert cure in said and ("disk space" in said) == (number == errno.ENOSPC)


def test_real_failures_are_told_with_their_cure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="Make its folder first"):
        write_atomic(tmp_path / "nowhere" / "x", b"")
    with pytest.raises(DataError, match="is a file, not a folder"):
        write_atomic(tmp_path / "file" / "x", b"")
    with pytest.raises(DataError, match="a folder of that name"):
        write_atomic(tmp_path, b"")


def test_a_file_that_cannot_be_read_names_the_nearest(tmp_path: Path) -> None:
    (tmp_path / "questions.json").write_text("[]")
    with pytest.raises(DataError, match=r"Did you mean 'questions\.json'\?"):
        read_json(tmp_path / "question.json")
    with pytest.raises(DataError, match=r"There is no folder '.*nosuch' either"):
        list(iter_lines(tmp_path / "nosuch" / "x.jsonl"))
    with pytest.raises(DataError, match="name a file inside it"):
        list(iter_lines(tmp_path))
    with pytest.raises(Exception, match="or make the file first"):
        read_user_text(tmp_path / "zzz")
    assert "<stdin>: cannot be read" in str(read_error(tmp_path, OSError(errno.EACCES, "no"), where="<stdin>"))
