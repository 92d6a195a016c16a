"""What is fuzzed: every reader of bytes that nobody vouches for. Each may raise what it promises and nothing else."""

from __future__ import annotations

import contextlib
import functools
import itertools
import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path

import msgspec

from vldata.api.lint import lint
from vldata.errors import VlkitError
from vldata.files import strictjson
from vldata.files.content import content_fault
from vldata.files.gate import UnsafePathError, below
from vldata.media.containers import walk_container
from vldata.media.decode import decode_picture
from vldata.media.sources import Unusable
from vldata.models.layout import damage, weight_files
from vldata.output.contract import read_contract
from vldata.output.dataset_info import read_dataset_info
from vldata.output.folder import DatasetPaths
from vldata.output.journal import recover
from vldata.records.check import RecordChecker
from vldata.records.findings import FindingList
from vldata.records.record import decode_record
from vldata.records.rules import faults
from vldata.records.tool_calls import ToolCallError, read_calls
from vldata.sources import load_converter
from vldata.sources.jsonl import open_source as open_jsonl
from vldata.sources.sharegpt import open_source as open_sharegpt
from vleval.inference.addresses import read_address
from vleval.inference.ollama_wire import parse_reply as parse_ollama
from vleval.inference.openai_wire import parse_reply as parse_openai
from vleval.readers import read_marks, read_predictions

Target = Callable[[bytes], object]


@functools.cache
def _folder() -> Path:
    return Path(tempfile.mkdtemp(prefix="vlkit-fuzz-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))


def _file(name: str, data: bytes) -> Path:
    path = _folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _strict(data: bytes) -> None:
    with contextlib.suppress(strictjson.StrictJsonError):
        strictjson.loads(data)


def _lines(data: bytes) -> None:
    with contextlib.suppress(VlkitError):
        list(strictjson.iter_lines(_file("lines.jsonl", data), max_line_bytes=64))


def _record(data: bytes) -> None:
    with contextlib.suppress(strictjson.StrictJsonError, msgspec.ValidationError):
        list(faults(decode_record(data)))


def _records(data: bytes) -> None:
    checker = RecordChecker(None, FindingList())
    checker.check_file(_file("records.jsonl", data))
    checker.finish()


def _contract(data: bytes) -> None:
    _file("d/x.contract.json", data)
    with contextlib.suppress(VlkitError):
        read_contract(DatasetPaths(_folder() / "d", "x"))


def _registry(data: bytes) -> None:
    _file("r/dataset_info.json", data)
    with contextlib.suppress(VlkitError):
        read_dataset_info(_folder() / "r")


def _journal(data: bytes) -> None:
    _file("j/.vldata/x/commit.json", data)
    with contextlib.suppress(VlkitError):
        recover(DatasetPaths(_folder() / "j", "x"), "convert", owned=("x",))


def _path(data: bytes) -> None:
    name = data.decode("utf-8", "surrogateescape")
    with contextlib.suppress(UnsafePathError, OSError):
        below(_folder() / "p", name).open()


def _container(data: bytes) -> None:
    walk_container(data, data[-16:], len(data))
    content_fault(data[:64], "image")
    content_fault(data[:64], "video")


def _picture(data: bytes) -> None:
    with contextlib.suppress(Unusable):
        decode_picture(data)


def _calls(data: bytes) -> None:
    with contextlib.suppress(ToolCallError):
        read_calls(data.decode("utf-8", "replace"))


def _drafts(opened: Iterable[object]) -> None:
    for source in opened:
        for _ in itertools.islice(source.drafts(), 50):  # type: ignore[attr-defined]
            pass


def _pairs(suffix: str) -> Target:
    def read(data: bytes) -> None:
        with contextlib.suppress(VlkitError):
            _drafts(open_jsonl(_file(f"s/pairs{suffix}", data)))

    return read


def _talks(suffix: str) -> Target:
    def read(data: bytes) -> None:
        with contextlib.suppress(VlkitError):
            _drafts(open_sharegpt(_file(f"t/talks{suffix}", data)))

    return read


def _labels(name: str, file: str) -> Target:
    """The reader of an annotation format; beside the file lies an image, and what else such a folder has."""

    def read(data: bytes) -> None:
        _file(f"{name}/images/a.png", _PNG)
        if name == "yolo" and file != "data.yaml":
            _file("yolo/data.yaml", b"names: [cat, dog]\ntrain: images\n")
        source = _file(f"{name}/{file}", data)
        while source.parent != _folder():
            source = source.parent
        with contextlib.suppress(VlkitError):
            _drafts(load_converter(name)(source))

    return read


def _lint(suffix: str) -> Target:
    def read(data: bytes) -> None:
        path = _file(f"lint/rows{suffix}", data)
        for trainer in ("llamafactory", "swift", "trl", "internvl"):
            with contextlib.suppress(VlkitError):
                lint(path, trainer)

    return read


def _predictions(suffix: str) -> Target:
    def read(data: bytes) -> None:
        with contextlib.suppress(VlkitError):
            read_predictions(_file(f"preds{suffix}", data))

    return read


def _marks(data: bytes) -> None:
    with contextlib.suppress(VlkitError):
        read_marks(_file("marks.json", data))


def _workbook(data: bytes) -> None:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:  # the container is right, the sheet is anything
        for name, content in _BOOK.items():
            book.writestr(name, content)
        book.writestr("xl/worksheets/sheet1.xml", data)
    _predictions(".xlsx")(buffer.getvalue())


def _weights(data: bytes) -> None:
    damage(_file("m/model.safetensors", data))


def _index(data: bytes) -> None:
    _file("i/model.safetensors.index.json", data)
    with contextlib.suppress(VlkitError):
        weight_files(_folder() / "i")


def _replies(data: bytes) -> None:
    for status in (200, 500):
        parse_openai(status, data)
        parse_ollama(status, data)


def _address(data: bytes) -> None:
    with contextlib.suppress(VlkitError):
        read_address(data.decode("utf-8", "replace"))


def _recipe(data: bytes) -> None:
    from vltrain.recipe import read_recipe

    with contextlib.suppress(VlkitError):
        read_recipe(_file("recipe.yaml", data))


_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_BOOK = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
    f'package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/><Override PartName='
    f'"/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_RELATION}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_RELATION}"><sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets>'
    "</workbook>",
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_RELATION}/worksheet" '
    'Target="worksheets/sheet1.xml"/></Relationships>',
}
_SHEET = (
    f'<worksheet xmlns="{_MAIN}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>prediction</t></is></c></row></sheetData></worksheet>'
)
_RECORD = {
    "id": "a",
    "messages": [{"role": "user", "content": "<image>?"}, {"role": "assistant", "content": "!"}],
    "images": ["images/a.png"],
}
_LINE = json.dumps({**_RECORD, "references": [], "meta": {}}, separators=(",", ":")).encode()
_OBJECT = "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>"
_VOC = f"<annotation><filename>a.png</filename><size><width>3</width><height>3</height></size>{_OBJECT}</annotation>".encode()
_COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 3, "height": 3}],
    "categories": [{"id": 1, "name": "cat"}],
    "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 2, 2], "iscrowd": 0}],
}
_SHAPE = {"label": "cat", "points": [[0, 0], [2, 2]], "shape_type": "rectangle"}
_LABELME = {"version": "5", "imagePath": "a.png", "imageWidth": 3, "imageHeight": 3, "shapes": [_SHAPE]}
_CVAT = (
    b'<annotations><image id="0" name="a.png" width="3" height="3"><box label="cat" xtl="0" ytl="0" xbr="2" ybr="2" rotation="10"/>'
    b'<polygon label="cat" points="0,0;2,0;2,2"/></image></annotations>'
)
_SPAN = {"x": 1, "y": 1, "width": 9, "height": 9, "rotation": 5, "rectanglelabels": ["cat"]}
_TASK = {
    "id": 1,
    "data": {"image": "images/a.png"},
    "annotations": [{"result": [{"type": "rectanglelabels", "original_width": 3, "original_height": 3, "value": _SPAN}]}],
}
_PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108020000009077"
    "53de0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)

# name -> the reader, and inputs to begin with.
TARGETS: dict[str, tuple[Target, tuple[bytes, ...]]] = {
    "strict-json": (_strict, (b'{"a": [1, 2.5e3, null, "\\ud83d\\ude00"]}', b"[NaN]")),
    "json-lines": (_lines, (b'\xef\xbb\xbf{"a": 1}\r\n\n{"b": 2}', b"x" * 80)),
    "record": (_record, (_LINE,)),
    "records-file": (_records, (_LINE + b"\n" + _LINE,)),
    "contract": (_contract, (b'{"schema": "vlkit.contract/1", "name": "x", "files": []}',)),
    "registry": (_registry, (b'{"x": {"file_name": "x.jsonl"}}',)),
    "journal": (_journal, (b'{"made_by": "convert", "renames": [{"staged": ".vldata/x/staging/a", "final": "x.jsonl"}], "remove": []}',)),
    "path": (_path, (b"images/ab/c.png", b"../x", b"a//b")),
    "container": (_container, (_PNG, b"\xff\xd8\xff\xe0\x00\x10JFIF", b"RIFF\x24\x00\x00\x00WEBPVP8 ")),
    "picture": (_picture, (_PNG,)),
    "tool-calls": (_calls, (b'{"name": "f", "arguments": {"a": 1}}', b'[{"name": "f"}]')),
    "pairs-jsonl": (_pairs(".jsonl"), (b'{"image": "a.png", "caption": "A cat."}',)),
    "pairs-json": (_pairs(".json"), (b'[{"image": "a.png", "question": "?", "answer": "!"}]',)),
    "pairs-csv": (_pairs(".csv"), (b"image,text\na.png,A cat.\n",)),
    "talks-json": (_talks(".json"), (b'[{"image": "a.png", "conversations": [{"from": "human", "value": "<image>?"}]}]',)),
    "talks-jsonl": (_talks(".jsonl"), (_LINE,)),
    "coco": (_labels("coco", "instances.json"), (json.dumps(_COCO).encode(),)),
    "voc": (_labels("voc", "a.xml"), (_VOC,)),
    "labelme": (_labels("labelme", "images/a.json"), (json.dumps(_LABELME).encode(),)),
    "cvat": (_labels("cvat", "annotations.xml"), (_CVAT,)),
    "label-studio": (_labels("label-studio", "tasks.json"), (json.dumps([_TASK]).encode(),)),
    "yolo-label": (_labels("yolo", "labels/a.txt"), (b"0 0.5 0.5 0.2 0.2\n1 0.1 0.1 0.3 0.1 0.3 0.3\n",)),
    "yolo-yaml": (_labels("yolo", "data.yaml"), (b"names: {0: cat}\ntrain: images\nnc: 1\n",)),
    "lint-csv": (_lint(".csv"), (b"instruction,output\na,b\n",)),
    "lint-jsonl": (_lint(".jsonl"), (_LINE,)),
    "lint-json": (_lint(".json"), (b'[{"image": "a.png", "conversations": [{"from": "human", "value": "<image>?"}]}]',)),
    "predictions-jsonl": (_predictions(".jsonl"), (b'{"id": "a", "prediction": "b", "references": ["c"]}',)),
    "predictions-json": (_predictions(".json"), (b'[{"id": "a", "prediction": "b"}]', b'{"results": {}, "configs": {}}')),
    "predictions-csv": (_predictions(".csv"), (b"id,prediction\na,b\n",)),
    "predictions-xlsx": (_workbook, (_SHEET.encode(),)),
    "predictions-zip": (_predictions(".eval"), (b"PK\x05\x06" + bytes(18),)),
    "marks": (_marks, (b'{"a": 5}', b'[{"id": "a", "mark": 1}]')),
    "weights": (_weights, (b'\x10\x00\x00\x00\x00\x00\x00\x00{"a":{"dtype":"F',)),
    "weights-index": (
        _index,
        (
            b'{"weight_map": {"a": {}}}',
            b'{"weight_map": {"a": "model-00001.safetensors"}}',
        ),
    ),
    "replies": (
        _replies,
        (b'{"choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]}', b'{"message": {"content": "a"}, "done": true}'),
    ),
    "address": (_address, (b"http://me:pw@127.0.0.1:8000/v1", b"https://[::1]:x")),
    "recipe": (_recipe, (b"model: m\ndata: d/x\noutput: o\nrank: 8\n", b"a: &a [*a]")),
}
