"""Mistral 3: Pixtral's tower, native resolution on a grid of 28 pixels, a mark after each row of tokens."""

from vldata.models.families.family import Family, Parts, Serving, Tiny
from vldata.models.families.native import Longest

FAMILY = Family(
    name="mistral-3",
    title="Mistral 3 (Pixtral's tower)",
    model_types=("mistral3",),
    since={"mistral3": "4.50"},
    images=Longest(patch=14, merge=2, longest=1_540),
    delimiters=0,
    image_token="[IMG]",
    boxes="0-1000",
    boxes_known=False,
    parts=Parts("vision_tower", "multi_modal_projector"),
    serving=Serving(servers=("vllm", "transformers", "llama-server")),
    processor="PixtralProcessor",
    image_processor="PixtralImageProcessorPil",
    templates=("mistral",),
    tiny=Tiny(
        image="[IMG]",
        open="[{role}]",
        close="</s>",
        begin="<s>",
        more=("<s>", "[IMG]", "[IMG_BREAK]", "[IMG_END]", "[user]", "[assistant]", "[system]"),
        model={"image_token_index": "[IMG]"},
        vision={"image_size": 280, "head_dim": 16},
        images={"patch_size": 14, "size": {"longest_edge": 280}},
        settings={"patch_size": 14, "spatial_merge_size": 2},
    ),
)
