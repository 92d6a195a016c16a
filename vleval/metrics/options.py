"""Settings a metric may take; every field has the default that the profile's upstream uses."""

from __future__ import annotations

from typing import Literal

import msgspec

CoordSpace = Literal["", "0-1000", "pixels", "pixels-resized", "0-1"]


class MetricOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Keyword settings of metrics.

    Attributes:
        strip_think: take reasoning before `</think>` off the answer; None: as the profile does (only vlkit strips).
        coord_space: how the model's boxes count; "" is refused by metrics that need it when the references' space differs.
        reference_space: how the references' boxes count; "" means the same as `coord_space`.
        iou: overlap from which two boxes match.
        tolerance: relative error that relaxed accuracy and numeric match forgive; None: the profile's own (0.05).
        threshold: similarity from which ANLS keeps a score; None: the profile's own (0.5).
        tokenize: sacrebleu's tokenizer; "" chooses by script in vlkit and is `13a` elsewhere.
        allow_remote_code: let `evaluate:NAME` load code from the hub.
        mark_field: the key of `Row.extra` that holds a judge's mark or verdict.
        judge: who gave the marks, for the signature: model, wording and its digest.
    """

    strip_think: bool | None = None
    coord_space: CoordSpace = ""
    reference_space: CoordSpace = ""
    iou: float = 0.5
    tolerance: float | None = None
    threshold: float | None = None
    tokenize: str = ""
    allow_remote_code: bool = False
    mark_field: str = "mark"
    judge: str = ""
