"""Known faults of pinned releases, each put before `vldata xray` with the real trainer: `make xray`.

    python -m tests.vldata.xrays.real VENVS WORK [NAME]

VENVS holds an environment a trainer, as `make consumers` makes them. A fault is proven where xray names its cause with the release that has
it; a control is the same without the fault (another setting, or the release that mended it), where the cause must not be named.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image, ImageDraw

import vldata
from fixtures.clips import draw_clips
from vldata.models.families import FAMILIES
from vldata.models.tiny import build_tiny_model
from vldata.models.tiny_families import build_tiny_family

TAGS = {"role_tag": "role", "content_tag": "content", "user_tag": "user", "assistant_tag": "assistant"}
COLUMNS = {"messages": "messages", "images": "images"}


class Fault(NamedTuple):
    """One fault: what it is and where it was reported, whose, the row that shows it, its cause as xray names it."""

    name: str
    threads: str
    trainer: str
    env: str
    file: str
    row: int
    cause: str
    settings: tuple[str, ...] = ()
    dataset: str = ""
    model: str = "tiny"
    control: str = ""  # a file and row (FILE:ROW), a setting (NAME.KEY=VALUE), an environment (@ENV) or another model


LF, SW, TR, TF = "llamafactory", "swift", "trl", "transformers"
FAULTS = (
    Fault("cutoff_len cuts through vision tokens", "LLaMA-Factory #6911 #7363", LF, LF, "rows.jsonl", 2, "truncation",
          ("llamafactory.cutoff_len=64",), control="llamafactory.cutoff_len=4096"),
    Fault("image_max_pixels shrinks images unasked", "LLaMA-Factory #7690", LF, LF, "rows.jsonl", 1, "resize",
          control="llamafactory.image_max_pixels=16777216"),
    Fault("its rounding overshoots image_max_pixels", "read in its source", LF, LF, "rows.jsonl", 1, "pixel limit",
          ("llamafactory.image_max_pixels=589824",), control="rows.jsonl:2"),
    Fault("EXIF orientation is passed over", "read in its source", LF, LF, "rows.jsonl", 3, "EXIF", control="rows.jsonl:2"),
    Fault("transparency is dropped, not flattened", "read in its source", LF, LF, "rows.jsonl", 4, "alpha", control="rows.jsonl:2"),
    Fault("a second video is counted like the first", "read in its source", LF, LF, "clips/clips.jsonl", 4, "miscount",
          control="clips/clips.jsonl:1"),
    Fault("marks of time of a video are off", "LLaMA-Factory #10335 #9620", LF, LF, "clips/clips.jsonl", 2, "timestamps"),
    Fault("template qwen3_vl learns an empty thought", "LLaMA-Factory #9392", LF, LF, "rows.jsonl", 2, "empty think",
          ("llamafactory.template=qwen3_vl",), control="llamafactory.template=qwen3_vl_nothink"),
    Fault("template qwen2_vl adds a system prompt", "read in its source", LF, LF, "rows.jsonl", 2, "system prompt",
          ("llamafactory.template=qwen2_vl",), control="llamafactory.template=qwen3_vl_nothink"),
    Fault("formatting openai appends to system prompts", "read in its source", LF, LF, "dataset_info.json", 1,
          "system prompt", dataset="openai", control="dataset:full"),
    Fault("a system turn without system_tag drops the row", "LLaMA-Factory #2381 #7777 #9618", LF, LF, "dataset_info.json", 1, "dropped",
          dataset="no_system_tag", control="dataset:full"),
    Fault("a conversation that ends with a question is dropped", "read in its source", LF, LF, "rows.jsonl", 6, "dropped",
          control="rows.jsonl:2"),
    Fault("a literal <image> in the answer stops the run", "LLaMA-Factory #8440", LF, LF, "rows.jsonl", 5, "crash", control="rows.jsonl:2"),
    Fault("train_on_prompt learns vision tokens", "VLM-R1 #123", LF, LF, "rows.jsonl", 2, "labels on images",
          ("llamafactory.train_on_prompt=true",), control="llamafactory.train_on_prompt=false"),
    Fault("images below the processor's minimum stay small", "read in qwen-vl-utils", SW, SW, "rows.jsonl", 2, "resize",
          control="rows.jsonl:7"),
    Fault("EXIF orientation is passed over", "read in its source", SW, SW, "rows.jsonl", 3, "EXIF", control="rows.jsonl:7"),
    Fault("rows over max_length are replaced by others", "read in its source", SW, SW, "rows.jsonl", 7, "dropped",
          ("swift.max_length=64",), control="swift.max_length=4096"),
    Fault("frames get no fewer than 128 tokens", "qwen-vl-utils, ms-swift #6523", SW, SW, "clips/clips.jsonl", 1, "resize"),
    Fault("Qwen3.5 learns an empty thought before each answer", "ms-swift #8203", SW, SW, "rows.jsonl", 7, "empty think", model="qwen3_5",
          control="model:tiny"),
    Fault("messages alone are trained on whole", "unsloth #1396", TR, TR, "rows.jsonl", 7, "labels on prompt", control="parts"),
    Fault("vision tokens are learned with them", "TRL", TR, TR, "rows.jsonl", 7, "labels on images", control="parts"),
    Fault("a literal <image> stays in string messages", "TRL", TR, TR, "rows.jsonl", 7, "literal tag", control="parts"),
    Fault("all images go before the first words", "TRL", TR, TR, "rows.jsonl", 8, "order", control="parts"),
    Fault("max_length cuts through vision tokens", "TRL #5927 #4289", TR, TR, "parts", 1, "truncation", ("trl.max_length=64",),
          control="trl.max_length=null"),
    Fault("max_pixels is passed over", "transformers #41955", TF, LF, "rows.jsonl", 1, "pixel limit", ("transformers.max_pixels=262144",),
          control=f"@{TR}"),
)  # fmt: skip


def draw(folder: Path) -> None:
    """Draw the rows, registries and clips."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, size, mode in (
        ("big", (4000, 3000), "RGB"),
        ("small", (96, 96), "RGB"),
        ("wide", (640, 320), "RGB"),
        ("clear", (640, 320), "RGBA"),
    ):
        _picture(size, mode).save(folder / f"{name}.png")
    exif = Image.Exif()
    exif[0x0112] = 6
    _picture((640, 320), "RGB").save(folder / "turned.jpg", exif=exif, quality=95)
    rows = [
        _row("<image>What is it?", "A square.", "big.png"),
        _row("<image>What is it?", "A square.", "small.png"),
        _row("<image>What is it?", "A square.", "turned.jpg"),
        _row("<image>What is it?", "A square.", "clear.png"),
        _row("<image>What is it?", "A square with an <image> tag.", "wide.png"),
        {"messages": [*_row("<image>What?", "It.")["messages"], {"role": "user", "content": "And?"}], "images": ["wide.png"]},
        _row("<image>What is it?", "A square.", "wide.png"),
        _row("What is it? <image>", "A square.", "wide.png"),
    ]
    _write(folder / "rows.jsonl", rows)
    spoken = _row("<image>What is it?", "A square.", "wide.png")
    _write(folder / "system.jsonl", [{**spoken, "messages": [{"role": "system", "content": "Be brief."}, *spoken["messages"]]}])
    entry = {"file_name": "system.jsonl", "formatting": "sharegpt", "columns": COLUMNS, "tags": {**TAGS, "system_tag": "system"}}
    registry = {"full": entry, "openai": {**entry, "formatting": "openai"}, "no_system_tag": {**entry, "tags": TAGS}}
    (folder / "dataset_info.json").write_text(json.dumps(registry))


def _picture(size: tuple[int, int], mode: str) -> Image.Image:
    image = Image.new(mode, size, (200, 180, 160, 0)[: len(mode)])
    pen = ImageDraw.Draw(image)
    width, height = size
    pen.rectangle((10, 10, width // 2, height // 3), fill=(200, 30, 30, 255)[: len(mode)])
    pen.ellipse((width // 2, height // 2, width - 10, height - 10), fill=(20, 60, 200, 255)[: len(mode)])
    return image


def _row(question: str, answer: str, *images: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], "images": list(images)}


def _write(file: Path, rows: list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


def causes(fault: Fault, venvs: Path, work: Path) -> tuple[list[str], str]:
    """The causes that xray names on a fault's row, and the versions of the trainer."""
    path = work / "prepared/whole" if fault.file == "parts" else work / fault.file
    given = {
        "as_": f"ours,{fault.trainer}",
        "rows": str(fault.row),
        "env": (f"{fault.trainer}={venvs / fault.env}",),
        "model": work / fault.model,
    }
    seen = vldata.xray(path, set_=fault.settings, dataset=fault.dataset, **given).xray
    assert seen is not None
    run = next(run for run in seen.consumers if run.name == fault.trainer)
    if run.error:
        return [f"not asked: {run.error}"], ""
    view = next(view for view in seen.records[0].views if view.consumer == fault.trainer)
    package = {"swift": "ms_swift"}.get(fault.trainer, fault.trainer)
    return [one.kind for one in view.divergences], f"{package} {run.versions.get(package, '')}"


def without(fault: Fault) -> Fault | None:
    """The same without the fault; None where there is no control."""
    control = fault.control
    if not control:
        return None
    if control == "parts":
        return fault._replace(file="parts", row=1, settings=())
    if control.startswith("@"):
        return fault._replace(env=control[1:])
    if control.startswith("model:"):
        return fault._replace(model=control.partition(":")[2])
    if control.startswith("dataset:"):
        return fault._replace(dataset=control.partition(":")[2])
    if "=" in control:
        key = control.partition("=")[0]
        return fault._replace(settings=(*(one for one in fault.settings if not one.startswith(key)), control))
    file, _, row = control.rpartition(":")
    return fault._replace(file=file, row=int(row))


def prove(venvs: Path, work: Path, only: str) -> Iterator[tuple[bool, bool | None]]:
    """Yield of each fault whether it was named, and whether its control was left alone; None without a control."""
    for fault in FAULTS:
        if only not in fault.name:
            continue
        found, version = causes(fault, venvs, work)
        other = without(fault)
        quiet, said = True, ""
        if other is not None:
            named, said = causes(other, venvs, work)
            quiet = fault.cause not in named and not any(one.startswith("not asked") for one in named)
        mark = "named " if fault.cause in found else f"NOT NAMED ({', '.join(found) or 'nothing'}) "
        mended = f"; quiet on {said}" if said and said != version and quiet else "" if quiet else "; ALARM on the control"
        print(f"{mark}{fault.cause:<16} {version:<20} {fault.name} [{fault.threads}]{mended}", flush=True)
        yield fault.cause in found, quiet if other is not None else None


def main() -> int:
    """Draw, prove, count; returns the exit code."""
    venvs, work = Path(sys.argv[1]), Path(sys.argv[2])
    draw(work)
    draw_clips(work / "clips")
    _write(work / "whole.jsonl", [_row("<image>What is it?", "A square.", "wide.png")])
    vldata.convert("sharegpt", work / "whole.jsonl", out=work / "prepared", name="whole", overwrite=True, image_root=work)
    build_tiny_model(work / "tiny")
    build_tiny_family(FAMILIES["qwen3.5"], work / "qwen3_5")
    proven = list(prove(venvs, work, (sys.argv[3:] or [""])[0]))
    named, controls = sum(one for one, _ in proven), [quiet for _, quiet in proven if quiet is not None]
    print(f"{named} of {len(proven)} faults named, {sum(controls)} of {len(controls)} controls quiet")
    return int(named < len(proven) or not all(controls))


if __name__ == "__main__":
    raise SystemExit(main())
