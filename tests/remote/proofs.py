"""The proofs of remote storage: commands as a user runs them, against moto's S3 server, with faults between (`make remote`)."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.openeqa import draw_openeqa
from tests.remote.proxy import Proxy, error

SECRET = "a-secret-key-of-the-proofs"
COMMAND = (
    "import sys, vldata.remote.refusals as r; r.PATIENCE_S = {patience}; from {module}.cli import main; sys.argv[0] = '{module}'; main()"
)


class Bucket:
    """A bucket on the server, as somebody else sees it, and commands run against it through the proxy."""

    def __init__(self, proxy: Proxy, direct: int, work: Path) -> None:
        self.proxy, self.work = proxy, work
        self._port = direct
        import s3fs

        self.fs: Any = s3fs.S3FileSystem(
            key="x", secret="y", endpoint_url=f"http://127.0.0.1:{direct}", use_listings_cache=False, skip_instance_cache=True
        )
        self.name = f"b{hashlib.sha256(str(work).encode()).hexdigest()[:12]}"
        self.fs.mkdir(self.name)

    def url(self, key: str) -> str:
        return f"s3://{self.name}/{key}"

    def objects(self, prefix: str) -> dict[str, str]:
        found = self.fs.find(f"{self.name}/{prefix}")
        return {key.removeprefix(f"{self.name}/{prefix}/"): hashlib.sha256(self.fs.cat_file(key)).hexdigest() for key in found}

    def start(self, *arguments: str, module: str = "vldata", patience: float = 20, cache: str = "cache") -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.proxy.port}",
            "AWS_ACCESS_KEY_ID": "testing-key-id",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "XDG_CACHE_HOME": str(self.work / cache),
            "no_proxy": "127.0.0.1",
        }
        call = [sys.executable, "-c", COMMAND.format(module=module, patience=patience), *arguments]
        pipe = subprocess.PIPE
        return subprocess.Popen(call, env=environment, cwd=self.work, text=True, stdout=pipe, stderr=pipe)

    def run(self, *arguments: str, rc: int = 0, **more: Any) -> str:
        """Run a command to its end; what it printed, which never holds a secret."""
        process = self.start(*arguments, **more)
        out, err = process.communicate(timeout=240)
        said = out + err
        assert process.returncode == rc, said
        assert SECRET not in said and "testing-key-id" not in said and "Traceback" not in said, said
        return said


@pytest.fixture(scope="module")
def server() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/moto-api/", timeout=5).close()
            break
        except OSError:
            time.sleep(0.1)
    yield port
    process.terminate()
    process.wait(10)


@pytest.fixture
def bucket(server: int, tmp_path: Path) -> Iterator[Bucket]:
    proxy = Proxy(server)
    yield Bucket(proxy, server, tmp_path)
    proxy.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_openeqa(tmp_path_factory.mktemp("source") / "open-eqa", size=(384, 216))


@pytest.fixture(scope="module")
def local(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("local") / "prepared"
    subprocess.run([sys.executable, "-m", "vldata", *convert(source, str(out))], check=True, capture_output=True)
    return out


def convert(source: Path | str, out: str, *more: str) -> list[str]:
    return ["convert", "openeqa", str(source), "--frames", "3", "--out", out, "--max-rejects", "1", *more]


def files(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def test_every_command_reads_and_writes_a_bucket(bucket: Bucket, source: Path, local: Path) -> None:
    prepared = bucket.url("runs/prepared")
    said = bucket.run(*convert(source, prepared))
    assert f"Registered 'openeqa' in {prepared}/dataset_info.json" in said
    assert bucket.objects("runs/prepared") == files(local)
    assert "No findings." in bucket.run("validate", prepared)
    assert "openeqa" in bucket.run("info", prepared) and "records" in bucket.run("stats", f"{prepared}/openeqa")
    bucket.run("split", f"{prepared}/openeqa", "--test", "4", "--val", "4", "--group-by", "scene")
    assert "FAILS" not in bucket.run("certify", f"{prepared}/openeqa")
    bucket.run("sample", f"{prepared}/openeqa", "-n", "3")
    bucket.run("mix", f"{prepared}/openeqa=0.5", f"{prepared}/openeqa_sample=2")
    bucket.run("preview", f"{prepared}/openeqa_train")
    for form in ("llamafactory", "parquet", "webdataset"):
        bucket.run("export", f"{prepared}/openeqa_train", "--to", form)
    there = bucket.objects("runs/prepared")
    assert "openeqa_train.preview.html" in there and "exports/llamafactory/dataset_info.json" in there
    assert {"openeqa", "openeqa_train", "openeqa_val", "openeqa_test", "openeqa_sample", "mix"} == set(
        json.loads(bucket.fs.cat_file(f"{bucket.name}/runs/prepared/dataset_info.json"))
    )
    rows = [json.loads(line) for line in (local / "openeqa.jsonl").read_text().splitlines()]
    with bucket.fs.open(f"{bucket.name}/runs/preds.jsonl", "w") as out:
        out.writelines(json.dumps({"id": row["id"], "prediction": row["references"][0]}) + "\n" for row in rows)
    scored = bucket.run(
        "score", bucket.url("runs/preds.jsonl"), "--data", f"{prepared}/openeqa", "--metric", "exact_match", module="vleval"
    )
    assert "exact_match = 1.0000" in scored
    assert "No findings." in bucket.run("validate", prepared)


def test_a_source_in_a_bucket_gives_the_bytes_of_a_local_one(bucket: Bucket, source: Path, local: Path) -> None:
    bucket.fs.put(f"{source}/", f"{bucket.name}/in/open-eqa/", recursive=True)
    bucket.run(*convert(bucket.url("in/open-eqa"), bucket.url("out")))
    assert bucket.objects("out") == files(local)
    bucket.proxy.calm()
    bucket.run(*convert(bucket.url("in/open-eqa"), bucket.url("out")))
    assert bucket.proxy.seen["GET"] <= 6  # nothing is fetched again but the registry


@pytest.mark.parametrize("after", [0, 1, 7, 20, -6, -4, -2])
def test_a_killed_upload_registers_nothing_and_the_same_command_finishes_it(bucket: Bucket, source: Path, local: Path, after: int) -> None:
    puts = len(files(local))
    fatal = after if after >= 0 else puts + after
    process: list[subprocess.Popen[str]] = []

    def kill(method: str, path: str) -> None:
        if method == "PUT" and bucket.proxy.seen["PUT"] > fatal and process:
            process[0].send_signal(signal.SIGKILL)

    bucket.proxy.after = kill
    process.append(bucket.start(*convert(source, bucket.url("out"))))
    process[0].communicate(timeout=120)
    assert process[0].returncode == -signal.SIGKILL
    assert "dataset_info.json" not in bucket.objects("out")
    bucket.proxy.calm()
    assert "no dataset_info.json here" in bucket.run("validate", bucket.url("out"), rc=1, cache="another")
    assert "another command was interrupted" in bucket.run(*convert(source, bucket.url("out"), "--limit", "3"), rc=1)
    sent = len(bucket.objects("out"))
    bucket.proxy.calm()
    assert "Going on with the upload" in bucket.run(*convert(source, bucket.url("out")))
    assert bucket.objects("out") == files(local)
    assert bucket.proxy.seen["PUT"] <= puts - max(0, sent - 4) + 1  # what was sent is not sent again


def test_a_dataset_that_is_replaced_is_whole_or_not_registered(bucket: Bucket, source: Path) -> None:
    bucket.run(*convert(source, bucket.url("out"), "--limit", "4"))
    process: list[subprocess.Popen[str]] = []

    def kill(method: str, path: str) -> None:
        if method == "PUT" and path.split("?")[0].endswith("openeqa.jsonl") and process:
            process[0].send_signal(signal.SIGKILL)

    bucket.proxy.after = kill
    process.append(bucket.start(*convert(source, bucket.url("out"), "--overwrite")))
    process[0].communicate(timeout=120)
    bucket.proxy.calm()
    said = bucket.run("validate", bucket.url("out/openeqa"), rc=1, cache="another")
    assert "no dataset 'openeqa' here" in said
    bucket.run(*convert(source, bucket.url("out"), "--overwrite"))
    assert "No findings." in bucket.run("validate", bucket.url("out"), cache="third")


def test_a_busy_store_is_asked_again_and_then_named(bucket: Bucket, source: Path, local: Path) -> None:
    counter = iter(range(1_000_000))
    bucket.proxy.before = lambda method, path: error(503, "SlowDown") if next(counter) % 3 == 0 else None
    bucket.run(*convert(source, bucket.url("out")))
    bucket.proxy.calm()
    assert bucket.objects("out") == files(local)
    bucket.proxy.before = lambda method, path: error(503, "SlowDown") if method == "PUT" else None
    said = bucket.run(*convert(source, bucket.url("other")), rc=1, patience=3)
    assert "is busy" in said and "same command again" in said
    assert "dataset_info.json" not in bucket.objects("other")


def test_refusals_are_one_sentence(bucket: Bucket, source: Path) -> None:
    assert "there is no bucket 'no-such-bucket'" in bucket.run("stats", "s3://no-such-bucket/a/b", rc=1)
    bucket.proxy.before = lambda method, path: error(403, "AccessDenied")
    assert "the store refuses" in bucket.run("stats", bucket.url("a/b"), rc=1)
    assert "the store refuses" in bucket.run(*convert(source, bucket.url("out")), rc=1)


def test_torn_bodies_are_fetched_again(bucket: Bucket, source: Path) -> None:
    bucket.run(*convert(source, bucket.url("out")))
    counter = iter(range(1_000_000))
    bucket.proxy.tear = lambda method, path: method == "GET" and next(counter) % 2 == 0
    assert "No findings." in bucket.run("validate", bucket.url("out"), cache="another", patience=60)
    bucket.proxy.tear = lambda method, path: method == "GET"
    said = bucket.run("validate", bucket.url("out"), rc=1, cache="third", patience=3)
    assert "drops the connection" in said or "bytes came" in said


def test_damaged_pictures_are_not_taken(bucket: Bucket, source: Path, local: Path) -> None:
    bucket.run(*convert(source, bucket.url("out")))
    picture = next(name for name in files(local) if name.startswith("images/"))
    bucket.fs.pipe_file(f"{bucket.name}/out/{picture}", b"x" * (local / picture).stat().st_size)
    said = bucket.run("validate", bucket.url("out"), rc=1, cache="another", patience=2)
    assert "are not those of its name" in said


def test_an_object_that_changes_while_it_is_read_is_named(bucket: Bucket, source: Path) -> None:
    bucket.fs.pipe_file(f"{bucket.name}/in/rows.jsonl", b"{}\n" * 100)
    counter = iter(range(1_000_000))

    def change(method: str, path: str) -> None:
        if "rows.jsonl" in path and method == "HEAD":
            bucket.fs.pipe_file(f"{bucket.name}/in/rows.jsonl", b"{ }\n" * (100 + next(counter)))

    bucket.proxy.after = change
    said = bucket.run("convert", "jsonl", bucket.url("in/rows.jsonl"), "--out", "x", rc=1, patience=5)
    assert "changed while it was fetched" in said or "bytes came" in said


def test_two_machines_register_in_one_folder(bucket: Bucket, source: Path) -> None:
    both = [bucket.start(*convert(source, bucket.url("out"), "--name", name), cache=name) for name in ("first", "second")]
    for process in both:
        out, err = process.communicate(timeout=240)
        assert process.returncode == 0, out + err
    assert set(json.loads(bucket.fs.cat_file(f"{bucket.name}/out/dataset_info.json"))) == {"first", "second"}
    assert "No findings." in bucket.run("validate", bucket.url("out"))


def test_what_is_somebodys_own_is_not_overwritten(bucket: Bucket, source: Path) -> None:
    bucket.fs.pipe_file(f"{bucket.name}/out/openeqa.jsonl", b"mine\n")
    said = bucket.run(*convert(source, bucket.url("out")), rc=1)
    assert "is there already" in said and bucket.fs.cat_file(f"{bucket.name}/out/openeqa.jsonl") == b"mine\n"


def test_hostile_keys_and_names_lead_nowhere(bucket: Bucket, source: Path) -> None:
    bucket.run(*convert(source, bucket.url("out")))
    media = f"{bucket.name}/out/openeqa.media.jsonl"
    lines = bucket.fs.cat_file(media).decode().splitlines()
    line = json.loads(lines[0])
    bucket.fs.pipe_file(media, (json.dumps({**line, "path": "../../../evil.png"}) + "\n").encode())
    for command in (["validate", bucket.url("out")], ["export", bucket.url("out/openeqa"), "--to", "openai"]):
        assert "climbs" in bucket.run(*command, rc=1, cache="another")
    bucket.fs.pipe_file(media, ("\n".join(lines) + "\n").encode())
    contract = f"{bucket.name}/out/openeqa.contract.json"
    told = json.loads(bucket.fs.cat_file(contract))
    told["files"][0]["name"] = "../secret.jsonl"
    bucket.fs.pipe_file(contract, json.dumps(told).encode())
    assert "which is none of" in bucket.run("stats", bucket.url("out/openeqa"), rc=1, cache="third")
    bucket.fs.pipe_file(f"{bucket.name}/tree/a", b"1")
    bucket.fs.pipe_file(f"{bucket.name}/tree/a/b", b"2")
    assert "at once" in bucket.run("convert", "images", bucket.url("tree"), "--out", "x", rc=1)
    assert not list(bucket.work.rglob("evil.png"))


def test_requests_are_few(bucket: Bucket, source: Path) -> None:
    bucket.run(*convert(source, bucket.url("out")))
    bucket.proxy.calm()
    bucket.run("stats", bucket.url("out/openeqa"), cache="another")
    assert bucket.proxy.seen["LIST"] <= 2 and sum(bucket.proxy.seen.values()) <= 15, bucket.proxy.seen
    bucket.proxy.calm()
    bucket.run("stats", bucket.url("out/openeqa"), cache="another")
    assert bucket.proxy.seen["GET"] == 0, bucket.proxy.seen


def test_a_lost_part_of_a_large_object_is_sent_again(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    from vldata.files.urls import find_url
    from vldata.remote.store import Store

    for name, value in (("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "y"), ("AWS_DEFAULT_REGION", "us-east-1")):
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{bucket.proxy.port}")
    file = bucket.work / "large.bin"
    file.write_bytes(os.urandom(1 << 20) * 101)
    lost = iter([True])
    bucket.proxy.before = lambda method, path: (
        error(400, "InvalidPart") if method == "POST" and "uploadId=" in path and next(lost, False) else None
    )
    url = find_url(bucket.url("large.bin"))
    assert url is not None
    found = Store(url).put(file, url)
    assert found.size == file.stat().st_size and "-" in found.mark  # sent in parts
    assert bucket.fs.cat_file(url.full) == file.read_bytes()
