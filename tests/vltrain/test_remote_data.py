"""Training on a dataset in an object store: its images are read as they are needed, and the adapter is that of the same data here."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from vltrain.data import load_set
from vltrain.planning import prepare
from vltrain.recipe import Recipe, check
from vltrain.training import run_sft

from vldata.api.convert import convert
from vldata.errors import DataError, UsageError
from vldata.remote import images, refusals


@pytest.fixture
def bucket(colours: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A store in memory that holds the dataset as `memory://b/prepared/NAME`."""
    fsspec = pytest.importorskip("fsspec", reason="needs the remote extra")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(refusals, "PATIENCE_S", 0.0)
    files = fsspec.filesystem("memory")
    folder = Path(colours).parent
    for path in folder.rglob("*"):
        if path.is_file():
            files.pipe_file(f"/b/prepared/{path.relative_to(folder).as_posix()}", path.read_bytes())
    yield files
    files.rm("/b", recursive=True)
    images._open.cache_clear()


def recipe(tiny: Path, data: str, output: Path, **more: Any) -> Recipe:
    given: dict[str, Any] = {"data": (data,), "learning_rate": 0.01, "workers": 0, "batch_size": 2, "plot": False, "tensorboard": False}
    return Recipe(model=str(tiny), output=str(output), precision="fp32", **{**given, **more})


def weights(folder: Path) -> str:
    return hashlib.sha256((folder / "adapter_model.safetensors").read_bytes()).hexdigest()


def test_the_adapter_is_that_of_the_same_data_here_also_after_a_stop_in_an_epoch(
    tiny: Path, colours: str, bucket: Any, tmp_path: Path
) -> None:
    name = Path(colours).name
    said: list[str] = []
    url = f"memory://b/prepared/{name}"
    run_sft(recipe(tiny, url, tmp_path / "there", max_steps=3, save_steps=3, schedule="constant"), say=said.append)
    run_sft(recipe(tiny, url, tmp_path / "there", max_steps=5, save_steps=3, schedule="constant"))
    run_sft(recipe(tiny, colours, tmp_path / "here", max_steps=5, schedule="constant"))
    assert weights(tmp_path / "there") == weights(tmp_path / "here")
    assert any("Images are read from memory://b/prepared" in line for line in said)
    assert not list((tmp_path / "cache").rglob("*.png")) + list((tmp_path / "cache").rglob("*.jpg"))


def test_an_image_that_is_lost_or_another_is_named(tiny: Path, colours: str, bucket: Any, tmp_path: Path) -> None:
    url = f"memory://b/prepared/{Path(colours).name}"
    example = load_set(url).examples[0]
    key = f"/b/prepared/{example.record.images[0]}"
    right = bucket.cat_file(key)
    bucket.pipe_file(key, right[:-1] + b"x")
    with pytest.raises(DataError, match="are not those of its name"):
        images.read_images(example.store, example.record.images)
    bucket.rm(key)
    with pytest.raises(DataError, match="no such object"):
        images.read_images(example.store, example.record.images)
    plan = prepare(recipe(tiny, url, tmp_path / "out")).plan
    assert any("1 pictures of the data are not there, first memory://b/prepared/images/" in line for line in plan.problems)


def test_a_url_where_a_folder_must_be_is_refused(tiny: Path, tmp_path: Path) -> None:
    fields = msgspec.structs.asdict(recipe(tiny, "s3://b/d/n", tmp_path))
    for key in ("output", "model"):
        with pytest.raises(UsageError, match=f"{key}: takes no URL"):
            check({**fields, key: "s3://b/x"}, where="r.yaml")


def test_a_shard_too_few_or_too_many_stops_the_run(tmp_path: Path) -> None:
    turns = [{"role": "user", "content": "Why?"}, {"role": "assistant", "content": "So."}]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps({"id": str(n), "messages": turns}) + "\n" for n in range(5)))
    convert("sharegpt", tmp_path / "s.jsonl", out=tmp_path / "prepared", name="d", shard_size=2, workers=1)
    shard = tmp_path / "prepared" / "d" / "part-00001.jsonl"
    (shard.parent / "part-00007.jsonl").write_bytes(shard.read_bytes())
    with pytest.raises(DataError, match=r"part-00007\.jsonl: is not named by the contract"):
        load_set(str(tmp_path / "prepared" / "d"))
    (shard.parent / "part-00007.jsonl").unlink()
    shard.unlink()
    with pytest.raises(DataError, match=r"part-00001\.jsonl: is not there, and the contract names it"):
        load_set(str(tmp_path / "prepared" / "d"))
