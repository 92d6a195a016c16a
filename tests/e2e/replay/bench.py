"""What a row is replayed with: commands that run in a folder, what was seen of them, and things that several rows need, made once."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import subprocess
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

PROGRAMS = ("vldata", "vleval", "vltrain", "python", "tensorboard")
LIMIT_S = 300


class Ran(NamedTuple):
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """Everything that a user sees."""
        return self.out + self.err

    @property
    def json(self) -> Any:
        """The document on stdout."""
        return json.loads(self.out)


class NotHereError(Exception):
    """The row, or what is left of it, needs what this machine has not."""


class Look:
    """One row being replayed. `see` notes an observation; the verdict follows from them."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ran: list[str] = []
        self.seen: list[tuple[str, bool]] = []
        self.elsewhere: list[str] = []

    def run(self, line: str, *, code: int | None = 0, **environment: str) -> Ran:
        """Run a command; that it ends with `code` is an observation (None: not looked at)."""
        self.ran.append(line)
        ran = self.bench.run(line, **environment)
        if code is not None:
            last = (ran.said.strip().splitlines() or [""])[-1]
            self.see(f"{line[:60]} ends with {code}" + (f", not {ran.code}: {last[:200]}" if ran.code != code else ""), ran.code == code)
        return ran

    def see(self, what: str, holds: object) -> None:
        """Note something that was looked at, and whether it is as it should be."""
        self.seen.append((what, bool(holds)))

    def needs(self, what: str) -> None:
        """Note a part of the row that needs what is not here."""
        self.elsewhere.append(what)

    @property
    def verdict(self) -> str:
        """whole, partly or not; "here" where the rest cannot run on this machine."""
        held = sum(holds for _, holds in self.seen)
        if held < len(self.seen):
            return "partly" if held else "not"
        if self.elsewhere:
            return "whole here" if held else "cannot run here"
        return "whole" if held else "not"


class Bench:
    """A work folder and the commands installed in `bin`; the properties are made once, by commands."""

    def __init__(
        self, work: Path, bin_: Path, *, root: Path, web: Path | None = None, llamafactory: Path | None = None, trl: Path | None = None
    ) -> None:
        self.work, self.bin, self.root = work, bin_, root
        self.web, self.llamafactory, self.trl = web, llamafactory, trl
        self.commands = 0

    def run(self, line: str, *, limit_s: float = LIMIT_S, **environment: str) -> Ran:
        """Run a command line in the work folder, by the installed program of its first word."""
        done = subprocess.run(
            self.argv(line), cwd=self.work, env=self._environment(environment), capture_output=True, text=True, check=False, timeout=limit_s
        )
        self.commands += 1
        return Ran(done.returncode, done.stdout, done.stderr)

    def made(self, line: str) -> Ran:
        """Run a command that others rest on.

        Raises:
            RuntimeError: it failed.
        """
        ran = self.run(line)
        if ran.code:
            raise RuntimeError(f"{line}: exit {ran.code}: {ran.said[-800:]}")
        return ran

    def argv(self, line: str) -> list[str]:
        """The words of a command line, its program by its path."""
        first, *rest = shlex.split(line)
        return [str(self.bin / first) if first in PROGRAMS else first, *rest]

    def _environment(self, more: dict[str, str]) -> dict[str, str]:
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), str(self.root))))  # for fixtures
        return {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false", **more}

    @contextlib.contextmanager
    def running(self, line: str, *, port: int, program: Path | None = None) -> Iterator[subprocess.Popen[str]]:
        """Run a server until the block ends; it has begun once its port answers.

        Raises:
            RuntimeError: it ended, or did not answer within a minute.
        """
        words = self.argv(line)
        if program is not None:
            words[0] = str(program)
        log = (self.work / f"server-{port}.log").open("w+")
        process = subprocess.Popen(words, cwd=self.work, env=self._environment({}), stdout=log, stderr=subprocess.STDOUT, text=True)
        try:
            for _ in range(600):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                if process.poll() is not None:
                    log.seek(0)
                    raise RuntimeError(f"{line}: ended with {process.returncode}: {log.read()[-400:]}")
                time.sleep(0.1)
            else:
                raise RuntimeError(f"{line}: does not answer")
            yield process
        finally:
            process.terminate()
            process.wait(timeout=30)
            log.close()

    def file(self, name: str, text: str) -> Path:
        """Write a file into the work folder."""
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Read a JSON Lines file of the work folder."""
        return [json.loads(line) for line in (self.work / name).read_text(encoding="utf-8").splitlines()]

    def document(self, name: str) -> Any:
        """Read a JSON file of the work folder."""
        return json.loads((self.work / name).read_text(encoding="utf-8"))

    @property
    def dockerfile(self) -> Path:
        """The Dockerfile of the chat page."""
        return self.root / "docs" / "chat" / "Dockerfile"

    @cached_property
    def tiny(self) -> str:
        """The folder of a tiny random Qwen3-VL."""
        self.made("python -m vldata.models.tiny models/tiny --embedding-std 0.15")
        return "models/tiny"

    @cached_property
    def openeqa(self) -> str:
        """Open-EQA, eight frames a question, split by scene."""
        self.made("python -m fixtures.openeqa open-eqa")
        self.made("vldata convert openeqa open-eqa --frames 8 --max-pixels 65536 --out prepared")
        self.made("vldata split prepared/openeqa --test 4 --val 4 --group-by scene")
        return "prepared/openeqa"

    @cached_property
    def squares(self) -> str:
        """Coloured squares, split by rows."""
        self.made("python -m fixtures.colours drawn --pairs --count 144")
        self.made("vldata convert jsonl drawn/squares.jsonl --name squares --out prepared")
        self.made("vldata split prepared/squares --test 16 --val 8 --group-by none")
        return "prepared/squares"

    @cached_property
    def tuned(self) -> str:
        """An adapter that learned to name the squares."""
        lines = recipe(
            self.tiny, f"{self.squares}_train", "runs/squares", "max_steps: 200", "warmup: 10", "batch_size: 8", "learning_rate: 1e-2"
        )
        self.file("squares.yaml", lines)
        self.made("vltrain sft squares.yaml")
        return "runs/squares"

    @cached_property
    def merged(self) -> str:
        """The adapter merged onto its base, by the tutorials' flags."""
        self.made(
            f"vltrain merge --model_name_or_path {self.tiny} --adapter_name_or_path {self.tuned} --export_dir merged"
            " --template qwen3_vl_nothink --export_size 2"
        )
        return "merged"

    @cached_property
    def four_bits(self) -> str:
        """The merged model in four bits.

        Raises:
            NotHereError: bitsandbytes is not installed.
        """
        if self.run('python -c "import bitsandbytes"').code:
            raise NotHereError("four bits need bitsandbytes: pip install 'vlkit[qlora]'")
        self.made(f"vltrain quantize {self.merged} --out merged-nf4")
        return "merged-nf4"

    @cached_property
    def answers(self) -> str:
        """What the merged model says to the test squares."""
        self.made(f"vleval predict --data {self.squares}_test --backend hf --model {self.merged} --max-tokens 8 --out tuned.jsonl")
        return "tuned.jsonl"

    @cached_property
    def cards(self) -> str:
        """Identity cards of nobody, from a ShareGPT dump."""
        self.made("python -m fixtures.idcards dump")
        self.made("vldata convert sharegpt dump/id_cards.json --name cards --out prepared")
        return "prepared/cards"

    @cached_property
    def boxes(self) -> str:
        """Drawn shapes with boxes, split, and two made-up systems' answers in answers/."""
        self.made("python -m fixtures.boxes shapes")
        self.made("vldata convert coco shapes --name boxes --out prepared")
        self.made("vldata split prepared/boxes --test 6 --group-by none")
        self.made("python -m fixtures.boxes answers --answer prepared/boxes_test.jsonl")
        return "prepared/boxes"

    @cached_property
    def charts(self) -> str:
        """Drawn bar charts in ChartQA's original layout."""
        self.made("python -m fixtures.chartqa charts")
        self.made("vldata convert chartqa charts --name charts --out prepared")
        return "prepared/charts"


def recipe(model: str, data: str, output: str, *more: str) -> str:
    """A recipe for the tiny model on a CPU."""
    fixed = ("precision: fp32", "checkpointing: false", "workers: 0")
    return "\n".join([f"model: {model}", f"data: {data}", f"output: {output}", *fixed, *more]) + "\n"


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
