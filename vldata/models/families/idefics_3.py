"""Idefics 3: SmolVLM's elder, with tiles of 364 pixels."""

from vldata.models.families.family import Family, Parts, Serving, Tiny
from vldata.models.families.sliced import Splits

FAMILY = Family(
    name="idefics-3",
    title="Idefics 3",
    model_types=("idefics3",),
    since={"idefics3": "4.46"},
    images=Splits(edge=1_456, side=364, cost=169),
    delimiters=0,
    image_token="<image>",
    boxes="0-1000",
    boxes_known=False,
    parts=Parts("vision_model", "connector", "text_model"),
    serving=Serving(servers=("vllm", "transformers")),
    processor="Idefics3Processor",
    image_processor="Idefics3ImageProcessorPil",
    templates=("idefics3",),
    tiny=Tiny(
        image="<image>",
        close="<end_of_utterance>\n",
        tokens={
            "image_token": "<image>",
            "fake_image_token": "<fake_token_around_image>",
            "end_of_utterance_token": "<end_of_utterance>",
        },
        more=("<global-img>", *(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7))),
        model={"image_token_id": "<image>", "scale_factor": 2},
        vision={"image_size": 64, "patch_size": 16},
        images={"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 64}},
        settings={"image_seq_len": 4},
    ),
)
