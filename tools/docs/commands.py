"""One page for every command, from the command line itself: what it does, its options under their headings, and its example as it ran.

`run_examples` draws the sample, runs each example on it and keeps what it prints. An example that needs a server, a GPU or real weights is
shown and not run, which its page says.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The sample is small: where an example names sizes of the real download, these stand in for them.
_SMALLER = (
    ("--test 258", "--test 4"),
    ("--val 0.125", "--val 4"),
    (" --gpu T4-16GB", ""),
    ("258", "4"),
    ("photos/", "shapes/train2017"),
    ("red square,blue square", "circle,square"),
)
_TIMEOUT_S = 600


@dataclass(frozen=True)
class Page:
    """A command: `vldata convert openeqa`, its page and its example."""

    words: tuple[str, ...]
    command: Any
    example: str

    @property
    def name(self) -> str:
        """Name of the page's file."""
        return "-".join(self.words) + ".md"


def command_pages() -> list[Page]:
    """Every command of the three programs, in the order of their help."""
    import typer.main
    import vltrain.cli

    import vldata.cli
    import vleval.cli

    found: list[Page] = []
    for program, app in (("vldata", vldata.cli.app), ("vleval", vleval.cli.app), ("vltrain", vltrain.cli.app)):
        found.extend(_walk((program,), typer.main.get_command(app)))
    return found


def _walk(words: tuple[str, ...], command: Any) -> Iterator[Page]:
    if not hasattr(command, "commands"):
        yield Page(words, command, str(command.epilog or "").removeprefix("Example: "))
        return
    for name in command.list_commands(None):
        yield from _walk((*words, name), command.commands[name])


def options_of(command: Any) -> dict[str, list[Any]]:
    """The parameters of a command by heading, those of the command itself first."""
    panels: dict[str, list[Any]] = {}
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            panels.setdefault("Arguments", []).append(parameter)
        elif not getattr(parameter, "hidden", False):
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or "Options", []).append(parameter)
    return dict(sorted(panels.items(), key=lambda item: (item[0] != "Arguments", item[0] != "Options")))


@dataclass(frozen=True)
class Ran:
    """An example that was run: its line, what it printed, and the code it ended with."""

    line: str
    printed: str
    code: int


def render(page: Page, ran: Ran | None) -> str:
    """The page of a command.

    Args:
        page: the command.
        ran: its example as it was run, or None where it was not.
    """
    paragraphs = re.split(r"\n\s*\n", (page.command.help or "").strip())
    lines = [f"# {' '.join(page.words)}", "", *(f"{' '.join(text.split())}\n" for text in paragraphs)]
    if page.example:
        lines += ["```console", f"$ {ran.line if ran else page.example}", *(ran.printed.rstrip().splitlines() if ran else ()), "```", ""]
        lines += [_how_it_ran(ran), ""]
    for heading, parameters in options_of(page.command).items():
        lines += [
            f"## {heading}",
            "",
            "| name | what it does | default |",
            "|---|---|---|",
            *(_row(parameter) for parameter in parameters),
            "",
        ]
    return "\n".join(lines)


def _how_it_ran(ran: Ran | None) -> str:
    if ran is None:
        return "Not run when this page was made: it needs a server, a GPU, real weights or files that the drawn sample lacks."
    code = f" It ended with exit code {ran.code}." if ran.code else ""
    return f"Run on drawn samples when this page was made.{code}"


def _row(parameter: Any) -> str:
    names = ", ".join(f"`{name}`" for name in (*parameter.opts, *parameter.secondary_opts))
    if parameter.param_type_name == "argument":
        names = f"`{parameter.metavar or parameter.name}`"
    elif parameter.metavar and not getattr(parameter, "is_flag", False):
        names += f" {_cell(parameter.metavar)}"
    default = parameter.default
    shown = "" if default is None or default is False or callable(default) or default in ("", (), []) else f"`{default}`"
    if getattr(parameter, "required", False):
        shown = "required"
    return f"| {names} | {_cell(parameter.help or '')} | {_cell(shown)} |"


def _cell(text: str) -> str:
    return re.sub(r"([<>|\[\]])", r"\\\1", " ".join(text.split()))


def run_examples(pages: list[Page], work: Path, root: Path) -> dict[str, Ran]:
    """What each example prints on the drawn sample, by the page's name; examples that cannot run here are left out.

    Each runs in a copy of the sample, so that none finds what another left.
    """
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(root), str(root / "train")]), "COLUMNS": "120", "OMP_NUM_THREADS": "1"}

    def call(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", *shlex.split(line)]
        return subprocess.run(
            words, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=_TIMEOUT_S, check=False
        )

    drawn, split = work / "drawn", work / "split"
    drawn.mkdir(parents=True)
    _fill(drawn, _DRAWN, call)
    shutil.copytree(drawn, split)
    (split / "recipe.yaml").write_text(_RECIPE, encoding="utf-8")
    _fill(split, _SPLIT, call)
    for name in ("base.jsonl", "tuned.jsonl"):
        shutil.copy(split / "answers" / name, split)
    for name in ("preds.jsonl", "boxes.jsonl", "pictures"):
        (split / "elsewhere" / name).rename(split / name)
    ran = {}
    for page in pages:
        if not page.example or page.words in _ELSEWHERE:
            continue
        line = page.example
        for real, small in _SMALLER:
            line = line.replace(real, small)
        folder = work / "trial"
        shutil.copytree(drawn if page.words[1] in ("convert", "split") else split, folder)
        if page.words == ("vldata", "split"):
            shutil.copytree(work / "converted", folder / "prepared")
        if page.words == ("vltrain", "merge"):
            shutil.rmtree(folder / "merged")
        done = call(line, folder)
        shutil.rmtree(folder)
        if "Traceback" in done.stdout or done.returncode not in (0, 1):
            raise SystemExit(f"{line}: ended with {done.returncode}\n{done.stdout}")
        ran[page.name] = Ran(line, _quiet(done.stdout), done.returncode)
    return ran


def _fill(folder: Path, lines: Iterable[str], call: Callable[[str, Path], subprocess.CompletedProcess[str]]) -> None:
    for line in lines:
        done = call(line, folder)
        if done.returncode:
            raise SystemExit(f"{line}: ended with {done.returncode}\n{done.stdout}")
        if line.startswith("vldata convert openeqa"):
            shutil.copytree(folder / "prepared", folder.parent / "converted")


_DRAWN = (
    "fixtures.openeqa open-eqa",
    "fixtures.chartqa chartqa",
    "fixtures.jsonl pairs",
    "fixtures.sharegpt talks",
    "fixtures.labelled .",
    "fixtures.official .",
    "fixtures.boxes shapes",
)
_SPLIT = (
    "vldata convert openeqa open-eqa --frames 8 --out prepared --max-pixels 65536",
    "vldata split prepared/openeqa --test 4 --val 4 --group-by scene",
    "fixtures.predictions answers --answer prepared/openeqa.jsonl",
    "fixtures.predictions elsewhere",
    "vldata.models.tiny models/tiny --embedding-std 0.15",
    "vltrain sft recipe.yaml",
    "vltrain merge recipe.yaml --out merged",
)
_RECIPE = """\
model: models/tiny
data: prepared/openeqa_train
output: runs/openeqa
precision: fp32
batch_size: 4
max_steps: 10
checkpointing: false
workers: 0
plot: false
overwrite: true
"""
# Servers, weights in four bits, pages that stay open.
_ELSEWHERE = {("vleval", name) for name in ("predict", "ping", "parity", "bench", "chat")} | {("vltrain", "quantize")}


def _quiet(printed: str) -> str:
    """What was printed without progress bars, and not more than a screen of it."""
    lines = [line for line in printed.splitlines() if "\r" not in line and "it/s]" not in line]
    return "\n".join(lines if len(lines) <= 32 else [*lines[:30], f"… {len(lines) - 30} more lines"])
