"""One question about uploaded pictures, asked as the dataset asks: its wording, its system message, its pixels. No page here.

Pictures are rendered by vldata's own renderer in a worker that can be killed, so that a hostile file costs its deadline and no more.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vldata.files.gate import below
from vldata.media.pixels import DEFAULT, LLAMAFACTORY_MAX_PIXELS, vision_tokens
from vldata.media.refs import Failure, FileRef, Rendered, RenderSpec
from vldata.media.render import Renderer
from vldata.output.contract import PixelContract
from vldata.records.control_tokens import find_control_token
from vldata.records.record import IMAGE_TAG
from vleval.crosscheck.backends import Witness
from vleval.crosscheck.views import Reply
from vleval.inference.ask import Ask, AskTurn, split_places

DEADLINE_S = 30.0
MOST_PICTURES = 32
_QUESTION, _IMAGES = "{question}", "{images}"


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How questions are asked: wording, system message, pixels, and where they are from."""

    prompt: str = _IMAGES + _QUESTION
    system: str = ""
    pixels: PixelContract = PixelContract(DEFAULT, 65_536, LLAMAFACTORY_MAX_PIXELS, "auto", 95)
    origin: str = "no dataset: the question as it is, at most 589,824 pixels a picture"


class Shown(msgspec.Struct, frozen=True):
    """A picture as the model is shown it; `tokens` with delimiters."""

    path: str
    name: str
    width: int
    height: int
    source_width: int
    source_height: int
    tokens: int


class ChatTurn(msgspec.Struct, frozen=True):
    """A question that was asked and what came of it. `prompt` is the user turn, `<image>` where a picture stands."""

    pictures: tuple[Shown, ...]
    system: str
    prompt: str
    reply: Reply


def read_manner(dataset: Dataset) -> Manner:
    """The manner of a dataset: its contract's prompt and pixels, and the system message of its first record."""
    first = next(iter(dataset), None)
    system = first.messages[0].content if first and first.messages[0].role == "system" else ""
    prompt = dataset.contract.settings.get("prompt")
    return Manner(
        prompt=prompt if isinstance(prompt, str) and _QUESTION in prompt else _IMAGES + _QUESTION,
        system=system,
        pixels=dataset.contract.pixels,
        origin=f"as {dataset.name} asks",
    )


class Session:
    """Asks one backend. Open it with `open_session`."""

    def __init__(self, backend: Witness, manner: Manner, folder: Path, renderer: Renderer) -> None:
        self.manner = manner
        self._backend = backend
        self._folder = folder
        self._renderer = renderer

    @property
    def folder(self) -> Path:
        """Where rendered pictures lie."""
        return self._folder

    def ask(self, files: Sequence[str], question: str) -> ChatTurn:
        """Render the pictures, ask, and tell what was asked.

        Raises:
            DataError: a file is no picture that can be shown, or the server cannot be reached.
            UsageError: there is no question, or it holds a control token.
        """
        text = question.strip()
        if not text:
            raise UsageError("there is no question.")
        if token := find_control_token(text):
            raise UsageError(f"the question holds {token!r}, which the model reads as structure.", cure="Write it with a blank after <.")
        if len(files) > MOST_PICTURES:
            raise UsageError(f"{len(files)} pictures are more than {MOST_PICTURES}.")
        pictures = self._render(files)
        wording = self.manner.prompt.replace(_QUESTION, text)
        places = IMAGE_TAG * len(pictures)
        prompt = wording.replace(_IMAGES, places) if _IMAGES in wording else places + wording
        turns = [AskTurn("system", (self.manner.system,))] if self.manner.system else []
        turns.append(AskTurn("user", split_places(prompt)))
        names = tuple(Path(picture.path).relative_to(self._folder).as_posix() for picture in pictures)
        images = tuple(below(self._folder, name) for name in names)
        asked = Ask(id="chat", turns=tuple(turns), images=images, image_names=names, references=(), meta={}, question=text)
        return ChatTurn(tuple(pictures), self.manner.system, prompt, self._backend.ask(asked))

    def _render(self, files: Sequence[str]) -> list[Shown]:
        found: dict[int, Shown] = {}
        refs = [FileRef(path=path, source=Path(path).name) for path in files]
        for index, rendering in self._renderer.map_unordered(refs):
            name = Path(files[index]).name
            if isinstance(rendering, Failure):
                raise DataError(
                    f"cannot be shown: {rendering.reason}.", where=name, cure="Give a JPEG, PNG, WebP, GIF, BMP or TIFF picture."
                )
            assert isinstance(rendering, Rendered)
            (picture,) = rendering.pictures
            tokens = vision_tokens(picture.width, picture.height, processor=self.manner.pixels.processor, delimiters=True)
            path = str(self._folder / "images" / picture.name)
            found[index] = Shown(path, name, picture.width, picture.height, picture.source_width, picture.source_height, tokens)
        return [found[index] for index in range(len(files))]


@contextlib.contextmanager
def open_session(backend: Witness, manner: Manner) -> Iterator[Session]:
    """A session with a folder for its pictures, gone afterwards, and a rendering worker."""
    with tempfile.TemporaryDirectory(prefix="vleval-chat-") as name:
        folder = Path(name)
        for part in ("images", "temp"):
            (folder / part).mkdir()
        pixels = manner.pixels
        spec = RenderSpec(
            processor=pixels.processor,
            min_pixels=pixels.min_pixels,
            max_pixels=pixels.max_pixels,
            image_format=pixels.image_format,  # type: ignore[arg-type]
            quality=pixels.quality,
            decoder="pyav",
            images_dir=str(folder / "images"),
            temp_dir=str(folder / "temp"),
        )
        with Renderer(spec, workers=1, timeout_s=DEADLINE_S) as renderer:
            yield Session(backend, manner, folder, renderer)


def describe(turn: ChatTurn) -> str:
    """What was shown and asked, in lines for a person."""
    lines = []
    for picture in turn.pictures:
        source = (picture.source_width, picture.source_height)
        made = "as uploaded" if source == (picture.width, picture.height) else f"of {source[0]}x{source[1]} uploaded"
        lines.append(f"{picture.name}: {picture.width}x{picture.height} px {made}, {picture.tokens:,} tokens")
    reply = turn.reply
    pictures = sum(picture.tokens for picture in turn.pictures)
    if reply.prompt_tokens >= 0:
        unseen = (
            " - too few to hold them: the server does not see these pictures as we count them" if reply.prompt_tokens < pictures else ""
        )
        lines.append(f"Prompt: {reply.prompt_tokens:,} tokens, {pictures:,} of pictures by our count{unseen}")
    if reply.finish_reason:
        lines.append(f"Ended by: {reply.finish_reason}")
    if turn.system:
        lines += ["System message:", turn.system]
    lines += ["Asked:", turn.prompt]
    return "\n".join(lines)
