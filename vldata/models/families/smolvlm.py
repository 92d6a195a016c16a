"""SmolVLM and SmolVLM2: the longest side is set to 2,048 pixels, tiles of 512, a mark of row and column at each."""

from vldata.models.families.family import Family, Parts, Serving, Tiny
from vldata.models.families.sliced import Splits

FAMILY = Family(
    name="smolvlm",
    title="SmolVLM, SmolVLM2",
    model_types=("smolvlm",),
    since={"smolvlm": "4.50"},
    images=Splits(edge=2_048, side=512, cost=64),
    delimiters=0,
    image_token="<image>",
    boxes="0-1000",
    boxes_known=False,
    parts=Parts("vision_model", "connector", "text_model"),
    serving=Serving(servers=("vllm", "transformers", "llama-server")),
    processor="SmolVLMProcessor",
    image_processor="SmolVLMImageProcessorPil",
    needs=("num2words",),
    templates=("smolvlm",),
    notes=("Sizes of the 256M and 500M models; the 2.2B has 1,536, 384 and 81, which are read from its folder.",),
    tiny=Tiny(
        image="<image>",
        close="<end_of_utterance>\n",
        tokens={
            "image_token": "<image>",
            "fake_image_token": "<fake_token_around_image>",
            "end_of_utterance_token": "<end_of_utterance>",
            "global_image_token": "<global-img>",
        },
        more=tuple(f"<row_{row}_col_{column}>" for row in range(1, 7) for column in range(1, 7)),
        model={"image_token_id": "<image>", "scale_factor": 2},
        vision={"image_size": 64, "patch_size": 16},
        images={"size": {"longest_edge": 128}, "max_image_size": {"longest_edge": 64}},
        settings={"image_seq_len": 4},
    ),
)
