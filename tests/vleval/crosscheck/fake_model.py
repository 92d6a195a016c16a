"""A server that renders, counts and looks at pictures as a model would, and can be told to do one of these things wrongly.

Its answer is a hash of the rendered prompt and of the pixels it sees, so that whatever changes either changes the answer.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import json
from pathlib import Path
from typing import Any

from PIL import Image, ImageOps

from tests.vleval.inference.server import FakeServer, http
from vldata.media.pixels import vision_tokens
from vldata.models.prompt import Prompter
from vldata.records.record import Message


class FakeModel(FakeServer):
    """`wrong`: what it does wrongly; `tells`: whether it tells tokens, prompt and log-probabilities or only how many tokens there were."""

    def __init__(self, folder: Path, wrong: str = "", *, tells: bool = True) -> None:
        super().__init__(model="tiny")
        self._prompter = Prompter(folder)
        self._wrong = wrong
        self._tells = tells
        self._turn = itertools.count()

    async def reply(self, head: bytes, body: dict[str, Any]) -> bytes | str:
        if b"/chat/completions" not in head.split(b"\r\n")[0]:
            return http(404, '{"detail":"Not Found"}')
        if not self._tells and "logprobs" in body:
            return http(400, '{"error":{"message":"logprobs are not enabled"}}')
        self.bodies.append(body)
        messages, pictures = self._read(body["messages"])
        prompt = self._prompter.render(messages, ask=True)
        ids = self._prompter.encode_prompt(messages, [vision_tokens(*image.size, processor="qwen3-vl") for image in pictures]).tolist()
        seen = hashlib.sha256(prompt.encode() + b"".join(image.tobytes() for image in pictures)).digest()
        tokens = self._say(seen, body)
        choice: dict[str, Any] = {"message": {"content": "".join(token for token, _ in tokens)}, "finish_reason": "length"}
        value = {"model": "tiny", "choices": [choice], "usage": {"prompt_tokens": len(ids), "completion_tokens": len(tokens)}}
        if self._tells:
            choice["logprobs"] = {"content": [{"token": token, "logprob": likely} for token, likely in tokens]}
            value |= {"prompt_token_ids": ids, "prompt_text": prompt}
        return http(200, json.dumps(value))

    def _read(self, turns: list[dict[str, Any]]) -> tuple[list[Message], list[Image.Image]]:
        messages, pictures = [], []
        if self._wrong == "template":
            messages.append(Message("system", "You are a helpful assistant."))
        for turn in turns:
            parts = turn["content"] if isinstance(turn["content"], list) else [{"type": "text", "text": turn["content"]}]
            if self._wrong == "pictures first":
                parts = sorted(parts, key=lambda part: part["type"] == "text")
            text = ""
            for part in parts:
                if part["type"] == "text":
                    text += part["text"]
                    continue
                text += ("Picture: " if self._wrong == "numbered" else "") + "<image>"
                pictures.append(self._look(base64.b64decode(part["image_url"]["url"].split(",")[1])))
            messages.append(Message(turn["role"], text))
        return messages, pictures[::-1] if self._wrong == "order" else pictures

    def _look(self, content: bytes) -> Image.Image:
        image: Image.Image = Image.open(io.BytesIO(content))
        if self._wrong != "EXIF":
            image = ImageOps.exif_transpose(image)
        if self._wrong == "transparency" and "A" in image.mode:
            image = Image.alpha_composite(Image.new("RGBA", image.size, (255, 255, 255, 255)), image)
        if self._wrong == "palette" and image.mode == "P":
            image = Image.frombytes("L", image.size, image.tobytes())
        image = image.convert("RGB")
        if self._wrong == "channels":
            image = Image.merge("RGB", image.split()[::-1])
        if self._wrong == "re-encoding":
            buffer = io.BytesIO()
            image.save(buffer, "JPEG", quality=75)
            image = Image.open(buffer).convert("RGB")
        if self._wrong == "resize":
            image = image.resize((image.width * 2, image.height * 2))
        return image

    def _say(self, seen: bytes, body: dict[str, Any]) -> list[tuple[str, float]]:
        if self._wrong == "random":
            seen = hashlib.sha256(seen + bytes([next(self._turn) % 256])).digest()
        if self._wrong == "penalty" and "repetition_penalty" not in body:
            seen = hashlib.sha256(seen + b"1.1").digest()
        tokens = [(f"{byte:02x} ", -0.1 - byte / 100) for byte in seen[:6]]
        if self._wrong in ("kernels", "weights"):
            moved = 0.01 if self._wrong == "kernels" else 0.7
            tokens = [(token if place < 4 else "zz ", likely - moved) for place, (token, likely) in enumerate(tokens)]
        return tokens
