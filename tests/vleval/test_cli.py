from __future__ import annotations

import importlib
import json
import re
import shlex
import subprocess
import sys

import pytest
import typer

import vldata
from vleval.cli import app

COMMANDS = {info.name: info for info in app.registered_commands}
OURS = ("score", "compare", "report", "detect", "gap")


@pytest.fixture
def here(quiz, tmp_path, monkeypatch):
    """A folder with everything the examples name."""
    monkeypatch.chdir(tmp_path)
    for name in ("preds.jsonl", "base.jsonl", "tuned.jsonl", "boxes.jsonl"):
        (tmp_path / name).write_bytes((quiz["base"].parent / name).read_bytes())
    (tmp_path / "pictures").symlink_to(quiz["base"].parent / "pictures")
    return tmp_path


@pytest.mark.parametrize("name", OURS)
def test_every_help_ends_with_an_example_that_runs(vleval, here, name):
    example = COMMANDS[name].epilog.removeprefix("Example: ")
    shown = vleval(name, "--help")
    assert shown.code == 0
    assert re.sub(r"\s+", " ", shown.out).rstrip().endswith(f"Example: {example}")
    ran = vleval(*shlex.split(example)[1:])
    if name == "detect":  # the second answer of the made-up boxes is cut off, the picture is drawn all the same
        assert "3 images, 5 boxes drawn; 3 of 3 answers read." in ran.out
    assert ran.code == 0, ran.err


@pytest.mark.parametrize("command", ["vldata", "vleval", "vltrain"])
def test_every_command_tells_the_version(command, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", [command, "--version"])
    with pytest.raises(SystemExit) as end:
        importlib.import_module(f"{command}.cli").main()
    assert (end.value.code or 0, capsys.readouterr().out) == (0, f"vlkit {vldata.__version__}\n")


@pytest.mark.parametrize("name", OURS)
def test_every_option_has_a_help_text(name):
    command = typer.main.get_command(app).commands[name]
    assert [option.name for option in command.params if option.name != "help" and not getattr(option, "help", "")] == []


def test_json_is_one_document_on_stdout(vleval, quiz):
    ran = vleval("score", quiz["plain:own"], "--metric", "exact_match", "--json")
    document = json.loads(ran.out)
    assert ran.code == 0
    assert list(document) == ["profile", "metrics", "counts", "by_category", "read", "notes"]
    assert "read as plain predictions" in ran.err
    for command in (["compare", quiz["base"], quiz["tuned"]], ["score", "--list"], ["report", quiz["base"]]):
        assert json.loads(vleval(*command, "--json").out)


def test_text_reads_like_this(vleval, quiz):
    ran = vleval("score", quiz["plain:own"], "--metric", "exact_match", "--group-by", "none")
    assert re.sub(r"data:\w+ v:\S+", "data:# v:#", ran.out) == (
        "exact_match = 0.5000 ± 0.2462 (n=12), NOT CLEARLY ABOVE ITS FLOOR 0.4167, TOO FEW ROWS"
        " | profile:vlkit norm:nfkc+case+blanks+stop refs:max think:strip ci:wilson data:# v:#\n"
        "  ceiling 1.0000 · floor 0.4167 (constant '12' 0.0833, commonest of the category 0.4167, another row's answer 0.0000)\n"
        '  the right answers lose 0.0000 in lower case, 0.0000 with a full stop more or less, 0.9167 with "the" more or less\n'
        "  1 row without an answer counts as 0; without them 0.5455 (n=11)\n"
        "  note: 1 of 5 wrong answers hold a reference among other words: ask for the answer alone, or read it out first.\n"
        "\n"
        "12 rows: 11 scored (1 empty), 1 error, 0 missing\n"
        "\n"
        "category        n  exact_match\n"
        "count           4       0.2500\n"
        "lookup          3       0.6667\n"
        "colour          2       1.0000\n"
        "share           2       0.0000\n"
        "yes or no       1       1.0000\n"
    )


def test_per_record_writes_a_line_each(vleval, quiz, tmp_path):
    ran = vleval("score", quiz["plain:own"], "--metric", "exact_match", "--per-record", tmp_path / "r.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert (ran.code, len(lines), lines[0], lines[11]) == (
        0,
        12,
        {"id": "q01", "exact_match": 1.0},
        {"id": "q12", "exact_match": 0.0, "error": "status 503: the server is overloaded"},
    )


def test_explain_shows_all_profiles_and_the_flips(vleval, quiz):
    ran = vleval("score", quiz["plain:own"], "--metric", "exact_match", "--explain")
    assert "exact_match by profile: vlkit 0.5000, ms-swift " in ran.out
    assert "q03: 'april' for 'April | in April': vlkit 1.00, ms-swift 0.00" in ran.out
    document = json.loads(vleval("score", quiz["plain:own"], "--metric", "exact_match", "--explain", "--json").out)
    assert document["explain"]["flipped"]["exact_match"] == len(document["explain"]["flips"])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["score", "nosuch.jsonl"], 1, "nosuch.jsonl: cannot be read: No such file or directory."),
        (["score"], 2, "no predictions file."),
        (["score", "preds.jsonl", "--profile", "nosuch"], 2, "no profile 'nosuch'"),
        (["score", "preds.jsonl", "--metric", "exact_mach"], 2, "did you mean 'exact_match'?"),
        (["score", "preds.jsonl", "--profile", "llamafactory", "--metric", "anls"], 2, "does not define 'anls'"),
        (["score", "preds.jsonl", "--coord-space", "feet"], 2, "--coord-space: 'feet' is not one of its choices"),
        (["score", "preds.jsonl", "--nosuch"], 2, "No such option"),
        (["score", "preds.jsonl", "--references", "nosuch"], 1, "nosuch: no such file or dataset."),
        (["compare", "base.jsonl"], 2, "a comparison needs two predictions files."),
        (["compare", "base.jsonl", "preds.jsonl"], 1, "no id or question in common"),
        (["compare", "base.jsonl", "--agreement"], 2, "needs the marks of exactly two judges"),
        (["report", "preds.jsonl", "--out", "x.pdf"], 2, "cannot write a report as 'x.pdf'"),
        (["report", "preds.jsonl", "--out", "no/x.html"], 2, "no folder 'no'"),
        (["detect", "boxes.jsonl", "--image-root", "pictures"], 2, "coordinate space is not told"),
        (["detect", "boxes.jsonl", "--coord-space", "0-1000"], 2, "no folder of images"),
        (["detect", "boxes.jsonl", "--image-root", "nosuch", "--coord-space", "0-1000"], 1, "nosuch: is not a folder."),
    ],
)
def test_faults_are_bare_sentences_with_their_exit_code(vleval, here, arguments, code, message):
    ran = vleval(*arguments)
    assert (ran.code, ran.out) == (code, "")
    assert message in ran.err
    assert "Traceback" not in ran.err


def test_control_characters_never_reach_the_terminal(vleval, tmp_path):
    path = tmp_path / "p.jsonl"
    lines = [
        {"id": f"\x1b[2J{n}", "prediction": "\x1b[31m\u202e" * 50_000, "references": ["\x07x"], "category": "\x9b1m"} for n in range(3)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    ran = vleval("score", path, "--explain")
    assert ran.code == 0
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", ran.out + ran.err)


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nsys.argv = ['vleval', '--help']\nfrom vleval.cli import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        "print([m for m in ('torch', 'polars', 'PIL', 'numpy', 'jieba', 'sacrebleu', 'openpyxl') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.strip().splitlines()[-1] == "[]"


def test_scoring_loads_neither_torch_nor_polars(quiz):
    code = (
        "import sys\nfrom vleval import Scoring, score\n"
        f"score({str(quiz['plain:own'])!r}, scoring=Scoring(metrics=('exact_match',)))\n"
        "print([m for m in ('torch', 'polars', 'PIL', 'jieba', 'openpyxl', 'transformers') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
