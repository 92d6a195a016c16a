"""A foreign ShareGPT dump with the faults that such dumps have: each in a file of its own among good rows, so that none hides another.

Every fault is a `tests.lint.cases.Case` with what its author meant, so that what a trainer makes of it can be judged by its tokens.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

from tests.lint.cases import Case, Meant

FILE = "data.json"
ENTRY = {"formatting": "sharegpt", "columns": {"messages": "conversations", "images": "images"}}
GOOD = 4  # rows beside a faulty one
MARK = "which-7"  # stands in the question of the faulty row and nowhere else
Row = dict[str, Any]


class Fault(NamedTuple):
    """One kind of fault: `rows` of which that with `MARK` is faulty, or `text` where the file as a whole is."""

    name: str
    what: str
    rows: list[Row]
    meant: Meant | None = None  # of the faulty row, where there is a way to train it as its author meant
    text: str = ""
    file: str = FILE
    twice: bool = False  # the faulty row stands there twice, and the fault is that it is learned twice
    after: Meant | None = None  # of the row once vldata has mended it, where that changes its texts
    about: tuple[str, ...] = ()  # words that tell of the fault without naming the row

    @property
    def whole_file(self) -> bool:
        """Whether the rows are good and their file is not."""
        return bool(self.text)

    @property
    def faulty_rows(self) -> int:
        """Rows that the fault is in."""
        return len(self.rows) if self.whole_file else 1


def draw(folder: Path) -> None:
    """The dump's pictures, each of its own colours, and a broken one."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(8):
        picture = Image.new("RGB", (640, 480), (30 * number, 200 - 20 * number, 90))
        ImageDraw.Draw(picture).rectangle((40 * number, 60, 40 * number + 200, 300), fill=(250 - 30 * number, 20, 20))
        picture.save(folder / f"p{number}.jpg")
    wide = Image.new("RGB", (1920, 1080), (20, 40, 60))
    ImageDraw.Draw(wide).rectangle((960, 540, 1440, 810), fill="red")
    wide.save(folder / "wide.jpg")
    (folder / "cut.jpg").write_bytes((folder / "wide.jpg").read_bytes()[:9_000])
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (640, 320), "red").save(folder / "turned.jpg", exif=turned)


def row(name: str, question: str, answer: Any, images: Any = ("p1.jpg",), **more: Any) -> Row:
    """A row of two turns."""
    turns = [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]
    return {"id": name, "images": list(images) if images is not None else None, "conversations": turns, **more}


def good(number: int) -> Row:
    """A row that every tool trains."""
    return row(f"good-{number}", f"<image>What is shown in scene {number} here?", f"A box of kind {number}.", [f"p{number}.jpg"])


def meaning(number: int) -> Meant:
    """What a good row means."""
    return {"answers": [f"A box of kind {number}."], "prompts": [f"What is shown in scene {number} here?"], "images": 1}


Q, A = f"Look at {MARK}: what is it?", "A red box on the left."
SHOWN: Meant = {"answers": [A], "prompts": [Q], "images": 1}


def faults() -> list[Fault]:
    """All of them, in the order of the page."""
    return [*_rows(), *_files()]


def _among(name: str, what: str, faulty: Row | list[Row], meant: Meant | None = None, **more: Any) -> Fault:
    rows = [good(number) for number in range(GOOD)]
    rows[2:2] = faulty if isinstance(faulty, list) else [faulty]
    return Fault(name, what, rows, meant, **more)


def _rows() -> Iterator[Fault]:
    plain = row("bad-7", f"<image>{Q}", A)
    yield _among("missing-image", "the image is not on disk", row("bad-7", f"<image>{Q}", A, ["gone.jpg"]))
    yield _among("cut-image", "the image file is cut off", row("bad-7", f"<image>{Q}", A, ["cut.jpg"]))
    yield _among("more-tags", "two `<image>` tags, one image", row("bad-7", f"<image><image>{Q}", A))
    yield _among("no-tag", "an image, no `<image>` tag", row("bad-7", Q, A), SHOWN)
    yield _among(
        "tag-in-answer",
        "`<image>` in the answer as a word",
        row("bad-7", f"<image>{Q}", f"An <image> tag. {A}"),
        after={**SHOWN, "answers": [f"An < image> tag. {A}"]},
    )
    yield _among("absolute-path", "the path of another machine", row("bad-7", f"<image>{Q}", A, ["/home/someone/data/pics/p5.jpg"]))
    for name, what, numbers in (
        ("boxes", "a `bbox_2d` in pixels, and an image that gets resized", '[{{"bbox_2d": [{}], "label": "box"}}]'),
        ("bare-box", "a bare `[x1, y1, x2, y2]` in pixels, and an image that gets resized", "[{}]"),
    ):
        yield _among(
            name,
            what,
            row("bad-7", f"<image>Look at {MARK}: where is the box?", numbers.format("960, 540, 1440, 810"), ["wide.jpg"]),
            {"answers": [numbers.format("960, 540, 1440, 810")], "images": 1, "boxes": True, "sizes": [[1920, 1080]]},
            after={"answers": [numbers.format("500, 500, 750, 750")], "images": 1},
            about=("in a text: 1 row",),
        )
    yield _among(
        "turned",
        "an image turned by its EXIF tag",
        row("bad-7", f"<image>{Q}", A, ["turned.jpg"]),
        {**SHOWN, "shapes": [(320, 640)]},
    )
    yield _among("duplicate", "the same row twice", [plain, plain], SHOWN, twice=True)
    yield _among("no-answer", "the talk ends with a question", {**plain, "conversations": plain["conversations"][:1]})
    yield _among("answer-first", "the answer stands before the question", {**plain, "conversations": plain["conversations"][::-1]})
    doubled = [*plain["conversations"][:1], {"from": "human", "value": "And say it in brief."}, plain["conversations"][1]]
    yield _among(
        "two-questions",
        "two turns of the user in a row",
        {**plain, "conversations": doubled},
        {**SHOWN, "prompts": [Q, "And say it in brief."]},
    )
    yield _among("empty-answer", "an empty answer", row("bad-7", f"<image>{Q}", ""))
    yield _among("number-answer", "the answer is a number, not a string", row("bad-7", f"<image>{Q}", 42), {**SHOWN, "answers": ["42"]})
    yield _among("null-answer", "the answer is null", row("bad-7", f"<image>{Q}", None))
    yield _among(
        "other-keys",
        "one row says role and content",
        {
            "id": "bad-7",
            "images": ["p1.jpg"],
            "conversations": [{"role": "user", "content": f"<image>{Q}"}, {"role": "assistant", "content": A}],
        },
        SHOWN,
    )
    yield _among(
        "other-role", "a role nobody knows", {**plain, "conversations": [plain["conversations"][0], {"from": "bot_v2", "value": A}]}, SHOWN
    )
    yield _among(
        "preference",
        "a preference row among the others",
        {
            "id": "bad-7",
            "images": ["p1.jpg"],
            "conversations": plain["conversations"][:1],
            "chosen": {"from": "gpt", "value": A},
            "rejected": {"from": "gpt", "value": "A dog."},
        },
    )
    yield _among(
        "control-token",
        "`<|im_end|>` in the answer",
        row("bad-7", f"<image>{Q}", "A red box<|im_end|> on the left."),
        after={**SHOWN, "answers": ["A red box< |im_end|> on the left."]},
    )
    yield _among("prompt-token", "`<|image_pad|>` in the question", row("bad-7", f"<image>{Q} <|image_pad|>", A), SHOWN)
    words = " ".join(f"word{number}" for number in range(900))
    yield _among(
        "too-long",
        "longer than cutoff_len 2048: the answer's end is cut",
        row("bad-7", f"<image>{Q}", f"{words} THE-END"),
        {"answers": [f"{words} THE-END"], "prompts": [Q], "images": 1},
        about=("cutoff_len >=",),
    )
    yield _among("no-images-key", "a tag, and no field of images", {"id": "bad-7", "conversations": plain["conversations"]})


def _files() -> Iterator[Fault]:
    rows = [good(number) for number in range(GOOD)]
    text = json.dumps(rows, indent=1)
    yield Fault(
        "trailing-comma",
        "a JSON list with a trailing comma",
        rows,
        text=text[:-2] + ",\n]",
        about=(f"line {text.count(chr(10)) + 1}", "a comma"),
    )
    yield Fault("list-jsonl", "a JSON list that is called .jsonl", rows, text=text, file="data.jsonl")
    yield Fault(
        "pretty-jsonl",
        "pretty-printed objects that are called .jsonl",
        rows,
        text="\n".join(json.dumps(r, indent=1) for r in rows),
        file="data.jsonl",
        about=("pretty-printed",),
    )
    yield Fault("enveloped", "rows below a key `data`", rows, text=json.dumps({"version": 1, "data": rows}))
    yield Fault("bom", "a byte order mark in front", rows, text="\ufeff" + json.dumps(rows), about=("BOM", "byte order mark"))
    yield Fault(
        "torn",
        "the last line of a .jsonl is torn",
        rows,
        text="".join(json.dumps(r) + "\n" for r in rows)[:-40],
        file="data.jsonl",
        about=("row 3", ":4:", "middle of a row"),
    )


def case(fault: Fault) -> Case:
    """The fault as a folder for a trainer: its file, and the entry of dataset_info.json that its user writes."""
    meant = [fault.meant if MARK in json.dumps(r) else meaning(int(r["id"][-1])) for r in fault.rows]
    content = fault.text or json.dumps(fault.rows, indent=1)
    info = {"data": {"file_name": fault.file, **ENTRY}}
    return Case(fault.name, {fault.file: content, "dataset_info.json": info}, [m or {} for m in meant], {"file": fault.file})
