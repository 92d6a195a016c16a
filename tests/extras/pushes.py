"""`vldata export --to hf --push` against a hub on loopback, with the real `datasets` and `huggingface_hub`: `make extras`."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import vldata
from fixtures.rows import ROWS, write_rows
from tests.extras.fake_hub import Hub, hub

pytest.importorskip("datasets", reason="make extras installs it")
TOKEN = "hf_" + "aVerySecretToken" * 2


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("push")
    rows = [{**ROWS["llava"][0], "id": str(number)} for number in range(3)]
    vldata.convert("sharegpt", write_rows(root / "talk.jsonl", rows), out=root / "prepared", workers=1)
    return root / "prepared"


def push(prepared: Path, out: Path, server: Hub, *options: str) -> subprocess.CompletedProcess[str]:
    given = {
        "HF_ENDPOINT": server.url,
        "HF_TOKEN": TOKEN,
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(out / "home"),
        "HF_HUB_ETAG_TIMEOUT": "2",
    }
    command = ["export", str(prepared / "talk"), "--to", "hf", "--push", "me/data", "--out", str(out), *options]
    ran = subprocess.run(
        [sys.executable, "-m", "vldata", *command], capture_output=True, text=True, timeout=240, env={**os.environ, **given}, check=False
    )
    assert TOKEN not in ran.stdout + ran.stderr, "the token is printed"
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def test_a_dataset_is_pushed_with_its_card(prepared: Path, tmp_path: Path) -> None:
    with hub() as server:
        ran = push(prepared, tmp_path, server, "--license", "cc-by-4.0")
        assert ran.returncode == 0, ran.stderr
        assert server.private is True and server.tokens == {f"Bearer {TOKEN}"}
        (name,) = [name for name in server.files if name.endswith(".parquet")]
        rows = pl.read_parquet(io.BytesIO(server.files[name])).to_dicts()
        assert [row["id"] for row in rows] == [record.id for record in vldata.read(prepared / "talk")]
        card = server.files["README.md"].decode()
        assert "license: cc-by-4.0" in card and "dataset_info" in card and "How it was made" in card
        assert TOKEN not in card and 'load_dataset("me/data"' in ran.stdout


def test_everybody_may_see_it_only_by_an_option(prepared: Path, tmp_path: Path) -> None:
    with hub() as server:
        assert push(prepared, tmp_path, server, "--public").returncode == 0
        assert server.private is False


def test_a_repository_that_everybody_sees_is_not_written_to_unasked(prepared: Path, tmp_path: Path) -> None:
    with hub() as server:
        server.private = False
        ran = push(prepared, tmp_path, server)
        assert ran.returncode == 1 and "everybody can see it" in ran.stderr and "--public" in ran.stderr
        assert not server.files and not any("preupload" in path for path in server.asked)
        assert push(prepared, tmp_path, server, "--public").returncode == 0 and server.files


@pytest.mark.parametrize("step", ["create", "preupload", "lfs", "put", "commit"])
@pytest.mark.parametrize("status", [401, 403, 409])
def test_a_refusal_is_one_clear_line_and_nothing_is_called_done(step: str, status: int, prepared: Path, tmp_path: Path) -> None:
    with hub(**{step: status}) as server:
        ran = push(prepared, tmp_path, server)
        if (step, status) == ("create", 409):  # the repository is there already, which is no refusal
            assert ran.returncode == 0 and server.files
            return
        assert ran.returncode == 1 and "load_dataset" not in ran.stdout
        (line,) = [line for line in ran.stderr.splitlines() if "cannot be uploaded" in line]
        assert line.startswith("me/data: ") and str(status) in line and "hf auth login" in ran.stderr
        assert not server.files


def test_a_card_that_is_refused_is_an_error_that_says_what_is_there(prepared: Path, tmp_path: Path) -> None:
    with hub(card=403) as server:
        ran = push(prepared, tmp_path, server)
        assert ran.returncode == 1 and "the card cannot be uploaded" in ran.stderr and "The dataset is uploaded." in ran.stderr
        assert "load_dataset" not in ran.stdout
