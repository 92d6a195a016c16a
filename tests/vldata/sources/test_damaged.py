"""A damaged file is refused with its place, whatever damage it is: cut, joined, doubled, at every byte of its structure."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.shapes import shape_bytes
from tests.effort import examples
from vldata.errors import DataError, VlkitError
from vldata.sources.rows import RowFault, open_rows
from vldata.sources.shards import Shard

ROWS = [{"image": f"{n}.jpg", "text": text} for n, text in enumerate(["a [b], c", 'd "e" ]', "{f}", "g\nh"])]
LIST = json.dumps(ROWS).encode()


def read(path: Path) -> list[Any]:
    return [row for _, row in open_rows(path).rows()]


def outcome(path: Path) -> str:
    """Tell `whole`, `less` for rows without a word, or `refused`; a row that is named as faulty is a word."""
    try:
        rows = read(path)
    except VlkitError as error:
        assert path.name in str(error)
        return "refused"
    if any(isinstance(row, RowFault) for row in rows):
        return "refused"
    return "whole" if rows == ROWS else "less"


def test_a_list_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    for length in range(1, len(LIST)):
        file.write_bytes(LIST[:length])
        assert outcome(file) == "refused", LIST[:length]


def test_lines_cut_inside_a_row_are_refused(tmp_path: Path) -> None:
    lines = b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)
    file = tmp_path / "rows.jsonl"
    ends = {place for place in range(len(lines)) if lines[place : place + 1] == b"\n"}
    for length in range(1, len(lines)):
        if length in ends or length - 1 in ends:
            continue  # between rows nobody can see it
        file.write_bytes(lines[:length])
        with pytest.raises(DataError, match=r"rows\.jsonl"):
            read(file)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[{}{}]".format(*map(json.dumps, ROWS[:2])), "a comma is missing behind row 0"),
        (json.dumps(ROWS) + "]", "the list ends after 4 rows, but there is more"),
        (json.dumps(ROWS) + " x", "the list ends after 4 rows, but there is more"),
        (json.dumps(ROWS) * 2, "another list follows it, as if two files were joined"),
        (json.dumps(ROWS)[:-1] + ",]", "a comma stands before the ]"),
        (json.dumps(ROWS)[:-1], "has no ] at its end: the file is cut behind row 3"),
        (json.dumps(ROWS)[:-1] + ",", "has no ] at its end"),
        ("[{'image': 'a.jpg'}]", "as Python prints it"),
        ('{"image": "a.jpg",\n"text": "x"}\n{"image": "b.jpg",\n"text": "y"}\n', "pretty-printed"),
    ],
)
def test_damage_of_a_list_is_named(tmp_path: Path, text: str, said: str) -> None:
    for name in ("rows.json", "rows.jsonl"):
        (tmp_path / name).write_text(text)
        with pytest.raises(DataError) as caught:
            rows = read(tmp_path / name)
            raise DataError(" ".join(row.reason for row in rows if isinstance(row, RowFault)))
        assert said in str(caught.value)


@settings(max_examples=examples(80), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(LIST) - 1), st.sampled_from(b'[]{},:" x'), st.sampled_from(["insert", "replace", "drop", "double"]))
def test_one_byte_of_the_structure_never_loses_a_row_in_silence(tmp_path: Path, place: int, sign: int, how: str) -> None:
    data = {
        "insert": LIST[:place] + bytes([sign]) + LIST[place:],
        "replace": LIST[:place] + bytes([sign]) + LIST[place + 1 :],
        "drop": LIST[:place] + LIST[place + 1 :],
        "double": LIST[:place] + LIST[place : place + 1] + LIST[place:],
    }[how]
    (tmp_path / "rows.json").write_bytes(data)
    if outcome(tmp_path / "rows.json") == "less":  # a change of a text or a key is another file, with as many rows
        assert json.loads(data) != ROWS and len(json.loads(data)) == len(read(tmp_path / "rows.json")) >= len(ROWS)


def test_what_lines_are_mistaken_for_is_named(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("{'image': 'a.jpg', 'text': None}\n" * 2)
    assert "as Python prints it" in read(file)[0].reason
    file.write_text('{"image": "a.jpg"},\n{"image": "b.jpg"},\n')
    assert "the line ends in a comma" in read(file)[0].reason
    file.write_text(json.dumps(ROWS, indent=1))
    assert read(file) == ROWS and "a JSON list under the name of JSON Lines" in open_rows(file).said[0]


def test_rows_in_an_envelope_and_by_ids(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    file.write_text(json.dumps({"version": "1", "data": ROWS}))
    assert read(file) == ROWS
    assert open_rows(file).said == (f"{file}: the rows are the list 'data'; beside it version are not used.",)
    file.write_text(json.dumps({str(n): row for n, row in enumerate(ROWS)}, indent=1))
    assert read(file) == [{"__key__": str(n), **row} for n, row in enumerate(ROWS)]
    file.write_text(json.dumps({"train": ROWS, "test": ROWS}))
    with pytest.raises(DataError, match="several lists: train, test"):
        open_rows(file)
    file.write_text(json.dumps({"images": [{"id": 1}], "annotations": [{"id": 2}], "categories": [{"id": 3}]}))
    with pytest.raises(DataError, match="COCO"):
        open_rows(file)


def test_a_table_cut_in_its_last_row(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text("image,text,more\na.jpg,x,1\nb.jpg,y")
    with pytest.raises(DataError, match=r"rows\.csv:3: the file ends in the middle of a row: 2 cells under 3"):
        read(file)
    file.write_text('image,text\na.jpg,"x\nb.jpg,y\n')
    with pytest.raises(DataError, match=r"rows\.csv:2: the file ends inside a quoted cell"):
        read(file)


def test_a_bad_byte_of_a_table_costs_its_row_by_its_real_line(tmp_path: Path) -> None:
    lines = [f"{n}.jpg,a text of row {n}".encode() for n in range(4_000)]
    lines[3_000] = b"3000.jpg,a \xff"
    lines[5] = b'5.jpg,"two\nlines"'
    (tmp_path / "rows.csv").write_bytes(b"image,text\n" + b"\n".join(lines) + b"\n")
    found = list(open_rows(tmp_path / "rows.csv").rows())
    assert len(found) == 4_000 and [where for where, row in found if isinstance(row, RowFault)] == ["rows.csv:3003"]


def tar_of(names: list[str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            data = shape_bytes("circle") if name.endswith("png") else b"a text"
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return stream.getvalue()


def test_a_tar_cut_joined_or_damaged_is_refused(tmp_path: Path) -> None:
    whole = tar_of(["0.png", "0.txt", "1.png", "1.txt"])
    members = 4 * 512 + sum(-(-len(data) // 512) * 512 for data in (shape_bytes("circle"), b"a") for _ in range(2))
    file = tmp_path / "0.tar"
    file.write_bytes(whole)
    assert len(list(Shard(file).rows())) == 2
    for length in [*range(512, members, 512), members]:
        file.write_bytes(whole[:length])
        with pytest.raises(DataError, match=r"0\.tar"):
            list(Shard(file).rows())
    file.write_bytes(whole + whole)
    with pytest.raises(DataError, match="as if two were joined"):
        list(Shard(file).rows())
    file.write_bytes(whole[:members].replace(b"1.txt", b"1.tx\xff") + whole[members:])
    with pytest.raises(DataError, match="damaged"):
        list(Shard(file).rows())


def test_samples_that_share_a_key_are_named(tmp_path: Path) -> None:
    (tmp_path / "0.tar").write_bytes(tar_of(["v1.5_003.png", "v1.5_003.txt", "v1.5_004.png", "v1.5_004.txt"]))
    ((_, row),) = Shard(tmp_path / "0.tar").rows()
    assert isinstance(row, RowFault) and row.code == "VL217" and "before the first dot" in row.reason


def test_parquet_joined_or_cut_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pl.DataFrame(ROWS).write_parquet(file)
    data = file.read_bytes()
    assert read(file) == ROWS
    for damaged in (data + data, data[:-1], data[: len(data) // 2]):
        file.write_bytes(damaged)
        with pytest.raises(DataError, match=r"rows\.parquet"):
            read(file)
