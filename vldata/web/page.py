r"""The frame of a self-contained HTML page: markup, data as embedded JSON, and one script that draws it.

Nothing is fetched and nothing from data can run: the page's policy allows no source but its own script and style, named by digest, and
pictures from `data:` URLs; text is escaped in markup and set as text nodes by the script; `<`, `>` and `&` are \u escapes inside the JSON.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files

from vldata.web.escaping import text


def read_asset(package: str, name: str) -> str:
    """A style or script that ships with a package, from its folder `assets`."""
    return files(package).joinpath("assets", name).read_text("utf-8")


def page_parts(
    title: str, body: Iterable[str], *, style: str, script: str, data: Mapping[str, str], late: Iterable[tuple[str, str]] = ()
) -> Iterator[str]:
    """Yield the page in order, so that a large one need not stand in memory whole.

    Args:
        title: of the window.
        body: markup, escaped.
        style: next to the shared one.
        script: run where it stands, after `data`.
        data: JSON made by `vldata.web.escaping.embed`, by the id of its element.
        late: more of it, for after the script: the page is drawn before it is read.
    """
    sheet = read_asset("vldata.web", "base.css") + style
    sources = f"img-src data:; style-src '{_digest(sheet)}'; script-src '{_digest(script)}'"
    policy = f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"
    yield (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{text(title)}</title>\n<style>{sheet}</style>\n</head>\n<body>\n"
    )
    yield "\n".join(body) + "\n"
    for name, value in data.items():
        yield _json_element(name, value)
    yield f"<script>{script}</script>\n"
    for name, value in late:
        yield _json_element(name, value)
    yield "</body>\n</html>\n"


def _json_element(name: str, value: str) -> str:
    return f'<script type="application/json" id="{name}">{value}</script>\n'


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode("utf-8")).digest()).decode("ascii")
