from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from fixtures.chartqa import draw_chartqa
from fixtures.jsonl import draw_jsonl
from fixtures.labelled import FORMATS
from fixtures.official import draw as draw_image
from fixtures.official import draw_gqa
from fixtures.sharegpt import draw_sharegpt
from vldata.cli import app, main
from vldata.errors import DataError, MissingExtraError, install_line
from vldata.terminal import clean

COMMANDS = [
    ["convert", "openeqa"],
    ["convert", "chartqa"],
    ["convert", "jsonl"],
    *(["convert", name] for name in FORMATS),
    ["convert", "images"],
    ["convert", "official"],
    ["convert", "sharegpt"],
    ["validate"],
    ["lint"],
    ["verify"],
    ["xray"],
    ["split"],
    ["certify"],
    ["leaks"],
    ["pii"],
    ["stats"],
    ["budget"],
    ["sample"],
    ["filter"],
    ["mix"],
    ["card"],
    ["export"],
    ["preview"],
    ["info"],
    ["doctor"],
    ["schema"],
]


def run(*args: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from vldata.cli import main; main()", *args]
    return subprocess.run(program, capture_output=True, text=True, cwd=cwd, check=False)


def call(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *args: str) -> tuple[int, str, str]:
    """Run a command in this process: (exit code, stdout, stderr)."""
    monkeypatch.setattr(sys, "argv", ["vldata", *args])
    with pytest.raises(SystemExit) as ended:
        main()
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_help_is_light() -> None:
    heavy = {"torch", "polars", "av", "PIL", "numpy", "transformers", "jsonschema"}
    script = (
        "import sys, contextlib; sys.argv = ['vldata', '--help']; from vldata.cli import main\nwith contextlib.suppress(SystemExit): main()"
    )
    script += f"\nsys.exit(', '.join({heavy} & set(sys.modules)) or 0)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert "convert" in result.stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_that_ends_with_an_example(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.returncode == 0
    assert re.search(r"Example: vldata " + " ".join(command), " ".join(result.stdout.split("\n\n")[-1].split()))


def test_the_list_of_commands_is_the_list_tested() -> None:
    groups = {group.name: group.typer_instance for group in app.registered_groups}
    names = [[command.name] for command in app.registered_commands]
    names += [[name, command.name] for name, group in groups.items() if group for command in group.registered_commands]
    assert sorted(map(str, names)) == sorted(map(str, COMMANDS))


def test_the_examples_run(open_eqa: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "open-eqa").symlink_to(open_eqa)
    draw_chartqa(tmp_path / "chartqa")
    draw_jsonl(tmp_path / "pairs")
    draw_sharegpt(tmp_path / "talks")
    for name, draw in FORMATS.items():
        draw(tmp_path / name)
    draw_gqa(tmp_path / "gqa")
    draw_image(tmp_path / "photos" / "one.png")
    for command in COMMANDS:
        found: Any = typer.main.get_command(app)
        for word in command:
            found = found.commands[word]
        text = str(found.epilog).removeprefix("Example: ")
        text = text.replace("258", "4").replace("--frames 8", "--frames 2")  # the sample is small
        code, _, err = call(capsys, monkeypatch, *shlex.split(text)[1:])
        assert code == 0, (text, err)


def test_a_conversion_as_a_user_sees_it(
    open_eqa: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").symlink_to(open_eqa)
    code, out, err = call(capsys, monkeypatch, "convert", "openeqa", "--frames", "8", "--workers", "1")
    assert code == 0
    assert out == (
        "28 records, 48 pictures; 0 rejected.\n"
        "Longest record: 688 vision tokens and about 25 of text: it fits cutoff_len 2048.\n"
        "Registered 'openeqa' in prepared/dataset_info.json\n"
    )
    assert err == ("Questions: 28 from data/open-eqa-v0.json.\nFrames: data/frames.\nNext: vldata validate prepared\n")
    code, out, err = call(capsys, monkeypatch, "validate", "--workers", "1")
    assert (code, out, err) == (0, "openeqa: 28 records, 48 pictures.\nNo findings.\n", "")
    code, out, err = call(capsys, monkeypatch, "split", "prepared/openeqa", "--test", "8", "--val", "0.2")
    assert code == 0
    assert out.startswith(
        "openeqa_train: 16 records in 3 groups.\nopeneqa_val: 4 records in 1 group.\nopeneqa_test: 8 records in 2 groups.\nNo scene"
    )
    code, out, _ = call(capsys, monkeypatch, "certify", "prepared/openeqa_val", "--json")
    assert code == 0 and json.loads(out)["good"] is True


def test_findings_as_a_user_sees_them(prepared: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(prepared.parent)
    path = Path("prepared/openeqa.jsonl")
    path.write_text(path.read_text().replace("<image>", "", 1))
    code, out, _ = call(capsys, monkeypatch, "validate", "--workers", "1")
    assert code == 1
    assert out == (
        "VL006 media tags and media differ in number (1)\n"
        "  prepared/openeqa.jsonl:1: [openeqa/00000000-0000-4000-8000-000000000000] the user turns have 2 <image> tags, "
        "but the record has 3 images.\n"
        "  Cure: Add the missing picture or remove a tag.\n"
        "VL033 records file changed (1)\n"
        f"{out.splitlines()[4]}\n"
        "  Cure: Convert again, or restore the file.\n"
        "openeqa: 28 records, 18 pictures.\n"
        "2 findings.\n"
    )
    code, out, _ = call(capsys, monkeypatch, "validate", "--workers", "1", "--json")
    document = json.loads(out)
    assert code == 1 and document["counts"] == {"VL006": 1, "VL033": 1} and document["findings"][0]["cure"]


def test_strict_exits_one(open_eqa: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    questions = json.loads((open_eqa / "open-eqa-v0.json").read_text())
    questions[0]["answer"] = ""
    (tmp_path / "q.json").write_text(json.dumps(questions))
    args = ["convert", "openeqa", str(open_eqa), "--questions", str(tmp_path / "q.json"), "--frames", "1", "--workers", "1", "--strict"]
    code, out, err = call(capsys, monkeypatch, *args, "--out", str(tmp_path / "out"))
    assert code == 1 and "27 records" in out
    assert "Rejected 1: VL201 annotation not understood\n  q.json[0]: [openeqa/00000000-0000-4000-8000-000000000000] 'answer' is ''" in err


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (["convert", "openeqa", "nowhere"], 1, "nowhere: is not a folder."),
        (["convert", "openeqa", "."], 1, ".: no open-eqa-v0.json here or in data/.\n  Give the folder as the dataset ships"),
        (["convert", "openeqa", ".", "--frames", "0"], 2, "0 frames cannot be sampled"),
        (["convert", "openeqa", ".", "--questions", "q.json"], 1, "q.json: cannot be read: No such file or directory"),
        (["convert", "openeqa", ".", "--questions", "broken.json"], 1, "broken.json: not JSON: "),
        (["convert", "openeqa", ".", "--prompt", "p.txt"], 2, "p.txt: cannot be read"),
        (["convert", "openeqa", ".", "--prompt", "plain.txt"], 2, "the prompt must hold {question} once"),
        (["convert", "chartz"], 2, "No such command"),
        (["validate", "nowhere"], 1, "nowhere: no dataset_info.json here."),
        (["split", "nosuch/x", "--test", "3"], 1, "nosuch: no such folder.\n  Give DIR/NAME"),
        (["split", "held", "--test", "3"], 1, "held: is a folder of datasets, not one of them.\n  There are: held/chart, held/vqa."),
        (
            ["split", "held/vaq", "--test", "3"],
            1,
            "held/dataset_info.json: no dataset 'vaq' here. Did you mean 'vqa'?\n  There are: held/c",
        ),
        (["split", "prepared/x", "--test", "-3"], 2, "--test"),
        (["certify", "held/x"], 1, "held/dataset_info.json: no dataset 'x' here.\n  There are: held/chart, held/vqa."),
        (["certify", "./x"], 1, "dataset_info.json: no dataset 'x' here.\n  There is none: make one with vldata convert."),
        (["convert", "openeqa", ".", "--frames", "99999999999999999999"], 2, "99,999,999,999,999,999,999 frames are more than any"),
        (["convert", "openeqa", ".", "--frame-rule", "fps", "--fps", "1e-320"], 2, "frames a second cannot be taken"),
        (["convert", "jsonl", "plain.txt", "--name", ""], 2, "--name is empty."),
        (["sample", "held/vqa", "--as", ""], 2, "'' cannot name a dataset."),
        (["convert", "openeqa", ".", "--timeout-s", "inf"], 2, "--timeout-s"),
        (["split", "held/vqa", "--seed", "-1"], 2, "--seed"),
        (["schema", "recrod"], 2, "no schema 'recrod'."),
    ],
)
def test_wrong_calls_are_one_clear_line(args: list[str], code: int, message: str, tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("[{")
    (tmp_path / "plain.txt").write_text("Answer!")
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "dataset_info.json").write_text('{"vqa": {}, "chart": {}}')
    result = run(*args, cwd=tmp_path)
    assert result.returncode == code, result.stderr
    assert message in result.stderr and "Traceback" not in result.stderr
    assert result.stdout == "" and not list(tmp_path.glob("**/.vldata"))


def test_control_characters_do_not_reach_the_terminal() -> None:
    assert clean("a\x1b[31mb\x07\u202ec\td\n") == "a\ufffd[31mb\ufffd\ufffdc\td\n"


def test_errors_say_where_what_and_what_now() -> None:
    assert str(DataError("is empty.", where="a.jsonl:3", cure="Fill it.")) == "a.jsonl:3: is empty.\n  Fill it."
    assert str(MissingExtraError("the decord decoder", "decord")) == f"the decord decoder needs: {install_line('decord')}"
