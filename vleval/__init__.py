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
    from vleval.api.bench import bench
    from vleval.api.gap import gap
    from vleval.api.parity import parity
    from vleval.api.predict import Answers, ping, predict
    from vleval.api.serve_cmd import serve_cmd
    from vleval.compared import Compared
    from vleval.comparing import compare
    from vleval.detection.options import Drawing
    from vleval.detection.run import Detection, detect
    from vleval.inference.ask import Sampler
    from vleval.inference.options import RunOptions
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
    "Answers": "vleval.api.predict",
    "Compared": "vleval.compared",
    "Detection": "vleval.detection.run",
    "Drawing": "vleval.detection.options",
    "Judging": "vleval.settings",
    "MadeReport": "vleval.reports.make",
    "MetricOptions": "vleval.metrics.options",
    "Prediction": "vleval.prediction",
    "Reading": "vleval.settings",
    "Row": "vleval.rows",
    "RunOptions": "vleval.inference.options",
    "Sampler": "vleval.inference.ask",
    "ScoreResult": "vleval.score_result",
    "Scoring": "vleval.settings",
    "Showing": "vleval.reports.options",
    "agreement": "vleval.agreeing",
    "bench": "vleval.api.bench",
    "compare": "vleval.comparing",
    "detect": "vleval.detection.run",
    "gap": "vleval.api.gap",
    "parity": "vleval.api.parity",
    "ping": "vleval.api.predict",
    "predict": "vleval.api.predict",
    "report": "vleval.reports.make",
    "score": "vleval.scoring",
    "serve_cmd": "vleval.api.serve_cmd",
}

__all__ = [
    "Allow",
    "Answers",
    "Compared",
    "Detection",
    "Drawing",
    "Judging",
    "MadeReport",
    "MetricOptions",
    "Prediction",
    "Reading",
    "Row",
    "RunOptions",
    "Sampler",
    "ScoreResult",
    "Scoring",
    "Showing",
    "agreement",
    "bench",
    "compare",
    "detect",
    "gap",
    "parity",
    "ping",
    "predict",
    "report",
    "score",
    "serve_cmd",
]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'vleval' has no attribute {name!r}")
    return getattr(import_module(_PUBLIC[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PUBLIC})
