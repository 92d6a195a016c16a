"""Qwen3-VL, dense and mixture of experts: native resolution on a grid of 32 pixels; boxes in thousandths."""

from vldata.models.families.family import Family, Fast, Parts, Serving, Tiny
from vldata.models.families.native import Native

FAMILY = Family(
    name="qwen3-vl",
    title="Qwen3-VL, dense and MoE",
    model_types=("qwen3_vl", "qwen3_vl_moe"),
    since={"qwen3_vl": "4.57", "qwen3_vl_moe": "4.57"},
    images=Native(patch=16, min_pixels=65_536, max_pixels=16_777_216),
    delimiters=2,
    image_token="<|image_pad|>",
    boxes="0-1000",
    box_text='{"bbox_2d": [x1, y1, x2, y2], "label": "cat"}',
    videos=True,
    parts=Parts("visual", "visual.merger"),
    serving=Serving(servers=("vllm", "lmdeploy", "ollama", "transformers", "llama-server"), pixel_limits=True, ollama="qwen3-vl-instruct"),
    fast={"qwen3_vl": Fast(tower="qwen3_vl", regular=True), "qwen3_vl_moe": Fast(tower="qwen3_vl")},
    processor="Qwen3VLProcessor",
    image_processor="Qwen2VLImageProcessorPil",
    templates=("qwen3_vl",),
    notes=("Instruct models have no thought; Thinking models open one in every answer, and their folders are told apart by name.",),
    tiny=Tiny(
        image="<|vision_start|><|image_pad|><|vision_end|>",
        more=("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
        model={
            "image_token_id": "<|image_pad|>",
            "video_token_id": "<|video_pad|>",
            "vision_start_token_id": "<|vision_start|>",
            "vision_end_token_id": "<|vision_end|>",
        },
        text={"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_interleaved": True, "mrope_section": [4, 2, 2]}},
        vision={"deepstack_visual_indexes": [0], "num_position_embeddings": 64},
        images={"patch_size": 16, "merge_size": 2, "size": {"shortest_edge": 65_536, "longest_edge": 16_777_216}},
    ),
)
