"""Nothing is dropped in silence: an unknown field anywhere in any source is in the census, or its row is rejected by that name."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fixtures.chartqa import draw_chartqa
from fixtures.shapes import shape_bytes, write_shapes
from fixtures.sharegpt import VARIANTS, rows_of
from tests.effort import examples
from vldata.conversion import Conversion, convert
from vldata.errors import DataError, UsageError
from vldata.output.options import ConvertOptions
from vldata.records.draft import Draft, Reject
from vldata.records.record import iter_records
from vldata.sources import chartqa, jsonl, openeqa, sharegpt
from vldata.sources.census import MEANING, Census
from vldata.sources.dialects.notes import THOUGHT_KEYS
from vldata.sources.errors import RowError

FIELD = "zz_unheard_of"
VALUES = st.one_of(
    st.text(min_size=1, max_size=8),
    st.integers(),
    st.booleans(),
    st.dictionaries(st.text(min_size=1, max_size=4), st.integers(), min_size=1, max_size=2),
    st.lists(st.integers(), min_size=1, max_size=3),
)
PAIRS: list[dict[str, Any]] = [
    {"image": "images/circle.png", "text": "A circle."},
    {"image": ["images/circle.png"], "question": "What?", "answers": ["A circle.", "Circle"]},
    {"image": "images/circle.png", "question": "What?", "choices": ["square", "circle"], "answer": 1},
    {"image": {"path": "images/circle.png"}, "question": "What?", "answer": "A circle."},
]


def objects_of(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every object in a row with where it is: fields may be added to each."""
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            yield from objects_of(item, f"{path}.{key}")
    elif isinstance(value, list):
        for item in value:
            yield from objects_of(item, f"{path}[]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("census")
    write_shapes(folder / "images")
    return folder


def told(drafts: list[Draft | Reject], field: str) -> bool:
    """Whether the field is named: by the census of a draft, or by the reason of a reject."""
    for draft in drafts:
        if isinstance(draft, Reject):
            if field in draft.reason:
                return True
        elif any(field in name for name, _ in draft.unused):
            return True
    return False


@settings(max_examples=examples(60), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_an_unknown_field_anywhere_in_a_conversation_is_told(folder: Path, data: st.DataObject) -> None:
    row = copy.deepcopy(data.draw(st.sampled_from([row for variant in sorted(VARIANTS) for row in rows_of(variant)])))
    places = [(path, item) for path, item in objects_of(row) if not any(key in path for key in _TAKEN_WHOLE)]
    path, place = data.draw(st.sampled_from(places))
    place[FIELD] = data.draw(VALUES)
    file = folder / "talks.jsonl"
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (source,) = sharegpt.open_source(file)
    whole = path.split(".")[1].rstrip("[]") if path else FIELD  # the field it stands in may be kept, or named, as a whole
    assert told(list(source.drafts()), FIELD) or (whole not in _READ and told(list(source.drafts()), whole)), (path, row)


_READ = frozenset({"messages", "conversations", "conversation", "images", "image", "objects", "prompt", "completion", "message", "videos"})


# Values that are taken whole as they stand: JSON of a tool or its arguments, and the meta of a record of ours.
_TAKEN_WHOLE = (".tools", ".arguments", ".input", ".parameters", ".meta")


@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(PAIRS), VALUES, st.sampled_from([FIELD, *sorted(MEANING - {"choices", "choice", "label", "labels"})]))
def test_an_unknown_field_of_a_pair_is_told(folder: Path, row: dict[str, Any], value: Any, field: str) -> None:
    file = folder / "pairs.jsonl"
    file.write_text(json.dumps({**row, field: value}) + "\n", encoding="utf-8")
    try:
        (source,) = jsonl.open_source(file)
    except UsageError as error:
        assert field in str(error)
    else:
        assert told(list(source.drafts()), field) or _used(source, field)


def _used(source: jsonl.PairSource, field: str) -> bool:
    chosen = source.chosen
    if field in THOUGHT_KEYS and source.thoughts.there:
        return True
    return field in (chosen.text, chosen.image, chosen.prompt, *(chosen.choices.fields if chosen.choices else ()))


@pytest.mark.parametrize("layout", ["original", "internvl", "reexport"])
def test_an_unknown_field_of_chartqa_is_told(tmp_path: Path, layout: str) -> None:
    root = draw_chartqa(tmp_path / "charts", layout)
    for file in [path for path in root.rglob("*.json*") if path.is_file()]:
        if file.suffix == ".json":
            rows = json.loads(file.read_text())
            file.write_text(json.dumps([{**row, FIELD: 1, "bbox": [1, 2]} for row in rows]))
        else:
            file.write_text("".join(json.dumps({**json.loads(line), FIELD: 1}) + "\n" for line in file.read_text().splitlines()))
    for source in chartqa.open_source(root):
        assert told(list(source.drafts()), FIELD) or told(list(source.drafts()), "bbox")
    for source in chartqa.open_source(root, ignore=("bbox",)):
        assert told(list(source.drafts()), FIELD)


def test_an_unknown_field_of_openeqa_is_told(open_eqa: Path, tmp_path: Path) -> None:
    questions = json.loads((open_eqa / "open-eqa-v0.json").read_text())
    file = tmp_path / "open-eqa-v0.json"
    file.write_text(json.dumps([{**row, FIELD: "x"} for row in questions]))
    drafts = list(openeqa.open_source(open_eqa, questions=file).drafts())
    assert all(isinstance(draft, Draft) and draft.unused == ((FIELD, "kept in meta.extra"),) for draft in drafts)


# --- what a record would lose ----------------------------------------------------------------------------------------------------------


def run(file: Path, out: Path, **options: Any) -> tuple[Conversion, list[Any]]:
    (source,) = sharegpt.open_source(file, ignore=options.get("ignore", ()))
    result = convert(source, ConvertOptions(out=out, workers=1, **options))
    return result, [record for _, record in iter_records(out / f"{source.name}.jsonl")]


def talk(**more: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "A box."}], **more}


LOST = [
    ({"front_view": "images/circle.png"}, "VL214", "'front_view' holds the file 'images/circle.png'"),
    ({"views": [{"path": "images/circle.png"}]}, "VL214", "'views' holds the file"),
    ({"depth": "data:image/png;base64,AAAA"}, "VL214", "'depth' holds a picture as base64"),
    ({"label": 0}, "VL215", "'label' is 0"),
    ({"rejected_images": ["images/circle.png"]}, "VL215", "--ignore rejected_images leaves it out"),
    ({"solution": "7"}, "VL215", "'solution' is '7'"),
    ({"chosen": {"value": "x"}}, "VL215", "'chosen' is {'value': 'x'}"),
    ({"annotation": {"things": [{"bbox": [1, 2, 3, 4]}]}}, "VL215", "'annotation' holds 'bbox'"),
    ({"conversations": [{"from": "human", "value": "Else?"}]}, "VL216", "'messages' and 'conversations' are both there and differ"),
]


@pytest.mark.parametrize(("more", "code", "reason"), LOST, ids=[reason[:24] for _, _, reason in LOST])
def test_what_would_be_lost_is_refused_by_name(folder: Path, more: dict[str, Any], code: str, reason: str) -> None:
    file = folder / "lost.jsonl"
    file.write_text(json.dumps(talk(**more)) + "\n")
    (draft,) = next(iter(sharegpt.open_source(file))).drafts()
    assert isinstance(draft, Reject) and draft.code == code and reason in draft.reason
    field = next(iter(more))
    (draft,) = next(iter(sharegpt.open_source(file, ignore=(field,)))).drafts()
    assert isinstance(draft, Draft) and draft.unused == ((field, "left out (--ignore)"),) and draft.meta["extra"] == ""


def test_turns_equal_under_two_names_are_no_fault(folder: Path) -> None:
    row = talk()
    (folder / "twice.jsonl").write_text(json.dumps({**row, "conversations": row["messages"]}) + "\n")
    (draft,) = sharegpt.open_source(folder / "twice.jsonl")[0].drafts()
    assert isinstance(draft, Draft) and not draft.unused


def test_values_that_say_what_happens_anyway_are_no_fault(folder: Path) -> None:
    row = talk()
    row["messages"][0] |= {"loss": False, "weight": 0}
    row["messages"][1] |= {"loss": True, "weight": 1.0, "reasoning_content": None, "thinking": ""}
    (folder / "loss.jsonl").write_text(json.dumps(row) + "\n")
    (draft,) = sharegpt.open_source(folder / "loss.jsonl")[0].drafts()
    assert isinstance(draft, Draft) and not draft.unused and sharegpt.open_source(folder / "loss.jsonl")[0].traits.parts == ()


def test_bytes_never_become_text(tmp_path: Path) -> None:
    rows = [{"messages": talk()["messages"], "raw": b"\0\1not a picture", "n": 1}]
    pl.DataFrame(rows).write_parquet(tmp_path / "a.parquet")
    result, (record,) = run(tmp_path / "a.parquet", tmp_path / "out")
    assert record.meta["extra"] == '{"n": 1}'
    assert [(field.field, field.fate) for field in result.unused] == [("n", "kept in meta.extra"), ("raw", "left out (bytes)")]
    pl.DataFrame([{**rows[0], "raw": {"bytes": shape_bytes("circle"), "path": None}}]).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"'raw' holds a picture of .* bytes, which would be lost"):
        run(tmp_path / "b.parquet", tmp_path / "out")


# --- conversions that mostly failed ----------------------------------------------------------------------------------------------------


def test_too_many_rejects_register_nothing(folder: Path, tmp_path: Path) -> None:
    good, bad = talk(), talk(label=0)
    file = folder / "mostly.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in [good] * 8 + [bad] * 2 + [{"messages": []}]))
    with pytest.raises(
        DataError, match=r"3 of 11 records were rejected \(27%\).*\n  2 x VL215 .*mostly.jsonl:9: 'label' is 0.*\n    Cure: "
    ) as caught:
        run(file, tmp_path / "out")
    assert "--max-rejects 1" in str(caught.value) and not (tmp_path / "out" / "dataset_info.json").exists()
    file.write_text("".join(json.dumps(row) + "\n" for row in [good] * 9))  # a mended source is no interrupted conversion
    assert run(file, tmp_path / "out")[0].counts.written == 9


def test_records_that_all_lost_their_images_register_nothing(folder: Path, tmp_path: Path) -> None:
    shown = {"messages": [{"role": "user", "content": "<image>?"}, {"role": "assistant", "content": "A."}], "images": ["gone.png"]}
    file = folder / "blind.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in [*[talk()] * 30, shown]))
    with pytest.raises(DataError, match=r"every record with an image was rejected \(1\), and what is left is text alone"):
        run(file, tmp_path / "out")
    assert run(file, tmp_path / "out", max_rejects=1)[0].counts.written == 30


def test_a_source_damaged_midway_leaves_nothing_behind(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vldata.conversion._PART_DRAFTS", 2)
    monkeypatch.setattr("vldata.sources.sharegpt.SAMPLE_ROWS", 2)
    file = folder / "late.json"
    text = json.dumps([talk()] * 9)
    file.write_text(text[:-1])
    with pytest.raises(DataError, match="has no ] at its end"):
        run(file, tmp_path / "out")
    file.write_text(text)
    assert run(file, tmp_path / "out")[0].counts.written == 9


@pytest.mark.parametrize("key", ["score_chosen", "chosen_rating"])
def test_a_pair_whose_rejected_answer_has_the_better_mark_is_refused(key):
    other = key.replace("chosen", "rejected")
    with pytest.raises(RowError, match="marked the better one"):
        Census().judge({key: 1, other: 2}, ())
    assert Census().judge({key: 2, other: 1}, ())[1] == {key: 2, other: 1}


@pytest.mark.parametrize("field", ["desirable", "preferred", "is_good", "train_detail", "think", "no_loss", "rejected_conversations"])
def test_more_names_that_change_what_is_learned(field):
    value = {"train_detail": [{"train": False}], "think": "x", "no_loss": True, "rejected_conversations": ["x"]}.get(field, False)
    with pytest.raises(RowError, match=f"--ignore {field}"):
        Census().judge({field: value}, ())


@pytest.mark.parametrize(
    ("field", "value", "harmless"),
    [
        ("system", "Be brief.", ""),
        ("history", [["Before?", "Yes."]], []),
        ("neg_response", "red", ""),
        ("is_correct", False, True),
        ("is_wrong", 1, 0),
        ("rotation", 90, 0),
        ("rotation", "-90", "0"),
        ("crop_box", "[0, 0, 10, 10]", "0"),
        ("hflip", True, False),
        ("crop", [0, 0, 10, 10], "wheat"),
        ("roi", {"x": 1, "y": 2, "w": 3, "h": "4"}, "Europe"),
        ("region", [1.5, 2, 3, 4], 5),
    ],
)
def test_what_else_changes_a_lesson_and_what_only_looks_so(field, value, harmless):
    with pytest.raises(RowError, match=f"--ignore {field}"):
        Census().judge({field: value}, ())
    Census().judge({field: harmless}, ())
    assert Census((field,)).judge({field: value}, ())[0] == ((field, "left out (--ignore)"),)


def test_two_system_prompts_that_differ_are_no_one(folder: Path) -> None:
    row = talk(system="Be brief.")
    row["messages"].insert(0, {"role": "system", "content": "Be long."})
    file = folder / "systems.jsonl"
    file.write_text(json.dumps(row))
    (draft,) = sharegpt.open_source(file)[0].drafts()
    assert isinstance(draft, Reject) and draft.code == "VL216" and "'Be brief.', and that in the first turn" in draft.reason
    (draft,) = sharegpt.open_source(file, ignore=("system",))[0].drafts()
    assert isinstance(draft, Draft) and draft.turns[0].parts == ("Be long.",)
    file.write_text(json.dumps({**row, "system": "Be long. "}))
    (draft,) = sharegpt.open_source(file)[0].drafts()
    assert isinstance(draft, Draft) and not draft.unused
