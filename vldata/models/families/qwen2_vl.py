"""Qwen2-VL: native resolution on a grid of 28 pixels; boxes in thousandths."""

from vldata.models.families.family import Family, Fast, Parts, Serving, Tiny
from vldata.models.families.native import Native

FAMILY = Family(
    name="qwen2-vl",
    title="Qwen2-VL",
    model_types=("qwen2_vl",),
    since={"qwen2_vl": "4.45"},
    images=Native(patch=14, min_pixels=3_136, max_pixels=12_845_056),
    delimiters=2,
    image_token="<|image_pad|>",
    boxes="0-1000",
    box_text="<|object_ref_start|>cat<|object_ref_end|><|box_start|>(x1,y1),(x2,y2)<|box_end|>",
    parts=Parts("visual", "visual.merger"),
    serving=Serving(servers=("vllm", "lmdeploy", "transformers", "llama-server"), pixel_limits=True),
    fast={"qwen2_vl": Fast(tower="qwen2_vl", regular=True)},
    processor="Qwen2VLProcessor",
    image_processor="Qwen2VLImageProcessorPil",
    templates=("qwen2_vl",),
    tiny=Tiny(
        image="<|vision_start|><|image_pad|><|vision_end|>",
        more=("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"),
        model={
            "image_token_id": "<|image_pad|>",
            "video_token_id": "<|video_pad|>",
            "vision_start_token_id": "<|vision_start|>",
            "vision_end_token_id": "<|vision_end|>",
        },
        text={"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]}},
        vision={"embed_dim": 64, "mlp_ratio": 2},
        images={
            "patch_size": 14,
            "merge_size": 2,
            "size": {"shortest_edge": 3_136, "longest_edge": 12_845_056},
            "image_mean": [0.48145466, 0.4578275, 0.40821073],
            "image_std": [0.26862954, 0.26130258, 0.27577711],
        },
    ),
)
