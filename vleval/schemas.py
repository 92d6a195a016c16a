"""The types behind the published JSON Schemas of this package; `tools/make_schemas.py` writes them to schemas/."""

from __future__ import annotations

from typing import Any

from vleval.comparison import Comparison
from vleval.detection.run import DetectionDocument
from vleval.gaps.views import GapDocument
from vleval.prediction import Prediction
from vleval.reports.document import ReportDocument
from vleval.results import ScoreDocument

SCHEMAS: dict[str, Any] = {
    "prediction": Prediction,
    "score": ScoreDocument,
    "comparison": Comparison,
    "report": ReportDocument,
    "detection": DetectionDocument,
    "gap": GapDocument,
}
