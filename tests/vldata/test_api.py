"""Every public function is called as a user calls it: with texts for paths and datasets."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import vldata
from fixtures.chartqa import draw_chartqa
from vldata.jobs import JobResult

CALLS: dict[str, Callable[[str, Path], Any]] = {
    "budget": lambda target, _: vldata.budget(target),
    "certify": lambda target, _: (vldata.split(target, test=4), vldata.certify(target, workers=1))[1],
    "doctor": lambda _, __: vldata.doctor(),
    "card": lambda target, folder: vldata.card(target, license="mit", out=str(folder / "card")),
    "export": lambda target, _: vldata.export(target, "llamafactory"),
    "filter": lambda target, _: vldata.filter(target, where="images>=1"),
    "info": lambda target, _: vldata.info(str(Path(target).parent)),
    "leaks": lambda target, _: vldata.leaks([target, str(vldata.sample(target, count=2).paths.out / "openeqa_sample")], workers=1),
    "lint": lambda target, _: vldata.lint(str(Path(target).parent), "llamafactory"),
    "mix": lambda target, _: vldata.mix(f"{target}=0.5"),
    "pii": lambda target, _: vldata.pii(target),
    "preview": lambda target, _: vldata.preview(target, limit=2, workers=1),
    "sample": lambda target, _: vldata.sample(target, count=3),
    "schema": lambda _, __: vldata.schema("record"),
    "split": lambda target, _: vldata.split(target, test=4),
    "stats": lambda target, _: vldata.stats(target),
    "verify": lambda target, _: vldata.verify(target),
    "validate": lambda target, _: vldata.validate(target, workers=1),
}
OTHERS = {"convert", "open", "read", "xray"}  # tried in test_library.py, below, and in xray/


@pytest.mark.parametrize("name", CALLS)
def test_each_function_takes_texts_and_returns_a_result(name: str, prepared: Path, tmp_path: Path) -> None:
    result = CALLS[name](str(prepared / "openeqa"), tmp_path)
    assert isinstance(result, JobResult)
    assert result.ok is (name != "leaks"), "\n".join(result.lines())
    assert all(isinstance(line, str) for line in result.lines())
    json.dumps(result.document(), allow_nan=False)
    assert repr(result).startswith(f"<{type(result).__name__}: {'ok' if result.ok else 'NOT ok'}; ")
    assert result._repr_html_().startswith("<pre>")


def test_no_function_is_forgotten() -> None:
    functions = {name for name in vldata.__all__ if name.islower()}
    assert functions == set(CALLS) | OTHERS


def test_a_dataset_may_be_a_path_or_its_paths(prepared: Path) -> None:
    dataset = vldata.open(prepared / "openeqa")
    found = [vldata.stats(target).document() for target in (prepared / "openeqa", dataset.paths, f"{prepared}/openeqa.jsonl")]
    assert found[0] == found[1] == found[2]
    with pytest.raises(vldata.UsageError, match="3 names no dataset"):
        vldata.stats(3)


def test_findings_are_false_when_there_are_none(prepared: Path) -> None:
    assert not vldata.validate(prepared, workers=1).findings
    next((prepared / "images").rglob("*.jpg")).unlink()
    broken = vldata.validate(prepared, workers=1)
    assert broken.findings and not broken.ok


def test_a_name_for_a_source_of_three_datasets_is_the_beginning_of_theirs(tmp_path: Path) -> None:
    source = draw_chartqa(tmp_path / "chartqa")
    made = vldata.convert("chartqa", str(source), name="charts", out=tmp_path / "out", workers=1)
    assert made.names == ("charts_train", "charts_val", "charts_test") and made.ok
    counts = [len(vldata.open(tmp_path / "out" / name)) for name in made.names]
    again = vldata.convert("chartqa", str(source), name="charts", out=tmp_path / "out", workers=1, overwrite=True)
    assert [len(vldata.open(tmp_path / "out" / name)) for name in again.names] == counts and min(counts) > 0
