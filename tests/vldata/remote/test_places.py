"""The layer over fsspec's memory filesystem; the proofs against an S3 server are `make remote`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import vldata
from vldata.errors import DataError, UsageError
from vldata.remote import refusals
from vldata.remote.images import missing_images
from vldata.remote.store import Store

fsspec = pytest.importorskip("fsspec", reason="the extra `remote` is not installed")


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(refusals, "PATIENCE_S", 0.0)
    found = fsspec.filesystem("memory")
    found.store.clear()
    yield found
    found.store.clear()


@pytest.fixture
def there(memory: Any, prepared: Path) -> Any:
    """The converted sample in a bucket."""
    for path in prepared.rglob("*"):
        if path.is_file():
            memory.pipe_file(f"/data/prepared/{path.relative_to(prepared).as_posix()}", path.read_bytes())
    return memory


def test_a_dataset_is_read_and_derived_where_it_lies(there: Any) -> None:
    assert vldata.validate("memory://data/prepared").ok
    assert vldata.stats("memory://data/prepared/openeqa").statistics.records > 0
    made = vldata.sample("memory://data/prepared/openeqa", count=2)
    assert made.records == 2
    assert "openeqa_sample" in json.loads(there.cat_file("/data/prepared/dataset_info.json"))
    assert there.exists("/data/prepared/openeqa_sample.contract.json")


def test_an_upload_that_ends_early_registers_nothing_and_goes_on(there: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    put, sent = Store.put, []

    def full(self: Store, file: Path, url: Any) -> Any:
        sent.append(url.name)
        if len(sent) == 2:
            raise DataError("the store is gone.")
        return put(self, file, url)

    monkeypatch.setattr(Store, "put", full)
    with pytest.raises(DataError, match="gone"):
        vldata.sample("memory://data/prepared/openeqa", count=2)
    assert "openeqa_sample" not in json.loads(there.cat_file("/data/prepared/dataset_info.json"))
    with pytest.raises(DataError, match="another command was interrupted"):
        vldata.sample("memory://data/prepared/openeqa", count=3)
    assert list(vldata.sample("memory://data/prepared/openeqa", count=2).lines()) == ["openeqa_sample: 2 records."]
    assert "openeqa_sample" in json.loads(there.cat_file("/data/prepared/dataset_info.json"))


def test_a_picture_of_other_bytes_is_not_taken(there: Any) -> None:
    picture = next(name for name in there.find("/data/prepared/images"))
    there.pipe_file(picture, b"x")
    with pytest.raises(DataError, match="not those of its name") as caught:
        vldata.validate("memory://data/prepared")
    assert caught.value.where == f"memory:/{picture}"


def test_an_object_that_is_named_and_absent(there: Any) -> None:
    there.rm_file("/data/prepared/openeqa.jsonl")
    with pytest.raises(DataError, match="no such object"):
        vldata.stats("memory://data/prepared/openeqa")
    with pytest.raises(DataError, match="no dataset 'other' here"):
        vldata.stats("memory://data/prepared/other")


def test_a_listing_that_is_stale_loses_no_image(there: Any, prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = [path.relative_to(prepared).as_posix() for path in sorted(prepared.glob("images/*/*"))]
    listed = Store.list
    monkeypatch.setattr(Store, "list", lambda self, url: dict(list(listed(self, url).items())[3:]))
    assert missing_images("memory://data/prepared", names) == []
    there.rm_file(f"/data/prepared/{names[1]}")
    assert missing_images("memory://data/prepared", names) == [names[1]]


def test_an_export_names_nothing_of_this_machine(there: Any, tmp_path: Path) -> None:
    vldata.export("memory://data/prepared/openeqa", "llamafactory")
    files = [name for name in there.find("/data/prepared/exports") if "/images/" not in name]
    assert files and not any(str(tmp_path).encode() in there.cat_file(name) for name in files)
    with pytest.raises(UsageError, match="cannot name images by path"):
        vldata.export("memory://data/prepared/openeqa", "llamafactory", images="absolute")


def test_a_url_where_none_is_taken_is_refused(there: Any) -> None:
    with pytest.raises(UsageError, match="tokenizer takes no URL"):
        vldata.stats("memory://data/prepared/openeqa", tokenizer="s3://data/x")
    with pytest.raises(UsageError, match="listed, not changed"):
        vldata.info("memory://data/prepared", prune=True)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="read, not written"):
        vldata.sample("hf://datasets/owner/name/openeqa")
