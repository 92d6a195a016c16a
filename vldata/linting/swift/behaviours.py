"""What ms-swift 4.6.0 does with data: the table that findings and docs/lint.md are made from."""

from __future__ import annotations

from vldata.linting.outcomes import Behaviour, Table

_JSON = "datasets 4.8.4, packaged_modules/json: Json._generate_tables"
_CORE = "dataset/preprocessor/core.py"
_ROWS = f"{_CORE}: RowPreprocessor.batched_preprocess"
_TALK = f"{_CORE}: MessagesPreprocessor.preprocess"
_PAIRS = f"{_CORE}: ResponsePreprocessor.preprocess"
_NAMES = f"{_CORE}: RowPreprocessor.safe_rename_columns"
_BASE = "template/base.py"
_ENCODE = f"{_BASE}: Template._swift_encode"
_INPUTS = "template/template_inputs.py: StdTemplateInputs"
_TAGS = f"{_BASE}: Template._add_default_tags"
_IMAGE = f"{_BASE}: Template._load_image; template/vision_utils.py: load_file"
_QWEN = "template/templates/qwen.py: Qwen2VLTemplate"

TABLE: Table = {
    # --- files -----------------------------------------------------------------------------------------------------------------------
    "SW01": Behaviour("crash", "no JSON", "The whole file fails: `JSON parse error`, or `Unexpected character` in a list.", "Write the row again with a JSON library.", _JSON),
    "SW02": Behaviour("crash", "a key twice in one object", "The whole file fails: `Column(...) was specified twice`.", "Remove one of them.", _JSON),
    "SW03": Behaviour("crash", "a byte order mark before a JSON list", "`Expected object or value`.", "Save as UTF-8 without BOM.", _JSON),
    "SW04": Behaviour("crash", "not UTF-8", "The whole file fails: `UnicodeDecodeError`.", "Save the file as UTF-8.", _JSON),
    "SW05": Behaviour("crash", "a row that is no object", "The whole file fails: `Trailing data`.", "Write one object a row.", _JSON),
    "SW06": Behaviour("crash", "no rows", "`StopIteration`.", "Give the file that holds the rows.", _JSON),
    "SW07": Behaviour("crash", "a kind of file that is not read", "The suffix is taken for the name of a loader: `Couldn't reach ... on the Hub`.", "Use .jsonl, .json, .csv or .parquet.", "dataset/loader.py: DatasetLoader._load_dataset_path"),
    "SW09": Behaviour("crash", "images of several kinds in one list", "`ArrowInvalid: Could not convert`, when the file is written to the cache.", "Give all as paths, or all as objects.", _ROWS),
    "SW08": Behaviour("crash", "no row is left", "`integer division or modulo by zero`, or `Failed to retrieve the dataset`.", "See what the rows are dropped for.", "dataset/utils.py: LazyLLMDataset"),
    # --- rows that are deleted -------------------------------------------------------------------------------------------------------
    "SW10": Behaviour("drop", "no conversation", "`There are errors in the dataset, the data will be deleted`: neither messages nor a query with a response.", "Name the columns as docs/lint.md lists, or give `--columns`.", _TALK),
    "SW11": Behaviour("drop", "an unknown role", "`There are errors in the dataset, the data will be deleted`: known are system, user (human), assistant (gpt, bot), tool, tool_call (function_call) and tool_response (observation).", "Rename the role.", f"{_CORE}: RowPreprocessor._check_messages"),
    "SW12": Behaviour("drop", "a turn without content", "The row is deleted: content is missing or null.", "Fill the turn.", f"{_CORE}: RowPreprocessor._check_messages"),
    "SW13": Behaviour("drop", "content that is neither a text nor a list of parts", "The template fails, and another row is taken in its place.", "Write texts, or parts with a `type`.", f"{_INPUTS}.remove_messages_media"),
    "SW14": Behaviour("drop", "parts that are not understood", "A part without `type`, of an unknown kind, or without its text: the row is skipped.", "Use parts of type text, image, video or audio.", f"{_INPUTS}.remove_messages_media"),
    "SW15": Behaviour("drop", "media in parts and in a column", "`AssertionError: self.images`; the row is skipped.", "Name media in one place.", f"{_INPUTS}.from_dict"),
    "SW16": Behaviour("drop", "turns that do not alternate", "`AssertionError: query_role` or `response_role`; the row is skipped. Turns of one role in a row are merged first.", "Move system to the front, and answer every user and tool turn.", _ENCODE),
    "SW17": Behaviour("drop", "a tool call that is no JSON", "The row is skipped.", 'Write {"name": ..., "arguments": ...}.', "agent_template/base.py: _parse_tool_call"),
    "SW18": Behaviour("drop", "objects that are not understood", "The row is deleted: objects need `bbox`, a list of boxes of two or four numbers.", "Write {\"ref\": [...], \"bbox\": [[...]]}.", f"{_CORE}: RowPreprocessor._check_objects"),
    "SW19": Behaviour("drop", "a box of an image that is not there", "`IndexError`; the row is skipped.", "Correct image_id.", f"{_BASE}: Template.normalize_bbox"),
    "SW20": Behaviour("drop", "no other answer", "Where one row has `rejected_response`, each needs one that differs from the answer; the row is deleted, in plain training too.", "Fill it, or keep such rows in a file of their own.", f"{_CORE}: RowPreprocessor._check_rejected_response"),
    "SW21": Behaviour("drop", "no pair", "`inputs.rejected is None`; the row is skipped.", "Give rejected_response or rejected_messages.", f"{_BASE}: Template._rlhf_encode"),
    "SW22": Behaviour("drop", "history that is no list of pairs", "The row is deleted.", "Write pairs of question and answer.", _PAIRS),
    "SW23": Behaviour("drop", "an answer that is not a text", "The template fails, and another row is taken in its place.", "Write the answer as a text.", _PAIRS),
    "SW24": Behaviour("drop", "tools that are no objects", "`AssertionError: tool`; the row is skipped.", "Write the list of tools as one JSON text.", f"{_BASE}: Template._preprocess_tools"),
    "SW25": Behaviour("drop", "a weight that is no number", "The row is skipped.", "Write loss as true or false, loss_scale as a number.", "loss_scale/base.py"),
    # --- media -----------------------------------------------------------------------------------------------------------------------
    "SW30": Behaviour("drop", "a media file is not there", "`FileNotFoundError`; another row is taken in its place. Paths are relative to the working folder or ROOT_IMAGE_DIR.", "Start in the folder the paths are relative to, or set ROOT_IMAGE_DIR.", _IMAGE),
    "SW31": Behaviour("drop", "an image that cannot be read", "The error of Pillow; another row is taken in its place.", "Replace the file.", _IMAGE),
    "SW32": Behaviour("drop", "media that are no paths", "`AttributeError`; another row is taken in its place.", 'Give paths, or {"path": ..., "bytes": ...}.', _IMAGE),
    "SW33": Behaviour("note", "tags are put in front", "Images without a tag are put before the first turn.", "Write <image> where each stands.", _TAGS),
    "SW34": Behaviour("ignored", "a tag without its image", "The tag stays in the text as it is.", "Name the image, or take the tag out.", _TAGS),
    "SW35": Behaviour("altered", "more tags than media", "The first tags are used, the others stay in the text.", "Write one <image> for each image.", _TAGS),
    "SW36": Behaviour("altered", "a tag of another tool", "It stays in the text; the image is put before the first turn.", "Write <image>.", _TAGS),
    "SW37": Behaviour("crash", "a vision token in the text", "The literal token counts as part of an image: `Image features and image tokens do not match`.", "Write <image>, or take it out of the text.", f"{_QWEN}._encode"),
    "SW38": Behaviour("altered", "a control token in the text", "It becomes the real token: whoever wrote it can end a turn and begin another.", "Take it out of the text.", f"{_BASE}: Template._tokenize"),
    "SW39": Behaviour("drop", "one side more than 200 times the other", "`absolute aspect ratio must be smaller than 200`; another row is taken in its place.", "Pad or crop the image.", "qwen_vl_utils 0.0.14: smart_resize"),
    "SW40": Behaviour("unjudged", "media on the network", "They are fetched while training.", "Download them.", "template/vision_utils.py: load_file"),
    "SW41": Behaviour("altered", "an image in an answer", "It stands behind the words that the model is to speak from; a row without a question gets an empty one, and its image lands there too.", "Write a question with <image>.", _TAGS),
    "SW42": Behaviour("note", "an answer without a question", "An empty question is put before it, and the text is learned as the answer.", "Write a question, or use `swift pt` for plain text.", _ENCODE),
    # --- pixels ----------------------------------------------------------------------------------------------------------------------
    "SW50": Behaviour("boxes", "boxes that may be in pixels of an image that is resized", "The image changes its size, the numbers in the text do not; those under `objects` do.", "Put them under `objects` with <bbox>, or write them on a scale of 0 to 1000 (if they are: --boxes 0-1000).", f"{_QWEN}.replace_tag"),
    "SW51": Behaviour("note", "the image is resized", "To the grid of the processor, at least 4 and at most 16,384 tokens.", "`vldata convert` writes images on the grid.", f"{_QWEN}.replace_tag"),
    "SW52": Behaviour("altered", "an image that its EXIF turns", "EXIF is not looked at: the model sees it on its side, upside down or mirrored.", "Turn the pixels (`vldata convert` does).", "template/vision_utils.py: load_image"),
    "SW53": Behaviour("altered", "an image of 16 bits", "Converted to 8 bits by cutting off: nearly everything is white.", "Scale it to 8 bits.", "template/vision_utils.py: load_image"),
    "SW54": Behaviour("altered", "boxes and <bbox> differ in number", "A <bbox> or <ref-object> without its object stays in the text.", "Write one for each.", f"{_BASE}: Template._pre_tokenize"),
    "SW55": Behaviour("ignored", "objects without a tag", "Boxes that no <bbox> stands for are not used.", "Write one <bbox> for each.", f"{_BASE}: Template._pre_tokenize"),
    # --- what is learned -------------------------------------------------------------------------------------------------------------
    "SW60": Behaviour("nothing", "no answer to learn", "No assistant turn, a blank one, or `loss` false for all: at most the end of the turn is learned.", "Fill the answer or remove the row.", _ENCODE),
    "SW61": Behaviour("nothing", "two columns for one thing", "Where two columns mean the same (answer and text, solution and output ...) neither is used.", "Keep one of them, or give `--columns`.", _NAMES),
    "SW62": Behaviour("ignored", "a field of the row that is not used", "The column is removed.", "Rename it as docs/lint.md lists, else convert.", f"{_CORE}: RowPreprocessor.remove_useless_columns"),
    "SW63": Behaviour("ignored", "a field of a turn that is not used", "Only role, content, loss and loss_scale of a turn are kept.", "Write reasoning into the content as <think>; for weights use `loss`.", f"{_CORE}: RowPreprocessor._check_messages"),
    "SW64": Behaviour("ignored", "a preference in plain training", "`rejected_response` and `label` are for rlhf; plain training learns the answer of every row, unwanted ones too.", "Use `swift rlhf`, or remove unwanted rows.", f"{_BASE}: Template.encode"),
    "SW65": Behaviour("note", "no label", "Under KTO a row without `label` counts as unwanted.", "Write true or false.", f"{_BASE}: Template._kto_encode"),
    "SW66": Behaviour("ignored", "two columns for one question", "Two columns mean the same (query, prompt, question, instruction ...): only the one that has the name already is used, else none.", "Join them, or give `--columns`.", _NAMES),
    "SW67": Behaviour("note", "a list of answers", "The first is learned, unless RANDOM_DATASET_RESPONSE is set.", "Write one answer.", f"{_CORE}: ResponsePreprocessor.preprocess"),
    "SW70": Behaviour("drop", "longer than max_length", "`MaxLengthError`; another row is taken in its place (truncation_strategy delete).", "Raise --max_length, or set --truncation_strategy.", f"{_BASE}: Template._encode_truncated"),
    "SW72": Behaviour("cut", "text is cut off", "truncation_strategy left or right: text over max_length is cut, vision tokens are kept.", "Raise --max_length.", f"{_BASE}: Template._truncate"),
    "SW71": Behaviour("unjudged", "a video", "Its frames are not looked at here.", "See `vldata convert --videos keep`.", f"{_QWEN}.replace_tag"),
}  # fmt: skip
