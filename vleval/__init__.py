"""Predictions in, numbers that can be trusted out.

```python
import vleval

result = vleval.score("preds.jsonl", "prepared/openeqa_test", scoring=vleval.Scoring(profile="lmms-eval"))
print(result.metrics["exact_match"].value)
```

Nothing heavy is imported before it is used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vleval.agreeing import agreement
    from vleval.compared import Compared
    from vleval.comparing import compare
    from vleval.detection.options import Drawing
    from vleval.detection.run import Detection, detect
    from vleval.metrics.options import MetricOptions
    from vleval.prediction import Prediction
    from vleval.reports.make import MadeReport, report
    from vleval.reports.options import Showing
    from vleval.rows import Row
    from vleval.score_result import ScoreResult
    from vleval.scoring import score
    from vleval.settings import Allow, Judging, Reading, Scoring

# Public name -> the module that holds it. Loaded at first use.
_PUBLIC = {
    "Allow": "vleval.settings",
    "Compared": "vleval.compared",
    "Detection": "vleval.detection.run",
    "Drawing": "vleval.detection.options",
    "Judging": "vleval.settings",
    "MadeReport": "vleval.reports.make",
    "MetricOptions": "vleval.metrics.options",
    "Prediction": "vleval.prediction",
    "Reading": "vleval.settings",
    "Row": "vleval.rows",
    "ScoreResult": "vleval.score_result",
    "Scoring": "vleval.settings",
    "Showing": "vleval.reports.options",
    "agreement": "vleval.agreeing",
    "compare": "vleval.comparing",
    "detect": "vleval.detection.run",
    "report": "vleval.reports.make",
    "score": "vleval.scoring",
}

__all__ = [
    "Allow",
    "Compared",
    "Detection",
    "Drawing",
    "Judging",
    "MadeReport",
    "MetricOptions",
    "Prediction",
    "Reading",
    "Row",
    "ScoreResult",
    "Scoring",
    "Showing",
    "agreement",
    "compare",
    "detect",
    "report",
    "score",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'vleval' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
