"""Ollama's native wire over a llama-server, which is what Ollama itself runs: /api/chat, /api/tags, /api/version.

    python ollama_fake.py PORT LLAMA_URL MARKER     # MARKER: llama-server's LLAMA_MEDIA_MARKER

Where Ollama's source decides what a client sees, this does the same: pictures go where `[img]` stands, those without a place go in front;
the prompt is that of its qwen3-vl-instruct renderer; tokens served from a cache count as prompt tokens; the answer is a stream of JSON
lines unless `stream` is false; an error after the first line is a line of that stream. It does not choose slots, load or unload models.
"""

from __future__ import annotations

import base64
import json
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from aiohttp import web

NAME = "tiny:latest"
OPTIONS = {"num_predict": "n_predict", "temperature": "temperature", "top_k": "top_k", "top_p": "top_p", "seed": "seed", "stop": "stop"}


class Refused(Exception):
    """A reply other than 200: its status and words."""

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


def place_pictures(content: str, count: int, first: int) -> str:
    """Number the pictures of a turn: `[img]` in order, the rest in front, a blank between them and a word."""
    if "[img-" in content:
        return content
    front = ""
    for number in range(first, first + count):
        if "[img]" in content:
            content = content.replace("[img]", f"[img-{number}]", 1)
        else:
            front += f"[img-{number}]"
    blank = " " if front and content and not content[0].isspace() else ""
    return front + blank + content


def render(messages: list[dict[str, Any]]) -> tuple[str, list[str]]:
    """Render turns as the instruct renderer does; returns the prompt and the pictures in order."""
    text, pictures = "", []
    for index, message in enumerate(messages):
        shown = message.get("images") or []
        content = place_pictures(message.get("content", ""), len(shown), len(pictures))
        pictures += shown
        role = message["role"]
        if role == "tool":
            before = index and messages[index - 1]["role"] == "tool"
            after = index + 1 < len(messages) and messages[index + 1]["role"] == "tool"
            text += "" if before else "<|im_start|>user"
            text += f"\n<tool_response>\n{content}\n</tool_response>" + ("" if after else "<|im_end|>\n")
        else:
            text += f"<|im_start|>{role}\n{content}<|im_end|>\n"
    return text + "<|im_start|>assistant\n", pictures


def read_request(raw: bytes) -> dict[str, Any]:
    """Read and check a chat request.

    Raises:
        Refused: with Ollama's status and words.
    """
    if not raw:
        raise Refused(400, "missing request body")
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise Refused(400, str(error)) from None
    name = body.get("model", "")
    if not name:
        raise Refused(400, "model is required")
    if name.removesuffix(":latest") != NAME.removesuffix(":latest"):
        raise Refused(404, f"model '{name}' not found")
    for picture in (picture for message in body.get("messages", ()) for picture in message.get("images") or ()):
        try:
            base64.b64decode(picture, validate=True)
        except ValueError:
            raise Refused(400, "illegal base64 data at input byte 0") from None
    return dict(body)


class Fake:
    """The three routes."""

    def __init__(self, llama: str, marker: str) -> None:
        self._llama = llama
        self._marker = marker

    async def version(self, _: web.Request) -> web.Response:
        """Say a version."""
        return web.json_response({"version": "0.33.0"})

    async def tags(self, _: web.Request) -> web.Response:
        """List the model."""
        details = {"format": "gguf", "family": "qwen3vl", "families": ["qwen3vl"], "quantization_level": "F32"}
        return web.json_response({"models": [{"name": NAME, "model": NAME, "size": 1, "digest": "0", "details": details}]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        """Answer, whole or as a stream."""
        lines = None
        try:
            body = read_request(await request.read())
            lines = self._lines(body)
            first = await anext(lines)
        except Refused as refused:
            return web.json_response({"error": str(refused)}, status=refused.status)
        if body.get("stream") is False:
            text = first["message"]["content"]
            last = first
            async for last in lines:
                if "error" in last:
                    return web.json_response(last, status=500)
                text += last["message"]["content"]
            return web.json_response({**last, "message": {"role": "assistant", "content": text}})
        response = web.StreamResponse(headers={"Content-Type": "application/x-ndjson"})
        await response.prepare(request)
        await response.write(json.dumps(first).encode() + b"\n")
        async for line in lines:
            await response.write(json.dumps(line).encode() + b"\n")
        return response

    async def _lines(self, body: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        started = time.perf_counter_ns()
        prompt, pictures = render(body.get("messages", []))
        for number in range(len(pictures)):
            prompt = prompt.replace(f"[img-{number}]", self._marker, 1)
        asked = {OPTIONS[key]: value for key, value in (body.get("options") or {}).items() if key in OPTIONS}
        whole: Any = {"prompt_string": prompt, "multimodal_data": pictures} if pictures else prompt
        asked = {**asked, "prompt": whole, "stream": True, "cache_prompt": True, "repeat_penalty": 1.0, "min_p": 0.0}
        about = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z"}
        spoken = False
        async with aiohttp.ClientSession() as session, session.post(f"{self._llama}/completion", json=asked) as reply:
            if reply.status >= 400:
                raise Refused(reply.status, (await reply.text()).strip())
            async for line in reply.content:
                text = line.strip().removeprefix(b"data: ")
                if not text.startswith(b"{"):
                    continue
                event = json.loads(text)
                if "error" in event:
                    if not spoken:
                        raise Refused(500, str(event["error"]))
                    yield {"error": str(event["error"])}
                    return
                spoken = True
                if not event.get("stop"):
                    if event["content"]:
                        yield {**about, "message": {"role": "assistant", "content": event["content"]}, "done": False}
                    continue
                timings = event["timings"]
                yield {
                    **about,
                    "message": {"role": "assistant", "content": event["content"]},
                    "done": True,
                    "done_reason": "length" if event.get("stop_type") == "limit" else "stop",
                    "total_duration": time.perf_counter_ns() - started,
                    "prompt_eval_count": timings["cache_n"] + timings["prompt_n"],
                    "prompt_eval_duration": int(timings["prompt_ms"] * 1e6),
                    "eval_count": timings["predicted_n"],
                    "eval_duration": int(timings["predicted_ms"] * 1e6),
                }
                return


def main() -> None:
    """Serve on loopback until ended."""
    port, llama, marker = sys.argv[1:4]
    fake = Fake(llama, marker)
    app = web.Application(client_max_size=1 << 28)
    app.add_routes([web.get("/api/version", fake.version), web.get("/api/tags", fake.tags), web.post("/api/chat", fake.chat)])
    web.run_app(app, host="127.0.0.1", port=int(port), print=None)


if __name__ == "__main__":
    main()
