"""`vldata preview`, `leaks` and `pii` as a user sees them."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from vldata.cli import main


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *args: str) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["vldata", *args])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


@pytest.fixture
def here(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(prepared.parent)
    return prepared


def test_preview(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = call(capsys, monkeypatch, "preview", "prepared/openeqa", "--limit", "9", "--workers", "1")
    assert code == 0 and out.startswith("9 records, ") and "prepared/openeqa.preview.html (" in out
    assert err == "9 of 28 records are shown: a sample with seed 0. --limit shows more.\n"
    assert (here / "openeqa.preview.html").stat().st_size > 1_000
    code, out, _ = call(capsys, monkeypatch, "preview", "prepared/openeqa", "--out", "page.html", "--workers", "1", "--json")
    document = json.loads(out)
    assert code == 0 and (document["path"], document["shown"], document["notes"]) == ("page.html", 28, [])
    code, _, err = call(capsys, monkeypatch, "preview", "prepared/openeqa", "--out", "nowhere/page.html")
    assert code == 2
    assert err == "nowhere/page.html: the page cannot be put here.\n  Name a file in a folder that is there: --out page.html\n"


def test_leaks(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(here, here.parent / "other")
    code, out, _ = call(capsys, monkeypatch, "leaks", "prepared/openeqa", "other/openeqa", "--workers", "1")
    lines = out.splitlines()
    assert code == 1 and lines[0].startswith("prepared/openeqa and other/openeqa: ") and lines[1] == "       18 the same pictures"
    assert "       25 whole examples (texts and pictures)" in lines
    code, out, _ = call(capsys, monkeypatch, "leaks", "prepared/openeqa", "other/openeqa", "--workers", "1", "--json")
    (document,) = json.loads(out)
    assert code == 1 and document["counts"]["picture"] == 18 and document["leaks"][0]["first"]["at"].startswith("openeqa.jsonl:")
    code, _, err = call(capsys, monkeypatch, "leaks", "prepared/openeqa")
    assert code == 2 and err.startswith("one dataset has nothing to be compared with.\n")


def test_pii(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(capsys, monkeypatch, "pii", "prepared/openeqa") == (0, "28 records, no findings.\n", "")
    path = here / "openeqa.jsonl"
    path.write_text(path.read_text().replace('"content":"', '"content":"13812345678 ', 1))
    code, out, _ = call(capsys, monkeypatch, "pii", "prepared/openeqa")
    assert code == 1
    assert out == (
        "VL042 phone number (1)\n"
        "  prepared/openeqa.jsonl:1: [openeqa/00000000-0000-4000-8000-000000000000] messages[0]: 138…78.\n"
        "  Cure: Remove it from the source, or train on the copy that `vldata pii DIR/NAME --redact` makes.\n"
        "28 records, 1 finding.\n"
    )
    code, _, err = call(capsys, monkeypatch, "pii", "prepared/openeqa", "--redact")
    assert code == 1 and "was changed after the conversion" in err


def test_a_redacted_copy(here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = call(capsys, monkeypatch, "pii", "prepared/openeqa", "--redact", "--as", "clean", "--json")
    assert (code, json.loads(out)["redacted"]) == (0, "clean")
    assert err == "Registered 'clean': 0 of 28 records changed.\n"
    assert (here / "clean.jsonl").read_bytes() == (here / "openeqa.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("cutoff", "sentence"),
    [
        ("1", "No budget fits them all: the longest text alone has 25 tokens. Raise --cutoff, or filter by tokens."),
        ("40", "at the dataset's own not one picture fits next to the longest text. Raise --cutoff."),
        ("200", "at the dataset's own at most 2 pictures a record fit. Take fewer, or raise --cutoff."),
    ],
)
def test_a_cutoff_that_no_budget_fits(
    cutoff: str, sentence: str, here: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = call(capsys, monkeypatch, "budget", "prepared/openeqa", "--cutoff", cutoff)
    assert code == 0 and sentence in out
