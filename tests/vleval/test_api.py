"""Every public function is called as a user calls it: with texts for paths and datasets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import vleval
from tests.vleval.inference.server import FakeServer, serve
from vldata.jobs import JobResult


class Place(NamedTuple):
    """What the calls are given, as texts."""

    target: str
    url: str
    folder: str
    base: str
    tuned: str
    boxes: str
    marks: str


def _predict(place: Place, **more: Any) -> JobResult:
    options = vleval.RunOptions(model="tiny", base_url=place.url)
    return vleval.predict(place.target, f"{place.folder}/preds.jsonl", options=options, **more)


def _drawing(place: Place) -> vleval.Drawing:
    return vleval.Drawing(image_root=str(Path(place.boxes).parent / "pictures"), out=f"{place.folder}/drawn", coord_space="0-1000")


CALLS: dict[str, Callable[[Place], Any]] = {
    "agreement": lambda place: vleval.agreement(place.marks, place.marks),
    "bench": lambda place: vleval.bench(place.target, model="tiny", base_url=place.url),
    "compare": lambda place: vleval.compare([place.base, place.tuned]),
    "detect": lambda place: vleval.detect(place.boxes, drawing=_drawing(place)),
    "gap": lambda place: vleval.gap(place.base, place.tuned),
    "ping": lambda place: vleval.ping(place.target, model="tiny", base_url=place.url),
    "predict": _predict,
    "report": lambda place: vleval.report(place.base, out=f"{place.folder}/report.html"),
    "score": lambda place: vleval.score(place.base),
    "serve_cmd": lambda place: vleval.serve_cmd(place.target, model="tiny"),
}
OTHERS = {"parity"}  # needs a server that renders as a model does: crosscheck/test_parity.py


@pytest.mark.parametrize("name", CALLS)
def test_each_function_takes_texts_and_returns_a_result(name: str, prepared: Path, quiz: dict[str, Path], tmp_path: Path) -> None:
    with serve(FakeServer()) as server:
        files = (str(quiz[key]) for key in ("base", "tuned", "boxes", "openeqa-marks"))
        place = Place(str(prepared / "openeqa"), f"{server.url}/v1", str(tmp_path), *files)
        result = CALLS[name](place)
    assert isinstance(result, JobResult)
    lines = list(result.lines())
    assert result.ok, "\n".join(lines)
    assert all(isinstance(line, str) for line in lines)
    json.dumps(result.document(), allow_nan=False)
    assert repr(result).startswith(f"<{type(result).__name__}: ok; ")
    assert "<" in result._repr_html_()


def test_no_function_is_forgotten() -> None:
    functions = {name for name in vleval.__all__ if name.islower()}
    assert functions == set(CALLS) | OTHERS
