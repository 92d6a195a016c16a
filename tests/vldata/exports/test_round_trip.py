"""Record -> export -> convert -> the same record, and its export again -> the same bytes, for texts as odd as they come."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fixtures.shapes import write_clip, write_shapes
from tests.effort import examples
from vldata.conversion import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import UsageError
from vldata.exports import FORMATS, export
from vldata.exports.plan import ExportPlan
from vldata.media.refs import MediaRef, Rendering, RenderSpec
from vldata.media.render import open_renderer
from vldata.output.options import ConvertOptions
from vldata.records.control_tokens import find_control_token
from vldata.records.parts import parts_of
from vldata.records.record import Record
from vldata.sources.sharegpt import open_source

WHOLE = ("llamafactory", "parquet", "webdataset")  # they carry ids, references and meta too
TOOLED = (*WHOLE, "swift")
FILMED = ("parquet", "webdataset", "swift", "qwen")  # llamafactory and alpaca too, for one video in the first question
OF_OTHERS = ("hf", "mds")  # read by their own libraries: make consumers, make streams
READ_BACK = tuple(name for name in FORMATS if name not in OF_OTHERS)
SHAPES = ("circle", "square", "triangle")

odd = st.sampled_from(
    [
        "\r\n",
        "  ",
        "\t",
        "\u2028",
        "\u200b",
        "\ufeff",
        "\x00",
        "é",
        "e\u0301",
        "汉",
        "🙂",
        "<",
        "[IMG]",
        "<ImageHere>",
        "[",
        '"',
        "\\",
        "null",
    ]
)
embedded = st.just("<img>x.png</img>")  # Qwen's of 2023 wrote paths so: only a row of ours is sure not to
text = st.lists(odd | st.text(st.characters(codec="utf-8"), min_size=1, max_size=4), min_size=1, max_size=5).map("".join)
text = text.filter(lambda value: bool(value.strip()) and find_control_token(value) is None)
tag = st.sampled_from(["<image>", "<video>"])


@st.composite
def rows(draw: st.DrawFn, *, tools: bool, videos: bool, whole: bool) -> dict[str, Any]:
    """A row of ours, of any shape the rules allow."""
    messages = [{"role": "system", "content": draw(text)}] if draw(st.booleans()) else []
    images, clips = [], []
    for _ in range(draw(st.integers(1, 3))):
        pieces = draw(st.lists(text | (embedded if whole else text) | (tag if videos else st.just("<image>")), min_size=1, max_size=4))
        images += [f"images/{draw(st.sampled_from(SHAPES))}.png" for piece in pieces if piece == "<image>"]
        clips += ["clip.mp4" for piece in pieces if piece == "<video>"]
        asking, answering = ("observation", "function_call") if tools and messages and draw(st.booleans()) else ("user", "assistant")
        if asking == "observation" and ("<image>" in pieces or "<video>" in pieces):
            asking = "user"
        said = draw(text)
        if answering == "function_call":
            said = json.dumps({"name": "look", "arguments": {"at": said}}, ensure_ascii=False)
        messages += [{"role": asking, "content": "".join(pieces)}, {"role": answering, "content": said}]
    messages[-1]["role"] = "assistant"
    row = {"id": draw(text), "messages": messages, "images": images, "references": draw(st.lists(text, max_size=2))}
    row["meta"] = {"source": "made", "kind": draw(text | st.just(""))}
    row |= {"videos": clips} if videos else {}
    return row | ({"tools": draw(st.sampled_from(["", '[{"name": "look"}]']))} if tools else {})


@cache
def _sources() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="round-trip-"))
    write_shapes(folder / "images")
    write_clip(folder / "clip.mp4")
    return folder


def render_here(refs: Iterable[MediaRef], spec: RenderSpec, **_: Any) -> Iterator[tuple[int, Rendering]]:
    """Render in this process: the workers are tested elsewhere and take longer to start than all of this."""
    Path(spec.temp_dir).mkdir(parents=True, exist_ok=True)
    work = open_renderer(spec)
    yield from ((number, work(ref)) for number, ref in enumerate(refs))


def convert_all(file: Path, out: Path, root: Path) -> list[Record]:
    """Convert with videos kept and nothing rejected, and read what was written, in the order of the ids."""
    (opened,) = open_source(file, videos="keep", image_root=root)
    result = convert(opened, ConvertOptions(max_rejects=1, out=out, name="a", workers=1))
    assert result.rejects == ()
    return [record for name in result.names for record in Dataset(out / name)]


def look(name: str, given: list[dict[str, Any]], folder: Path) -> tuple[list[Record], list[Record], list[bytes], list[bytes]]:
    """Records, the records of their export, the export's files and those of the second one."""
    folder.mkdir(exist_ok=True)
    source = folder / "rows.jsonl"
    source.write_bytes(b"".join(json.dumps(row | {"id": f"{n}{row['id']}"}).encode() + b"\n" for n, row in enumerate(given)))
    first = convert_all(source, folder / "one", _sources())
    images: Any = "embed" if name in ("openai", "parquet") else "copy"
    here = export(name, ExportPlan(str(folder / "one" / "a"), folder / "ex", images=images))
    second = convert_all(here.files[0], folder / "two", folder / "ex")
    again = export(name, ExportPlan(str(folder / "two" / "a"), folder / "ex2", images=images))
    return first, second, *([file.read_bytes() for file in files.files[:1]] for files in (here, again))  # type: ignore[return-value]


def meaning(record: Record, *, whole: bool) -> Any:
    """What a format must give back: turns, media, tools; references, meta and id where it carries them."""
    tools = "" if record.tools is msgspec.UNSET else record.tools
    common = (record.messages, record.images, record.kept_videos, tools)
    return (*common, record.id, record.references, record.meta) if whole else common


def test_every_format_is_here() -> None:
    assert {*READ_BACK, *OF_OTHERS} == set(FORMATS)


@pytest.mark.parametrize("name", READ_BACK)
@settings(
    max_examples=examples(4), phases=(Phase.explicit, Phase.reuse, Phase.generate), deadline=None, suppress_health_check=list(HealthCheck)
)
@given(data=st.data())
def test_a_record_survives_every_format(name: str, monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    monkeypatch.setattr("vldata.conversion.render", render_here)
    given = data.draw(st.lists(rows(tools=name in TOOLED, videos=name in FILMED, whole=name in WHOLE), min_size=1, max_size=6))
    with tempfile.TemporaryDirectory() as folder:
        first, second, bytes_once, bytes_twice = look(name, given, Path(folder))
    whole = name in WHOLE
    wanted, found = (Counter(repr(meaning(record, whole=whole)) for record in records) for records in (first, second))
    if name in ("trl", "unsloth"):  # a row an answer: the last of each record is the record
        assert wanted <= found and found.total() == sum(m.role == "assistant" for record in first for m in record.messages)
    else:
        assert wanted == found
    if whole or name in ("swift", "alpaca", "openai"):  # the others hold ids of ours, or a path of the export
        assert bytes_once == bytes_twice


# --- optional parts --------------------------------------------------------------------------------------------------------------------

stripped = text.map(str.strip).filter(lambda value: bool(value) and "<" not in value)
# `loss` stands in the rows that there are (trl, unsloth) or in the settings of the trainer (LLaMA-Factory).
HELD = [
    (name, part)
    for name in READ_BACK
    for part in FORMATS[name].holds
    if part != "loss" or name not in ("trl", "unsloth", "llamafactory", "alpaca")
]


@st.composite
def rows_with(draw: st.DrawFn, part: str) -> dict[str, Any]:
    """A row of ours with a part, of turns that every format has."""
    turns: list[dict[str, Any]] = []
    for place in range(draw(st.integers(1, 3))):
        turns += [{"role": "user", "content": "<image>" * (place == 0) + draw(stripped)}, {"role": "assistant", "content": draw(stripped)}]
    row = {"id": draw(stripped), "messages": turns, "images": [f"images/{draw(st.sampled_from(SHAPES))}.png"], "references": []}
    row["meta"] = {"source": "made"}
    if part == "reasoning":
        for turn in turns[1::2]:
            turn["reasoning"] = draw(stripped | st.just(""))
        turns[-1]["reasoning"] = draw(stripped)
    elif part == "loss":
        for turn in turns[1:-1:2]:
            turn["loss"] = draw(st.booleans())
        turns[-1]["loss"] = True
    elif part == "rejected":
        row["rejected"] = {"role": "assistant", "content": turns[-1]["content"] + draw(stripped)}
    elif part == "wanted":
        row["wanted"] = draw(st.booleans())
    else:
        turns.pop()
        row["solution"] = draw(stripped)
    return row


def parts_meaning(record: Record) -> Any:
    """What a format that holds the parts must give back."""
    return (record.messages, record.images, record.rejected, record.wanted, record.solution)


@pytest.mark.parametrize(("name", "part"), HELD, ids=["-".join(pair) for pair in HELD])
@settings(max_examples=1, phases=(Phase.explicit, Phase.reuse, Phase.generate), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_part_survives_every_format_that_holds_it(name: str, part: str, monkeypatch: pytest.MonkeyPatch, data: st.DataObject) -> None:
    monkeypatch.setattr("vldata.conversion.render", render_here)
    given = data.draw(st.lists(rows_with(part), min_size=3, max_size=6))
    if part == "loss":  # in one row at least
        given[0]["messages"] = [
            {"role": "user", "content": "<image>a"},
            {"role": "assistant", "content": "b", "loss": False},
            {"role": "user", "content": "c"},
            {"role": "assistant", "content": "d"},
        ]
    with tempfile.TemporaryDirectory() as folder:
        first, second, bytes_once, bytes_twice = look(name, given, Path(folder))
    assert parts_of(first[0]) == (part,)
    wanted, found = (Counter(repr(parts_meaning(record)) for record in records) for records in (first, second))
    if name in ("trl", "unsloth") and part == "reasoning":  # a row an answer
        assert wanted <= found
    else:
        assert wanted == found
        assert bytes_once == bytes_twice or name not in (*WHOLE, "swift", "alpaca", "trl", "openai")


def test_a_part_that_a_format_cannot_hold_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("vldata.conversion.render", render_here)
    row = {"messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "A."}], "rejected_response": "B."}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    convert_all(tmp_path / "rows.jsonl", tmp_path / "one", tmp_path)
    for name in FORMATS:
        if "rejected" not in FORMATS[name].holds:
            with pytest.raises(UsageError, match=r"a rejected answer next to the chosen one \(`rejected`\).*\n  Export to llamafactory"):
                export(name, ExportPlan(str(tmp_path / "one" / "a"), tmp_path / "ex"))


def test_tool_turns_with_thoughts_texts_and_several_calls_survive(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("vldata.conversion.render", render_here)
    calls = [{"name": name, "arguments": {"at": place}} for place, name in enumerate("ab")]
    turns = [
        {"role": "user", "content": "<image>Where?"},
        {"role": "function_call", "content": json.dumps(calls[0]), "reasoning": "Look closer."},
        {"role": "observation", "content": "<image>"},
        {"role": "function_call", "content": "Both then.\n" + json.dumps(calls)},
        {"role": "observation", "content": "1\n</tool_response>\n<tool_response>\n2"},
        {"role": "assistant", "content": "There.", "reasoning": "So."},
    ]
    row = {"id": "a", "messages": turns, "images": ["images/circle.png"] * 2, "references": [], "meta": {}, "tools": "[]"}
    for name in ("llamafactory", "swift", "parquet", "webdataset"):
        first, second, *_ = look(name, [row], tmp_path / name)
        assert [m.role for m in first[0].messages] == [turn["role"] for turn in turns] and first[0].messages[1].reasoning == "Look closer."
        assert parts_meaning(first[0]) == parts_meaning(second[0])
