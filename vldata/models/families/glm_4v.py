"""GLM-4.1V, 4.5V and 4.6V: Qwen2-VL's grid, where a still image counts as two frames against the limits."""

from vldata.models.families.family import Family, Learns, Parts, Serving, Tiny
from vldata.models.families.native import Native

FAMILY = Family(
    name="glm-4v",
    title="GLM-4.1V, 4.5V and 4.6V",
    model_types=("glm4v", "glm46v", "glm4v_moe"),
    since={"glm4v": "4.53", "glm46v": "5.0", "glm4v_moe": "4.56"},
    images=Native(patch=14, min_pixels=6_272, max_pixels=4_816_896, thin="cut", frames=2),
    delimiters=2,
    image_token="<|image|>",
    boxes="0-1000",
    box_text="<|begin_of_box|>[[x1,y1,x2,y2]]<|end_of_box|>",
    thinking="optional",
    parts=Parts("visual", "visual.merger"),
    learns=Learns(mlp=("gate_proj", "up_proj", "gate_up_proj", "down_proj")),
    serving=Serving(servers=("vllm", "transformers"), thoughts="glm45"),
    processor="Glm4vProcessor",
    image_processor="Glm4vImageProcessorPil",
    templates=(
        "glm4v",
        "glm4_5v",
        "glm4_6v",
    ),
    tiny=Tiny(
        image="<|begin_of_image|><|image|><|end_of_image|>",
        open="<|{role}|>\n",
        close="<|end|>\n",
        begin="[gMASK]<sop>",
        more=(
            "<|user|>",
            "<|assistant|>",
            "<|system|>",
            "<|begin_of_image|>",
            "<|image|>",
            "<|end_of_image|>",
            "<|begin_of_video|>",
            "<|video|>",
            "<|end_of_video|>",
            "[gMASK]",
            "<sop>",
        ),
        model={
            "image_token_id": "<|image|>",
            "video_token_id": "<|video|>",
            "image_start_token_id": "<|begin_of_image|>",
            "image_end_token_id": "<|end_of_image|>",
            "video_start_token_id": "<|begin_of_video|>",
            "video_end_token_id": "<|end_of_video|>",
        },
        text={
            "initializer_range": 0.05,  # at the usual 0.02 the MoE, whose layers no norm follows, learns late
            "rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "partial_rotary_factor": 1.0, "mrope_section": [4, 2, 2]},
        },
        vision={"image_size": 112, "initializer_range": 0.1},  # at the usual 0.02 the merger writes next to nothing
        images={"patch_size": 14, "merge_size": 2, "size": {"shortest_edge": 12_544, "longest_edge": 9_633_792}},
    ),
)
