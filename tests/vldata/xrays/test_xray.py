"""The command over a trainer of our own making, run as the real ones are: by a Python, as a process, by its probe."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

import vldata
from fixtures.browser import find_chromium
from vldata.errors import DataError, UsageError
from vldata.records.schema import load_schema
from vldata.xrays import cases, environments, running
from vldata.xrays.environments import Trainer
from vldata.xrays.running import _environment, run_probe

HERE = Path(__file__).parent


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> str:
    """A trainer named trl, whose environment is this one, and whose probe is fake_probe.py."""
    monkeypatch.setitem(environments.TRAINERS, "trl", Trainer("Fake", "fake", "vldata.xrays.probes.fake"))
    copy = running.copy_probes

    def with_fake(folder: Path) -> Path:
        copy(folder)
        shutil.copyfile(HERE / "fake_probe.py", folder / "vldata/xrays/probes/fake.py")
        return folder

    monkeypatch.setattr(running, "copy_probes", with_fake)
    return f"trl={sys.executable}"


def test_a_trainer_beside_ours(prepared: Path, model: Path, fake: str, tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    for name in ("json", "hashlib", "numpy", "vldata"):  # a data folder's modules are never run
        (prepared / f"{name}.py").write_text("raise SystemExit('ran')")
    result = vldata.xray(str(prepared / "openeqa"), as_="ours,trl", rows="1-2", model=model, env=(fake,), out=page)
    assert not result.ok
    lines = "\n".join(result.lines())
    assert "Fake: first divergence in row 1: labels on prompt: learns '<|im_start|>user" in lines
    assert "vltrain: no divergence" in lines
    document = result.document()
    jsonschema.Draft202012Validator(load_schema("xray")).validate(json.loads(json.dumps(document)))
    ours, theirs = document["records"][0]["views"]
    assert len(ours["made"]["ids"]) == document["records"][0]["predicted"]["tokens"]
    assert sum(span["vision"] for span in ours["spans"]) == sum(document["records"][0]["predicted"]["vision"])
    assert [one["kind"] for one in theirs["divergences"]] == ["labels on prompt", "labels on images"]
    assert [one["kind"] for one in document["records"][1]["views"][1]["divergences"]] == ["crash"]
    first = document["consumers"][1]["first"]
    assert (first["row"], first["divergence"]["kind"]) == (1, "labels on prompt")
    assert document["consumers"][0]["first"] is None
    assert document["consumers"][1]["versions"]["msgspec"] and "no-such-package" not in document["consumers"][1]["versions"]
    text = page.read_text()
    assert "<script>alert" not in text and "&lt;/script&gt;" in text and "data:image/webp" in text
    assert "http://" not in text and "https://" not in text


def test_a_trainer_that_cannot_be_loaded_is_named_and_nothing_is_called_the_same(prepared: Path, model: Path, fake: str) -> None:
    given = {"as_": "ours,trl,swift", "rows": "1", "model": model, "env": (fake,), "set_": ("trl.broken=true",)}
    result = vldata.xray(prepared / "openeqa", envs=prepared / "none", **given)
    lines = list(result.lines())
    assert not result.ok
    assert "Fake: not asked: RuntimeError: cannot import name 'Trainer'" in lines
    assert any(line.startswith("ms-swift: not asked: no environment with ms-swift. Make one: vldata xray --setup swift") for line in lines)


def test_rows_of_a_file_that_is_not_ours(tmp_path: Path, model: Path, prepared: Path) -> None:
    image = next((prepared / "images").rglob("*.jpg"), None) or next((prepared / "images").rglob("*.png"))
    shutil.copy(image, tmp_path / "a.png")
    turns = [{"role": "user", "content": "<image>What?"}, {"role": "assistant", "content": "This."}]
    rows = [
        {"messages": turns, "images": ["a.png"]},
        {"messages": turns[:1], "images": ["a.png"]},
        {"messages": turns, "images": ["no.png"]},
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + "{broken\n")
    result = vldata.xray(tmp_path / "rows.jsonl", as_="ours", rows="1-4", model=model)
    records = result.document()["records"]
    assert [bool(record["views"][0]["made"]["ids"]) for record in records] == [True, False, False, False]
    assert [record["note"].split(":")[0] for record in records] == ["", "not converted", "not converted", "the line is no row"]
    assert "no.png" in records[2]["note"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"rows": "0"}, "is no number of a row"),
        ({"rows": "1-x"}, "is no number of a row"),
        ({"rows": "1-9999999"}, "is more than 50 rows"),
        ({"rows": ","}, "names no row"),
        ({"as_": "ours,lamafactory"}, "no probe for 'lamafactory'.*llamafactory"),
        ({"env": ("trl",)}, "is no NAME=PATH"),
        ({"env": ("trl=/nonexistent",)}, "no Python in"),
        ({"set_": ("max_length=3",)}, "is no NAME.KEY=VALUE"),
        ({"out": Path("/nonexistent/x.html")}, "no folder for"),
        ({"setup": "ours"}, "runs in this environment"),
        ({"as_": "swift", "envs": Path("/nonexistent")}, "none of the trainers can be asked"),
    ],
)
def test_wrong_calls(given: dict[str, object], said: str, prepared: Path) -> None:
    with pytest.raises(UsageError, match=said):
        vldata.xray(prepared / "openeqa", **given)  # type: ignore[arg-type]


def test_nothing_to_look_at(prepared: Path, model: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to look at"):
        vldata.xray()
    with pytest.raises(DataError, match="is not there"):
        vldata.xray(tmp_path / "nothing", as_="ours", model=model)
    with pytest.raises(DataError, match="none of the rows asked for"):
        vldata.xray(prepared / "openeqa", as_="ours", rows="999", model=model)
    partly = vldata.xray(prepared / "openeqa", as_="ours", model=model, rows="1,999")
    assert "Not there: row 999." in list(partly.asides())
    with pytest.raises(DataError, match="is no model folder"):
        vldata.xray(prepared / "openeqa", as_="ours", model=tmp_path / "nothing")


def test_rows_of_which_nobody_makes_anything_are_not_the_same(model: Path, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"messages": \n7\n')
    result = vldata.xray(tmp_path / "rows.jsonl", as_="ours", rows="1-2", model=model)
    assert not result.ok and "not given to it" in "\n".join(result.lines())


def test_no_model_of_its_own_code(model: Path, tmp_path: Path, prepared: Path) -> None:
    own = Path(shutil.copytree(model, tmp_path / "own"))
    (own / "config.json").write_text(json.dumps({"model_type": "x", "auto_map": {"AutoModel": "evil.Model"}}))
    with pytest.raises(DataError, match="names code of the model's own"):
        vldata.xray(prepared / "openeqa", as_="ours", model=own)


def test_a_model_whose_images_are_cut_otherwise_is_refused(model: Path, tmp_path: Path, prepared: Path) -> None:
    own = Path(shutil.copytree(model, tmp_path / "own"))
    (own / "config.json").write_text(json.dumps({"model_type": "gemma3"}))
    with pytest.raises(DataError, match="is of type 'gemma3', and how its processor cuts images is not known"):
        vldata.xray(prepared / "openeqa", as_="ours", model=own)


def test_probes_that_fail(tmp_path: Path) -> None:
    def script(text: str) -> Path:
        file = tmp_path / "python"
        file.write_text(f"#!/bin/sh\n{text}\n")
        file.chmod(0o755)
        return file

    job = {"model": "", "settings": {}, "root": ".", "rows": []}
    ran = [
        run_probe(script(text), "vldata.xrays.probes.trl", tmp_path / str(number), job, timeout_s=1).error
        for number, text in enumerate(("echo Killed >&2; exit 137", "sleep 30", "echo '{\"rows\": 3}' > result.json"))
    ]
    assert ran[0] == "the probe ended with 137: Killed"
    assert ran[1].startswith("the probe ended with no end after 1 s")
    assert ran[2].startswith("the probe wrote what is no result")
    assert "cannot be started" in run_probe(tmp_path / "none", "x", tmp_path / "3", job, timeout_s=1).error


def test_probes_run_with_nothing_else_of_ours_and_offline(tmp_path: Path) -> None:
    file = tmp_path / "python"
    file.write_text('#!/bin/sh\nenv > seen; find "$PYTHONPATH" -name "*.py" > files\n')
    file.chmod(0o755)
    run_probe(file, "vldata.xrays.probes.trl", tmp_path / "out", {}, timeout_s=5)
    seen = dict(line.split("=", 1) for line in (tmp_path / "out/seen").read_text().splitlines() if "=" in line)
    assert (seen["HF_HUB_OFFLINE"], seen["PYTHONSAFEPATH"]) == ("1", "1")
    files = (tmp_path / "out/files").read_text().split()
    assert files and all("/probes/" in name.split("/out/")[1] or name.endswith("__init__.py") for name in files)


def test_probes_get_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VLEVAL_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "DB_PASSWORD", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.setenv(name, "hunter2-hunter2")
    assert "hunter2-hunter2" not in _environment("vldata.xrays.probes.trl", tmp_path).values()


def test_setup_installs_pinned_versions_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[list[str]] = []
    monkeypatch.setattr(environments.shutil, "which", lambda name: None)
    monkeypatch.setattr(environments.subprocess, "run", lambda step, **_: ((tmp_path / "swift").mkdir(exist_ok=True), steps.append(step)))
    environments.set_up("swift", tmp_path, lambda _: None)
    assert [step[1:3] for step in steps] == [["-m", "venv"], ["-m", "pip"], ["-m", "pip"], ["-m", "pip"]]
    assert "ms-swift==4.6.0" in steps[2] and steps[3][-2:] == ["--no-deps", "torchvision==0.29.2"]
    environments.set_up("swift", tmp_path, lambda _: None)
    assert len(steps) == 4

    def fail(step: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(1, step, stderr="No matching distribution")

    monkeypatch.setattr(environments.subprocess, "run", fail)
    with pytest.raises(DataError, match="No matching distribution"):
        environments.set_up("trl", tmp_path, lambda _: None)


def test_the_numbers_of_rows() -> None:
    assert cases.parse_rows("3, 1-2,2") == [1, 2, 3]


def test_a_result_says_what_was_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments, "set_up", lambda name, folder, tell: folder / name)
    result = vldata.xray(setup="trl", envs=tmp_path)
    assert result.ok and list(result.lines()) == [f"Made: {tmp_path / 'trl'}"]
    assert result.document() == {"made": [str(tmp_path / "trl")]}


@pytest.mark.skipif(find_chromium() is None, reason="needs chromium")
def test_the_page_opens_without_a_fault(prepared: Path, model: Path, fake: str, tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    vldata.xray(prepared / "openeqa", as_="ours,trl", rows="1", model=model, env=(fake,), out=page)
    command = [str(find_chromium()), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile", "--dump-dom"]
    dom = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=120, check=True).stdout
    assert dom.count("<figure>") == 2 * 3 and 'class="learned"' in dom
