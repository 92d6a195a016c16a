from __future__ import annotations

import json

import jsonschema
import msgspec
import pytest

from vleval import score
from vleval.comparing import compare
from vleval.prediction import Prediction
from vleval.reports.document import build_report
from vleval.schemas import SCHEMAS


def validate(name: str, document: object) -> None:
    jsonschema.Draft202012Validator(msgspec.json.schema(SCHEMAS[name])).validate(json.loads(json.dumps(document)))


def test_what_is_written_fits_its_schema(quiz):
    compared = compare([quiz["base"], quiz["tuned"]])
    validate("score", score(quiz["plain:own"]).document())
    validate("score", score(quiz["boxes"]).document())
    validate("comparison", msgspec.to_builtins(compared.comparison))
    validate("report", msgspec.to_builtins(build_report(compared, compared.results, compared.names, title="t", limit=5, seed=0)))
    for line in quiz["plain:own"].read_text().splitlines():
        validate("prediction", json.loads(line))


@pytest.mark.parametrize(
    "line",
    [
        {"schema": "vlkit.prediction/1", "id": "a", "prediction": 3},
        {"schema": "vlkit.prediction/2", "id": "a", "prediction": "x"},
        {"id": "a", "prediction": "x"},
        {"schema": "vlkit.prediction/1", "prediction": "x"},
        {"schema": "vlkit.prediction/1", "id": "a", "prediction": "x", "meta": {"scene": 1}},
    ],
)
def test_schema_and_decoder_refuse_the_same_lines(line):
    with pytest.raises(jsonschema.ValidationError):
        validate("prediction", line)
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(json.dumps(line).encode(), type=Prediction)
