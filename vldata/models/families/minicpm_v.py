"""MiniCPM-V 4.6: the image at about 448 pixels a side, and up to nine slices of it; a token is 56 pixels a side."""

from vldata.models.families.family import Family, Learns, Parts, Serving, Tiny
from vldata.models.families.sliced import Slices

FAMILY = Family(
    name="minicpm-v",
    title="MiniCPM-V 4.6",
    model_types=("minicpmv4_6",),
    since={"minicpmv4_6": "5.7"},
    images=Slices(side=448, most=9, patch=14),
    delimiters=0,
    image_token="<|image_pad|>",
    boxes="0-1000",
    box_text="<box>x1 y1 x2 y2</box>",
    thinking="optional",
    parts=Parts("vision_tower", "merger"),
    learns=Learns(other=("in_proj_qkv", "in_proj_z", "in_proj_a", "in_proj_b", "out_proj")),
    serving=Serving(servers=("vllm", "transformers")),
    processor="MiniCPMV4_6Processor",
    image_processor="MiniCPMV4_6ImageProcessorPil",
    templates=("minicpm",),
    notes=("Its language model has Qwen3.5's linear attention: it trains padded.",),
    tiny=Tiny(
        image="<|image_pad|>",
        tokens={
            "image_token": "<|image_pad|>",
            "video_token": "<|video_pad|>",
            "image_start_token": "<image>",
            "image_end_token": "</image>",
            "slice_start_token": "<slice>",
            "slice_end_token": "</slice>",
            "image_id_start_token": "<image_id>",
            "image_id_end_token": "</image_id>",
        },
        model={
            "image_token_id": "<|image_pad|>",
            "video_token_id": "<|video_pad|>",
            "image_size": 112,
            "patch_size": 14,
            "insert_layer_id": 0,
        },
        text={
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 1.0},
            "layer_types": ["linear_attention", "full_attention"],
            "linear_num_key_heads": 2,
            "linear_num_value_heads": 4,
            "linear_key_head_dim": 16,
            "linear_value_head_dim": 16,
        },
        vision={"image_size": 112, "patch_size": 14, "insert_layer_id": 0},
        images={"scale_resolution": 112, "max_slice_nums": 4, "patch_size": 14},
    ),
)
