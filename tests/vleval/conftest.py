from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))  # the fixtures are drawn by scripts of this checkout


# Torch with two threads on a busy machine waits for them most of the time. This is for commands that tests start, and for torch here
# unless other tests have imported it before.
os.environ["OMP_NUM_THREADS"] = "1"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def vleval(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Ran]:
    """Run the command line in this process."""
    from vleval.cli import main

    def run(*arguments: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["vleval", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def quiz(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The quiz as every tool writes it, a pair of systems, boxes with pictures."""
    from fixtures.predictions.systems import write_boxes, write_pair
    from fixtures.predictions.tools import write_all

    folder = tmp_path_factory.mktemp("quiz")
    paths = write_all(folder)
    paths["base"], paths["tuned"] = write_pair(folder)
    paths["boxes"] = write_boxes(folder)
    return paths


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the dataset `openeqa`: six questions over two pictures each, 384x224."""
    from fixtures.openeqa import draw_openeqa
    from vldata.api.convert import convert

    root = tmp_path_factory.mktemp("asked")
    draw_openeqa(root / "source", size=(384, 216))
    convert("openeqa", root / "source", frames=2, out=root / "prepared", workers=1, limit=6)
    return root / "prepared"


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny random model whose answers depend on what it is shown."""
    pytest.importorskip("torch", reason="a tiny model needs the train extra")
    from vldata.models.tiny import build_tiny_model

    return build_tiny_model(tmp_path_factory.mktemp("model") / "tiny", mixing=50)
