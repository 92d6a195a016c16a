"""Metrics: what each name means, and where it is made.

`METRICS` lists the names of our own behaviour (profile vlkit) and their builders; `vleval.profiles.PROFILES` lists what every
other profile defines. A builder takes `MetricOptions` and returns a `Metric`; it is imported when first asked for.
"""

from __future__ import annotations

METRICS: dict[str, str] = {
    "exact_match": "vleval.metrics.exact:vlkit",
    "relaxed_accuracy": "vleval.metrics.relaxed:vlmevalkit",
}
