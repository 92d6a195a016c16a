"""Asking a model for boxes: a folder of images that nobody labelled, or a dataset; then its answers are drawn and, with labels, scored."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import UsageError
from vleval.detection.options import BoxFinding, Drawing
from vleval.detection.run import Detection, detect
from vleval.settings import Reading, Scoring

PREDICTIONS = "predictions.jsonl"
_ASKED = "asked"  # the folder of the records that a folder of images became


def find_objects(
    images: str | Path | None,
    data: str | Path | None,
    *,
    finding: BoxFinding,
    drawing: Drawing,
    reading: Reading = Reading(),
    api_key: str = "",
    tell: Callable[[str], None] = lambda _: None,
) -> Detection:
    """Ask a model for the boxes in images, draw them and, where there are labels, score them.

    Records, predictions and drawn images are below `drawing.out`; the same command asks nothing twice.

    Args:
        images: a folder of images; None where `data` is given.
        data: a dataset, `DIR/NAME`; None where `images` is given.
        finding: whom to ask, and what.
        drawing: the classes, and how boxes are drawn. Without a coordinate space it is that of the records.
        reading: how the predictions are read.
        api_key: for the server.
        tell: is given notes as soon as they are known.

    Raises:
        UsageError: neither or both of `images` and `data`, no question, or the backend cannot be asked like this.
        DataError: the folder holds no image, or the dataset cannot be read.
    """
    from vldata.datasets.dataset import Dataset
    from vleval.inference.ask import Sampler
    from vleval.inference.options import RunOptions
    from vleval.inference.run import predict

    if (images is None) == (data is None):
        raise UsageError(
            "what is to be looked at?" if images is None else "a folder of images and --data are two things to look at.",
            cure="Give a folder of images, or a dataset with --data DIR/NAME.",
        )
    if data is None:
        data = _records_of(Path(str(images)), finding, drawing, tell)
    elif finding.prompt or finding.attributes:
        raise UsageError("the records of --data have their own questions.", cure="Leave --prompt and --attributes out.")
    dataset, predictions = Dataset(data), drawing.out / PREDICTIONS
    options = RunOptions(
        backend=finding.backend,
        model=finding.model,
        adapter=finding.adapter,
        base_url=finding.base_url,
        sampler=Sampler(max_tokens=finding.max_tokens),
        timeout_s=finding.timeout_s,
        concurrency=finding.concurrency,
        allow_blind=finding.allow_blind,
    )
    drawing.out.mkdir(parents=True, exist_ok=True)
    predict(dataset, predictions, options, api_key=api_key, note=tell)
    space = dataset.contract.coordinate_space
    if not drawing.coord_space:
        drawing = msgspec.structs.replace(drawing, coord_space=space if space != "none" else "auto")
    found = detect(predictions, data, drawing=drawing, reading=reading, tell=tell)
    labelled = any(record.references for record in dataset)
    return replace(found, scores=_scores(predictions, data, drawing, tell)) if labelled else found


def _records_of(images: Path, finding: BoxFinding, drawing: Drawing, tell: Callable[[str], None]) -> Path:
    """Make records of a folder of images."""
    from vldata.api.convert import convert

    settings: dict[str, Any] = {
        "prompt": finding.prompt,
        "classes": "" if finding.prompt else drawing.classes,
        "attributes": finding.attributes,
    }
    out = drawing.out / _ASKED
    convert("images", images, out=out, language=finding.language, processor=finding.processor, overwrite=True, tell=tell, **settings)
    return out / "unlabelled"


def _scores(predictions: Path, data: str | Path, drawing: Drawing, tell: Callable[[str], None]) -> dict[str, float]:
    from vleval.metrics.options import MetricOptions
    from vleval.scoring import score

    scoring = Scoring(metrics=("detection_f1",), options=MetricOptions(coord_space=drawing.coord_space), extras=False)
    result = score(predictions, data, scoring=scoring, tell=tell)
    found = result.metrics["detection_f1"]
    return {"detection_f1": found.value, "precision": found.parts["precision"], "recall": found.parts["recall"]}
