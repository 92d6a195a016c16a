"""LLaVA-OneVision: crops of 384 pixels, padding taken away, at most nine crops' worth of tokens and the whole image next to them."""

from vldata.models.families.family import Family, Parts, Serving, Tiny
from vldata.models.families.tiled import Anyres

_STEPS = range(384, 2_305, 384)

FAMILY = Family(
    name="llava-onevision",
    title="LLaVA-OneVision",
    model_types=("llava_onevision",),
    since={"llava_onevision": "4.45"},
    images=Anyres(side=384, cost=729, grids=tuple((tall, wide) for tall in _STEPS for wide in _STEPS)),
    delimiters=0,
    image_token="<image>",
    boxes="0-1000",
    boxes_known=False,
    parts=Parts("vision_tower", "multi_modal_projector"),
    serving=Serving(servers=("vllm", "transformers")),
    processor="LlavaOnevisionProcessor",
    image_processor="LlavaOnevisionImageProcessorPil",
    templates=("llava",),
    notes=(
        "Images that share a record are not cropped and cost 730 tokens each; the counts of a dataset take each as if alone, from above.",
    ),
    tiny=Tiny(
        image="<image>\n",
        tokens={"image_token": "<image>", "video_token": "<video>"},
        model={
            "image_token_index": "<image>",
            "video_token_index": "<video>",
            "image_grid_pinpoints": [[56, 56], [56, 112], [112, 56], [112, 112]],
        },
        vision={"image_size": 56, "patch_size": 14, "vision_use_head": False},
        images={"size": {"height": 56, "width": 56}, "image_grid_pinpoints": [[56, 56], [56, 112], [112, 56], [112, 112]]},
        settings={"num_image_tokens": 16, "vision_feature_select_strategy": "full"},
    ),
)
