from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from vleval.reports.make import make_report, render
from vleval.reports.options import Showing
from vleval.reports.why import why
from vleval.rows import Row
from vleval.settings import Reading, Scoring

HOSTILE = (
    "</script><script>document.title='ran'</script>",
    "<img src=x onerror=\"document.title='ran'\">",
    "]]><!--<script>",
    "\u202egnp.exe\u2066 \x1b[31mred\x07",
    "A" * 1_000_000,
    "</title><svg onload=document.title='ran'>",
    "${document.title='ran'}{{constructor.constructor('x')()}}",
    "\u2028\u2029'\"`\\",
)


def hostile_rows(folder: Path) -> Path:
    path = folder / "preds<b>.jsonl"
    lines = [
        {
            "id": f"{n}{text[:40]}",
            "question": text,
            "prediction": text,
            "references": [text, "x"],
            "category": text[:60],
            "image": text[:90],
        }
        for n, text in enumerate(HOSTILE)
    ]
    lines.append({"id": "err", "prediction": None, "error": HOSTILE[0], "references": ["x"], "category": "c", "image": "../../etc/passwd"})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def made(*files: Path, metrics=("exact_match",), root=None, gallery=300, with_images=False, title=""):
    return make_report(
        [str(file) for file in files],
        None,
        reading=Reading(),
        scoring=Scoring(metrics=metrics),
        showing=Showing(image_root=root, title=title, gallery=gallery),
        with_images=with_images,
    )


class Page(html.parser.HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: list[tuple[dict, str]] = []
        self.styles: list[str] = []
        self.handlers: list[str] = []
        self.links: list[str] = []
        self.policy = ""
        self._open = ""

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.handlers += [name for name in found if name.startswith("on") or name == "style"]
        self.links += [found[name] for name in ("src", "href", "action") if name in found]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]
        if tag == "script":
            self.scripts.append((found, ""))
        self._open = tag

    def handle_data(self, data):
        if self._open == "script":
            self.scripts[-1] = (self.scripts[-1][0], self.scripts[-1][1] + data)
        elif self._open == "style":
            self.styles.append(data)

    def handle_endtag(self, tag):
        self._open = ""


def parse(page: bytes) -> Page:
    parser = Page()
    parser.feed(page.decode())
    return parser


def digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def test_nothing_a_model_wrote_becomes_markup(tmp_path):
    page = parse(render(made(hostile_rows(tmp_path), title=HOSTILE[0]), ".html"))
    kinds = [attributes.get("type", "text/javascript") for attributes, _ in page.scripts]
    assert kinds == ["application/json", "application/json", "text/javascript"]
    assert (page.handlers, page.links) == ([], [])
    assert page.policy.startswith("default-src 'none'; img-src data:; ")
    assert f"script-src '{digest(page.scripts[2][1])}'" in page.policy
    assert [f"style-src '{digest(style)}'" in page.policy for style in page.styles] == [True]
    data = json.loads(page.scripts[0][1])
    assert [item["answers"][0]["text"] for item in data["gallery"]["items"]][:3] == list(HOSTILE[:3])
    assert (len(data["gallery"]["items"][4]["answers"][0]["text"]), data["gallery"]["items"][4]["answers"][0]["length"]) == (
        2_000,
        1_000_000,
    )


def test_the_script_writes_text_nodes_only():
    script = (Path(__file__).parents[3] / "vleval/reports/assets/page.js").read_text()
    assert "textContent" in script
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(|Function\(|fetch\(|XMLHttp", script)


CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chromium-browser")


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_a_browser_draws_the_rows_and_runs_nothing_else(tmp_path):
    page = tmp_path / "report.html"
    page.write_bytes(render(made(hostile_rows(tmp_path), title="quiet"), ".html"))
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        f"--user-data-dir={tmp_path}/profile",
    ]
    done = subprocess.run(
        [*command, "--virtual-time-budget=3000", "--dump-dom", page.as_uri()], capture_output=True, timeout=60, check=True
    )
    drawn = done.stdout.decode()
    assert "<title>quiet</title>" in drawn
    assert drawn.count('<article class="item"') == len(HOSTILE) + 1
    assert "&lt;img src=x onerror=" in drawn
    assert "<img src=" not in drawn


def test_the_same_input_gives_the_same_bytes(quiz):
    pages = [render(made(quiz["base"], quiz["tuned"]), suffix) for suffix in (".html", ".html")]
    assert pages[0] == pages[1]
    assert str(quiz["base"].parent).encode() not in b"".join(render(made(quiz["base"]), suffix) for suffix in (".md", ".json", ".html"))


def test_one_system_and_several(quiz):
    single, several = (parse(render(made(*files), ".html")) for files in ((quiz["base"],), (quiz["base"], quiz["tuned"])))
    one, two = (json.loads(page.scripts[0][1]) for page in (single, several))
    assert (len(one["systems"]), one["comparison"]) == (1, [])
    assert [pair["second"] for pair in two["comparison"]] == ["tuned"]
    assert sum(two["systems"][0]["verdicts"].values()) == one["gallery"]["total"] == 288


def test_a_long_file_shows_a_sample_and_says_so(quiz):
    gallery = made(quiz["base"], gallery=30).report.gallery
    assert len(gallery.items) == 30
    assert gallery.note.startswith("30 of 288 rows, a sample with seed 0: 20 of the ")
    assert sum(item.answers[0].verdict == "right" for item in gallery.items) == 10


def test_markdown_is_plain_whatever_a_model_wrote(tmp_path):
    text = render(made(hostile_rows(tmp_path)), ".md").decode()
    assert "<script" not in text
    assert "<img" not in text
    assert "| exact\\_match |" in text or "| exact_match |" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)


@pytest.mark.parametrize(
    ("row", "verdict", "reason"),
    [
        (Row(id="a", prediction=None, error="timeout", references=("x",)), "none", "No answer: timeout"),
        (Row(id="a", prediction="", references=("x",)), "wrong", "The answer is empty."),
        (Row(id="a", prediction="x", references=("x",)), "right", "Equal to the reference."),
        (Row(id="a", prediction="y", references=("x", "y")), "right", "Equal to reference 2."),
        (Row(id="a", prediction="The Sofa.", references=("the sofa",)), "wrong",
         "Equal to a reference but for case, blanks or punctuation."),
        (Row(id="a", prediction="21", references=("20",)), "right", "5.0% off the reference."),
        (Row(id="a", prediction="it is a sofa", references=("sofa",)), "wrong", "A reference stands in it, among other words."),
        (Row(id="a", prediction="zzz", references=("sofa",)), "wrong", "Nothing in common with any reference."),
        (Row(id="a", prediction="x y z", references=("x",), finish_reason="length"), "wrong",
         "A reference stands in it, among other words. It was cut off at the token limit."),
        (Row(id="a", prediction="no", references=("x",), finish_reason="content_filter"), "wrong", "The model refused to answer."),
    ],
)  # fmt: skip
def test_why(row, verdict, reason):
    assert why(row, verdict) == reason
