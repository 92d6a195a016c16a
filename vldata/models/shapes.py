"""The shape of a model: sizes read from its config.json, or from a table of the published ones. No torch, no weights.

Sources of the table: the config.json of Qwen/Qwen3-VL-{2B,4B,8B,32B}-Instruct. Counts follow from the sizes.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from vldata.errors import DataError
from vldata.files import strictjson
from vldata.models.families import family_of
from vldata.models.families.family import Learns


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes of a model of the Qwen line. `vision_` are the tower's. What a later one left out or added has the later one's value."""

    name: str
    hidden: int
    ffn: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int = 128
    vocabulary: int = 151_936
    tied: bool
    vision_depth: int
    vision_hidden: int
    vision_ffn: int
    vision_heads: int = 16
    deepstack: tuple[int, ...] = ()
    positions: int = 2_304
    patch: int = 16
    patch_bias: bool = True
    qkv_bias: bool = False
    head_norms: bool = True  # of queries and keys
    vision_gated: bool = False  # three linears after attention, not two
    vision_centred: bool = True  # norms with a bias

    def linears(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of each linear of one language layer."""
        queries, keys = self.heads * self.head_dim, self.kv_heads * self.head_dim
        return {
            "q_proj": (self.hidden, queries),
            "k_proj": (self.hidden, keys),
            "v_proj": (self.hidden, keys),
            "o_proj": (queries, self.hidden),
            "gate_proj": (self.hidden, self.ffn),
            "up_proj": (self.hidden, self.ffn),
            "down_proj": (self.ffn, self.hidden),
        }

    def vision_linears(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of each linear of one vision block."""
        width, inner = self.vision_hidden, self.vision_ffn
        gate = {"gate": (width, inner)} if self.vision_gated else {}
        return {"qkv": (width, 3 * width), "proj": (width, width), **gate, "linear_fc1": (width, inner), "linear_fc2": (inner, width)}

    def merger_linears(self) -> dict[str, tuple[int, int]]:
        """(inputs, outputs) of the linears of one patch merger."""
        width = 4 * self.vision_hidden
        return {"linear_fc1": (width, width), "linear_fc2": (width, self.hidden)}

    @property
    def language_linear_parameters(self) -> int:
        """Weights of all language linears, the head left out."""
        return self.layers * sum(inputs * outputs for inputs, outputs in self.linears().values())

    @property
    def vision_parameters(self) -> int:
        """Parameters of the vision tower with its mergers."""
        width, norm = self.vision_hidden, self.vision_hidden * (2 if self.vision_centred else 1)
        block = sum(inputs * outputs + outputs for inputs, outputs in self.vision_linears().values()) + 2 * norm
        mergers = sum(inputs * outputs + outputs for inputs, outputs in self.merger_linears().values()) * (1 + len(self.deepstack))
        norms = norm + len(self.deepstack) * 4 * norm
        embedding = 2 * 3 * self.patch**2 * width + width * self.patch_bias
        return self.vision_depth * block + mergers + norms + embedding + self.positions * width

    @property
    def parameters(self) -> int:
        """All parameters."""
        small = 2 * self.hidden + 2 * self.head_dim * self.head_norms + (self.heads + 2 * self.kv_heads) * self.head_dim * self.qkv_bias
        norms = self.layers * small + self.hidden
        embeddings = self.vocabulary * self.hidden * (1 if self.tied else 2)
        return self.language_linear_parameters + norms + embeddings + self.vision_parameters

    def lora_parameters(self, rank: int, targets: Sequence[str], *, vision: bool = False, projector: bool = False) -> int:
        """Trainable parameters of an adapter on these linears."""
        table = self.linears()
        count = self.layers * sum(sum(table[name]) for name in targets if name in table)
        if vision:
            count += self.vision_depth * sum(sum(sizes) for sizes in self.vision_linears().values())
            count += len(self.deepstack) * sum(sum(sizes) for sizes in self.merger_linears().values())
        if projector:
            count += sum(sum(sizes) for sizes in self.merger_linears().values())
        return rank * count


_SMALL_TOWER: dict[str, Any] = {"vision_depth": 24, "vision_hidden": 1_024, "vision_ffn": 4_096, "deepstack": (5, 11, 17)}
_LARGE_TOWER: dict[str, Any] = {"vision_depth": 27, "vision_hidden": 1_152, "vision_ffn": 4_304, "deepstack": (8, 16, 24)}
PUBLISHED = {
    "2b": Shape(name="Qwen3-VL-2B", hidden=2_048, ffn=6_144, layers=28, heads=16, kv_heads=8, tied=True, **_SMALL_TOWER),
    "4b": Shape(name="Qwen3-VL-4B", hidden=2_560, ffn=9_728, layers=36, heads=32, kv_heads=8, tied=True, **_SMALL_TOWER),
    "8b": Shape(name="Qwen3-VL-8B", hidden=4_096, ffn=12_288, layers=36, heads=32, kv_heads=8, tied=False, **_LARGE_TOWER),
    "32b": Shape(name="Qwen3-VL-32B", hidden=5_120, ffn=25_600, layers=64, heads=64, kv_heads=8, tied=False, **_LARGE_TOWER),
}


def published_shape(path: str) -> Shape | None:
    """Find a published model by the last part of its path: `Qwen/Qwen3-VL-2B-Instruct`, `qwen3-vl-4b-thinking-fp8`."""
    parts = path.rstrip("/").replace("\\", "/").rsplit("/", 1)[-1].lower().replace("_", "-").split("-")
    if "".join(parts[:2]) not in ("qwen3vl",) and not "".join(parts).startswith("qwen3vl"):
        return None
    return next((PUBLISHED[part] for part in parts if part in PUBLISHED), None)


def read_shape(folder: Path) -> Shape | None:
    """Read the sizes from a model folder's config.json; None for a model whose layers are not all alike, or not known.

    Raises:
        DataError: a Qwen3-VL's config that lacks something.
    """
    path = folder / "config.json"
    config = strictjson.read_json(path)
    kind = config.get("model_type") if isinstance(config, dict) else None
    if kind in _OLDER:
        return _older_shape(path, config)
    if kind != "qwen3_vl":
        family = family_of(str(kind))
        return _regular_shape(folder.name, config) if family is not None and family.learns == Learns() else None
    try:
        text, vision = config["text_config"], config["vision_config"]
        return Shape(
            name=folder.name,
            hidden=text["hidden_size"],
            ffn=text["intermediate_size"],
            layers=text["num_hidden_layers"],
            heads=text["num_attention_heads"],
            kv_heads=text["num_key_value_heads"],
            head_dim=text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"],
            vocabulary=text["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))),
            vision_depth=vision["depth"],
            vision_hidden=vision["hidden_size"],
            vision_ffn=vision["intermediate_size"],
            vision_heads=vision["num_heads"],
            deepstack=tuple(vision["deepstack_visual_indexes"]),
            positions=vision.get("num_position_embeddings", 2_304),
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"lacks {error}.", where=str(path), cure="Copy the published config.json.") from None


_OLDER = ("qwen2_vl", "qwen2_5_vl")


def _older_shape(path: Path, config: dict[str, Any]) -> Shape:
    """The shape of a Qwen2-VL or Qwen2.5-VL; the published files have the language model's sizes at their top.

    Raises:
        DataError: the config lacks something.
    """
    inner, windows = config.get("text_config"), config.get("model_type") == "qwen2_5_vl"
    text = inner if isinstance(inner, dict) else config
    try:
        vision = config["vision_config"]
        width = vision["hidden_size" if windows else "embed_dim"]
        return Shape(
            name=path.parent.name,
            hidden=text["hidden_size"],
            ffn=text["intermediate_size"],
            layers=text["num_hidden_layers"],
            heads=text["num_attention_heads"],
            kv_heads=text["num_key_value_heads"],
            head_dim=text["hidden_size"] // text["num_attention_heads"],
            vocabulary=text["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))),
            vision_depth=vision["depth"],
            vision_hidden=width,
            vision_ffn=vision["intermediate_size"] if windows else int(width * vision["mlp_ratio"]),
            vision_heads=vision["num_heads"],
            positions=0,
            patch=vision.get("patch_size", 14),
            patch_bias=False,
            qkv_bias=True,
            head_norms=False,
            vision_gated=windows,
            vision_centred=not windows,
        )
    except (KeyError, TypeError) as error:
        raise DataError(f"lacks {error}.", where=str(path), cure="Copy the published config.json.") from None


def _regular_shape(name: str, config: dict[str, Any]) -> Shape | None:
    """The shape of a language model whose layers all have the usual seven linears; its tower is only of about this size."""
    text, vision = config.get("text_config"), config.get("vision_config")
    if not isinstance(text, dict) or not isinstance(vision, dict) or any("expert" in key for key in text):
        return None
    try:
        return Shape(
            name=name,
            hidden=text["hidden_size"],
            ffn=text["intermediate_size"],
            layers=text["num_hidden_layers"],
            heads=text["num_attention_heads"],
            kv_heads=text.get("num_key_value_heads") or text["num_attention_heads"],
            head_dim=text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"],
            vocabulary=text.get("vocab_size") or config["vocab_size"],
            tied=bool(config.get("tie_word_embeddings", True)),
            vision_depth=vision.get("depth") or vision["num_hidden_layers"],
            vision_hidden=vision.get("embed_dim") or vision["hidden_size"],
            vision_ffn=vision.get("intermediate_size") or 4 * vision["hidden_size"],
            deepstack=(),
        )
    except (KeyError, TypeError):
        return None
