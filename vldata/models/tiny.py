"""A tiny random Qwen3-VL (0.4 M parameters, under 2 MB) with the layout of a published model folder.

For tests, demos and trial runs of other tools: nothing is downloaded, and every loader takes it for the real thing. The file stands
alone, so that another tool's Python can run it:

    python tiny.py OUT [--seed 0]
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

SPECIAL_TOKENS = (
    "<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>", "<|box_end|>",
    "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>", "<|image_pad|>", "<|video_pad|>",
)  # fmt: skip
VOCABULARY = 512

# Qwen2's pre-tokenizer: contractions, words, single digits, punctuation runs, line ends, blanks.
_SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"

# System, user and assistant turns with pictures, rendered as the published template of the Instruct models renders them.
CHAT_TEMPLATE = """\
{%- macro show(content) -%}
  {%- if content is string -%}{{ content }}{%- else -%}
    {%- for part in content -%}
      {%- if part.type == 'image' or 'image' in part or 'image_url' in part -%}<|vision_start|><|image_pad|><|vision_end|>
      {%- elif part.type == 'video' or 'video' in part -%}<|vision_start|><|video_pad|><|vision_end|>
      {%- elif 'text' in part -%}{{ part.text }}
      {%- endif -%}
    {%- endfor -%}
  {%- endif -%}
{%- endmacro -%}
{%- if tools -%}
  {{- '<|im_start|>system\\nTools:' -}}
  {%- for tool in tools -%}{{- '\\n' + tool | tojson -}}{%- endfor -%}
  {{- '<|im_end|>\\n' -}}
{%- endif -%}
{%- for message in messages -%}
  {%- if message.role == 'tool' -%}
    {{- '<|im_start|>user\\n<tool_response>\\n' + show(message.content) + '\\n</tool_response><|im_end|>\\n' -}}
    {%- continue -%}
  {%- endif -%}
  {{- '<|im_start|>' + message.role + '\\n' -}}
  {%- if message.role == 'assistant' -%}
    {%- generation -%}
      {{- show(message.content) -}}
      {%- for call in message.tool_calls or [] -%}
        {{- '<tool_call>\\n' + {'name': call.function.name, 'arguments': call.function.arguments} | tojson + '\\n</tool_call>' -}}
      {%- endfor -%}
      {{- '<|im_end|>' -}}
    {%- endgeneration -%}{{- '\\n' -}}
  {%- else -%}
    {{- show(message.content) + '<|im_end|>\\n' -}}
  {%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}
"""

SENTENCES = (
    "What colour is the square? Answer with one word.",
    "red green blue yellow black white orange purple pink brown grey cyan",
    "You are a helpful assistant. system user assistant",
    "The chart shows the value of each bar. How many? 0 1 2 3 4 5 6 7 8 9 10 42 100",
    "Describe the picture in one sentence. The sofa is on the floor, right of the table.",
)


def train_bpe(special: tuple[str, ...], vocabulary: int = VOCABULARY, more: tuple[str, ...] = ()) -> Any:
    """Train a byte-level BPE on a few sentences, with Qwen's pre-tokenizer; special tokens come first where there are any."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

    trained = Tokenizer(models.BPE())
    trained.normalizer = normalizers.NFC()
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(_SPLIT), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        show_progress=False,
        min_frequency=2,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    trained.train_from_iterator((SENTENCES + more) * 4, trainer)
    return trained


def build_tokenizer() -> Any:
    """Train a byte-level BPE of 512 entries on a few sentences: same pre-tokenizer and special tokens as Qwen's."""
    trained = train_bpe((), VOCABULARY - len(SPECIAL_TOKENS))
    model = json.loads(trained.to_str())["model"]
    merges: Any = [tuple(merge) if isinstance(merge, list) else tuple(merge.split(" ", 1)) for merge in model["merges"]]
    return qwen_tokenizer(model["vocab"], merges)


def qwen_tokenizer(vocabulary: dict[str, int], merges: Any) -> Any:
    """Qwen2's tokenizer of a vocabulary and its merges, with the special tokens and the template of Qwen3-VL."""
    from transformers import Qwen2Tokenizer

    more: Any = {"vocab": vocabulary, "merges": merges}
    tokenizer = Qwen2Tokenizer(
        **more,
        unk_token="<|endoftext|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        bos_token=None,
        additional_special_tokens=list(SPECIAL_TOKENS),
    )
    tokenizer.model_max_length = 16_384
    tokenizer.padding_side = "left"
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def build_config(tokenizer: Any, head_dim: int = 16) -> Any:
    """Two language layers of width 64, two vision blocks of width 64; sizes that divide, nothing else."""
    from transformers import Qwen3VLConfig

    token_id = tokenizer.convert_tokens_to_ids
    section = [head_dim // 4, head_dim // 8, head_dim // 8]
    text = {
        "vocab_size": len(tokenizer),
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": head_dim,
        "max_position_embeddings": 16_384,
        "rms_norm_eps": 1e-6,
        "tie_word_embeddings": True,
        "pad_token_id": token_id("<|endoftext|>"),
        "bos_token_id": token_id("<|endoftext|>"),
        "eos_token_id": token_id("<|im_end|>"),
        "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_interleaved": True, "mrope_section": section},
    }
    vision = {
        "depth": 2,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_heads": 4,
        "out_hidden_size": 64,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    return Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        tie_word_embeddings=True,
        image_token_id=token_id("<|image_pad|>"),
        video_token_id=token_id("<|video_pad|>"),
        vision_start_token_id=token_id("<|vision_start|>"),
        vision_end_token_id=token_id("<|vision_end|>"),
    )


def write_processor_files(out: Path) -> None:
    """Write the two preprocessor files as the hub has them, with the published pixel limits."""
    common = {
        "patch_size": 16,
        "temporal_patch_size": 2,
        "merge_size": 2,
        "image_mean": [0.5, 0.5, 0.5],
        "image_std": [0.5, 0.5, 0.5],
        "processor_class": "Qwen3VLProcessor",
    }
    files = {
        "preprocessor_config.json": {
            "image_processor_type": "Qwen2VLImageProcessorFast",
            "size": {"shortest_edge": 65_536, "longest_edge": 16_777_216},
        },
        "video_preprocessor_config.json": {
            "video_processor_type": "Qwen3VLVideoProcessor",
            "size": {"shortest_edge": 4_096, "longest_edge": 25_165_824},
        },
    }
    for name, own in files.items():
        (out / name).write_text(json.dumps({**common, **own}, indent=2) + "\n", encoding="utf-8")


def build_tiny_model(
    out: Path, *, seed: int = 0, embedding_std: float = 0.0, mixing: float = 1.0, head_dim: int = 16, tokenizer: Any = None
) -> Path:
    """Write a whole model folder: weights, config, tokenizer, template, processors. The same seed gives the same weights.

    With `embedding_std` the (tied) embeddings are widened to it: at the usual 0.02 a frozen head cannot express a sure answer.
    `mixing` multiplies what the layers add to the residual stream: at 1 a random model repeats its last token whatever it is shown.
    `head_dim` is 16, or 32 where a server's attention has no kernel for less (vLLM on the CPU).
    `tokenizer` takes the place of the trained one of 512 entries.
    """
    import torch
    from transformers import GenerationConfig, Qwen3VLForConditionalGeneration

    out.mkdir(parents=True, exist_ok=True)
    tokenizer = tokenizer or build_tokenizer()
    config = build_config(tokenizer, head_dim)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = Qwen3VLForConditionalGeneration(config)
    if embedding_std:
        embeddings: torch.Tensor = model.model.language_model.embed_tokens.weight.data
        embeddings.mul_(embedding_std / float(embeddings.std()))
    if mixing != 1.0:
        for name, weight in model.named_parameters():
            if name.endswith(("o_proj.weight", "down_proj.weight")):
                weight.data.mul_(mixing)
    model.generation_config = GenerationConfig(
        do_sample=False, eos_token_id=config.text_config.eos_token_id, pad_token_id=config.text_config.pad_token_id
    )
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    write_processor_files(out)
    return out


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--embedding-std", type=float, default=0.0, help="0.15 for a model that is to learn")
    parser.add_argument("--mixing", type=float, default=1.0, help="50 for answers that depend on the prompt")
    parser.add_argument("--head-dim", type=int, default=16, help="32 for vLLM on the CPU")
    arguments = parser.parse_args()
    build_tiny_model(
        arguments.out,
        seed=arguments.seed,
        embedding_std=arguments.embedding_std,
        mixing=arguments.mixing,
        head_dim=arguments.head_dim,
    )
