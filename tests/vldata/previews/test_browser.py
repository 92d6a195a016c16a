"""The page in a real browser: what its controls do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from fixtures.browser import Tab, browse, find_chromium
from vldata.previews.make import make_preview
from vldata.splits.splitting import split

CHROMIUM = find_chromium()
CARDS = "document.querySelectorAll('article').length"
SHOWN = "[...document.images].filter((image) => image.complete && image.naturalWidth > 0).length"


async def click(tab: Tab, selector: str) -> None:
    await tab.value(f"document.querySelector({json.dumps(selector)}).dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")


async def walk(page: Path, profile: Path) -> dict[str, object]:
    """Use the page as a person would, and note what it shows."""
    assert CHROMIUM is not None
    seen: dict[str, object] = {}
    async with browse(CHROMIUM, profile) as tab:
        await tab.open(page.as_uri())
        seen["all"] = await tab.value(CARDS)
        await tab.value("Promise.all([...document.images].map((image) => image.decode()))")
        seen["pictures"] = await tab.value(SHOWN)
        await click(tab, "[data-facet=side][data-value=test]")
        seen["test side"] = await tab.value(CARDS)
        seen["menu follows"] = await tab.value("document.querySelector('[data-menu]').value")
        await click(tab, "[data-facet=side][data-value=test]")
        seen["again all"] = await tab.value(CARDS)
        await click(tab, "[data-code=VL006]")
        seen["finding"] = await tab.value("[...document.querySelectorAll('.fault')].map((node) => node.textContent.slice(0, 5)).join()")
        await click(tab, "#clear")
        await tab.value(
            "(() => { const box = document.getElementById('search'); box.value = 'YELLOW'; box.dispatchEvent(new Event('input')); })()"
        )
        await asyncio.sleep(0.3)
        seen["search"] = await tab.value("[...document.querySelectorAll('article')].every((card) => /yellow/i.test(card.textContent))")
        seen["found"] = await tab.value("document.getElementById('found').textContent")
        await click(tab, "#clear")
        await click(tab, ".bin")
        seen["bin"] = await tab.value(CARDS)
        await click(tab, "#clear")
        await click(tab, "article")
        first = await tab.value("document.querySelector('dialog .mono').textContent")
        await click(tab, "dialog button[aria-label=Next]")
        second = await tab.value("document.querySelector('dialog .mono').textContent")
        seen["dialog"] = await tab.value("document.querySelectorAll('dialog[open] figure img').length")
        seen["moved"] = first != second
        seen["address"] = (await tab.value("location.hash")) == "#" + await tab.value(f"encodeURIComponent({json.dumps(second)})")
        seen["complaints"] = [message for message in tab.messages if message.get("method") == "Log.entryAdded"]
    return seen


@pytest.mark.skipif(CHROMIUM is None, reason="needs chromium")
def test_the_controls(prepared: Path, tmp_path: Path) -> None:
    split(prepared, "openeqa", test=8, val=0.2)
    path = prepared / "openeqa.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")
    lines[2] = lines[2].replace("<image>", "", 1)
    path.write_text("\n".join(lines), encoding="utf-8")
    page = tmp_path / "page.html"
    make_preview(str(prepared / "openeqa"), out=page, workers=1)
    seen = asyncio.run(walk(page, tmp_path / "profile"))
    found = str(seen.pop("found"))
    assert 0 < int(found.split()[0]) < 28
    assert 0 < int(str(seen.pop("bin"))) < 28
    assert seen == {
        "all": 28, "pictures": 28 * 3, "test side": 8, "menu follows": "test", "again all": 28, "finding": "VL006", "search": True,
        "dialog": 3, "moved": True, "address": True, "complaints": [],
    }  # fmt: skip
