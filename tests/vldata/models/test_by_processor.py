"""Any model's own processor: prompts, and labels at what the assistant says and nowhere else."""

import json
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from PIL import Image

from vldata.errors import DataError
from vldata.models.by_processor import IGNORED, ByProcessor, Conversation
from vldata.models.families import FAMILIES
from vldata.models.processor import load_processor
from vldata.models.tiny_families import build_tokenizer, write_processor_files
from vldata.records.record import Message

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # numpy about transformers and torch
NAMES = [name for name, family in FAMILIES.items() if family.image_processor and not family.needs and name not in ("idefics-3", "qwen2-vl")]


def square(colour, size=(64, 64)):
    return Image.new("RGB", size, colour)


def folder_of(name: str, folder: Path) -> Path:
    family = FAMILIES[name]
    build_tokenizer(family).save_pretrained(folder)
    write_processor_files(family, folder)
    (folder / "config.json").write_text(json.dumps({"model_type": family.model_types[0]}))
    return folder


def talks():
    said = Message("user", "<image>What colour? <|im_end|><start_of_image>[IMG]</s>"), Message("assistant", "red one")
    more = Message("user", "And now?"), Message("assistant", "no")
    two = Message("user", "<image><image>Both?"), Message("assistant", "green blue")
    plain = Message("user", "Hello?"), Message("assistant", "yes")
    return [
        Conversation((*said, *more), (square("red"),), name="a"),
        Conversation(two, (square("green", (90, 64)), square("blue")), name="b"),
        Conversation(plain, name="c"),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_only_what_the_assistant_says_is_learned(name, tmp_path):
    by = ByProcessor(folder_of(name, tmp_path))
    batch = by.lessons(talks())
    learned = [by.prompter.decode(row[row != IGNORED].tolist()) for row in batch["labels"]]
    end = FAMILIES[name].tiny.close.strip()
    assert learned == [f"red one{end}no{end}", f"green blue{end}", f"yes{end}"]
    assert (batch["labels"] == batch["input_ids"])[batch["labels"] != IGNORED].all()


def test_the_mask_is_the_template_s_own_where_it_has_one(tmp_path):
    folder = folder_of("internvl", tmp_path)
    by, processor = ByProcessor(folder), load_processor(folder)
    talk = Conversation((Message("user", "<image>What colour?"), Message("assistant", "red one")), (square("red"),))
    chat = [
        {"role": "user", "content": [{"type": "image", "image": square("red")}, {"type": "text", "text": "What colour?"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "red one"}]},
    ]
    theirs = processor.apply_chat_template(
        [chat], tokenize=True, return_dict=True, return_tensors="pt", processor_kwargs={"return_assistant_tokens_mask": True},
        return_assistant_tokens_mask=True,
    )  # fmt: skip
    ours = by.lessons([talk])
    assert ours["input_ids"].tolist() == theirs["input_ids"].tolist()
    assert (ours["labels"] != IGNORED).int().tolist() == theirs["assistant_masks"].tolist()


def test_prompts_are_padded_on_the_left_and_open_the_answer(tmp_path):
    by = ByProcessor(folder_of("gemma-3", tmp_path))
    asked = [Conversation(talk.messages[:1], talk.images, name=talk.name) for talk in talks()]
    batch = by.prompts(asked)
    assert batch["attention_mask"][:, -1].all() and not batch["attention_mask"][2, 0]
    assert by.prompter.decode(batch["input_ids"][2].tolist()).endswith("Hello?<end_of_turn>\n<start_of_turn>model\n")


def test_images_and_places_that_differ_are_named(tmp_path):
    by = ByProcessor(folder_of("internvl", tmp_path))
    with pytest.raises(DataError, match=r"r1: 1 images in the text, but 0 in the record"):
        by.lessons([Conversation((Message("user", "<image>?"), Message("assistant", "a")), name="r1")])
