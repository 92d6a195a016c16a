"""Settings a metric may take; every field has the default that the profile's upstream uses."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from vldata.flags import Flag, OptionGroup

CoordSpace = Literal["", "auto", "0-1000", "pixels", "pixels-resized", "0-1"]
BoxOrder = Literal["", "xyxy", "xywh", "yxyx"]


class MetricOptions(OptionGroup, frozen=True, kw_only=True):
    """Keyword settings of metrics.

    Attributes:
        strip_think: take reasoning before `</think>` off the answer; None: as the profile does (only vlkit strips).
        coord_space: how the model's boxes count; "auto" finds it out over the whole file, "" takes both sides for the same.
        reference_space: how the references' boxes count; "" means the same as `coord_space`.
        box_order: what four numbers of an answer are, where its spelling does not tell: corners, corner and size, or corners y first.
        reference_order: the same for references.
        iou: overlap from which two boxes match.
        tolerance: relative error that relaxed accuracy and numeric match forgive; None: the profile's own (0.05).
        threshold: similarity from which ANLS keeps a score; None: the profile's own (0.5).
        tokenize: sacrebleu's tokenizer; "" chooses by script in vlkit and is `13a` elsewhere.
        stem: rouge of English words without their endings (Porter).
        allow_remote_code: let `evaluate:NAME` load code from the hub.
        mark_field: the key of `Row.extra` that holds a judge's mark or verdict.
        judge: who gave the marks, for the signature: model, wording and its digest.
    """

    PANEL: ClassVar[str] = "Metrics"

    strip_think: Annotated[
        bool | None,
        Flag(
            "Score only what follows the thought. Default: on in vlkit, off elsewhere.",
            ("--strip-think/--no-strip-think",),
            show_default=False,
        ),
    ] = None
    coord_space: Annotated[
        CoordSpace,
        Flag("Of predicted boxes: 0-1000, pixels, pixels-resized, 0-1, or auto: found out and said.", metavar="SPACE", show_default=False),
    ] = ""
    reference_space: Annotated[CoordSpace, Flag("Of the references' boxes. Default: the same.", metavar="SPACE", show_default=False)] = ""
    box_order: Annotated[
        BoxOrder, Flag("Of the four numbers of an answer's box: xyxy, xywh (COCO) or yxyx. Default: xyxy.", show_default=False)
    ] = ""
    reference_order: Annotated[BoxOrder, Flag("Of the four numbers of a reference's box. Default: xyxy.", show_default=False)] = ""
    iou: Annotated[float, Flag("Overlap from which two boxes match.", least=0, most=1)] = 0.5
    tolerance: Annotated[
        float | None,
        Flag("Relative error that relaxed_accuracy and numeric_match forgive. Default: the profile's.", least=0, show_default=False),
    ] = None
    threshold: Annotated[
        float | None, Flag("Similarity from which ANLS keeps a score. Default: the profile's.", least=0, most=1, show_default=False)
    ] = None
    tokenize: Annotated[str, Flag("sacreBLEU's tokenizer. Default: by script in vlkit, 13a elsewhere.", show_default=False)] = ""
    stem: Annotated[bool, Flag("Stem English words for rouge1, rouge2, rougeL and rougeLsum, as rouge-score's use_stemmer.")] = False
    allow_remote_code: Annotated[bool, Flag("Let --metric evaluate:NAME load code from the hub.")] = False
    mark_field: str = "mark"
    judge: str = ""
