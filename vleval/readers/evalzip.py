"""Samples of an inspect_ai `.eval` log: a zip archive whose members are deflated or compressed with zstandard (method 93).

Python's zipfile knows method 93 from 3.14 on; before, the raw member is unpacked here. A member may be several zstandard frames in a row.
Two shapes of sample are read: one member `samples/ID_epoch_N.json`, or a folder `samples/ID_epoch_N/` with `sample.json`.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from vldata.errors import DataError
from vldata.files import strictjson
from vleval.readers import jsonfast
from vleval.readers.source import PredictionsSource

_ZSTANDARD = 93
_MAX_MEMBER_BYTES = 1 << 30
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def is_xlsx(source: PredictionsSource) -> bool:
    """Tell a workbook from a log by its members.

    Raises:
        DataError: a damaged archive.
    """
    return any(name.startswith("xl/") for name in _names(source))


def iter_eval_samples(source: PredictionsSource) -> Iterator[tuple[str, dict[str, Any]]]:
    """Stream the samples of a log, in the order of the archive.

    Raises:
        DataError: no samples, or a damaged member.
    """
    names = _names(source)
    members = [name for name in names if _is_sample(name)]
    if not members:
        raise DataError(
            "is a zip archive, but neither an xlsx workbook nor an inspect_ai log with samples.", where=source.name, cure="Check the file."
        )
    with zipfile.ZipFile(source.path) as archive:
        for name in members:
            yield name, _load(read_member(source, archive, name), source, name)


def read_member(source: PredictionsSource, archive: zipfile.ZipFile, name: str) -> bytes:
    """Unpack one member, whatever of the two ways it is compressed.

    Raises:
        DataError: the member is damaged or unpacks to more than a gigabyte.
    """
    info = archive.getinfo(name)
    where = f"{source.name}: {name}"
    if info.file_size > _MAX_MEMBER_BYTES:
        raise DataError(f"unpacks to {info.file_size:,} bytes, more than is read.", where=where)
    try:
        data = _unpack_zstandard(source, info) if info.compress_type == _ZSTANDARD else archive.read(info)
    except (zipfile.BadZipFile, zlib.error, struct.error, OSError, RuntimeError, EOFError, ValueError) as error:
        raise DataError(f"cannot be unpacked: {error}.", where=where, cure="Copy the log again.") from None
    if zlib.crc32(data) != info.CRC:
        raise DataError("is damaged: its checksum does not match.", where=where, cure="Copy the log again.")
    return data


def _unpack_zstandard(source: PredictionsSource, info: zipfile.ZipInfo) -> bytes:
    import zstandard

    with source.path.open("rb") as handle:
        handle.seek(info.header_offset)
        header = _LOCAL_HEADER.unpack(handle.read(_LOCAL_HEADER.size))
        handle.seek(header[9] + header[10], 1)
        packed = handle.read(info.compress_size)
    try:
        with zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(packed, read_across_frames=True) as stream:
            data = stream.read(info.file_size + 1)
    except zstandard.ZstdError as error:
        raise ValueError(str(error)) from None
    if len(data) != info.file_size:
        raise ValueError("the compressed data and the directory disagree")
    return data


def _names(source: PredictionsSource) -> list[str]:
    try:
        with zipfile.ZipFile(source.path) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, RuntimeError, ValueError):
        raise DataError("is a damaged zip archive.", where=source.name, cure="Copy it again.") from None


def _is_sample(name: str) -> bool:
    path = PurePosixPath(name)
    if len(path.parts) < 2 or path.parts[0] != "samples" or path.suffix != ".json":
        return False
    folder = "/".join(path.parts[1:-1])
    return "_epoch_" in path.name or (path.name == "sample.json" and "_epoch_" in folder)


def _load(raw: bytes, source: PredictionsSource, name: str) -> dict[str, Any]:
    try:
        value = jsonfast.loads(raw)
    except strictjson.StrictJsonError as error:
        raise DataError(f"{error}.", where=f"{source.name}: {name}", cure="Copy the log again.") from None
    if not isinstance(value, dict):
        raise DataError("is not a JSON object.", where=f"{source.name}: {name}")
    return value
