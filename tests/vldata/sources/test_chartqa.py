from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from fixtures.chartqa import LAYOUTS, draw_chartqa
from vldata.conversion import convert
from vldata.errors import DataError, UsageError
from vldata.output.options import ConvertOptions
from vldata.records.record import Record, iter_records
from vldata.sources.chartqa import PROMPTS, open_source
from vldata.validation import validate


def convert_all(source: Path, out: Path, **options: object) -> dict[str, list[Record]]:
    found = {}
    for opened in open_source(source, **options):  # type: ignore[arg-type]
        result = convert(opened, ConvertOptions(max_rejects=1, out=out, workers=1))
        assert result.counts.rejected == 0, result.rejects
        found[opened.split] = [record for _, record in iter_records(out / f"{opened.name}.jsonl")]
    assert validate(out, workers=1).findings.total == 0
    return found


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_questions(layout: str, tmp_path: Path) -> None:
    found = convert_all(draw_chartqa(tmp_path / "src", layout), tmp_path / "out")
    assert set(found) == {"lmms": {"test"}, "tsv": {"test"}, "reexport": {"test"}, "internvl": {"train", "test"}}.get(
        layout, {"train", "val", "test"}
    )
    test = found["test"]
    assert Counter(record.meta["kind"] for record in test) == {"human": 4, "augmented": 4}
    assert [record.references for record in test[:2]] == [("North",), ("South",)]
    assert test[0].messages[0].content == "<image>Which region sold most?" and test[0].meta["task"] == "chartqa"
    assert len({image for record in test for image in record.images}) == 4
    with Image.open(tmp_path / "out" / test[0].images[0]) as image:
        assert image.format == "PNG" and image.mode == "RGB" and image.getpixel((2, 2)) == (255, 255, 255)  # was transparent


def test_the_analyst_prompt_is_the_tutorials_byte_for_byte(tmp_path: Path) -> None:
    found = convert_all(draw_chartqa(tmp_path / "src"), tmp_path / "out", prompt_preset="analyst", split="test")
    assert list(found) == ["test"]
    assert found["test"][0].messages[0].content == (
        "<image>You are a precise chart analyst. Read the chart and answer the question.\n"
        "Keep the final answer concise (numbers/text only).\nQuestion: Which region sold most?"
    )
    assert PROMPTS["plain"] == "{images}{question}"


def test_tables_become_a_second_turn(tmp_path: Path) -> None:
    record = convert_all(draw_chartqa(tmp_path / "src"), tmp_path / "out", tables=True, split="val")["val"][0]
    assert [message.role for message in record.messages] == ["user", "assistant", "user", "assistant"]
    assert record.messages[3].content.startswith("Region\tSales\nNorth\t")


def test_rows_that_cannot_be_used_are_rejected_by_name(tmp_path: Path) -> None:
    source = draw_chartqa(tmp_path / "src")
    file = source / "ChartQA Dataset" / "test" / "test_human.json"
    rows = json.loads(file.read_text())
    rows[0]["query"] = 7
    rows[1]["label"] = []
    rows[2]["imgname"] = "../../../../etc/passwd"
    rows[3]["imgname"] = "absent.png"
    file.write_text(json.dumps([*rows, "text", {"imgname": "/abs.png", "query": "q", "label": "a"}]))
    (opened,) = open_source(source, split="test")
    result = convert(opened, ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1))
    rejects = [(reject.code, reject.where, reject.reason) for reject in result.rejects]
    assert [code for code, _, _ in rejects] == ["VL201", "VL201", "VL111", "VL202", "VL201", "VL111"]
    assert rejects[0][1:] == ("test_human.json[0]", "the question is 7; a text is needed.")
    assert "absent.png" in rejects[3][2]


def test_links_out_of_the_source_need_a_flag(tmp_path: Path) -> None:
    source = draw_chartqa(tmp_path / "src")
    folder = source / "ChartQA Dataset" / "test" / "png"
    folder.rename(tmp_path / "elsewhere")
    folder.mkdir()
    for chart in (tmp_path / "elsewhere").iterdir():
        (folder / chart.name).symlink_to(chart)
    (opened,) = open_source(source, split="test")
    with pytest.raises(DataError, match="link that leads out of"):
        convert(opened, ConvertOptions(max_rejects=1, out=tmp_path / "out", workers=1))


def test_nothing_to_find(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing here looks like ChartQA"):
        open_source(tmp_path)
    with pytest.raises(DataError, match="is not there"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no split 'dev'"):
        open_source(tmp_path, split="dev")
    draw_chartqa(tmp_path / "src", "lmms")
    with pytest.raises(DataError, match=r"there is no train split here.\n  Found are: test"):
        open_source(tmp_path / "src", split="train")


def test_the_real_charts_convert_without_a_reject(tmp_path: Path) -> None:
    source = Path(__file__).parents[4] / "shared" / "data" / "chartqa"
    if not source.is_dir():
        pytest.skip("the real ChartQA charts (../shared) are not on this machine")
    found = convert_all(source, tmp_path / "out")
    assert Counter(record.meta["kind"] for record in found["test"]) == {"human": 132, "augmented": 129}
