"""What a family of models is: everything that differs between vision-language models, as facts and small functions of integers.

Nothing else in the project knows a model's name. This room stands below all others: it needs no torch, no image library and no file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Protocol

import msgspec

Size = tuple[int, int]  # width and height in pixels
Config = Mapping[str, Any]  # a model folder's preprocessor_config.json, and processor_config.json over it

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
MLP = ("gate_proj", "up_proj", "down_proj")


class Images(Protocol):
    """What an image processor makes of an image's size.

    `on_grid`: there are sizes that it leaves alone: sides multiples of `factor`, areas between the limits. Where it is false, every
    image is tiled, squashed or scaled; what is written keeps its aspect and stays below `max_pixels`: beyond, the processor discards.
    """

    @property
    def on_grid(self) -> bool: ...
    @property
    def factor(self) -> int: ...
    @property
    def min_pixels(self) -> int: ...
    @property
    def max_pixels(self) -> int: ...
    @property
    def max_ratio(self) -> int: ...
    @property
    def by_pixels(self) -> bool:
        """Whether a smaller budget of pixels costs fewer tokens; else the shape alone decides, or nothing does."""

    @property
    def longest(self) -> int:
        """The longest side in pixels; 0 where only the area counts."""

    def resize(self, width: int, height: int) -> Size:
        """Return the size that the processor gives the image as a whole, before it cuts tiles."""

    def fit(self, width: int, height: int, low: int, high: int) -> Size:
        """Return what it would make of a size within other limits of the area, whatever the ratio of the sides."""

    def tokens(self, width: int, height: int) -> int:
        """Tokens that the processor puts where the image stands, its own marks of rows and tiles included."""

    def limited(self, low: int | None, high: int | None) -> Images:
        """Return the same arithmetic with other limits of the area, where it has such limits."""

    def configured(self, config: Config) -> Images:
        """Return the same arithmetic with the values of a model folder."""


class Parts(msgspec.Struct, frozen=True):
    """Where the parts of a model stand below `model.`: the vision tower, what turns its features into tokens, the language model."""

    tower: str
    projector: str
    language: str = "language_model"


class Learns(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the linears of the language model that adapters go on, by group."""

    attention: tuple[str, ...] = ATTENTION
    mlp: tuple[str, ...] = MLP
    other: tuple[str, ...] = ()  # of layers that are neither, such as linear attention; with `all` only


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What serves the family, and with which words."""

    servers: tuple[str, ...] = ("vllm", "transformers")
    pixel_limits: bool = False  # the processor takes min_pixels and max_pixels (`--mm-processor-kwargs`)
    thoughts: str = ""  # what reads thoughts apart in vLLM (`--reasoning-parser`)
    ollama: str = ""  # the renderer and parser of Ollama


class Fast(msgspec.Struct, frozen=True, kw_only=True):
    """How the trainer makes a model type fast.

    `tower`: the module of `vltrain/towers/` that runs its vision tower. `regular`: its layers are all alike, so memory is estimated, and
    Liger's kernels and an eight-bit base are for it.
    """

    tower: str
    regular: bool = False


class Tiny(msgspec.Struct, frozen=True, kw_only=True):
    """What a random model of the family needs that is small enough for a test: `vldata/models/tiny_families.py` builds it.

    Sizes are over those that are made small everywhere. Values that name a token become its id. `tokens` are the tokenizer's named ones.
    """

    image: str  # what the chat template writes where an image stands
    open: str = "<|im_start|>{role}\n"
    close: str = "<|im_end|>\n"
    begin: str = ""
    assistant: str = "assistant"  # the role's name
    tokens: dict[str, str] = {}
    more: tuple[str, ...] = ()
    model: dict[str, Any] = {}
    text: dict[str, Any] = {}
    vision: dict[str, Any] = {}
    images: dict[str, Any] = {}  # of preprocessor_config.json
    settings: dict[str, Any] = {}  # of processor_config.json


class Family(msgspec.Struct, frozen=True, kw_only=True):
    """One family. `name` is what `--processor` takes, `model_types` what config.json says."""

    name: str
    title: str
    model_types: tuple[str, ...]
    since: dict[str, str]  # the first release of transformers that has each model type, as its wheels show
    images: Images
    delimiters: int  # tokens that the chat template puts around an image
    image_token: str  # as the rendered prompt has it, before the processor expands it
    boxes: Literal["0-1000", "pixels"]
    boxes_known: bool = True  # False: its makers say nothing of boxes, and 0-1000 is a guess
    box_text: str = ""  # how its answers write a box
    thinking: Literal["no", "optional", "always"] = "no"
    videos: bool = False  # `vldata.media.video_tokens` knows what a video costs
    parts: Parts
    learns: Learns = Learns()
    serving: Serving = Serving()
    fast: dict[str, Fast] = {}  # model types for which packing and the levers of the trainer are proven
    processor: str  # class in transformers
    image_processor: str  # class in transformers that needs Pillow alone; "" where only torchvision's is there
    needs: tuple[str, ...] = ()  # packages next to transformers that its processor imports
    templates: tuple[str, ...] = ()  # how LLaMA-Factory's names of its template begin
    notes: tuple[str, ...] = ()
    tiny: Tiny
