"""What one backend makes of one ask, as far as it tells, and what we expect it to make."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.files.gate import SafePath
from vldata.media.pixels import vision_tokens
from vldata.models.families import FAMILIES
from vldata.models.families_of import folder_family
from vldata.models.prompt import Prompter
from vldata.records.record import IMAGE_TAG
from vleval.inference.ask import Ask
from vleval.inference.messages import ask_messages
from vleval.inference.preflight import without_pictures


def _places() -> re.Pattern[str]:
    """How templates of the families and servers write the place of a picture: tokens, llama.cpp's marker (its name may vary), Ollama's."""
    found = {r"<__\w+__>", r"\[img(?:-\d+)?\]"}
    for family in FAMILIES.values():
        before, token, after = (re.escape(part) for part in family.tiny.image.rstrip("\n").partition(family.image_token))
        found.add(f"{before}(?:{token})+{after}" if before and after else f"{before}{token}{after}")
    return re.compile("|".join(sorted(found, key=len, reverse=True)))


_PLACES = _places()


def renders_exactly(folder: Path) -> bool:
    """Whether our rendering has every token of the family's prompts: pictures between two marks, of one token as often as they cost.

    Of the others the processor writes more than that (rows, tiles, line ends), which the rendering does not know.
    """
    family = folder_family(folder)
    return family is not None and family.delimiters == 2


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer and what was told next to it; None, "" or -1 where a backend does not tell.

    Attributes:
        prompt: the rendered prompt, `<image>` where a picture stands.
        ids: prompt tokens, pictures expanded.
        tokens: the answer's tokens, each with its log-probability.
        sent: digest of the picture files as they were sent.
        patches, grid: digest of what the image processor made of them, and its patches (time, rows, columns) by picture.
    """

    answer: str = ""
    error: str = ""
    finish_reason: str = ""
    model: str = ""
    prompt: str | None = None
    ids: tuple[int, ...] | None = None
    prompt_tokens: int = -1
    tokens: tuple[tuple[str, float], ...] = ()
    sent: str = ""
    patches: str = ""
    grid: tuple[tuple[int, int, int], ...] = ()


class Expected(msgspec.Struct, frozen=True, kw_only=True):
    """What our own rendering makes of an ask: prompt, tokens, tokens of each picture without delimiters, tokens without pictures."""

    prompt: str
    ids: tuple[int, ...]
    pictures: tuple[int, ...]
    blind_tokens: int
    image_pad: int
    around: tuple[int, ...]


def plain_places(prompt: str) -> str:
    """Write every place of a picture as `<image>`."""
    return _PLACES.sub(IMAGE_TAG, prompt)


def digest_files(paths: Sequence[SafePath]) -> str:
    """Digest of files in their order."""
    digest = hashlib.sha256()
    for path in paths:
        digest.update(hashlib.sha256(path.read()).digest())
    return digest.hexdigest()[:12] if paths else ""


class Expecting:
    """Renders asks with a model folder's template and tokenizer, and counts pictures by the dataset's processor."""

    def __init__(self, folder: Path, dataset: Dataset) -> None:
        self._prompter = Prompter(folder)
        self._processor = dataset.contract.pixels.processor
        self._sizes = {line.path: (line.width, line.height) for line in dataset.media()}
        self.folder = folder

    def of(self, ask: Ask) -> Expected:
        """What we expect of an ask of the dataset."""
        messages = ask_messages(ask)
        counts = [vision_tokens(*self._sizes[name], processor=self._processor) for name in ask.image_names]
        text = self._prompter.render(messages, ask=True)
        bare = "<|vision_start|>", "<|vision_end|>"
        around = tuple(token for part in bare for token in self._prompter.token_ids(part))
        return Expected(
            prompt=plain_places(text),
            ids=tuple(self._prompter.encode_prompt(messages, counts).tolist()),
            pictures=tuple(counts),
            blind_tokens=len(self._prompter.encode_prompt(ask_messages(without_pictures(ask)), [])),
            image_pad=self._prompter.image_pad,
            around=around,
        )
