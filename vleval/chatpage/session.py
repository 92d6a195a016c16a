"""Questions about uploaded pictures, asked as the dataset asks: its wording, its system message, its pixels. No page here.

A conversation is the turns that were answered; each further question goes with all of them, to one model or to two side by side.

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
from vleval.chatpage.talking import Talker
from vleval.chatpage.words import ENGLISH, Words
from vleval.crosscheck.views import Reply
from vleval.inference.ask import Ask, AskTurn, Sampler, split_places

DEADLINE_S = 30.0
GREEDY = Sampler(max_tokens=512)
MOST_PICTURES = 32
_QUESTION, _IMAGES = "{question}", "{images}"


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How questions are asked: wording, system message, pixels, and the dataset they are from."""

    prompt: str = _IMAGES + _QUESTION
    system: str = ""
    pixels: PixelContract = PixelContract(DEFAULT, 65_536, LLAMAFACTORY_MAX_PIXELS, "auto", 95)
    dataset: str = ""

    def origin(self, words: Words = ENGLISH) -> str:
        """Where the manner is from, in words."""
        return words.as_data.format(self.dataset) if self.dataset else words.plain.format(self.pixels.max_pixels)


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
    """A question that was asked and what came of it.

    Attributes:
        prompt: the user turn, `<image>` where a picture stands.
        before: turns before it that the model was shown.
        earlier_tokens: what their pictures cost.
    """

    pictures: tuple[Shown, ...]
    system: str
    prompt: str
    reply: Reply
    before: int = 0
    earlier_tokens: int = 0


Talk = tuple[ChatTurn, ...]


def read_manner(dataset: Dataset) -> Manner:
    """The manner of a dataset: its contract's prompt and pixels, and the system message of its first record."""
    first = next(iter(dataset), None)
    system = first.messages[0].content if first and first.messages[0].role == "system" else ""
    prompt = dataset.contract.settings.get("prompt")
    return Manner(
        prompt=prompt if isinstance(prompt, str) and _QUESTION in prompt else _IMAGES + _QUESTION,
        system=system,
        pixels=dataset.contract.pixels,
        dataset=dataset.name,
    )


class Session:
    """Asks one backend, or several side by side. Open it with `open_session`."""

    def __init__(self, talkers: Sequence[Talker], manner: Manner, folder: Path, renderer: Renderer) -> None:
        self.manner = manner
        self.labels = tuple(talker.label for talker in talkers)
        self._talkers = tuple(talkers)
        self._folder = folder
        self._renderer = renderer

    @property
    def folder(self) -> Path:
        """Where rendered pictures are."""
        return self._folder

    def ask(self, files: Sequence[str], question: str, *, sampler: Sampler = GREEDY) -> ChatTurn:
        """Ask the first backend one question, and wait for the whole answer.

        Raises:
            DataError: as `stream`.
            UsageError: as `stream`.
        """
        *_, last = self.stream(files, question, sampler=sampler)
        return last[0]

    def stream(
        self,
        files: Sequence[str],
        question: str,
        *,
        talks: Sequence[Talk] = (),
        system: str | None = None,
        sampler: Sampler = GREEDY,
    ) -> Iterator[tuple[ChatTurn, ...]]:
        """Render the pictures, ask every backend, and yield what there is of their answers; the last are whole.

        Args:
            files: pictures of this question.
            question: as the user typed it.
            talks: for each backend the turns before; those without an answer are not shown to the model.
            system: in place of the manner's system message.
            sampler: how the answer is drawn.

        Raises:
            DataError: a file is no picture that can be shown, or the server cannot be reached.
            UsageError: there is no question, or it or the system message holds a control token.
        """
        text = question.strip()
        if not text:
            raise UsageError("there is no question.")
        said = self.manner.system if system is None else system.strip()
        for what, words in (("the question", text), ("the system message", said)):
            if token := find_control_token(words):
                raise UsageError(f"{what} holds {token!r}, which the model reads as structure.", cure="Write it with a blank after <.")
        if len(files) > MOST_PICTURES:
            raise UsageError(f"{len(files)} pictures are more than {MOST_PICTURES}.")
        pictures = tuple(self._render(files))
        wording = self.manner.prompt.replace(_QUESTION, text)
        places = IMAGE_TAG * len(pictures)
        prompt = wording.replace(_IMAGES, places) if _IMAGES in wording else places + wording
        before = [tuple(turn for turn in talk if not turn.reply.error) for talk in talks] or [()] * len(self._talkers)
        if any(find_control_token(turn.reply.answer) for talk in before for turn in talk):
            raise UsageError("an earlier answer holds what the model reads as structure.", cure="Begin a new conversation.")
        turns = [ChatTurn(pictures, said, prompt, Reply(), len(talk), sum(map(picture_tokens, talk))) for talk in before]
        for place, (talker, talk) in enumerate(zip(self._talkers, before, strict=True)):
            for reply in talker.stream(self._put(talk, turns[place], text), sampler):
                turns[place] = msgspec.structs.replace(turns[place], reply=reply)
                yield tuple(turns)

    def _put(self, talk: Talk, turn: ChatTurn, question: str) -> Ask:
        """A turn and those before it as one ask."""
        turns = [AskTurn("system", (turn.system,))] if turn.system else []
        for earlier in talk:
            turns += [AskTurn("user", split_places(earlier.prompt)), AskTurn("assistant", (earlier.reply.answer,))]
        turns.append(AskTurn("user", split_places(turn.prompt)))
        paths = [picture.path for each in (*talk, turn) for picture in each.pictures]
        names = tuple(Path(path).relative_to(self._folder).as_posix() for path in paths)
        images = tuple(below(self._folder, name) for name in names)
        return Ask(id="chat", turns=tuple(turns), images=images, image_names=names, references=(), meta={}, question=question)

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
def open_session(talkers: Talker | Sequence[Talker], manner: Manner) -> Iterator[Session]:
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
            yield Session(talkers if isinstance(talkers, Sequence) else [talkers], manner, folder, renderer)


def picture_tokens(turn: ChatTurn) -> int:
    """What the pictures of a turn cost, delimiters included."""
    return sum(picture.tokens for picture in turn.pictures)


def describe(turn: ChatTurn, words: Words = ENGLISH) -> str:
    """What was shown and asked, in lines for a person."""
    lines = []
    for picture in turn.pictures:
        source = (picture.source_width, picture.source_height)
        made = words.as_uploaded if source == (picture.width, picture.height) else words.from_uploaded.format(*source)
        told = {"name": picture.name, "width": picture.width, "height": picture.height, "tokens": picture.tokens}
        lines.append(words.picture.format(made=made, **told))
    reply = turn.reply
    pictures = picture_tokens(turn) + turn.earlier_tokens
    if reply.prompt_tokens >= 0:
        unseen = words.unseen if reply.prompt_tokens < pictures else ""
        lines.append(words.prompt.format(tokens=reply.prompt_tokens, pictures=pictures) + unseen)
    if turn.before:
        lines.append(words.turns_before.format(turn.before))
    if reply.finish_reason:
        lines.append(words.ended.format(reply.finish_reason))
    if turn.system:
        lines += [words.system_message, turn.system]
    return "\n".join([*lines, words.asked, turn.prompt])


def transcript(talk: Talk, words: Words = ENGLISH) -> str:
    """The turns of a conversation as text."""
    return "\n\n".join(f"{words.you}: {turn.prompt}\n{words.model}: {turn.reply.answer}" for turn in talk if not turn.reply.error)
