"""Metrics: one module a metric. Each has builders: functions that take `MetricOptions` and return a `Scorer`.

`vleval.metrics.table` lists our own (profile vlkit), `vleval.profiles` what every other profile defines. Heavy libraries are imported when
a builder is called, so that the tables can hold the functions themselves.
"""
