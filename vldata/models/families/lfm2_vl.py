"""LFM2-VL: up to 512 x 512 on a grid of 32 pixels, above that tiles of 512 and a thumbnail."""

from vldata.models.families.family import Family, Learns, Parts, Serving, Tiny
from vldata.models.families.sliced import Lfm

FAMILY = Family(
    name="lfm2-vl",
    title="LFM2-VL",
    model_types=("lfm2_vl",),
    since={"lfm2_vl": "4.57"},
    images=Lfm(patch=16, merge=2, least_tokens=64, most_tokens=256, side=512, least=2, most=10),
    delimiters=0,
    image_token="<image>",
    boxes="0-1000",
    boxes_known=False,
    parts=Parts("vision_tower", "multi_modal_projector"),
    learns=Learns(attention=("q_proj", "k_proj", "v_proj", "out_proj"), mlp=("w1", "w2", "w3"), other=("in_proj",)),
    serving=Serving(servers=("vllm", "transformers", "llama-server")),
    processor="Lfm2VlProcessor",
    image_processor="",
    templates=("lfm2_vl",),
    notes=("Its image processor needs torchvision; data can be made without.",),
    tiny=Tiny(
        image="<image>",
        tokens={
            "image_token": "<image>",
            "image_start_token": "<|image_start|>",
            "image_end_token": "<|image_end|>",
            "image_thumbnail": "<|img_thumbnail|>",
        },
        more=tuple(f"<|img_row_{row}_col_{column}|>" for row in range(1, 11) for column in range(1, 11)),
        model={"image_token_id": "<image>", "downsample_factor": 2, "projector_hidden_size": 64},
        text={"layer_types": ["conv", "full_attention"], "block_auto_adjust_ff_dim": False},
        vision={"num_patches": 64, "patch_size": 16, "vision_use_head": False},
        images={"tile_size": 128, "max_image_tokens": 16, "min_image_tokens": 4, "max_tiles": 4},
    ),
)
