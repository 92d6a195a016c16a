"""docs/layouts.md: each layout that is read, drawn by a fixture script and converted by the code that is installed."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import tarfile
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import fixtures.chartqa
import fixtures.files
import fixtures.jsonl
import fixtures.labelled
import fixtures.official
import fixtures.openeqa
import fixtures.parts
import fixtures.rows
import fixtures.sharegpt
from vldata.api.convert import conversion_lines, convert, reject_lines
from vldata.converted import Conversion
from vldata.media.refs import MediaRef, Rendering, RenderSpec
from vldata.media.render import open_renderer

_MOST = 480  # characters of a row or record that are shown
_ROWS = (".json", ".jsonl", ".csv", ".tsv", ".txt", ".xml", ".parquet", ".arrow", ".xlsx", ".tar")
_BLOB = re.compile(r"[A-Za-z0-9+/]{80,}={0,2}")
_DIGEST = re.compile(r"(images|videos)/[0-9a-f]{2}/[0-9a-f]{64}\.")


class Layout(NamedTuple):
    """A layout: its name on the page, the converter, what draws it and returns what is converted, and further options."""

    title: str
    converter: str
    draw: Callable[[Path], Path]
    options: tuple[str, ...] = ()


def layouts() -> Iterator[Layout]:
    """Every layout that has a fixture, in the order of docs/sources.md."""
    yield Layout("openeqa: frames", "openeqa", lambda out: fixtures.openeqa.draw_openeqa(out, size=(320, 180)), ("--frames", "2"))
    yield Layout("openeqa: parquet", "openeqa", lambda out: fixtures.openeqa.draw_parquet(out, (320, 180), 1), ("--frames", "2"))
    for name in fixtures.chartqa.LAYOUTS:
        yield Layout(f"chartqa: {name}", "chartqa", _bound(fixtures.chartqa.draw_chartqa, name), ("--split", "test"))
    for name, draw in fixtures.jsonl.LAYOUTS.items():
        yield Layout(f"jsonl: {name}", "jsonl", draw)
    for name, rows in fixtures.rows.PAIRS.items():
        yield Layout(f"jsonl: {name}", "jsonl", _rows(rows), _PAIR_OPTIONS.get(name, ()))
    for name, (converter, draw, options) in fixtures.files.FILES.items():
        yield Layout(f"{converter}: {name}", converter, draw, options)
    for name, rows in fixtures.rows.ROWS.items():
        yield Layout(f"sharegpt: {name}", "sharegpt", _rows(rows), ("--frames", "2") if "video" in name or name == "frames" else ())
    for name in fixtures.sharegpt.VARIANTS:
        yield Layout(f"sharegpt: form {name}", "sharegpt", _bound(fixtures.sharegpt.draw_sharegpt, name))
    for name in fixtures.parts.FILES:
        yield Layout(f"sharegpt: part {name}", "sharegpt", _part(name))
    for name, (_, options) in fixtures.rows.SPELLINGS.items():
        yield Layout(f"sharegpt: boxes as {name}", "sharegpt", _rows(fixtures.rows.spelt(name)), options)
    yield Layout("images: photos", "images", _photos, ("--prompt", "Describe the picture."))
    for name, draw in fixtures.official.DRAWERS.items():
        yield Layout(f"official: {name}", "official", draw)
    for name, draw in fixtures.labelled.FORMATS.items():
        yield Layout(f"{name}: objects", name, draw)


_PAIR_OPTIONS = {
    "classes by number": ("--label-names", "cat,dog"),
    "a moment of a video": ("--frames", "2", "--videos", "timed"),
    "a path of another machine": ("--replace-prefix", "D:\\data\\="),
}


def render() -> str:
    """The whole page."""
    lines = [
        "# Every layout with an example",
        "",
        "Written by `python -m tools.make_docs`: the scripts of `fixtures/` draw each layout, the installed code converts it, and this",
        "page shows the first row or file as it is on disk, the command, what it says, and the first record that comes of it. What each",
        "layout is and which names are read: [sources.md](sources.md). `…` stands for what is left out here.",
        "",
    ]
    with mock.patch("vldata.conversion.render", _render_here), mock.patch("os.fsync"):
        for layout in layouts():
            lines += _section(layout)
    return "\n".join(lines)


def _section(layout: Layout) -> list[str]:
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        source = layout.draw(Path("source"))
        shown = source.relative_to("source") if source != Path("source") else Path("source")
        with contextlib.chdir("source" if source != Path("source") else "."):
            said: list[str] = []
            settings = _settings(layout.options)
            made = convert(layout.converter, shown, out="prepared", workers=1, tell=said.append, **settings)
            command = shlex.join(["vldata", "convert", layout.converter, str(shown), *layout.options])
            return [
                f"## {layout.title}",
                "",
                "```text",
                *_on_disk(shown),
                "```",
                "",
                f"`{command}`",
                "",
                "```text",
                *said,
                *_told(made[0]),
                "```",
                "",
                "```json",
                _short(_DIGEST.sub(r"\1/….", Path("prepared", f"{made[0].names[0]}.jsonl").read_text(encoding="utf-8").splitlines()[0])),
                "```",
                "",
            ]


def _told(made: Conversion) -> Iterator[str]:
    yield from reject_lines(made)
    yield from conversion_lines(made)


def _settings(options: tuple[str, ...]) -> dict[str, Any]:
    """Options of the command line as those of `convert`."""
    pairs = zip(options[::2], options[1::2], strict=True)
    found: dict[str, Any] = {flag[2:].replace("-", "_"): int(value) if value.isdecimal() else value for flag, value in pairs}
    return found


def _render_here(refs: Iterable[MediaRef], spec: RenderSpec, **_: Any) -> Iterator[tuple[int, Rendering]]:
    """Render in this process, without the pool that guards against hostile files: these are ours."""
    work = open_renderer(spec)
    for number, ref in enumerate(refs):
        yield number, work(ref)


def _on_disk(source: Path) -> list[str]:
    """The first row of a file; of a folder its first files and the first row of the file that tells."""
    if source.is_file():
        return _first_of(source)
    files = sorted((path for path in source.rglob("*") if path.is_file()), key=lambda path: (len(path.parts), path.as_posix()))
    lines = [path.as_posix() for path in files[:6]]
    if len(files) > 6:
        lines.append(f"… {len(files) - 6:,} more")
    telling = min((path for path in files if path.suffix in _ROWS), key=lambda path: (len(path.parts), path.as_posix()), default=None)
    return lines if telling is None else [*lines, *_first_of(telling)]


def _first_of(file: Path) -> list[str]:
    if file.suffix in (".parquet", ".arrow"):
        return [f"{file.as_posix()}: {_short(_plain(_first_row(file)))}"]
    if file.suffix == ".tar":
        with tarfile.open(file) as archive:
            return [f"{file.as_posix()}: {', '.join(archive.getnames()[:4])}, …"]
    if file.suffix == ".xlsx":
        import openpyxl

        sheet = openpyxl.load_workbook(file).active
        cells = [[cell.value for cell in row] for row in sheet.iter_rows(max_row=2)]  # type: ignore[union-attr]
        return [f"{file.as_posix()}: {' | '.join(map(str, row))}" for row in cells]
    raw = file.read_bytes()
    text = raw.decode("utf-16" if raw[:2] == b"\xff\xfe" else "utf-8" if _is_utf8(raw) else "gb18030")
    if file.suffix == ".json":
        value = json.loads(text)
        more = isinstance(value, list) and len(value) > 1
        return [f"{file.as_posix()}: {_short(f'[{_plain(value[0])}, …]' if more else _plain(value))}"]
    lines = text.splitlines()[: 2 if file.suffix in (".csv", ".tsv", ".txt") else 1]
    return [f"{file.as_posix()}: {_short(line)}" for line in lines]


def _first_row(file: Path) -> Any:
    import polars as pl

    frame = pl.read_parquet(file, n_rows=1) if file.suffix == ".parquet" else pl.read_ipc_stream(file, n_rows=1)
    return frame.row(0, named=True)


def _plain(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=lambda raw: f"<{len(raw):,} bytes>" if isinstance(raw, bytes) else str(raw))


def _is_utf8(raw: bytes) -> bool:
    with contextlib.suppress(UnicodeDecodeError):
        raw.decode()
        return True
    return False


def _short(text: str) -> str:
    text = re.sub(r"<[0-9,]+ bytes>", "<bytes>", _BLOB.sub("…", text))  # how long an encoded image is, its library decides
    return text if len(text) <= _MOST else f"{text[:_MOST]}…"


def _bound(draw: Callable[[Path, str], Path], name: str) -> Callable[[Path], Path]:
    return lambda out: draw(out, name)


def _rows(rows: list[dict[str, Any]]) -> Callable[[Path], Path]:
    return lambda out: fixtures.rows.write_rows(out / "rows.jsonl", rows)


def _part(name: str) -> Callable[[Path], Path]:
    return lambda out: fixtures.parts.draw_parts(out, count=2) / f"{name}.jsonl"


def _photos(out: Path) -> Path:
    fixtures.rows.draw_media(out)
    (out / "a.mp4").unlink()
    return out
