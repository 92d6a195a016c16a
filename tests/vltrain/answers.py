"""Asking a trained model, and counting what it gets right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from vltrain.data import load_set
from vltrain.features import read_picture

from vldata.files.gate import below
from vldata.models.families_of import folder_family, folder_images
from vldata.models.processor import load_processor


def exact_match(model: Any, folder: Path, target: str) -> float:
    processor = load_processor(folder)
    processor.tokenizer.padding_side = "left"
    examples, images = load_set(target).examples, folder_images(folder, folder_family(folder))
    right = 0
    for start in range(0, len(examples), 16):
        chunk = examples[start : start + 16]
        chats = [
            [
                {
                    "role": "user",
                    "content": [
                        {"type": "image", "image": read_picture(below(example.folder, example.record.images[0]), images)},
                        {"type": "text", "text": example.record.messages[0].content.removeprefix("<image>")},
                    ],
                }
            ]
            for example in chunk
        ]
        inputs = processor.apply_chat_template(
            chats, tokenize=True, return_dict=True, return_tensors="pt", add_generation_prompt=True, processor_kwargs={"padding": True}
        )
        with torch.no_grad():
            made = model.eval().generate(**inputs, max_new_tokens=6, do_sample=False)
        texts = processor.tokenizer.batch_decode(made[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
        right += sum(text.strip() == example.record.messages[-1].content for text, example in zip(texts, chunk, strict=True))
    return right / len(examples)
