"""The harnesses that are known, by the format of their files; any other file is taken for a plain one, read by our own rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vleval.gaps import evalscope, lmms_eval, vlmevalkit
from vleval.gaps.harness import Harness, HarnessTold, number, whole
from vleval.metrics.choice_reading import read_options


def _told(record: Mapping[str, Any]) -> HarnessTold:
    score = next((found for key in ("score", "hit", "correct", "acc") if (found := number(record.get(key))) is not None), None)
    texts = {key: record[key] for key in ("prompt", "system") if isinstance(record.get(key), str)}
    extracted = record.get("extracted")
    return HarnessTold(score, extracted if isinstance(extracted, str) else None, prompt=texts.get("prompt"), system=texts.get("system"))


PLAIN = Harness("vlkit", "this package", "vlkit", (), read_options, whole, None, False, _told)

# Format of `vleval.readers.formats` -> harness. A new one is a module and a line here.
HARNESSES: dict[str, Harness] = {
    "vlmevalkit": vlmevalkit.HARNESS,
    "lmms-eval": lmms_eval.HARNESS,
    "evalscope": evalscope.HARNESS,
    "evalscope-reviews": evalscope.HARNESS,
}


def harness_of(format: str) -> Harness:
    """The harness that writes a format."""
    return HARNESSES.get(format, PLAIN)
