"""Which model is asked for boxes, and how they are drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, ClassVar, Literal

from vldata.flags import Flag, OptionGroup
from vldata.media.pixels import DEFAULT
from vleval.detection.labels import LabelFormat
from vleval.inference.ask import MOST_TOKENS
from vleval.inference.options import Adapter, AnswerTimeout, BackendName, BaseUrl
from vleval.metrics.options import BoxOrder, CoordSpace

_MODEL = (
    "Ask this model first: its name as the server lists it, or its folder for hf. FILE is then a folder of images, or --data a dataset."
)


class Drawing(OptionGroup, frozen=True, kw_only=True):
    """How `vleval detect` draws.

    Attributes:
        image_root: the folder that image paths are relative to; by default that of the references.
        out: the folder for the drawn images.
        coord_space: how the boxes count.
        box_order: what four numbers of a box are, where the spelling does not tell.
        classes: labels that are expected; empty to take any.
        fonts: fonts for labels; by default those of this machine.
        whole_folder: images without an answer count as failed.
        escape: draw characters that no font has as their code instead of refusing.
        to: also write the boxes as labels to correct.
        keep_going: the result is good although some images could not be drawn.
    """

    PANEL: ClassVar[str] = "Drawing"

    image_root: Annotated[
        Path | None,
        Flag("Folder that holds the images. Default: that of --data.", ("--image-root", "--input_dir"), metavar="DIR", show_default=False),
    ] = None
    out: Annotated[Path, Flag("Folder for the drawn images.", ("--out", "--output_dir"), metavar="DIR")] = Path("detections")
    coord_space: Annotated[
        CoordSpace,
        Flag("Of predicted boxes: 0-1000, pixels, pixels-resized, 0-1, or auto: found out and said.", metavar="SPACE", show_default=False),
    ] = ""
    box_order: Annotated[
        BoxOrder, Flag("What four numbers of a box are: xyxy, xywh (COCO), yxyx. Default: as written.", metavar="ORDER", show_default=False)
    ] = ""
    classes: Annotated[str, Flag("Labels that are expected; others are drawn and counted.", metavar="A,B,C", show_default=False)] = ""
    fonts: Annotated[
        tuple[Path, ...], Flag("Font for labels; may be given more than once.", ("--font",), metavar="FILE", show_default=False)
    ] = ()
    whole_folder: Annotated[bool, Flag("An image of the folder without a prediction is an error.")] = False
    escape: Annotated[bool, Flag("Write characters that no font has as their code.", ("--escape-labels",))] = False
    to: Annotated[LabelFormat, Flag("Also write the boxes as labels to correct: coco, or tasks of label-studio.", metavar="FORMAT")] = (
        "none"
    )
    keep_going: Annotated[bool, Flag("Exit 0 although some images could not be drawn.")] = False

    @property
    def expected(self) -> frozenset[str]:
        """The expected labels."""
        return frozenset(name.strip() for name in self.classes.split(",") if name.strip())


class BoxFinding(OptionGroup, frozen=True, kw_only=True):
    """Which model `vleval detect` asks, and what.

    Attributes:
        model: the model; "" to draw answers that are there already.
        prompt: the question; with `--classes` the usual one for boxes is made.
        attributes: further fields of each box.
        language: of that question.
        processor: the family of the model: sizes of images and how it writes boxes.
    """

    PANEL: ClassVar[str] = "Asking a model"

    model: Annotated[str, Flag(_MODEL, metavar="MODEL", show_default=False)] = ""
    backend: BackendName = "openai"
    base_url: BaseUrl = ""
    adapter: Adapter = ""
    prompt: Annotated[str, Flag("The question, in place of the usual one for --classes.", metavar="TEXT", show_default=False)] = ""
    attributes: Annotated[str, Flag("Further fields of each box.", metavar="A,B", show_default=False)] = ""
    language: Annotated[Literal["en", "zh"], Flag("Of the usual question.")] = "en"
    processor: Annotated[str, Flag("The family of the model: sizes of images, and how it writes boxes.", metavar="FAMILY")] = DEFAULT
    max_tokens: Annotated[int, Flag("Most tokens of an answer.", metavar="N", least=1, most=MOST_TOKENS)] = 2_048
    timeout_s: AnswerTimeout = 300.0
    concurrency: Annotated[int, Flag("Most requests in flight.", least=1, most=1024)] = 16
    allow_blind: Annotated[bool, Flag("Ask although the server does not see the images.")] = False
