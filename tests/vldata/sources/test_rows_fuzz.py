"""Whatever a row holds, it becomes a draft or a reject with a known code; nothing raises."""

from __future__ import annotations

import functools
import json
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples
from vldata.files import strictjson
from vldata.records.codes import CODES
from vldata.records.draft import Draft, Reject, Slot
from vldata.sources import jsonl, pairdrafts, sharegpt, talkdrafts
from vldata.sources.assemble import Assembler
from vldata.sources.dialects.talk import Talk
from vldata.sources.locate import MediaFinder
from vldata.sources.rows import RowFault, decode_row

KEYS = (
    *("id", "messages", "conversations", "conversation", "images", "image", "videos", "video", "system", "tools", "objects", "data_path"),
    *("instruction", "input", "output", "history", "query", "response", "prompt", "completion", "message", "answer", "text", "caption"),
    *("role", "from", "content", "value", "type", "url", "image_url", "source", "data", "tool_calls", "function", "name", "arguments"),
    *("ref", "bbox", "bbox_type", "image_id", "human", "assistant", "bytes", "path", "loss", "question", "audios", "category"),
)
WORDS = st.sampled_from(
    [
        "",
        "user",
        "assistant",
        "human",
        "gpt",
        "tool",
        "text",
        "image",
        "video",
        "tool_use",
        "tool_result",
        "<image>",
        "<bbox>",
        "a.png",
        "[[human]]: x",
        "{}",
        "[1]",
        "real",
    ]
)
LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False, allow_infinity=False) | WORDS
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4), max_leaves=14
)
TURN = st.fixed_dictionaries({"role": WORDS, "content": VALUES}, optional={"tool_calls": VALUES, "loss": LEAVES})
ROWS = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=6) | st.fixed_dictionaries(
    {"messages": st.lists(TURN, max_size=4)},
    optional={"images": VALUES, "objects": VALUES, "system": LEAVES, "tools": VALUES, "data_path": LEAVES},
)


@functools.cache
def makers() -> tuple[Any, Any]:
    folder = Path(tempfile.mkdtemp())
    (folder / "talks.jsonl").write_text(
        json.dumps({"messages": [{"role": "user", "content": "a"}], "category": "b", "tools": "objects"}) + "\n"
    )
    (folder / "pairs.jsonl").write_text(json.dumps({"image": "a.png", "answer": "a", "question": "b"}) + "\n")
    (talks,), (pairs,) = sharegpt.open_source(folder / "talks.jsonl"), jsonl.open_source(folder / "pairs.jsonl")
    return talkdrafts._DraftMaker(talks), pairdrafts._DraftMaker(pairs)


@settings(max_examples=examples(120), deadline=None)
@given(ROWS)
def test_no_row_raises(row: dict[str, Any]) -> None:
    for maker in makers():
        made = maker.draft(row, "a:1", 0)
        assert isinstance(made, Draft) or (isinstance(made, Reject) and made.code in CODES and made.reason)


PLAIN_TURN = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "system", "odd"]), "content": WORDS | st.just("Hi.")})
PLAIN_ROWS = st.fixed_dictionaries(
    {"messages": st.lists(PLAIN_TURN, max_size=4)}, optional={"id": LEAVES, "model": LEAVES, "images": LEAVES, "category": LEAVES}
)


@given(PLAIN_ROWS)
def test_the_short_way_of_text_rows_says_what_the_long_one_does(row: dict[str, Any]) -> None:
    maker = makers()[0]
    quick = maker.draft(row, "a:1", 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(maker, "_quick", False)
        assert maker.draft(row, "a:1", 0) == quick


@given(st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)))
def test_rows_are_read_as_strict_json_reads_them(value: Any) -> None:
    for raw in (json.dumps(value), json.dumps(value, ensure_ascii=False, indent=1), json.dumps(value, separators=(" ,", " : "))):
        found = decode_row(raw.encode())
        assert found == strictjson.loads(raw) if isinstance(value, dict | list) else isinstance(found, RowFault)


PAIRS = st.lists(st.tuples(st.sampled_from(["a", "b", 'c"', "d\\"]), st.integers(0, 3)), max_size=5)
SPACES = st.sampled_from(["", " ", "\t", "\r", "  "])


@given(PAIRS, SPACES, st.sampled_from(["x", 'a":', '":"']))
def test_a_key_used_twice_is_always_found(pairs: list[tuple[str, int]], space: str, text: str) -> None:
    inner = ",".join(f"{json.dumps(key)}{space}:{space}{value}" for key, value in pairs)
    row = decode_row(f'{{"text": {json.dumps(text)}, "deep": [{{"er": {{{inner}}}}}]}}'.encode())
    assert isinstance(row, RowFault) == (len({key for key, _ in pairs}) < len(pairs))


@given(st.lists(st.sampled_from(["<image>", "<video>", "a", "<", "image>", "\n", "<|x|>"]), max_size=12))
def test_what_stands_between_pictures_is_kept(pieces: list[str]) -> None:
    class Finder(MediaFinder):
        def _search(self, text: str) -> tuple[Path, str]:
            return Path("/x") / text, text

    text = "".join(pieces)
    images, videos = text.count("<image>"), text.count("<video>")
    talk = Talk([("user", text), ("assistant", "b")], [f"{n}.png" for n in range(images)], [f"{n}.mp4" for n in range(videos)])
    made = Assembler(Finder(Path(), None), ("<image>", "<video>"), "0-1000").assemble(talk, "a:1")
    names = [ref.source for ref in made.media]
    written = "".join(
        part if isinstance(part, str) else ("<image>" if names[part.index].endswith("png") else "<video>")
        for part in made.turns[0].parts
        if isinstance(part, str | Slot)
    )
    assert written == text and not made.mends
    assert [name for name in names if name.endswith("png")] == [f"{n}.png" for n in range(images)]
