"""Gemma 3: every image becomes a square of 896 pixels and 256 tokens; pan and scan stays off, as it is by default."""

from vldata.models.families.family import Family, Parts, Serving, Tiny
from vldata.models.families.tiled import Square

FAMILY = Family(
    name="gemma-3",
    title="Gemma 3",
    model_types=("gemma3",),
    since={"gemma3": "4.50"},
    images=Square(side=896, cost=256),
    delimiters=0,
    image_token="<start_of_image>",
    boxes="0-1000",
    boxes_known=False,
    parts=Parts("vision_tower", "multi_modal_projector"),
    serving=Serving(servers=("vllm", "transformers", "llama-server")),
    processor="Gemma3Processor",
    image_processor="Gemma3ImageProcessorPil",
    templates=("gemma3", "gemma"),
    tiny=Tiny(
        image="<start_of_image>",
        open="<start_of_turn>{role}\n",
        close="<end_of_turn>\n",
        begin="<bos>",
        assistant="model",
        tokens={"boi_token": "<start_of_image>", "eoi_token": "<end_of_image>", "image_token": "<image_soft_token>"},
        more=("<bos>", "<start_of_turn>", "<end_of_turn>"),
        model={
            "mm_tokens_per_image": 4,
            "boi_token_index": "<start_of_image>",
            "eoi_token_index": "<end_of_image>",
            "image_token_index": "<image_soft_token>",
        },
        text={"sliding_window": 512, "query_pre_attn_scalar": 16},
        vision={"image_size": 56, "patch_size": 14},
        images={"size": {"height": 56, "width": 56}},
        settings={"image_seq_length": 4},
    ),
)
