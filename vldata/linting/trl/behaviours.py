"""What TRL 1.16.0's SFTTrainer does with data: the table that findings and docs/lint.md are made from."""

from __future__ import annotations

from vldata.linting.outcomes import Behaviour, Table

_JSON = "datasets 5.2.0, packaged_modules/json: Json._generate_tables"
_SFT = "trainer/sft_trainer.py"
_COLLATE = f"{_SFT}: DataCollatorForVisionLanguageModeling"
_PREPARE = f"{_SFT}: SFTTrainer._prepare_dataset"
_COLUMNS = f"{_SFT}: SFTTrainer._set_signature_columns_if_needed"
_MESSAGES = "data_utils.py: prepare_multimodal_messages"
_TEMPLATE = "data_utils.py: apply_chat_template"
_IMAGE = "transformers 5.23.0, image_utils.py: load_image"
_PROCESSOR = "transformers 5.23.0, models/qwen3_vl/processing_qwen3_vl.py"

TABLE: Table = {
    "TR01": Behaviour("crash", "no JSON", "`load_dataset` fails: `JSON parse error`, or `Unexpected character` in a list.", "Write the row again with a JSON library.", _JSON),
    "TR02": Behaviour("altered", "a key twice in one object", "The last one counts, or the file fails: `Column(...) was specified twice`.", "Remove one of them.", _JSON),
    "TR03": Behaviour("crash", "not UTF-8", "`load_dataset` fails: `UnicodeDecodeError`.", "Save the file as UTF-8.", _JSON),
    "TR04": Behaviour("crash", "a row that is no object", "`load_dataset` fails.", "Write one object a row.", _JSON),
    "TR05": Behaviour("crash", "no rows", "`StopIteration`.", "Give the file that holds the rows.", _JSON),
    "TR10": Behaviour("crash", "no column that is trained on", "`KeyError: 'text'`, or with images `Unexpected input keys in examples`: prompt with completion, messages, or without images text.", "Name the columns so; `vldata export --to trl` does.", f"{_PREPARE}; {_COLLATE}.torch_call"),
    "TR11": Behaviour("crash", "messages next to prompt and completion", "`The completion_only_loss argument is not supported for language modeling datasets.` Columns are those of all rows together.", "Keep one form in a file.", f"{_COLLATE}.torch_call"),
    "TR12": Behaviour("crash", "a prompt without its completion", "`KeyError: 'completion'`, or with images `Unexpected input keys in examples`.", "Add the completion.", f"{_PREPARE}; {_COLLATE}.torch_call"),
    "TR13": Behaviour("crash", "turns that are no list of role and content", "`TypeError` or `KeyError` in the collator. From and value are read in files without images alone.", "Write [{\"role\": ..., \"content\": ...}].", _MESSAGES),
    "TR14": Behaviour("crash", "an unknown role", "`Invalid role in message`: known are system, user, assistant and tool.", "Rename the role.", _MESSAGES),
    "TR15": Behaviour("crash", "placeholders and images differ in number", "`Number of images provided does not match number of image placeholders`. Texts get theirs in the first user turn that is a text.", "Write one part {\"type\": \"image\"} for each image.", _MESSAGES),
    "TR16": Behaviour("crash", "a part without type", "`KeyError: 'type'`.", "Give each part its type.", _MESSAGES),
    "TR17": Behaviour("crash", "content that is neither a text nor parts", "`TypeError` in the collator.", "Write a text or a list of parts.", _MESSAGES),
    "TR18": Behaviour("crash", "a prompt that ends with a system turn", "`Invalid role in the last message`.", "End the prompt with a user turn.", _TEMPLATE),
    "TR19": Behaviour("crash", "tools that are no JSON", "`JSONDecodeError`.", "Write the list of tools as one JSON text.", _PREPARE),
    "TR20": Behaviour("crash", "a vision token in the text", "`The total number of <|image_pad|> tokens` or `Found ... tokens in the text but no images`.", "Use a part {\"type\": \"image\"}, or take it out of the text.", _PROCESSOR),
    "TR21": Behaviour("crash", "a text prompt without its vision token", "A prompt that is a text must hold the model's own image token once for each image.", "Write turns with parts instead.", _PROCESSOR),
    "TR22": Behaviour("altered", "an image tag in the text", "`<image>` is no placeholder here: it stays in the text, and the image is put before the first user turn.", "Use a part {\"type\": \"image\"}.", _MESSAGES),
    "TR23": Behaviour("ignored", "an image tag and no images", "The tag stays in the text; nothing is shown.", "Add the column images.", _MESSAGES),
    "TR24": Behaviour("altered", "a control token in the text", "It becomes the real token: whoever wrote it can end a turn and begin another.", "Take it out of the text.", _PROCESSOR),
    "TR25": Behaviour("ignored", "images inside parts", "Without a column images the file trains as text: images of parts are not loaded.", "Move them to a column images.", f"{_SFT}: SFTTrainer.__init__ (_is_vision_dataset)"),
    "TR26": Behaviour("nothing", "a part without its text", "The template prints `text` of a part of type text, and nothing for one that has `value` or `content` instead.", "Write {\"type\": \"text\", \"text\": ...}.", _TEMPLATE),
    "TR27": Behaviour("ignored", "a video", "SFTTrainer loads images alone: a part of type video leaves one lone token that is learned, a column videos is not read.", "Give its frames as images.", f"{_SFT}: SFTTrainer.__init__ (_is_vision_dataset)"),
    "TR28": Behaviour("altered", "a part whose text is null", "The template prints the word `None` for it; Arrow makes such nulls where parts of one file differ in their keys.", "Write a text.", _TEMPLATE),
    "TR30": Behaviour("crash", "an image file is not there", "`Incorrect image source. Must be a valid URL ...`. Paths are relative to the working folder.", "Start in the folder the paths are relative to.", _IMAGE),
    "TR31": Behaviour("crash", "an image that cannot be read", "The error of Pillow.", "Replace the file.", _IMAGE),
    "TR32": Behaviour("crash", "images that are none", "`only a single or a list of entries is supported`: null, numbers, and {\"bytes\", \"path\"} that no Image feature decodes.", "Use [] for a row without images, and `cast_column(\"images\", Sequence(Image()))`.", _IMAGE),
    "TR33": Behaviour("crash", "images that are no flat list", "`images` must be a list, `image` a single one.", "Flatten it.", f"{_COLLATE}"),
    "TR34": Behaviour("crash", "one side more than 200 times the other", "`absolute aspect ratio must be smaller than 200`.", "Pad or crop the image.", "transformers 5.23.0, models/qwen2_vl/image_processing_qwen2_vl.py: smart_resize"),
    "TR35": Behaviour("unjudged", "images on the network", "They are fetched while training.", "Download them.", _IMAGE),
    "TR40": Behaviour("boxes", "boxes that may be in pixels of an image that is resized", "The image changes its size, the numbers in the text do not.", "Convert with `vldata convert sharegpt`, which moves them, or write them on a scale of 0 to 1000 (if they are: --boxes 0-1000).", _PROCESSOR),
    "TR41": Behaviour("note", "the image is resized", "To the grid of the processor and its limits of pixels.", "`vldata convert` writes images on the grid.", _PROCESSOR),
    "TR42": Behaviour("note", "transparency", "The alpha channel is dropped: what was transparent shows its hidden colour.", "Put the image on white (`vldata convert` does).", _IMAGE),
    "TR43": Behaviour("altered", "an image of 16 bits", "Converted to 8 bits by cutting off: nearly everything is white.", "Scale it to 8 bits.", _IMAGE),
    "TR50": Behaviour("prompt", "messages are learned whole", "The loss is over every token, questions and vision tokens too.", "Give prompt and completion, or set assistant_only_loss=True.", f"{_COLLATE}._collate_language_modeling"),
    "TR51": Behaviour("nothing", "the answer is blank", "Only the end of the turn is learned.", "Fill the answer or remove the row.", f"{_COLLATE}._collate_prompt_completion"),
    "TR52": Behaviour("cut", "cut through the vision tokens", "max_length (1,024 by default) counts vision tokens: `Image features and image tokens do not match`, or `Mismatch in image token count`.", "Set max_length=None, or lower the pixels.", f"{_COLLATE}"),
    "TR53": Behaviour("cut", "text is cut off", "What is over max_length (1,024 by default) is cut from the end, the answer first.", "Raise max_length.", f"{_PREPARE}; {_COLLATE}"),
    "TR54": Behaviour("drop", "a prompt that fills max_length", "Nothing of the answer is left, and the row is filtered out.", "Raise max_length.", _PREPARE),
    "TR60": Behaviour("ignored", "a field of the row that is not used", "With images only messages, prompt, completion, image and images are kept.", "Write it into the turns.", _COLUMNS),
    "TR61": Behaviour("ignored", "a field of a turn that is not used", "Weights are not read; reasoning and tool calls only where the model's chat template prints them.", "Write what matters into the content.", _TEMPLATE),
    "TR70": Behaviour("unjudged", "preference data", "Rows of chosen and rejected are for DPOTrainer, which is not judged here.", "Try a few rows in the trainer.", "trainer/dpo_trainer.py"),
}  # fmt: skip
