from __future__ import annotations

from pathlib import Path

import pytest

from vldata.errors import UsageError
from vldata.files.urls import find_url, key_fault


@pytest.mark.parametrize(
    ("text", "bucket", "key"),
    [
        ("s3://data/a/b", "data", "a/b"),
        ("s3://data", "data", ""),
        ("gs://data/a/", "data", "a"),
        ("hf://datasets/owner/name/train/x.parquet", "datasets/owner/name", "train/x.parquet"),
        ("hf://datasets/owner/name@v1", "datasets/owner/name@v1", ""),
    ],
)
def test_a_url_is_read_as_text_and_as_a_path(text: str, bucket: str, key: str) -> None:
    for value in (text, Path(text)):
        found = find_url(value)
        assert found is not None and (found.bucket, found.key) == (bucket, key) and str(found) == text.rstrip("/")


@pytest.mark.parametrize("value", ["prepared/openeqa", Path("s3/data"), None, 3, "https://host/x", "s3:///x", "./s3:x"])
def test_what_is_no_url(value: object) -> None:
    assert find_url(value) is None


@pytest.mark.parametrize(
    "text", ["s3://key:secret@data/x", "s3://data/a/../b", "s3://data//a", "hf://owner/name", "hf://datasets/owner", "s3://d/a\n"]
)
def test_what_cannot_be_an_address(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        find_url(text)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("key", ["../a", "a/../../b", "/a", "a\\b", "a\x00b", "a/./b", "a//b", "x" * 256, "c:/a"])
def test_keys_that_are_no_paths(key: str) -> None:
    assert key_fault(key)
