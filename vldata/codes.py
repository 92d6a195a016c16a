"""The codes of findings and rejects: what each means, why it happens, and its cure. A literal table; docs/codes.md is made from it.

VL0xx are rules of a record or dataset (validate and the writer judge by the same ones), VL1xx are media that cannot be used, VL2xx are
annotations that cannot be understood.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """What a code stands for: a title, the usual cause, what to do now."""

    title: str
    cause: str
    cure: str


CODES: dict[str, Code] = {
    # --- media that cannot be rendered ---------------------------------------------------------------------------------------------
    "VL101": Code(
        "file missing",
        "The annotations name a file that is not there.",
        "Complete the download, or correct the path.",
    ),
    "VL102": Code(
        "cannot be decoded",
        "The file is truncated, damaged, empty or not a picture.",
        "Fetch the file again, or remove it.",
    ),
    "VL103": Code(
        "format not accepted",
        "Only PNG, JPEG, MPO, WebP, GIF, BMP and TIFF pictures are opened.",
        "Convert the picture to PNG or JPEG.",
    ),
    "VL104": Code(
        "picture too large",
        "It has more pixels than the safety limit, or its file is larger than the size cap.",
        "Scale it down first; a picture of that size would exhaust memory.",
    ),
    "VL105": Code(
        "aspect ratio above 200",
        "The written picture would be more than 200 times longer than wide, which processors refuse.",
        "Crop the picture.",
    ),
    "VL106": Code(
        "video has no frames",
        "The container opens but no frame can be decoded.",
        "Fetch the video again, or convert it with another tool.",
    ),
    "VL107": Code(
        "too few frames",
        "The sequence has fewer frames than asked for and --short error was given.",
        "Use --short fewer or --short repeat, or ask for fewer --frames.",
    ),
    "VL108": Code(
        "video decodes short",
        "Fewer frames could be decoded than the container announces: the file is cut.",
        "Fetch the video again.",
    ),
    "VL109": Code(
        "decoding took too long",
        "The item passed its deadline twice, the second time alone.",
        "Look at the file; raise --timeout-s if it is only slow.",
    ),
    "VL110": Code(
        "decoder died",
        "The process that decoded it crashed or ran out of its memory limit.",
        "Look at the file; it is damaged or hostile.",
    ),
    "VL111": Code(
        "path not allowed",
        "It leaves the source folder, is a link out of it, is not a regular file, or has characters no path should have.",
        "Put the file below the source folder.",
    ),
}
