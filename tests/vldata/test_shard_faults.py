"""A shard that is missing, torn, of another run or too many: what each command says, as docs/scale.md tells it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import vldata
from vldata.conversion import convert
from vldata.errors import DataError
from vldata.output.dataset_info import read_dataset_info
from vldata.output.options import ConvertOptions
from vldata.sources.sharegpt import open_source


def _made(work: Path, name: str, word: str) -> Path:
    turns = [[{"role": "user", "content": f"{word} {n}?"}, {"role": "assistant", "content": f"It is {n}."}] for n in range(9)]
    lines = [json.dumps({"id": f"r{n}", "messages": turn}) + "\n" for n, turn in enumerate(turns)]
    (work / f"{name}.jsonl").write_text("".join(lines))
    [source] = open_source(work / f"{name}.jsonl")
    convert(source, ConvertOptions(out=work / name, name="d", shard_size=3, workers=1))
    return work / name


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    work = tmp_path_factory.mktemp("shards")
    _made(work, "other", "What else is")
    return _made(work, "whole", "What is")


@pytest.fixture
def there(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "there"))


def _missing(shard: Path, whole: Path) -> None:
    shard.unlink()


def _torn(shard: Path, whole: Path) -> None:
    shard.write_bytes(shard.read_bytes()[:-40])


def _torn_between_lines(shard: Path, whole: Path) -> None:
    shard.write_bytes(b"".join(shard.read_bytes().splitlines(keepends=True)[:2]))


def _of_another_run(shard: Path, whole: Path) -> None:
    shutil.copy(whole.parent / "other" / "d" / shard.name, shard)


FAULTS: dict[str, Callable[[Path, Path], None]] = {
    "missing": _missing,
    "torn": _torn,
    "torn between lines": _torn_between_lines,
    "of another run": _of_another_run,
}
SAYS = {"missing": "No such file", "torn": "not a record", "torn between lines": "was changed", "of another run": "was changed"}
STRICT: Sequence[Callable[[Path], Any]] = (
    lambda d: vldata.sample(d, count=2),
    lambda d: vldata.filter(d, where=["turns>=2"]),
    lambda d: vldata.split(d, test=2, group_by="none"),
    lambda d: vldata.mix([f"{d}=1"], name="mixed"),
)
WARNING: Sequence[Callable[[Path], Any]] = (
    vldata.stats,
    vldata.pii,
    lambda d: vldata.export(d, "openai"),
)


def _said(result: Any) -> str:
    return " ".join((*result.lines(), *result.asides()))


@pytest.mark.parametrize("fault", FAULTS)
def test_what_each_command_says_of_a_shard(whole: Path, there: Path, fault: str) -> None:
    FAULTS[fault](there / "d" / "part-00001.jsonl", whole)
    assert set(vldata.validate(there).findings.counts) & {"VL033", "VL001"}
    for command in STRICT:
        with pytest.raises(DataError, match=SAYS[fault]) as caught:
            command(there / "d")
        assert "part-00001" in str(caught.value)
    for command in WARNING:
        if fault in ("missing", "torn"):
            with pytest.raises(DataError, match=SAYS[fault]):
                command(there / "d")
        else:
            assert "part-00001.jsonl was changed after the conversion" in _said(command(there / "d"))
    assert set(read_dataset_info(there)) == {"d"}  # nothing was registered


def test_a_shard_too_many_is_named_and_not_read(there: Path) -> None:
    shutil.copy(there / "d" / "part-00001.jsonl", there / "d" / "part-00003.jsonl")
    assert set(vldata.validate(there).findings.counts) >= {"VL033"}
    assert vldata.stats(there / "d").statistics.records == 9


def test_of_whole_shards_nothing_is_said(there: Path) -> None:
    assert vldata.validate(there).ok
    for command in WARNING:
        assert "was changed" not in _said(command(there / "d"))
