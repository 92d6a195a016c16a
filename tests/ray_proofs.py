"""The proofs of the Ray engine: a cluster of several nodes on this machine, one of which is killed (`make ray`)."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ray = pytest.importorskip("ray", reason="the extra `ray` is not installed")
from ray.cluster_utils import Cluster  # noqa: E402 - after the skip

from fixtures.openeqa import draw_openeqa  # noqa: E402


def files(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in folder.rglob("*") if p.is_file()}


def vldata(*arguments: str, rc: int = 0, env: dict[str, str] | None = None) -> str:
    call = [sys.executable, "-m", "vldata", *arguments]
    done = subprocess.run(call, capture_output=True, text=True, timeout=240, env={**os.environ, **(env or {})}, check=False)
    assert done.returncode == rc, done.stdout + done.stderr
    return done.stdout + done.stderr


def convert(source: Path, out: Path, *more: str) -> list[str]:
    return ["convert", "openeqa", str(source), "--frames", "12", "--out", str(out), "--max-rejects", "1", *more]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_openeqa(tmp_path_factory.mktemp("source") / "open-eqa", size=(1280, 720))


@pytest.fixture(scope="module")
def local(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("local") / "prepared"
    vldata(*convert(source, out))
    return out


@pytest.fixture
def cluster() -> Iterator[Any]:
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    yield made
    made.shutdown()


def test_a_cluster_gives_the_bytes_of_the_local_engine(cluster: Any, source: Path, local: Path, tmp_path: Path) -> None:
    cluster.add_node(num_cpus=1)
    out, address = tmp_path / "prepared", cluster.address
    vldata(*convert(source, out, "--engine", "ray", "--ray-address", address))
    assert files(out) == files(local)
    assert "No findings." in vldata("validate", str(out), "--engine", "ray", "--ray-address", address)
    vldata("split", str(out / "openeqa"), "--test", "4", "--val", "4", "--group-by", "scene")
    there = vldata("certify", str(out / "openeqa"), "--engine", "ray", "--ray-address", address)
    assert there == vldata("certify", str(out / "openeqa")) and "FAILS" not in there


def test_a_killed_node_costs_its_units_alone(cluster: Any, source: Path, local: Path, tmp_path: Path) -> None:
    doomed = cluster.add_node(num_cpus=1)
    out, began, killed = tmp_path / "prepared", time.monotonic(), []

    def kill() -> None:
        while not list((out / "images").glob("*/*")) and time.monotonic() - began < 120:
            time.sleep(0.05)
        killed.append(len(list((out / "images").glob("*/*"))))
        cluster.remove_node(doomed, allow_graceful=False)

    killer = threading.Thread(target=kill)
    killer.start()
    vldata(*convert(source, out, "--engine", "ray", "--ray-address", cluster.address))
    killer.join()
    assert 0 < killed[0] < len(list((out / "images").glob("*/*")))  # it was in the middle of the work
    assert files(out) == files(local)


def test_a_cluster_that_goes_away_is_one_line_and_the_command_goes_on(cluster: Any, source: Path, local: Path, tmp_path: Path) -> None:
    out = tmp_path / "prepared"
    call = [sys.executable, "-m", "vldata", *convert(source, out, "--engine", "ray", "--ray-address", cluster.address)]
    running = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    for _ in range(2_000):
        if list((out / "images").glob("*/*")):
            break
        time.sleep(0.05)
    cluster.shutdown()
    said = running.communicate(timeout=280)[0]
    assert running.returncode != 0 and "Traceback" not in said, said
    assert "and run the same command again" in said, (running.returncode, said)
    assert not (out / "dataset_info.json").exists()
    vldata(*convert(source, out))  # on the local engine: the same conversion
    assert files(out) == files(local)


def test_an_address_where_nobody_listens(source: Path, local: Path, tmp_path: Path) -> None:
    said = vldata(*convert(source, tmp_path / "out", "--engine", "ray", "--ray-address", "127.0.0.1:1"), rc=1)
    assert "no Ray cluster 127.0.0.1:1" in said and "Traceback" not in said
    assert "--engine ray" in vldata("validate", str(local), "--ray-address", "auto", rc=2)


def test_a_node_that_does_not_see_the_files_ends_the_run(tmp_path: Path) -> None:
    from vldata.media.ray_pool import RayTask, builds, serve
    from vldata.media.worker import Setup

    setup = Setup("vldata.media.inspect:open_inspector", None, None)
    said = serve(RayTask(setup, 10.0, ((str(tmp_path / "absent"), 5, 5),), builds()), [(0, "x")])
    assert isinstance(said, Exception) and "does not see it" in str(said)
    said = serve(RayTask(setup, 10.0, (), builds() | {"pillow": "1.0"}), [(0, "x")])
    assert isinstance(said, Exception) and "its bytes would be others" in str(said)
