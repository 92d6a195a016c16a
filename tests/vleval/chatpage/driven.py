"""The chat page in a real browser: `make test-web`. It needs gradio, torch and Chromium; the default run does not collect it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest
from PIL import Image, ImageDraw

from fixtures.browser import Tab, browse, find_chromium
from fixtures.openeqa import draw_openeqa
from tests.vleval.inference.server import FakeServer, http, serve
from vldata.api.convert import convert

HTML = "<img src=x onerror=\"document.title='owned'\"><b>bold</b> & <script>document.title='owned'</script>"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("asked")
    draw_openeqa(root / "source", size=(384, 216))
    wording = root / "prompt.txt"
    wording.write_text("{images}{question}\nAnswer with one word.")
    convert("openeqa", root / "source", frames=1, out=root / "prepared", workers=1, limit=2, max_pixels=98_304, prompt=wording)
    return root / "prepared"


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A photograph on its side, a text named .png, and a picture that unpacks to 2.5 gigapixels."""
    folder = tmp_path_factory.mktemp("uploads")
    sofa = Image.new("RGB", (900, 700), (200, 190, 170))
    ImageDraw.Draw(sofa).rectangle((150, 300, 700, 600), fill=(30, 90, 160))
    exif = sofa.getexif()
    exif[274] = 6
    sofa.save(folder / "sofa.jpg", exif=exif)
    (folder / "text.png").write_text("this is no picture")
    (folder / "bomb.png").write_bytes(bomb(50_000))
    return {name: folder / name for name in ("sofa.jpg", "text.png", "bomb.png")}


def bomb(side: int) -> bytes:
    """A PNG of side x side black pixels, a few hundred kilobytes long."""
    packer = zlib.compressobj(9)
    row = bytes(1 + side // 8)
    data = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([1, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@contextlib.contextmanager
def chat(*args: object) -> Iterator[str]:
    """Run `vleval chat` and yield its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    program = [sys.executable, "-c", "from vleval.cli import main; main()", "chat", "--port", str(port), *map(str, args)]
    kept = tempfile.TemporaryDirectory()  # what the page keeps while it runs, and must not leave behind
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TMPDIR": kept.name}
    process = subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    said = ""
    while "Page: " not in said and (line := process.stdout.readline()):
        said += line
    url = said.partition("Page: ")[2].partition(" ")[0]  # with the token that the page asks for
    try:
        for _ in range(600):
            with contextlib.suppress(ConnectionError, urllib.error.URLError):
                with contextlib.suppress(urllib.error.HTTPError):  # without the cookie the redirect is refused: it is up
                    urllib.request.urlopen(url, timeout=5).close()
                break
            if process.poll() is not None:
                raise AssertionError(said + process.stdout.read())
            time.sleep(0.1)
        yield url
    finally:
        process.terminate()
        process.communicate(timeout=20)
        left = list(Path(kept.name).rglob("*"))
        kept.cleanup()
    assert [path for path in left if path.is_file()] == []


@contextlib.asynccontextmanager
async def page(url: str, profile: Path) -> AsyncIterator[Tab]:
    chromium = find_chromium()
    assert chromium, "make test-web needs Chromium"
    async with browse(chromium, profile) as tab:
        await tab.ask("Network.enable")
        await tab.ask("Emulation.setDeviceMetricsOverride", width=1200, height=900, deviceScaleFactor=1, mobile=False)
        await tab.open(url)
        await until(tab, "!!document.querySelector('#question textarea') && !!document.querySelector('#pictures input[type=file]')")
        yield tab


async def until(tab: Tab, condition: str, seconds: float = 60) -> None:
    for _ in range(int(seconds * 10)):
        if await tab.value(condition):
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never: {condition}")


async def upload(tab: Tab, *files: Path) -> None:
    found = await tab.ask("Runtime.evaluate", expression="document.querySelector('#pictures input[type=file]')")
    await tab.ask("DOM.setFileInputFiles", files=[str(file) for file in files], objectId=found["result"]["objectId"])
    await until(tab, f"document.querySelector('#pictures').innerText.includes({json.dumps(files[-1].stem)})")


async def ask(tab: Tab, question: str) -> tuple[str, str]:
    """Type, press the button, and read (answer, what was shown and asked)."""
    await tab.value("document.querySelector('#details textarea').value = '(waiting)'")
    fill = "(text => { const box = document.querySelector('#question textarea'); box.value = text; box.dispatchEvent(new Event('input')) })"
    await tab.value(f"{fill}({json.dumps(question)})")
    await asyncio.sleep(0.3)
    await tab.value("document.querySelector('#ask').click()")
    await until(tab, "!['', '(waiting)'].includes(document.querySelector('#details textarea').value)")
    await asyncio.sleep(0.5)
    return await tab.value("document.querySelector('#answer textarea').value"), await tab.value(
        "document.querySelector('#details textarea').value"
    )


def outside(tab: Tab) -> list[str]:
    """Addresses off this machine that the page asked for."""
    urls = [message["params"]["request"]["url"] for message in tab.messages if message.get("method") == "Network.requestWillBeSent"]
    return [url for url in urls if urlparse(url).scheme in ("http", "https", "ws", "wss") and urlparse(url).hostname != "127.0.0.1"]


def run(url: str, profile: Path, steps: Callable[[Tab], Any]) -> None:
    async def main() -> None:
        async with page(url, profile) as tab:
            await steps(tab)
            if folder := os.environ.get("SCREENSHOTS"):
                import base64

                shot = await tab.ask("Page.captureScreenshot", format="png")
                (Path(folder) / f"{profile.name}.png").write_bytes(base64.b64decode(shot["data"]))
            assert outside(tab) == []

    asyncio.run(main())


@pytest.mark.filterwarnings("default::FutureWarning")  # peft reads an alias that transformers gives up
def test_the_tuned_model_is_shown_an_uploaded_picture_as_the_data_was(prepared: Path, pictures: dict[str, Path], tmp_path: Path) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    from vldata.models.tiny import build_tiny_model

    tiny = build_tiny_model(tmp_path / "tiny", mixing=50)
    torch.manual_seed(0)
    config = LoraConfig(r=2, target_modules=["q_proj", "v_proj"], init_lora_weights=False)
    get_peft_model(AutoModelForImageTextToText.from_pretrained(tiny), config).save_pretrained(tmp_path / "adapter")

    async def steps(tab: Tab) -> None:
        await upload(tab, pictures["sofa.jpg"])
        answer, details = await ask(tab, "What colour is the sofa?")
        assert answer and "sofa.jpg: 256x352 px of 700x900 uploaded, 90 tokens" in details  # upright, on the grid, in the budget
        assert details.endswith("Asked:\n<image>What colour is the sofa?\nAnswer with one word.")
        assert "Prompt: " in details and "90 of pictures by our count" in details
        await until(
            tab, "[...document.querySelectorAll('#shown img')].some(image => image.naturalWidth == 256 && image.naturalHeight == 352)"
        )

    args = ("--data", prepared / "openeqa", "--backend", "hf", "--model", tiny, "--adapter", tmp_path / "adapter", "--max-tokens", "6")
    with chat(*args) as url:
        run(url, tmp_path / "tuned", steps)


def test_hostile_files_and_answers_are_named_or_shown_as_text(prepared: Path, pictures: dict[str, Path], tmp_path: Path) -> None:
    reply = json.dumps(
        {"model": "tiny", "choices": [{"message": {"content": HTML}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 9}}
    )

    async def steps(tab: Tab) -> None:
        for name, words in (("text.png", "it is no picture"), ("bomb.png", "pixels")):
            await upload(tab, pictures[name])
            answer, details = await ask(tab, "What is this?")
            assert answer == "" and details.startswith(f"Not asked: {name}: cannot be shown") and words in details, details
            await tab.open(await tab.value("location.href"))
            await until(tab, "!!document.querySelector('#pictures input[type=file]')")
        answer, details = await ask(tab, "   ")
        assert details == "Not asked: there is no question."
        await upload(tab, pictures["sofa.jpg"])
        answer, details = await ask(tab, "Say <b>something</b>.")
        assert answer == HTML and "<b>something</b>" in details
        assert await tab.value("document.title") != "owned"
        assert not await tab.value("[...document.querySelectorAll('b, script, img')].some(found => /owned|bold/.test(found.outerHTML))")

    with (
        serve(FakeServer(lambda _attempt, _body: http(200, reply))) as server,
        chat("--data", prepared / "openeqa", "--model", "tiny", "--base-url", server.url) as url,
    ):
        run(url, tmp_path / "hostile", steps)
    assert len(server.bodies) == 1  # what was not asked did not reach the server
    assert server.bodies[0]["messages"][0]["content"][-1]["text"] == "Say <b>something</b>.\nAnswer with one word."


def slow_stream(*pieces: str) -> bytes:
    events = [{"model": "tiny", "choices": [{"delta": {"content": piece}}]} for piece in pieces]
    events.append({"model": "tiny", "choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 900}})
    return http(200, "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n")


def test_a_conversation_in_chinese_with_two_models(pictures: dict[str, Path], tmp_path: Path) -> None:
    async def steps(tab: Tab) -> None:
        await until(tab, "document.body.innerText.includes('回答: openai@right')")
        text = await tab.value("document.body.innerText")
        wanted = ("问题", "提问", "新对话", "回答: openai@left", "回答: openai@right", "系统消息与采样")
        assert [word for word in wanted if word not in text] == [], text
        await upload(tab, pictures["sofa.jpg"])
        answer, details = await ask(tab, "沙发是什么颜色?")
        assert answer == "蓝色的" and "像素" in details and "提问内容:" in details and "openai@right" in details
        assert await tab.value("document.querySelector('#answer2 textarea').value") == "红色的"
        answer, details = await ask(tab, "你确定吗?")
        assert "之前的轮数:1" in details
        earlier = await tab.value("document.querySelector('#earlier2 textarea').value")
        assert "沙发是什么颜色?" in earlier and "模型: 红色的" in earlier
        await tab.value("document.querySelector('#new').click()")
        await until(
            tab, "document.querySelector('#earlier textarea').value == '' && document.querySelector('#question textarea').value == ''"
        )

    with (
        serve(FakeServer(lambda _attempt, _body: slow_stream("蓝", "色的"), model="left")) as left,
        serve(FakeServer(lambda _attempt, _body: slow_stream("红", "色的"), model="right")) as right,
        chat("--model", "left", "--base-url", left.url, "--beside", f"openai@right={right.url}", "--lang", "zh") as url,
    ):
        run(url, tmp_path / "zh", steps)
    for server, said in ((left, "蓝色的"), (right, "红色的")):
        assert [message["role"] for message in server.bodies[-1]["messages"]] == ["user", "assistant", "user"]
        assert server.bodies[-1]["messages"][1]["content"] == said and server.bodies[-1]["temperature"] == 0
        assert sum(part["type"] == "image_url" for part in server.bodies[-1]["messages"][0]["content"]) == 1
        assert server.bodies[-1]["messages"][2]["content"] == "你确定吗?"  # the image is not sent a second time
