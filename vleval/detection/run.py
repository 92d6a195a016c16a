"""The whole of `vleval detect`: answers read, boxes parsed and brought into pixels, pictures drawn, everything counted."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from vldata.errors import DataError, UsageError
from vldata.files.durable import write_atomic
from vldata.files.strictjson import iter_lines
from vldata.jobs import JobResult
from vldata.output.publish import MediaLine
from vldata.records.thoughts import without_thought
from vldata.wording import counted
from vleval.detection.draw import colours_of, draw_boxes, label_text
from vleval.detection.fonts import FontChain, find_fonts, script_names
from vleval.detection.inputs import Task, output_names, pair_up
from vleval.detection.labels import Original, write_labels
from vleval.detection.options import Drawing
from vleval.joining import JoinedRows, join
from vleval.metrics.box_spaces import BoxAnswer, find_space, outside_notes
from vleval.metrics.boxes import LabelledBox, ParsedBoxes, is_none, parse_boxes
from vleval.metrics.coords import to_pixels
from vleval.metrics.options import BoxOrder, CoordSpace
from vleval.readers import read_predictions
from vleval.references import read_references
from vleval.reports.text import cut
from vleval.rows import Row
from vleval.scoring import say_guesses, what_was_taken
from vleval.settings import Allow, Reading

if TYPE_CHECKING:
    from PIL import Image


class Drawn(msgspec.Struct, frozen=True, kw_only=True):
    """One picture: its boxes in pixels of the upright frame, and what was not drawn.

    Attributes:
        image: what the picture goes by.
        path: where it is below the folder of the pictures.
        dropped: objects that are cut off or whose box is not four numbers.
        no_area: boxes that enclose nothing; a score leaves them out as well.
        outside: boxes of which nothing is in the picture.
        unknown: boxes whose label is not among `--classes`.
    """

    id: str
    image: str
    path: str
    output: str
    width: int
    height: int
    boxes: tuple[LabelledBox, ...]
    dropped: int
    no_area: int
    outside: int
    unknown: int


class Parsing(msgspec.Struct, frozen=True, kw_only=True):
    """How many of the answers could be read: a list of objects, or that there is none ("[]")."""

    answers: int
    read: int
    rate: float


class Failed(msgspec.Struct, frozen=True):
    """A picture that could not be drawn, and why."""

    id: str
    image: str
    reason: str


class DetectionDocument(msgspec.Struct, frozen=True, kw_only=True):
    """What `vleval detect --json` prints."""

    schema: Literal["vlkit.detection/1"] = "vlkit.detection/1"
    drawn: tuple[Drawn, ...]
    failed: tuple[Failed, ...]
    escaped: str
    notes: tuple[str, ...]
    parsing: Parsing
    scores: dict[str, float]


@dataclass(frozen=True, kw_only=True, repr=False)
class Detection(JobResult):
    """Everything that `vleval detect` did: images drawn below `folder`, those that failed, and characters written as their code.

    `scores` are there where the images have labels: F1, precision and recall of the boxes (`detection_f1`).
    """

    drawn: tuple[Drawn, ...]
    failed: tuple[Failed, ...]
    escaped: str
    folder: Path
    keep_going: bool = False
    notes: tuple[str, ...] = ()
    parsing: Parsing
    scores: dict[str, float] = field(default_factory=dict)
    labels: Path | None = None

    @property
    def ok(self) -> bool:
        """Whether there is a box at all, and every image was drawn, or some were and that is enough."""
        return any(image.boxes for image in self.drawn) and (not self.failed or self.keep_going)

    def document(self) -> dict[str, Any]:
        """Return what `vleval detect --json` prints."""
        document = DetectionDocument(
            drawn=self.drawn, failed=self.failed, escaped=self.escaped, notes=self.notes, parsing=self.parsing, scores=self.scores
        )
        return dict(msgspec.to_builtins(document))

    def lines(self) -> Iterator[str]:
        """Yield a line an image and a line a box, then the counts."""
        for image in self.drawn:
            yield f"{image.image} ({image.width}x{image.height}) -> {self.folder / image.output}"
            for box in image.boxes:
                corners = ", ".join(f"{value:.0f}" for value in (box.x1, box.y1, box.x2, box.y2))
                details = "; ".join(f"{key} {cut(value, 40)}" for key, value in box.extra.items())
                yield f"  {cut(box.label, 40) or '(no label)'} [{corners}]" + (f"  {details}" if details else "")
            left_out = (
                *((image.dropped, "incomplete"), (image.no_area, "without area"), (image.outside, "outside the image")),
                (image.unknown, "of no expected class"),
            )
            yield from (f"  {count} {words}" for count, words in left_out if count)
        boxes = sum(len(image.boxes) for image in self.drawn)
        yield f"{counted(len(self.drawn), 'image')}, {_boxes(boxes)} drawn; {self.parsing.read:,} of {self.parsing.answers:,} answers read."
        yield from (f"{name} = {value:.4f}" for name, value in self.scores.items())
        if self.labels is not None:
            yield f"Labels to correct: {self.labels}"
        if not boxes and self.drawn:
            beyond = any(image.outside for image in self.drawn)
            yield "Every box is outside its image." if beyond else "No answer has a box that can be read."


def detect(
    predictions: str | Path,
    references: str | Path | None = None,
    *,
    drawing: Drawing,
    reading: Reading = Reading(),
    tell: Callable[[str], None] = lambda _: None,
) -> Detection:
    """Draw the boxes that a model named, as `vleval detect` does.

    Args:
        predictions: a file of any known format, or - for stdin.
        references: a dataset or file that names the images, and by default their folder.
        drawing: coordinate space, folders and labels.
        reading: how the file is read.
        tell: is given notes as soon as they are known.

    Raises:
        UsageError: no coordinate space, no folder of images, or labels in a script that no font here can draw.
        DataError: no image for any answer.
    """
    loaded = read_predictions(predictions, reading=reading)
    for note in loaded.notes:
        tell(note)
    joined, root, known = JoinedRows(rows=loaded.rows), drawing.image_root, None
    if references is not None:
        known = read_references(references, reading=reading)
        joined = join(loaded, known, Allow(missing=True), by_order=reading.by_order)
        root = root or known.root
        if known.coord_space and not drawing.coord_space and not reading.strict:
            tell(f"Boxes are taken to count as the dataset's do ({known.coord_space}); --coord-space names another space.")
            drawing = msgspec.structs.replace(drawing, coord_space=known.coord_space)
    for note in joined.notes:
        tell(note)
    say_guesses(what_was_taken(loaded, known, joined), reading, tell)
    if root is None:
        raise UsageError("no folder of images.", cure="Give --image-root DIR, or the dataset with --data DIR/NAME.")
    found = draw_answers(joined.rows, root, drawing)
    if drawing.to == "none":
        return found
    return replace(found, labels=write_labels(drawing.to, found.drawn, _originals(None if known is None else known.media), drawing.out))


def _originals(media: Path | None) -> dict[str, Original]:
    """The images of a dataset before it resized them, by the path of the image that was written."""
    if media is None:
        return {}
    lines = (msgspec.json.decode(line, type=MediaLine) for _, line in iter_lines(media))
    return {line.path: Original(line.source, line.source_width, line.source_height) for line in lines}


def draw_answers(rows: Sequence[Row], root: Path, drawing: Drawing, tick: Callable[[int, int], None] = lambda done, of: None) -> Detection:
    """Draw the boxes of every answer on its image and write one PNG per answer below `drawing.out`.

    Raises:
        UsageError: no coordinate space, or labels in a script that no font here can draw.
        DataError: no picture for any answer.
    """
    if not drawing.coord_space:
        raise UsageError(
            "the boxes' coordinate space is not told.",
            cure="Give --coord-space 0-1000 (Qwen-VL, Qwen2-VL, Qwen3-VL), pixels-resized (Qwen2.5-VL), pixels or 0-1.",
        )
    tasks, lost = pair_up(rows, root, whole_folder=drawing.whole_folder)
    if not tasks:
        raise DataError("no prediction names a picture in it.", where=str(root), cure="Name the folder that image paths are relative to.")
    parsed = [_parse(task, drawing.box_order) for task in tasks]
    space, notes = _space(tasks, parsed, drawing.coord_space)
    turned = [task.name for task, found in zip(tasks, parsed, strict=True) for box in (found.boxes if found else ()) if box.turned]
    if turned and drawing.box_order != "xywh":
        notes.append(
            f"{_boxes(len(turned))} with a second corner above or left of the first, as of {turned[0]!r}, drawn with corners "
            "in order. Where it is a size: --box-order xywh."
        )
    labels = [box.label for found in parsed if found is not None for box in found.boxes]
    fonts, escaped = _fonts(labels, drawing)
    colours = colours_of(labels)
    drawn: list[Drawn] = []
    failed = [Failed(identity, "", "its picture is not in the folder") for identity in lost]
    for number, (task, found, name) in enumerate(zip(tasks, parsed, output_names(tasks), strict=True)):
        tick(number, len(tasks))
        if found is None:
            reason = "no prediction" if task.row is None else task.row.error or "no answer"
            failed.append(Failed(task.row.id if task.row else task.name, task.name, reason))
            continue
        one = _draw_one(task, found, root, name, drawing, space, lambda text: _escape(label_text(text), escaped), colours, fonts)
        if isinstance(one, str):
            failed.append(Failed(task.row.id if task.row else task.name, task.name, one))
        else:
            drawn.append(one)
    tick(len(tasks), len(tasks))
    return Detection(
        drawn=tuple(drawn),
        failed=tuple(failed),
        escaped=escaped,
        folder=drawing.out,
        keep_going=drawing.keep_going,
        notes=tuple(notes),
        parsing=_parsing(tasks, parsed),
    )


def _boxes(count: int) -> str:
    return f"{count:,} " + ("box" if count == 1 else "boxes")


def _parse(task: Task, order: BoxOrder) -> ParsedBoxes | None:
    """The boxes of an answer; those of a thought are none. None for no answer."""
    if task.row is None or task.row.prediction is None:
        return None
    return parse_boxes(without_thought(task.row.prediction), order)


def _draw_one(
    task: Task,
    found: ParsedBoxes,
    root: Path,
    name: str,
    drawing: Drawing,
    space: CoordSpace,
    written: Callable[[str], str],
    colours: Mapping[str, tuple[int, int, int]],
    fonts: FontChain,
) -> Drawn | str:
    """Draw the boxes of one answer into the file of this name, or say why they cannot be."""
    image = _load(task)
    if isinstance(image, str):
        return image
    whole = [box for box in found.boxes if box.has_area]
    kept = [moved for box in whole if (moved := to_pixels(box, space, *image.size)) is not None]
    try:
        _write(drawing.out / name, draw_boxes(image, kept, [written(box.label) for box in kept], colours, fonts))
    except DataError as fault:
        return fault.what.rstrip(".")
    return Drawn(
        id=task.row.id if task.row else task.name,
        image=task.name,
        path=task.path.resolve().relative_to(root.resolve()).as_posix(),
        output=name,
        width=image.width,
        height=image.height,
        boxes=tuple(kept),
        dropped=found.dropped,
        no_area=len(found.boxes) - len(whole),
        outside=len(whole) - len(kept),
        unknown=sum(box.label not in drawing.expected for box in kept) if drawing.expected else 0,
    )


def _parsing(tasks: Sequence[Task], parsed: Sequence[ParsedBoxes | None]) -> Parsing:
    answers = [(task, found) for task, found in zip(tasks, parsed, strict=True) if found is not None]
    read = sum(bool(found.boxes) or is_none(without_thought(task.row.prediction or "")) for task, found in answers if task.row is not None)
    return Parsing(answers=len(answers), read=read, rate=round(read / len(answers), 4) if answers else 0.0)


def _space(tasks: Sequence[Task], parsed: Sequence[ParsedBoxes | None], told: CoordSpace) -> tuple[CoordSpace, list[str]]:
    """The space that the boxes count in, told or found over all of them, and what is to be said of it.

    Raises:
        DataError: `auto`, and two spaces fit or the answers mix them.
    """
    answers = [
        BoxAnswer(task.name, found, _size(task.path))
        for task, found in zip(tasks, parsed, strict=True)
        if found is not None and found.boxes
    ]
    if told != "auto":
        return told, outside_notes(answers, told, "answers")
    space, why = find_space(answers, "the answers")
    return space or "pixels", [f"Boxes are read as {space}: {why}."] if space else []


def _size(path: Path) -> tuple[int, int]:
    """Width and height as the upright image has them, from its header; (0, 0) where it cannot be read."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as image:
            width, height = image.size
            turned = image.getexif().get(0x0112, 1) >= 5
    except (OSError, UnidentifiedImageError, ValueError, SyntaxError, Image.DecompressionBombError):
        return 0, 0
    return (height, width) if turned else (width, height)


def _fonts(labels: Sequence[str], drawing: Drawing) -> tuple[FontChain, str]:
    texts = [label_text(label) for label in labels]
    fonts = find_fonts([*texts, "U+0123456789ABCDEF"], drawing.fonts)
    lost = fonts.missing("".join(dict.fromkeys("".join(texts))))
    if lost and not drawing.escape:
        example = next(text for text in texts if set(lost) & set(text))
        raise UsageError(
            f"no font on this machine can draw {lost[:20]!r} ({script_names(lost)}), as in the label {example!r}.",
            cure="Give one with --font FILE, install one (fonts-noto-core, fonts-noto-cjk), or write codes instead: --escape-labels",
        )
    return fonts, lost


def _escape(text: str, lost: str) -> str:
    return "".join(f"[U+{ord(c):04X}]" if c in lost else c for c in text) if lost else text


def _load(task: Task) -> Image.Image | str:
    from vldata.media.decode import decode_picture
    from vldata.media.sources import Unusable, read_picture_bytes

    try:
        return decode_picture(read_picture_bytes(str(task.path))).image
    except Unusable as fault:
        return fault.failure.reason


def _write(path: Path, image: Image.Image) -> None:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=3)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(f"cannot be made: {error.strerror}.", where=str(path.parent), cure="Choose another --out.") from None
    write_atomic(path, buffer.getvalue())
