"""Questions with drawn pictures that show what a backend does to pictures, their order and its sampler.

Each probe asks one thing in two or more ways. Where a backend answers a tagged, palette or transparent picture exactly as it answers
one of the plain pictures it may have made of it, the plain one names what it does. Where it answers all of them alike, the probe
cannot tell, and says so: a model that does not look at pictures shows nothing of what becomes of them.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vldata.files.gate import below
from vleval.crosscheck.backends import Witness
from vleval.crosscheck.views import Reply
from vleval.inference.ask import Ask, AskTurn

if TYPE_CHECKING:
    from PIL import Image

UNKNOWN = "cannot tell"
_EXIF_ORIENTATION = 274


class Verdict(msgspec.Struct, frozen=True):
    """What a probe found out of a backend: the kind of difference it would make, what was looked at, what it does."""

    kind: str
    what: str
    found: str


class Prober:
    """Draws the probes into a folder and asks them. `reference` is the first backend: with it order and pixels are compared."""

    def __init__(self, folder: Path, question: str) -> None:
        self._folder = folder
        self._question = question
        self._first, self._second = _draw(1, (320, 256)), _draw(2, (256, 352))
        self._reference: dict[str, Reply] = {}

    def run(self, backend: Witness, reference: Witness) -> list[Verdict]:
        """Everything that can be found out of one backend."""
        pair = {"as sent": self._pair(), "swapped": self._pair(swapped=True), "before the text": self._pair(first=True)}
        channels = {"as sent": self._ask("raw", lambda image: image), "red and blue swapped": self._ask("bgr", _swap_channels)}
        return [
            Verdict("template", "tokens beside a picture", self._extra_tokens(backend)),
            Verdict("order", "two pictures", self._across(backend, reference, pair)),
            Verdict("EXIF", "orientation", self._exif(backend)),
            Verdict("colour", "channels", self._across(backend, reference, channels)),
            Verdict("colour", "palette", self._palette(backend)),
            Verdict("colour", "transparency", self._transparency(backend)),
            Verdict("re-encoding", "pixels", self._across(backend, reference, self._encodings())),
            Verdict("sampler", "greedy", self._sampler(backend)),
        ]

    def _extra_tokens(self, backend: Witness) -> str:
        """Tokens a server adds around a picture whatever its size: a template that numbers pictures, say."""
        costs = []
        for cells in (64, 256):
            reply, blind = backend.ask(self._square(32 * int(cells**0.5))), backend.ask(self._blind())
            if reply.prompt_tokens < 0 or blind.prompt_tokens < 0:
                return UNKNOWN
            costs.append(reply.prompt_tokens - blind.prompt_tokens - cells - 2)
        return f"{costs[0]:+d}" if costs[0] == costs[1] else UNKNOWN

    def _exif(self, backend: Witness) -> str:
        tagged = backend.ask(self._ask("tagged", lambda image: image, orientation=6))
        raw, upright = self._ask("raw", lambda image: image), self._ask("upright", lambda image: image.rotate(-90, expand=True))
        return _nearest(tagged, {"ignored": backend.ask(raw), "honoured": backend.ask(upright)})

    def _palette(self, backend: Witness) -> str:
        from PIL import Image

        palette = self._ask("palette", lambda image: image.quantize(64))
        same = self._ask("unpaletted", lambda image: image.quantize(64).convert("RGB"))
        grey = self._ask("indices", lambda image: Image.frombytes("L", image.size, image.quantize(64).tobytes()).convert("RGB"))
        return _nearest(backend.ask(palette), {"read": backend.ask(same), "ignored": backend.ask(grey)})

    def _transparency(self, backend: Witness) -> str:
        def lay(backdrop: str) -> Ask:
            return self._ask(backdrop, lambda image: _flatten(_half_clear(image), backdrop))

        clear = self._ask("clear", _half_clear)
        ways = {"dropped": "dropped", "laid on white": "white", "laid on black": "black"}
        return _nearest(backend.ask(clear), {name: backend.ask(lay(backdrop)) for name, backdrop in ways.items()})

    def _encodings(self) -> dict[str, Ask]:
        def squeeze(quality: int) -> Callable[[Image.Image], Image.Image]:
            return lambda image: _through_jpeg(image, quality)

        plain = {"as sent": self._ask("raw", lambda image: image)}
        return plain | {f"as JPEG {quality}": self._ask(f"jpeg{quality}", squeeze(quality)) for quality in (75, 85, 95)}

    def _sampler(self, backend: Witness) -> str:
        first, again = (backend.ask(self._ask("raw", lambda image: image)) for _ in range(2))
        if first.error:
            return UNKNOWN
        if first.answer != again.answer:
            return "two answers to one greedy request"
        neutral = backend.ask(self._ask("raw", lambda image: image), neutral=True)
        if not neutral.error and neutral.answer != first.answer:
            return "the server's own penalties reach in: another answer with repetition_penalty 1"
        return "steady"

    def _across(self, backend: Witness, reference: Witness, ways: Mapping[str, Ask]) -> str:
        """Which way of asking the reference gives the answer that this backend gives when asked the plain way."""
        sent = next(iter(ways))
        if backend is reference:
            return sent
        for ask in ways.values():
            if ask.id not in self._reference:
                self._reference[ask.id] = reference.ask(ask)
        return _nearest(backend.ask(ways[sent]), {name: self._reference[ask.id] for name, ask in ways.items()})

    def _ask(self, name: str, change: Callable[[Image.Image], Image.Image], *, orientation: int = 0) -> Ask:
        return self._make(name, (self._write(name, change(self._first), orientation),), (None, self._question))

    def _square(self, side: int) -> Ask:
        return self._ask(f"square{side}", lambda image: image.resize((side, side)))

    def _pair(self, *, swapped: bool = False, first: bool = False) -> Ask:
        paths = [self._write("pair-a", self._first, 0), self._write("pair-b", self._second, 0)]
        parts: tuple[str | None, ...] = (None, "First. ", None, f"Second. {self._question}")
        if first:
            parts = (None, None, f"First. Second. {self._question}")
        return self._make(f"pair{swapped}{first}", tuple(reversed(paths)) if swapped else tuple(paths), parts)

    def _blind(self) -> Ask:
        return self._make("blind", (), (self._question,))

    def _make(self, name: str, paths: tuple[str, ...], parts: tuple[str | None, ...]) -> Ask:
        turn = AskTurn("user", parts)
        names = tuple(Path(path).name for path in paths)
        images = tuple(below(self._folder.absolute(), name) for name in names)
        return Ask(id=name, turns=(turn,), images=images, image_names=names, references=(), meta={}, question=self._question)

    def _write(self, name: str, image: Image.Image, orientation: int) -> str:
        path = self._folder / f"{name}.png"
        if not path.exists():
            exif = image.getexif()
            if orientation:
                exif[_EXIF_ORIENTATION] = orientation
            image.save(path, exif=exif) if orientation else image.save(path)
        return str(path)


def distance(one: Reply, other: Reply) -> float:
    """How far two answers are apart: by their tokens' log-probabilities where both tell, else 0 for equal texts and 1 for others."""
    if one.error or other.error:
        return float("inf")
    if not (one.tokens and other.tokens):
        return 0.0 if one.answer.strip() == other.answer.strip() else 1.0
    worst = 0.0
    for (token, value), (token2, value2) in zip(one.tokens, other.tokens, strict=False):
        worst = max(worst, abs(value - value2))
        if token != token2 and _legible(token) and _legible(token2):
            return worst + 1
    return worst


def _legible(token: str) -> bool:
    """Whether a token has a text to compare: half a character is written in as many ways as there are servers."""
    return token != "" and "\N{REPLACEMENT CHARACTER}" not in token and not token.startswith("bytes:")


def _nearest(reply: Reply, ways: Mapping[str, Reply]) -> str:
    """The way whose reply is clearly nearest, at most half as far as any other."""
    ranked = sorted((distance(reply, other), name) for name, other in ways.items())
    best, second = ranked[0], ranked[1]
    if best[0] == float("inf") or best[0] >= 1 or second[0] - best[0] <= best[0]:
        return UNKNOWN
    return best[1]


def _draw(seed: int, size: tuple[int, int]) -> Image.Image:
    """Coloured blocks and noise: every turn, swap of channels and round through JPEG makes another picture of it."""
    from PIL import Image, ImageDraw

    rng = random.Random(seed)
    image = Image.frombytes("RGB", (size[0] // 4, size[1] // 4), rng.randbytes(size[0] * size[1] // 16 * 3)).resize(
        size, Image.Resampling.NEAREST
    )
    pen = ImageDraw.Draw(image)
    for _ in range(6):
        left, top = rng.randrange(size[0] - 64), rng.randrange(size[1] - 64)
        colour = (rng.randrange(256), rng.randrange(256), rng.randrange(256))
        pen.rectangle((left, top, left + rng.randrange(24, 64), top + rng.randrange(24, 64)), fill=colour)
    pen.rectangle((0, 0, size[0] // 3, size[1] // 5), fill=(230, 20, 40))
    return image


def _half_clear(image: Image.Image) -> Image.Image:
    clear = image.convert("RGBA")
    clear.putalpha(image.convert("L").point(lambda value: 255 if value > 110 else 0))
    return clear


def _flatten(image: Image.Image, backdrop: str) -> Image.Image:
    from PIL import Image

    if backdrop == "dropped":
        return image.convert("RGB")
    ground = Image.new("RGBA", image.size, (255, 255, 255, 255) if backdrop == "white" else (0, 0, 0, 255))
    return Image.alpha_composite(ground, image).convert("RGB")


def _swap_channels(image: Image.Image) -> Image.Image:
    from PIL import Image

    return Image.merge("RGB", image.split()[::-1])


def _through_jpeg(image: Image.Image, quality: int) -> Image.Image:
    from PIL import Image

    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")
