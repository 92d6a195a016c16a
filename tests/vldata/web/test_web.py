from __future__ import annotations

import base64
import io
from pathlib import Path

from PIL import Image

from vldata.media.refs import Failure
from vldata.web.escaping import bdi, embed
from vldata.web.page import page_parts
from vldata.web.thumbs import make_thumbnail, make_thumbnails, safe_path, thumbnails
from vldata.web.visible import visible


def test_embedded_json_cannot_end_its_element() -> None:
    assert embed({"a": "</script><!-- & \u2028"}) == '{"a":"\\u003c/script\\u003e\\u003c!-- \\u0026 \\u2028"}'


def test_hidden_characters_become_visible() -> None:
    assert visible("a\x1b[0m\x00\x7f\u202eb\u2066\n\tc") == "a␛[0m␀␡⟨U+202E⟩b⟨U+2066⟩\n\tc"


def test_pictures_are_read_below_their_folder_only(tmp_path: Path) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    Image.new("RGB", (900, 300), (10, 200, 10)).save(root / "sub" / "a.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "outside.png")
    (root / "link.png").symlink_to(tmp_path / "outside.png")
    (root / "text.png").write_text("no picture")
    names = ["sub/a.png", "../outside.png", "link.png", "text.png", "missing.png", "http://x/y.png", "a\x00b", str(root / "sub" / "a.png")]
    shown, note = thumbnails(names, root)
    assert set(shown) == {"sub/a.png", str(root / "sub" / "a.png")}
    assert note == "6 of 8 pictures could not be shown."
    thumb = Image.open(io.BytesIO(base64.b64decode(shown["sub/a.png"].split(",")[1])))
    assert (thumb.format, thumb.size) == ("WEBP", (440, 147))
    assert safe_path("sub/../sub/a.png", root) == (root / "sub" / "a.png").resolve()
    assert thumbnails(["a.png"], None) == ({}, "Not shown: 1 picture. --image-root names the folder that holds them.")


def test_many_thumbnails_are_those_of_one(tmp_path: Path) -> None:
    files = []
    for number, size in enumerate([(300, 100), (90, 400), (20, 20)]):
        files.append(str(tmp_path / f"{number}.png"))
        Image.new("RGB", size, (number * 90, 40, 200)).save(files[-1])
    files.append(str(tmp_path / "none.png"))
    found = dict(make_thumbnails(files, side=100, workers=2))
    assert found == {number: make_thumbnail(file, side=100) for number, file in enumerate(files)}
    sizes = [Image.open(io.BytesIO(data)).size for data in (found[0], found[1], found[2]) if isinstance(data, bytes)]
    assert sizes == [(100, 33), (22, 100), (20, 20)]
    assert isinstance(found[3], Failure) and found[3].code == "VL101"


def test_the_frame_of_a_page() -> None:
    page = "".join(page_parts("<a>", [bdi("<b>")], style="p{}", script="1;", data={"d": embed({"x": "<"})}, late=[("l", embed([1]))]))
    order = [
        page.index(part) for part in ("<title>&lt;a&gt;</title>", "&lt;b&gt;", 'id="d">{"x":"\\u003c"}<', "<script>1;<", 'id="l">[1]<')
    ]
    assert order == sorted(order)
