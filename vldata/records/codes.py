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
    # --- rules of a record ---------------------------------------------------------------------------------------------------------
    "VL001": Code(
        "not strict JSON",
        "Bytes that are not UTF-8, NaN or Infinity, a duplicate key, a lone surrogate, or a cut line.",
        "Write the line again with a JSON library; never edit records by hand.",
    ),
    "VL002": Code(
        "not a record",
        "A field is missing, unknown or of the wrong type.",
        "See `vldata schema record`; convert the source again.",
    ),
    "VL003": Code(
        "id empty or used twice",
        "Two annotations share an id, or have none.",
        "Give each record an id of its own, or convert with --repair, which numbers the later ones and lists them.",
    ),
    "VL004": Code(
        "turns out of order",
        "After an optional system turn, user and assistant must alternate, the assistant last; trainers silently drop other records.",
        "Merge or remove turns in the source.",
    ),
    "VL005": Code(
        "empty turn",
        "A turn has no text (and no picture).",
        "Remove the record or fill the turn.",
    ),
    "VL006": Code(
        "media tags and media differ in number",
        "A tag without its picture, or a picture without its tag; a trainer stops on it.",
        "Add the missing picture or remove a tag.",
    ),
    "VL007": Code(
        "media tag outside a user turn",
        "Only turns of the user and of tools may hold <image> or <video>; loaders count them anywhere.",
        "Move the picture to such a turn.",
    ),
    "VL008": Code(
        "control token in text",
        "The text holds a media tag or a special token of the model, which would be taken for structure.",
        "Remove it from the source, or convert with --repair, which escapes it and lists what it did.",
    ),
    "VL009": Code(
        "media path not allowed",
        "Absolute, climbing out of the folder, a URL, or with a backslash or control character.",
        "Use paths relative to the folder of dataset_info.json.",
    ),
    "VL010": Code(
        "meta keys differ",
        "Arrow readers need the same keys in every record of a file.",
        "Convert again; missing values are empty strings.",
    ),
    "VL011": Code(
        "columns differ",
        "`videos`, `tools` or another optional part is in some records or turns of the file and not in others.",
        "Convert again.",
    ),
    "VL012": Code(
        "too many text-only records in a row",
        "The first record has no picture or video, 1,000 in a row have none, or the first of either comes late: Arrow readers then fix the "
        "wrong column type and crash.",
        "Convert again, which spreads them.",
    ),
    "VL013": Code(
        "tools are not JSON",
        "`tools` must be a string that holds a JSON list.",
        "Write the tool definitions as one JSON string.",
    ),
    "VL014": Code(
        "learning that cannot be",
        "`loss` is false in every turn, or a turn that is not the model's has a thought or is to be learned.",
        "Leave the record out, or mark what is to be learned.",
    ),
    "VL015": Code(
        "parts that exclude each other",
        "A record is a preference pair (`rejected`), an answer that is wanted or not (`wanted`) or a prompt with a `solution`.",
        "Make a dataset of each kind.",
    ),
    "VL016": Code(
        "nothing to prefer",
        "The rejected answer and the chosen one are equal.",
        "Remove the record; a pair needs two answers.",
    ),
    # --- rules of the files a record names -------------------------------------------------------------------------------------------
    "VL020": Code(
        "picture missing",
        "The record names a file that is not there.",
        "Copy the images folder along, or convert again.",
    ),
    "VL021": Code(
        "picture cannot be decoded",
        "The file is cut or damaged.",
        "Convert again.",
    ),
    "VL022": Code(
        "picture not plain RGB",
        "It is not RGB, has a rotation tag or carries metadata: readers would each see something else.",
        "Convert again; do not replace files under images/.",
    ),
    "VL023": Code(
        "picture off the grid",
        "The target processor would resize it again.",
        "Convert with the processor you train for.",
    ),
    "VL024": Code(
        "picture outside the budget",
        "It has more or fewer pixels than the contract says.",
        "Convert again, with one budget for the dataset.",
    ),
    "VL025": Code(
        "picture changed",
        "The digest of its bytes is not the one in its name.",
        "Convert again; never edit files under images/.",
    ),
    "VL026": Code(
        "video missing or damaged",
        "A kept video is not there, or no longer decodes from its first frame to its last.",
        "Copy the videos folder along, or convert again.",
    ),
    "VL027": Code(
        "video changed",
        "Its digest is not the one in its name, or its size or number of frames not what the media file says.",
        "Convert again; never edit files under videos/.",
    ),
    "VL028": Code(
        "function call is none",
        "A function_call turn must be JSON, an object or a list of objects with a name and arguments; trainers stop at others.",
        'Write {"name": ..., "arguments": {...}}.',
    ),
    # --- rules of the folder ---------------------------------------------------------------------------------------------------------
    "VL030": Code(
        "dataset_info.json entry incomplete",
        "LLaMA-Factory sets every column and tag that is not listed to None and then drops records or stops.",
        "Convert again; it writes the complete entry.",
    ),
    "VL031": Code(
        "records file missing",
        "dataset_info.json registers a file that is not there.",
        "Convert again, or remove the entry.",
    ),
    "VL032": Code(
        "contract missing or unreadable",
        "NAME.contract.json says how the dataset was made; without it nobody can check the pictures.",
        "Convert again.",
    ),
    "VL033": Code(
        "records file changed",
        "Its digest or its number of records is not what the contract says.",
        "Convert again, or restore the file.",
    ),
    "VL034": Code(
        "media file missing or incomplete",
        "NAME.media.jsonl has no line for a picture or video that a record uses.",
        "Convert again.",
    ),
    # --- personal data (vldata pii) ------------------------------------------------------------------------------------------------------
    "VL041": Code(
        "identity number",
        "A text holds what reads as a resident identity number of China: region, date of birth and check digit.",
        "Remove it from the source, or train on the copy that `vldata pii DIR/NAME --redact` makes; look at the pictures too.",
    ),
    "VL042": Code(
        "phone number",
        "A text holds a mobile or landline number of China, or one with an international prefix.",
        "Remove it from the source, or train on the copy that `vldata pii DIR/NAME --redact` makes.",
    ),
    "VL043": Code(
        "e-mail address",
        "A text holds an e-mail address.",
        "Remove it from the source, or train on the copy that `vldata pii DIR/NAME --redact` makes.",
    ),
    # --- annotations that cannot be used ---------------------------------------------------------------------------------------------
    "VL201": Code(
        "annotation not understood",
        "A field is missing, empty or of the wrong type.",
        "Correct the annotation file.",
    ),
    "VL202": Code(
        "media not on disk",
        "The episode or file that the annotation names is not in the source folder.",
        "Complete the download, or name the folder that holds the files.",
    ),
    "VL203": Code(
        "empty frame folder",
        "The episode's folder holds no picture.",
        "Complete the download.",
    ),
    "VL204": Code(
        "conversation not understood",
        "The turns are not a list, or a turn has an unknown role or no content.",
        "Rename the role or correct the turn; docs/sources.md lists what is read.",
    ),
    "VL205": Code(
        "picture, video or part not understood",
        "A content part of an unknown type, or something where a path, bytes, base64 or a data URL belongs.",
        "Correct the annotation; docs/sources.md lists what is read.",
    ),
    "VL206": Code(
        "no tag for the picture",
        "The row has pictures and its text does not say where they stand.",
        "Add a tag for each, or convert with --repair, which puts them in front of the first question.",
    ),
    "VL207": Code(
        "remote media",
        "The annotation names a URL; conversion does not go to the network by itself.",
        "Download the files first and give their folder with --image-root, or allow pictures over http(s) with --allow-remote.",
    ),
    "VL208": Code(
        "row too long",
        "The row has more bytes than the cap, which keeps memory bounded.",
        "Keep media in files, or split the row.",
    ),
    "VL209": Code(
        "file name ambiguous",
        "Different files of that name are in more than one of the folders that are searched.",
        "Rename one of them, or move the others away.",
    ),
    "VL210": Code(
        "objects and their tags differ in number",
        "<bbox> and <ref-object> stand for the entries of `objects`, one each.",
        "Correct the annotation.",
    ),
    "VL211": Code(
        "box not usable",
        "It has not two or four numbers, is outside its picture, or its corners are not ordered.",
        "Correct the box; check `bbox_type`.",
    ),
    "VL212": Code(
        "text missing",
        "A picture has no text next to it, or a text no picture.",
        "Add the missing file, or remove the other.",
    ),
    "VL213": Code(
        "picture cannot be fetched",
        "The server refuses, is too slow or at a private address, or the file is too large.",
        "Download the file yourself and give its folder with --image-root.",
    ),
    "VL214": Code(
        "picture or video would be lost",
        "A field that the source's reader does not know holds a picture or a video; the record would be made without it.",
        "Name the field with --image-field (convert jsonl), rename it in the source, or leave it out on purpose with --ignore FIELD.",
    ),
    "VL215": Code(
        "field that changes what is learned",
        "The source holds a field like loss, weight, chosen, rejected, choices, bbox or reasoning_content, and no record takes it.",
        "Take the field out of the source, or leave it out on purpose with --ignore FIELD; docs/sources.md says which fields are read.",
    ),
    "VL216": Code(
        "fields that contradict each other",
        "The row holds the same thing under two names (messages and conversations, images and image), and they differ.",
        "Keep the right one in the source, or leave the other out on purpose with --ignore FIELD.",
    ),
    "VL217": Code(
        "samples of a tar merged",
        "Two samples share what stands before the first dot of their names, which is the key of a WebDataset sample.",
        "Name the files so that keys have no dots, for example v1_5_003.jpg instead of v1.5_003.jpg.",
    ),
    "VL218": Code(
        "coordinates of an unknown space",
        "The text holds boxes or points, which none of the first rows had, so that nobody told whether they are pixels.",
        "Say it with --text-boxes pixels, 0-1000 or 0-1; none leaves them as they are, although the image changes its size.",
    ),
    "VL219": Code(
        "parts that no record can hold",
        "Several rejected answers, a pair that parts before its last answer, turns that would be one and are learned differently, or a "
        "row without the part that makes the others preference, KTO or GRPO data.",
        "Give a file of rows of one kind; --ignore FIELD leaves a field out.",
    ),
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
        "PNG, JPEG, MPO, WebP, GIF, BMP, TIFF, AVIF and JPEG 2000 are opened; HEIC and pages of PDF with the extras heic and pdf.",
        "Convert the picture to PNG or JPEG.",
    ),
    "VL104": Code(
        "picture or video too large",
        "It has more pixels than the safety limit, or its file is larger than the size cap; a video, or it lasts longer than four hours.",
        "Scale it down or cut it first; a file of that size would exhaust memory or time.",
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
    "VL112": Code(
        "video cannot be kept as it is",
        "It has one frame, no frame rate, frames of changing size, a turn that readers do or do not follow, or is a list of frames.",
        "Leave --videos keep out, so that it becomes pictures; or encode it again.",
    ),
}
