"""A tiny random model of any family, with the layout of a published folder: what proves that a family trains, merges and answers.

Nothing is downloaded: sizes are cut to 64 wide and two layers, the tokenizer is trained on a few sentences, and the chat template is a
plain one with the family's own marks of turns and images. `vldata.models.tiny` makes the Qwen3-VL that tests of other rooms use.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from vldata.models.families.family import Family
from vldata.models.tiny import CHAT_TEMPLATE, train_bpe

_BASE = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
_TEXT = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "moe_intermediate_size": 32,
    "shared_expert_intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
    "max_position_embeddings": 16_384,
    "num_experts": 4,
    "num_local_experts": 4,
    "n_routed_experts": 4,
    "num_experts_per_tok": 2,
    "tie_word_embeddings": True,
}
_VISION = {
    "depth": 2,
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_heads": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "head_dim": 16,
    "out_hidden_size": 64,
}


def template_of(family: Family) -> str:
    """The chat template: the tiny Qwen3-VL's with the family's marks in it."""
    tiny = family.tiny
    before, _, after = tiny.open.partition("{role}")
    name = f"({tiny.assistant!r} if message.role == 'assistant' else message.role)" if tiny.assistant != "assistant" else "message.role"
    close = tiny.close.rstrip("\n")
    text = CHAT_TEMPLATE.replace("<|vision_start|><|image_pad|><|vision_end|>", "{{ '" + plain(tiny.image) + "' }}")
    text = text.replace("'<|im_start|>' + message.role + '\\n'", f"'{plain(before)}' + {name} + '{plain(after)}'")
    for role in ("system", "user", "assistant"):
        shown = tiny.assistant if role == "assistant" else role
        text = text.replace(f"<|im_start|>{role}\\n", f"{plain(before)}{shown}{plain(after)}")
    text = text.replace("<|im_end|>\\n", plain(tiny.close)).replace("<|im_end|>", plain(close))
    if tiny.close == close:
        text = text.replace("{%- endgeneration -%}{{- '\\n' -}}", "{%- endgeneration -%}")
    return ("{{- '" + plain(tiny.begin) + "' -}}\n" if tiny.begin else "") + text


def plain(text: str) -> str:
    """Text as it stands inside single quotes of a template."""
    return json.dumps(text)[1:-1].replace("'", "\\'")


def build_tokenizer(family: Family) -> Any:
    """A byte-level BPE with the family's control tokens, in the class that takes any of them."""
    from transformers import PreTrainedTokenizerFast

    tiny = family.tiny
    marks = [mark.format(role=role) for mark in (tiny.open, tiny.close) for role in ("user",) if mark.startswith("<")]
    ends = [tiny.close.rstrip("\n"), *(mark.split(">")[0] + ">" for mark in marks if "{" not in mark.split(">")[0])]
    specials = dict.fromkeys((*_BASE, *tiny.tokens.values(), *tiny.more, *ends))
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=train_bpe(tuple(specials), more=("A\n\nB",)),  # a double line end is one token in every published vocabulary
        eos_token=tiny.close.rstrip("\n"),
        pad_token="<|endoftext|>",
        unk_token="<|endoftext|>",
        extra_special_tokens=tiny.tokens,
        additional_special_tokens=list(specials),
    )
    tokenizer.model_max_length = 16_384
    tokenizer.padding_side = "left"
    tokenizer.chat_template = template_of(family)
    return tokenizer


def build_config(family: Family, model_type: str, tokenizer: Any) -> Any:
    """The family's configuration at the least size that holds all its parts."""
    from transformers import AutoConfig

    tiny = family.tiny

    def token(value: Any) -> Any:
        return tokenizer.convert_tokens_to_ids(value) if value in tokenizer.get_vocab() else value

    usual: Any = AutoConfig.for_model(model_type)
    ids = {"pad_token_id": token("<|endoftext|>"), "bos_token_id": token("<|endoftext|>"), "eos_token_id": tokenizer.eos_token_id}
    text = _shrunk(usual.text_config, {**_TEXT, **ids, "vocab_size": len(tokenizer)}, tiny.text)
    if "vocab_size_per_layer_input" in tiny.text:
        text["vocab_size_per_layer_input"] = len(tokenizer)
    vision: Any = getattr(usual, "vision_config", None)
    if vision is None:
        vision = AutoConfig.for_model(tiny.vision["model_type"])
    seen = _shrunk(vision, _VISION, tiny.vision)
    model = {name: token(value) if isinstance(value, str) else value for name, value in tiny.model.items()}
    return type(usual)(text_config=text, vision_config=seen, tie_word_embeddings=True, **model)


def _shrunk(usual: Any, small: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    told = usual.to_dict()
    kept = {name: value for name, value in told.items() if name not in ("layer_types", "mlp_layer_types", "transformers_version")}
    return {**kept, **{name: value for name, value in small.items() if name in told}, **own}


def image_processor_of(family: Family) -> str:
    """The name that preprocessor_config.json gives: without the mark of a backend."""
    return family.image_processor.removesuffix("Pil") or f"{family.processor.removesuffix('Processor')}ImageProcessor"


def write_processor_files(family: Family, out: Path, *, published: dict[str, Any] | None = None) -> None:
    """Write preprocessor_config.json and processor_config.json; `published` are other values than the tiny ones."""
    tiny = family.tiny
    half = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
    images = {**half, **tiny.images, **(published or {}), "image_processor_type": image_processor_of(family)}
    images["processor_class"] = family.processor
    (out / "preprocessor_config.json").write_text(json.dumps(images, indent=2) + "\n", encoding="utf-8")
    settings = {**tiny.settings, "processor_class": family.processor}
    (out / "processor_config.json").write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")


def build_tiny_family(
    family: Family, out: Path, *, model_type: str = "", seed: int = 0, embedding_std: float = 0.15, mixing: float = 1.0
) -> Path:
    """Write a whole model folder of the family; `model_type` is its first one unless told. The same seed gives the same weights."""
    import torch
    from transformers import AutoModelForImageTextToText, GenerationConfig

    out.mkdir(parents=True, exist_ok=True)
    tokenizer = build_tokenizer(family)
    config = build_config(family, model_type or family.model_types[0], tokenizer)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AutoModelForImageTextToText.from_config(config)
    for part in (model.get_input_embeddings(), model.get_output_embeddings()):
        if embedding_std:  # at the usual 0.02 a frozen head cannot express a sure answer
            part.weight.data.mul_(embedding_std / float(part.weight.detach().std()))
    for name, weight in model.named_parameters():
        if weight.dim() == 2 and not weight.any() and "projector" in name:  # Gemma 3 begins blind
            torch.nn.init.normal_(weight, std=0.1, generator=torch.Generator().manual_seed(seed))
    if mixing != 1.0:
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight", "out_proj.weight", "w2.weight")):
                weight.data.mul_(mixing)
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.convert_tokens_to_ids("<|endoftext|>")
    )
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    write_processor_files(family, out)
    return out
