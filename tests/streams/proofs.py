"""Exports streamed from a bucket by the consumers' own libraries, and training that streams: against moto's S3 server (`make streams`).

Order is the same in every run, and a reader that is stopped in the middle of an epoch goes on with the next record.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

CONSUMERS = Path(__file__).parents[1] / "consumers"
sys.path.insert(0, str(CONSUMERS))
import torchvision_env  # noqa: E402, F401 - before anything that imports torchvision

from fixtures.colours import convert_colours  # noqa: E402
from vldata.datasets.dataset import Dataset  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")  # of other people's libraries
COUNT = 48


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A dataset on this machine, which is `s3://bucket/prepared/NAME` as well; its exports are below `s3://bucket/out`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    quiet = subprocess.DEVNULL
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=quiet, stderr=quiet)
    work = tmp_path_factory.mktemp("streams")
    url = f"http://127.0.0.1:{port}"
    os.environ |= {
        "AWS_ENDPOINT_URL": url,
        "S3_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "y",
        "AWS_DEFAULT_REGION": "us-east-1",
        "XDG_CACHE_HOME": str(work / "cache"),
        "no_proxy": "127.0.0.1",
        "OMP_NUM_THREADS": "1",
    }
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(url, timeout=1)
                break
            except OSError:
                time.sleep(0.1)
        import s3fs

        files = s3fs.S3FileSystem()
        files.mkdir("bucket")
        target = Path(convert_colours(work / "prepared", count=COUNT))
        files.put(str(work / "prepared"), "bucket/", recursive=True)
        for form in ("mds", "webdataset", "parquet"):
            more = ["--images", "embed"] if form == "parquet" else []
            run(
                "vldata",
                "export",
                f"s3://bucket/prepared/{target.name}",
                "--to",
                form,
                "--out",
                "s3://bucket/out",
                "--rows-per-shard",
                "10",
                *more,
            )
        yield target
    finally:
        server.terminate()
        server.wait()


def run(module: str, *arguments: str, rc: int = 0) -> str:
    code = f"import torchvision_env, sys; sys.argv[0] = {module!r}; from {module}.cli import main; main()"
    os.environ["PYTHONPATH"] = os.pathsep.join((str(CONSUMERS), os.environ.get("PYTHONPATH", "")))
    call = [sys.executable, "-c", code, *arguments]
    process = subprocess.run(call, text=True, capture_output=True, check=False, timeout=300)
    assert process.returncode == rc, process.stdout + process.stderr
    return process.stdout + process.stderr


def pixels(image: Image.Image) -> str:
    return hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()


def expected(target: Path) -> list[tuple[str, list[str]]]:
    """Every record's id and the pixels of its images."""
    dataset = Dataset(target)
    return [(record.id, [pixels(Image.open(io.BytesIO(dataset.file(name).read()))) for name in record.images]) for record in dataset]


def stream(work: Path, **more: Any) -> Any:
    from streaming import StreamingDataset
    from streaming.base.util import clean_stale_shared_memory

    clean_stale_shared_memory()
    name = more.pop("name")
    given: dict[str, Any] = {
        "remote": f"s3://bucket/out/{name}.mds",
        "local": str(work),
        "batch_size": 4,
        "shuffle": True,
        "shuffle_seed": 7,
    }
    return StreamingDataset(**{**given, "validate_hash": "sha256", **more})


def test_mds_streams_from_a_bucket(bucket: Path, tmp_path: Path) -> None:
    dataset = stream(tmp_path / "a", name=bucket.name, shuffle=False)
    rows = [dataset[number] for number in range(len(dataset))]
    assert [(row["id"], [pixels(image) for image in row["images"]]) for row in rows] == expected(bucket)
    records = [json.loads(line) for path in [bucket.with_name(f"{bucket.name}.jsonl")] for line in path.read_text().splitlines()]
    assert [row["record"] for row in rows] == records


def test_mds_resumes_in_an_epoch_in_the_same_order(bucket: Path, tmp_path: Path) -> None:
    from streaming import StreamingDataLoader

    def ids(loader: Any) -> Iterator[list[str]]:
        return (batch["id"] for batch in loader)

    def collate(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:  # a dict: the loader counts its samples by the first value
        return {name: [row[name] for row in rows] for name in rows[0]}

    def loader(place: str) -> Any:
        dataset = stream(tmp_path / place, name=bucket.name)
        return StreamingDataLoader(dataset, batch_size=4, num_workers=0, collate_fn=collate)

    whole = list(ids(loader("one")))
    order = [name for batch in whole for name in batch]
    assert sorted(order) == sorted(name for name, _ in expected(bucket)) != order
    stopped = loader("two")
    before = list(islice(ids(stopped), 5))
    state = stopped.state_dict()
    after = loader("three")
    after.load_state_dict(state)
    assert before + list(ids(after)) == whole


def test_a_torn_mds_shard_is_refused(bucket: Path, tmp_path: Path) -> None:
    import s3fs

    files, key = s3fs.S3FileSystem(), f"bucket/out/{bucket.name}.mds/shard.00002.mds"
    right = files.cat_file(key)
    try:
        files.pipe_file(key, right[:-7])
        dataset = stream(tmp_path / "torn", name=bucket.name, shuffle=False)
        with pytest.raises(Exception, match=r"(?i)checksum|hash|size"):
            [dataset[number] for number in range(len(dataset))]
    finally:
        files.pipe_file(key, right)


def wds_from(bucket: Path, epoch: int, seed: int, skip: int = 0) -> Iterator[str]:
    """The recipe of docs/remote.md: shards in an order that seed and epoch make, and the first `skip` samples passed over."""
    import random

    import fsspec
    import webdataset as wds

    store = fsspec.filesystem("s3")
    wds.gopen_schemes["s3"] = lambda url, mode, bufsize: store.open(url, mode, block_size=1 << 22)
    shards = sorted(f"s3://{key}" for key in store.glob(f"s3://bucket/out/{bucket.name}.webdataset/*.tar"))
    random.Random(f"{seed}/{epoch}").shuffle(shards)
    samples = wds.WebDataset(shards, shardshuffle=False, empty_check=False)
    return (json.loads(sample["json"])["id"] for sample in islice(samples, skip, None))


def test_webdataset_streams_and_resumes(bucket: Path) -> None:
    whole = list(wds_from(bucket, 0, 7))
    assert sorted(whole) == sorted(name for name, _ in expected(bucket)) and whole != list(wds_from(bucket, 1, 7))
    assert list(wds_from(bucket, 0, 7)) == whole
    assert list(islice(wds_from(bucket, 0, 7), 17)) + list(wds_from(bucket, 0, 7, skip=17)) == whole


def test_parquet_streams_and_resumes(bucket: Path) -> None:
    import datasets

    def open_stream() -> Any:
        files = f"s3://bucket/out/{bucket.name}.parquet/*.parquet"
        return datasets.load_dataset("parquet", data_files=files, split="train", streaming=True).shuffle(seed=7, buffer_size=1)

    whole = [row["id"] for row in open_stream()]
    assert sorted(whole) == sorted(name for name, _ in expected(bucket)) and whole == [row["id"] for row in open_stream()]
    rows = open_stream()
    before = [row["id"] for row in islice(rows, 23)]
    again = open_stream()
    again.load_state_dict(rows.state_dict())
    assert before + [row["id"] for row in again] == whole


def test_energon_reads_the_webdataset(bucket: Path, tmp_path: Path) -> None:
    energon = pytest.importorskip("megatron.energon")
    run("vldata", "export", str(bucket), "--to", "webdataset", "--out", str(tmp_path), "--rows-per-shard", "10")
    folder = tmp_path / f"{bucket.name}.webdataset"
    prepare = ["prepare", "--non-interactive", "--split-ratio", "1,0,0", "--sample-type", "CrudeWebdataset", str(folder)]
    call = [sys.executable, "-c", "from megatron.energon.cli.main import main; main()", *prepare]
    done = subprocess.run(call, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    @energon.stateless
    def cook(sample: dict[str, Any]) -> Any:
        return energon.TextSample(**energon.basic_sample_keys(sample), text=sample["json"]["id"])

    class Encoder(energon.DefaultTaskEncoder):
        cookers = (energon.Cooker(cook),)

    here = energon.WorkerConfig(rank=0, world_size=1, num_workers=0)
    found = energon.get_val_dataset(str(folder), split_part="train", worker_config=here, batch_size=1, task_encoder=Encoder())
    texts = [text for batch in energon.get_loader(found) for text in batch.text]
    assert sorted(texts) == sorted(name for name, _ in expected(bucket))


def test_litdata_streams_the_parquet(bucket: Path, tmp_path: Path) -> None:
    litdata = pytest.importorskip("litdata")
    from litdata.streaming.item_loader import ParquetLoader

    run("vldata", "export", str(bucket), "--to", "parquet", "--out", str(tmp_path), "--rows-per-shard", "10", "--images", "embed")
    folder = str((tmp_path / f"{bucket.name}.parquet").rename(tmp_path / "rows"))  # a folder called .parquet is a file to LitData
    litdata.index_parquet_dataset(folder)
    rows = litdata.StreamingDataset(folder, item_loader=ParquetLoader(), shuffle=False)
    found = [rows[number]["id"] for number in range(len(rows))]
    assert sorted(found) == sorted(name for name, _ in expected(bucket))  # LitData's index has the files in an order of its own


@pytest.mark.parametrize("workers", [0, 2])
def test_vltrain_trains_from_the_bucket_and_resumes_in_an_epoch(bucket: Path, tmp_path: Path, workers: int) -> None:
    from vldata.models.tiny import build_tiny_model

    model = build_tiny_model(tmp_path / "tiny", seed=0)

    def train(data: str, output: str, steps: int, workers: int) -> str:
        recipe = {
            "model": str(model), "data": [data], "output": str(tmp_path / output), "precision": "fp32", "batch_size": 2, "workers": workers,
            "learning_rate": 0.01, "schedule": "constant", "save_steps": 4, "max_steps": steps, "plot": False, "tensorboard": False,
        }  # fmt: skip
        (tmp_path / "r.yaml").write_text(json.dumps(recipe))
        said = run("vltrain", "sft", str(tmp_path / "r.yaml"))
        assert ("Images are read from s3://bucket/prepared" in said) == data.startswith("s3://")
        return hashlib.sha256((tmp_path / output / "adapter_model.safetensors").read_bytes()).hexdigest()

    url = f"s3://bucket/prepared/{bucket.name}"
    train(url, "there", 5, workers)
    assert train(url, "there", 9, workers) == train(str(bucket), "here", 9, 0)
    cache = Path(os.environ["XDG_CACHE_HOME"]) / "vlkit" / "remote" / "read" / "s3" / "bucket" / "prepared"
    assert (cache / f"{bucket.name}.jsonl").is_file() and not list((tmp_path / "there").rglob("*.png"))
