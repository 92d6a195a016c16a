"""XML that nobody vouches for: of a limited size, without a document type, so that no entity is ever expanded."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

from vldata.files.strictjson import read_bytes

MOST_BYTES = 256 * 1024 * 1024


def read_xml(path: Path) -> ElementTree.Element | str:
    """Return the root element, or why there is none.

    Raises:
        DataError: the file cannot be read.
    """
    if path.stat().st_size > MOST_BYTES:
        return f"the XML file is larger than {MOST_BYTES // 2**20} MiB."
    raw = read_bytes(path)
    if b"<!DOCTYPE" in raw or b"<!ENTITY" in raw:
        return "the XML file declares a document type, which no annotation tool writes; entities are not expanded."
    try:
        return ElementTree.fromstring(raw)
    except (ElementTree.ParseError, ValueError, LookupError) as error:
        return f"is not XML: {error}."
