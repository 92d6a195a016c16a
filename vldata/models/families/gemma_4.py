"""Gemma 4: every image is scaled, up or down, to fill a budget of 280 tokens of 48 x 48 pixels."""

from vldata.models.families.family import Family, Parts, Serving, Tiny
from vldata.models.families.tiled import Scaled

FAMILY = Family(
    name="gemma-4",
    title="Gemma 4",
    model_types=("gemma4",),
    since={"gemma4": "5.5"},
    images=Scaled(patch=16, pool=3, budget=280),
    delimiters=0,
    image_token="<|image|>",
    boxes="0-1000",
    boxes_known=False,
    thinking="optional",
    parts=Parts("vision_tower", "embed_vision"),
    serving=Serving(servers=("vllm", "transformers"), thoughts="gemma4"),
    processor="Gemma4Processor",
    image_processor="Gemma4ImageProcessorPil",
    templates=("gemma4",),
    tiny=Tiny(
        image="<|image|>",
        open="<|turn>{role}\n",
        close="<turn|>\n",
        begin="<bos>",
        assistant="model",
        tokens={
            "boi_token": "<|image>",
            "eoi_token": "<image|>",
            "image_token": "<|image|>",
            "video_token": "<|video|>",
            "audio_token": "<|audio|>",
            "boa_token": "<|audio>",
            "eoa_token": "<audio|>",
        },
        more=("<bos>", "<|turn>", "<turn|>"),
        model={"image_token_id": "<|image|>", "video_token_id": "<|video|>", "audio_token_id": "<|audio|>"},
        text={"per_layer_config": {}, "hidden_size_per_layer_input": 16, "vocab_size_per_layer_input": 0, "sliding_window": 512},
        vision={"model_type": "gemma4_vision", "patch_size": 16, "pooling_kernel_size": 3},
        images={"patch_size": 16, "pooling_kernel_size": 3, "max_soft_tokens": 70},
        settings={"image_seq_length": 70},
    ),
)
