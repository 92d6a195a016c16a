"""Qwen3.5 and its successors: Qwen3-VL's processor before a language model with linear attention in three of four layers."""

from vldata.models.families.family import Family, Fast, Learns, Parts, Serving, Tiny
from vldata.models.families.native import Native

FAMILY = Family(
    name="qwen3.5",
    title="Qwen3.5, dense and MoE",
    model_types=("qwen3_5", "qwen3_5_moe"),
    since={"qwen3_5": "5.2", "qwen3_5_moe": "5.2"},
    images=Native(patch=16, min_pixels=65_536, max_pixels=16_777_216),
    delimiters=2,
    image_token="<|image_pad|>",
    boxes="0-1000",
    box_text='{"bbox_2d": [x1, y1, x2, y2], "label": "cat"}',
    thinking="optional",
    videos=True,
    parts=Parts("visual", "visual.merger"),
    learns=Learns(other=("in_proj_qkv", "in_proj_z", "in_proj_a", "in_proj_b", "out_proj")),
    serving=Serving(servers=("vllm", "transformers", "llama-server"), pixel_limits=True, thoughts="qwen3"),
    fast={"qwen3_5": Fast(tower="qwen3_vl"), "qwen3_5_moe": Fast(tower="qwen3_vl")},
    processor="Qwen3VLProcessor",
    image_processor="Qwen2VLImageProcessorPil",
    templates=(
        "qwen3_5",
        "qwen3_vl",
    ),
    notes=("Its linear attention carries a state from token to token: packed samples each begin with an empty one.",),
    tiny=Tiny(
        image="<|vision_start|><|image_pad|><|vision_end|>",
        more=("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
        model={
            "image_token_id": "<|image_pad|>",
            "video_token_id": "<|video_pad|>",
            "vision_start_token_id": "<|vision_start|>",
            "vision_end_token_id": "<|vision_end|>",
        },
        text={
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 1.0, "mrope_section": [4, 2, 2]},
            "layer_types": ["linear_attention", "full_attention"],
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 16,
            "linear_value_head_dim": 16,
        },
        vision={"num_position_embeddings": 64},
        images={"patch_size": 16, "merge_size": 2, "size": {"shortest_edge": 65_536, "longest_edge": 16_777_216}},
    ),
)
