from __future__ import annotations

import base64
import hashlib
import html.parser
import io
import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from vldata.datasets.dataset import Dataset
from vldata.output.sides import iter_sides
from vldata.previews.drawn import drawn_shapes
from vldata.previews.gather import gather
from vldata.previews.items import PreviewItem
from vldata.previews.make import by_turn, make_preview
from vldata.previews.overview import bins_of
from vldata.records.record import Message, Record
from vldata.splits.splitting import split

HOSTILE = (
    "</script><script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "]]><!--<script>",
    "\u202egnp.exe\u2066 \x1b[31mred\x07",
    "</title><svg onload=document.title='ran'>",
    "\u2028\u2029'\"`\\",
    "A" * 100_000,
)


class Page(html.parser.HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.scripts: list[tuple[dict[str, str | None], str]] = []
        self.handlers: list[str] = []
        self.links: list[str | None] = []
        self.styles: list[str] = []
        self.policy = ""
        self.words = ""
        self._open = ""
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.handlers += [name for name in found if name.startswith("on") or name == "style"]
        self.links += [found[name] for name in ("src", "href", "action") if name in found]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"] or ""
        if tag == "script":
            self.scripts.append((found, ""))
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self._open == "style":
            self.styles.append(data)
        else:
            self.words += data

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def json(self, name: str) -> object:
        return json.loads(next(text for found, text in self.scripts if found.get("id") == name))


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def make_hostile(prepared: Path) -> None:
    """Put texts that would like to be markup into every text of the data set."""
    path = prepared / "openeqa.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, text in enumerate(HOSTILE):
        record = json.loads(lines[number])
        record["id"] = f"{number}{text[:60]}"
        record["messages"][0]["content"] += text
        record["messages"][1]["content"] = text
        record["meta"]["category"] = text[:60]
        record["references"] = [text, "x"]
        lines[number] = json.dumps(record)
    lines[len(HOSTILE)] = '{"id": "</script><b>", "messages"'
    path.write_text("\n".join(lines), encoding="utf-8")


def test_as_many_sides_as_there_are_tell_where_a_record_is(prepared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split(prepared, "openeqa", test=8, val=0.2)
    wanted = gather(str(prepared / "openeqa"), limit=100)
    assert dict(wanted.overview.facets[0].values)["test"] == 8
    sides = list(iter_sides(prepared, "openeqa"))
    monkeypatch.setattr("vldata.previews.gather.iter_sides", lambda *_: sides * 90)  # 270: more than a byte can tell
    assert gather(str(prepared / "openeqa"), limit=100) == wanted


def test_a_page_shows_records_pictures_sides_and_findings(prepared: Path, tmp_path: Path) -> None:
    split(prepared, "openeqa", test=8, val=0.2)
    out = tmp_path / "page.html"
    made = make_preview(str(prepared / "openeqa"), out=out, workers=1)
    assert (made.records, made.shown, made.pictures, made.pictures_shown, made.findings, made.notes) == (28, 28, 18, 18, 0, ())
    page = Page(out)
    data = page.json("data")
    assert isinstance(data, dict)
    first = data["items"][0]
    assert first["at"] == "openeqa.jsonl:1" and first["pictures"] == [0, 1, 2] and first["side"] in {"train", "val", "test"}
    assert data["facets"][:2] == ["side", "category"]
    assert data["pictures"][0]["source"].endswith(".png") and data["pictures"][0]["shown"] == 0
    thumbs = page.json("t0")
    assert isinstance(thumbs, list) and len(thumbs) == 18
    assert Image.open(io.BytesIO(base64.b64decode(thumbs[0]))).format == "WEBP"
    assert "None: every record and picture header keeps the rules." in page.words
    again = tmp_path / "again.html"
    make_preview(str(prepared / "openeqa"), out=again, workers=2)
    assert again.read_bytes() == out.read_bytes()


def test_nothing_of_the_data_becomes_markup(prepared: Path, tmp_path: Path) -> None:
    make_hostile(prepared)
    out = tmp_path / "page.html"
    make_preview(str(prepared / "openeqa"), out=out, workers=1)
    page = Page(out)
    kinds = [found.get("type", "text/javascript") for found, _ in page.scripts]
    assert kinds == ["application/json", "text/javascript", "application/json"]
    assert (page.handlers, page.links) == ([], [])
    digests = [
        "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (page.styles[0], page.scripts[1][1])
    ]
    assert page.policy == (
        f"default-src 'none'; img-src data:; style-src '{digests[0]}'; script-src '{digests[1]}'; base-uri 'none'; form-action 'none'"
    )
    data = page.json("data")
    assert isinstance(data, dict)
    turns = [item["turns"][1]["text"] for item in data["items"][:3]]
    assert turns == list(HOSTILE[:3])
    long = data["items"][HOSTILE.index("A" * 100_000)]["turns"][1]
    assert (len(long["text"]), long["length"]) == (2_000, 100_000)
    assert str(tmp_path) not in out.read_text(encoding="utf-8")


def test_findings_stand_at_their_records(prepared: Path) -> None:
    path = prepared / "openeqa.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[2] = lines[2].replace("<image>", "", 1)
    lines[4] = lines[4][:80]
    path.write_text("\n".join(lines), encoding="utf-8")
    gone = json.loads(lines[0])["images"][1]
    (prepared / gone).unlink()
    found = gather(str(prepared / "openeqa"), limit=100)
    codes = [[code for code, _ in item.findings] for item in found.items]
    assert "VL006" in codes[2] and codes[4] == ["VL001"] and found.items[4].turns[0].role == "line"
    sharing = [number for number, line in enumerate(lines) if gone in line]
    assert len(sharing) > 1 and all("VL020" in codes[number] for number in sharing)
    assert [code for code, _ in found.overview.folder_findings] == ["VL033"]
    assert found.overview.counts["VL020"] == 1


def test_without_a_media_file_the_pictures_are_shown_all_the_same(prepared: Path, tmp_path: Path) -> None:
    (prepared / "openeqa.media.jsonl").unlink()
    made = make_preview(str(prepared / "openeqa"), out=tmp_path / "page.html", workers=1)
    assert made.pictures_shown == 18
    assert made.notes[0].startswith("Sizes, sources and vision tokens of pictures are not known: openeqa.media.jsonl cannot be read")


def test_of_many_records_those_with_findings_are_kept(prepared: Path, tmp_path: Path) -> None:
    path = prepared / "openeqa.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[20] = lines[20].replace("<image>", "", 1)
    path.write_text("\n".join(lines), encoding="utf-8")
    made = make_preview(str(prepared / "openeqa"), out=tmp_path / "page.html", limit=6, workers=1)
    assert (made.records, made.shown) == (28, 6)
    assert made.notes[0] == "6 of 28 records are shown: a sample with seed 0, 1 of them with findings. --limit shows more."
    data = Page(tmp_path / "page.html").json("data")
    assert isinstance(data, dict)
    assert "openeqa.jsonl:21" in [item["at"] for item in data["items"]]


def test_pictures_are_left_out_aloud_the_first_of_each_record_last(prepared: Path, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    made = make_preview(str(prepared / "openeqa"), out=out, workers=1, budget_bytes=8_000)
    assert 0 < made.pictures_shown < 18
    assert made.notes == (
        f"{made.pictures_shown} of 18 pictures are shown; {18 - made.pictures_shown} were left out to keep the file small: "
        "--limit shows fewer records.",
    )
    data = Page(out).json("data")
    assert isinstance(data, dict)
    shown = [data["pictures"][item["pictures"][0]].get("shown", -1) for item in data["items"]]
    assert sum(place >= 0 for place in shown) > sum(data["pictures"][item["pictures"][2]].get("shown", -1) >= 0 for item in data["items"])


def test_a_picture_outside_the_folder_is_not_read(prepared: Path, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), (1, 2, 3)).save(tmp_path / "secret.png")
    path = prepared / "openeqa.jsonl"
    row = json.loads(path.read_text(encoding="utf-8").split("\n")[0])
    row["images"] = ["../secret.png", str(tmp_path / "secret.png"), row["images"][2]]
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    made = make_preview(str(prepared / "openeqa"), out=tmp_path / "page.html", workers=1)
    assert made.pictures_shown == 1
    assert made.notes == ("Pictures that cannot be read and are not shown: 2. vldata validate names them.",)
    table = Dataset(prepared / "openeqa")._repr_html_()
    assert "<img" not in table and "names &#x27;../secret.png&#x27;, which climbs" in table


def test_the_order_in_which_pictures_deserve_a_place() -> None:
    items = [
        PreviewItem(id="a", at="", turns=(), pictures=(3, 4)),
        PreviewItem(id="b", at="", turns=()),
        PreviewItem(id="c", at="", turns=(), pictures=(4, 5, 6)),
    ]
    assert by_turn(items) == [3, 4, 5, 6]


def test_bins_hold_every_record() -> None:
    for tokens in ([5], [1, 1, 1], list(range(100)), [3, 4_000, 17], [*range(500), 90_000], [7] * 300 + [8_000]):
        bins = bins_of(Counter(tokens))
        assert [sum(low <= value <= high for value in tokens) for low, high, _ in bins] == [count for _, _, count in bins]
        assert sum(count for _, _, count in bins) == len(tokens) and len(bins) <= 31
    assert bins_of({}) == []


def test_the_script_writes_text_nodes_only() -> None:
    script = (Path(__file__).parents[3] / "vldata/previews/assets/preview.js").read_text()
    assert "textContent" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|fetch\(|XMLHttp", script)


def test_a_notebook_shows_a_small_table(prepared: Path) -> None:
    make_hostile(prepared)
    shown = Dataset(prepared / "openeqa")._repr_html_()
    assert shown.count("<tr>") == 6 and shown.count('<img src="data:image/webp;base64,') == 15
    assert "&lt;script&gt;" in shown and "<script" not in shown and "onerror=&quot;" in shown
    (prepared / "openeqa.jsonl").write_text("{}\n")
    assert "not a record" in Dataset(prepared / "openeqa")._repr_html_()


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_draws_the_records_and_runs_nothing_else(prepared: Path, tmp_path: Path) -> None:
    assert CHROMIUM is not None
    make_hostile(prepared)
    page = tmp_path / "page.html"
    make_preview(str(prepared / "openeqa"), out=page, workers=1)
    quiet = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", f"--user-data-dir={tmp_path}/profile")
    address = page.as_uri() + "#openeqa.jsonl%3A8"
    command = [CHROMIUM, *quiet, "--virtual-time-budget=3000", "--dump-dom", address]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    drawn = done.stdout.decode()
    assert "<title>openeqa</title>" in drawn
    assert drawn.count('<article class="item') == 28
    assert drawn.count('src="data:image/webp;base64,') == 27 * 3
    assert drawn.count('<article class="item flagged"') == 1
    assert re.search(r'<dialog [^>]*open=""', drawn)
    assert "&lt;img src=x onerror=" in drawn and '<b>"' not in drawn


def test_boxes_of_texts_are_drawn_in_pixels_of_the_image() -> None:
    def shapes(text: str, space: str = "0-1000", images: int = 1) -> tuple[tuple[int, ...], ...]:
        messages = (Message("user", "<image>" * images + "Where?"), Message("assistant", text))
        record = Record(id="a", messages=messages, images=("images/a.png",) * images, references=(), meta={})
        return drawn_shapes(record, space, 640, 320)

    assert shapes('{"bbox_2d": [100, 200, 500, 1000]} and [0, 0, 10, 20]') == ((64, 64, 320, 320), (0, 0, 6, 6))
    assert shapes("click(start_box='[500, 500]')") == ((320, 160),)
    assert shapes('{"polygon": [[0, 0], [1000, 0], [1000, 1000]]}') == ((0, 0, 640, 0, 640, 320),)
    assert shapes('{"bbox_2d": [64, 64, 320, 320]}', "pixels") == ((64, 64, 320, 320),)
    assert shapes("[1, 2, 3, 4]", "none") == () and shapes("[1, 2, 3, 4]", images=2) == () and shapes("[2000, 1]") == ()
