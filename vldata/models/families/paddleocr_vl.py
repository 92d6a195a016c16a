"""PaddleOCR-VL: Qwen2-VL's grid with its own limits; it reads pages, and is asked by fixed prompts."""

from vldata.models.families.family import Family, Parts, Serving, Tiny
from vldata.models.families.native import Native

FAMILY = Family(
    name="paddleocr-vl",
    title="PaddleOCR-VL",
    model_types=("paddleocr_vl",),
    since={"paddleocr_vl": "5.0"},
    images=Native(patch=14, min_pixels=147_456, max_pixels=2_359_296, thin="round"),
    delimiters=2,
    image_token="<|IMAGE_PLACEHOLDER|>",
    boxes="0-1000",
    boxes_known=False,
    parts=Parts("visual", "projector"),
    serving=Serving(servers=("vllm", "transformers")),
    processor="PaddleOCRVLProcessor",
    image_processor="PaddleOCRVLImageProcessorPil",
    templates=(
        "paddleocr",
        "ernie",
    ),
    tiny=Tiny(
        image="<|IMAGE_START|><|IMAGE_PLACEHOLDER|><|IMAGE_END|>",
        tokens={"image_token": "<|IMAGE_PLACEHOLDER|>"},
        more=("<|IMAGE_START|>", "<|IMAGE_END|>", "<|video_pad|>"),
        model={
            "image_token_id": "<|IMAGE_PLACEHOLDER|>",
            "video_token_id": "<|video_pad|>",
            "vision_start_token_id": "<|IMAGE_START|>",
            "vision_end_token_id": "<|IMAGE_END|>",
        },
        text={"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0, "mrope_section": [4, 2, 2]}},
        vision={"image_size": 112},
        images={"patch_size": 14, "merge_size": 2, "size": {"shortest_edge": 147_456, "longest_edge": 2_359_296}},
    ),
)
