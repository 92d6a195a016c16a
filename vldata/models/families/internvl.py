"""InternVL 3 and 3.5 as transformers holds them (`-HF` folders): tiles of 448 pixels and a thumbnail."""

from vldata.models.families.family import Family, Parts, Serving, Tiny
from vldata.models.families.tiled import Tiles

FAMILY = Family(
    name="internvl",
    title="InternVL 3 and 3.5 (-HF)",
    model_types=("internvl",),
    since={"internvl": "4.52"},
    images=Tiles(side=448, most=12, cost=256),
    delimiters=0,
    image_token="<IMG_CONTEXT>",
    boxes="0-1000",
    box_text="<ref>cat</ref><box>[[x1, y1, x2, y2]]</box>",
    thinking="optional",
    parts=Parts("vision_tower", "multi_modal_projector"),
    serving=Serving(servers=("vllm", "lmdeploy", "transformers", "llama-server")),
    processor="InternVLProcessor",
    image_processor="GotOcr2ImageProcessorPil",
    templates=("intern_vl",),
    notes=("The folders without -HF need remote code, and are not this family.",),
    tiny=Tiny(
        image="<IMG_CONTEXT>\n",
        tokens={
            "start_image_token": "<img>",
            "end_image_token": "</img>",
            "context_image_token": "<IMG_CONTEXT>",
            "video_token": "<video>",
        },
        model={"image_token_id": "<IMG_CONTEXT>", "image_seq_length": 4},
        vision={"image_size": [56, 56], "patch_size": [14, 14]},
        images={"size": {"height": 56, "width": 56}, "crop_to_patches": True, "min_patches": 1, "max_patches": 4},
        settings={"image_seq_length": 4},
    ),
)
