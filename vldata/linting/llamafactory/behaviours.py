"""What LLaMA-Factory 0.9.5 does with data: the table that findings and docs/lint.md are made from."""

from __future__ import annotations

from vldata.linting.outcomes import Behaviour, Table

_ENTRY = "data/parser.py: DatasetAttr.join"
_LOAD = "data/loader.py: _load_single_dataset"
_JSON = "datasets 4.0.0, packaged_modules/json: Json._generate_tables"
_TALK = "data/converter.py: SharegptDatasetConverter"
_ALPACA = "data/converter.py: AlpacaDatasetConverter"
_MEDIA = "data/converter.py: DatasetConverter._find_medias"
_COUNT = "data/mm_plugin.py: MMPluginMixin._validate_messages"
_IMAGE = "data/mm_plugin.py: MMPluginMixin._regularize_images"
_SIZE = "data/mm_plugin.py: Qwen2VLPlugin._preprocess_image"
_VIDEO = "data/mm_plugin.py: Qwen3VLPlugin.process_messages"
_CUT = "data/processor/supervised.py: _encode_data_example; processor_utils.py: infer_seqlen"
_FORMAT = "data/formatter.py"
_DROP = "data/processor/supervised.py: preprocess_dataset"

TABLE: Table = {
    # --- files -----------------------------------------------------------------------------------------------------------------------
    "LF01": Behaviour("crash", "no JSON", "The whole file fails: `ArrowInvalid: JSON parse error`.",
                      "Write the row again with a JSON library.", _JSON),
    "LF02": Behaviour("crash", "a column of two types", "The whole file fails: `JSON parse error: Column(...) changed from ... to ...`, or for a "
                      "JSON list `Failed to convert pandas DataFrame to Arrow Table`.",
                      "Give the column one type in every row, or remove it.", _JSON),
    "LF03": Behaviour("crash", "a key twice in one object", "The whole file fails: `Column(...) was specified twice`; a JSON list keeps the last.",
                      "Remove one of them.", _JSON),
    "LF04": Behaviour("crash", "a byte order mark before a JSON list", "The whole file fails: `Column() changed from object to array in row 0`.",
                      "Save as UTF-8 without BOM.", _JSON),
    "LF05": Behaviour("crash", "not UTF-8", "The whole file fails: `UnicodeDecodeError` or `JSON parse error: Invalid value`.",
                      "Save the file as UTF-8.", _JSON),
    "LF06": Behaviour("crash", "empty in the first 1,000 rows, filled later", "The type of the column is fixed by the first 1,000 rows: "
                      "`Couldn't cast array of type ... to null`.", "Move a row with a value to the front.", "data/converter.py: align_dataset"),
    "LF07": Behaviour("crash", "the entry names a column that no row has", "`KeyError` with the column's name at the first row.",
                      "Correct `columns` in dataset_info.json.", _TALK),
    "LF08": Behaviour("crash", "a row that is no object", "The whole file fails: `Column() changed from object to ...`.",
                      "Write one object a row.", _JSON),
    "LF09": Behaviour("crash", "no row is left", "`Cannot find valid samples, check data/README.md for the data format.`",
                      "See what the rows are dropped for.", "data/loader.py: _get_preprocessed_dataset"),
    "LF10": Behaviour("crash", "no rows", "`SchemaInferenceError` or `Instruction \"train\" corresponds to no data!`.",
                      "Give the file that holds the rows.", _LOAD),
    # --- dataset_info.json -----------------------------------------------------------------------------------------------------------
    "LF11": Behaviour("crash", "the file of the entry is not there", "`File ... not found.`", "Correct `file_name`; it is relative to dataset_dir.", _LOAD),
    "LF12": Behaviour("crash", "a kind of file that is not read", "`Allowed file types: arrow,csv,json,jsonl,parquet,txt.`, or "
                      "`File types should be identical.`", "Rename or convert the file; keep others out of its folder.", _LOAD),
    "LF13": Behaviour("crash", "unknown formatting", "`Dataset converter ... not found.`", "Use sharegpt or alpaca.", "data/converter.py: get_dataset_converter"),
    "LF14": Behaviour("crash", "preference data in the wrong stage", "`The dataset is not applicable in the current training stage.`",
                      "Set `ranking` and `stage` to fit each other.", "data/loader.py: _get_merged_dataset"),
    "LF15": Behaviour("ignored", "a key that is not read", "The key is passed over in silence.", "Rename it as docs/lint.md lists.", _ENTRY),
    "LF16": Behaviour("crash", "`columns` or `tags` leaves out what is needed", "Where `columns` or `tags` stands, whatever it does not list is None: `KeyError: None`.",
                      "List every column and tag.", _ENTRY),
    "LF17": Behaviour("altered", "formatting openai", "`detailed thinking off` is appended to the system prompt of every row without tools.",
                      "Use `formatting: sharegpt` with tags.", "data/converter.py: OpenAIDatasetConverter"),
    "LF18": Behaviour("drop", "num_samples below the number of rows", "So many rows are drawn at random, the others never seen.",
                      "Remove `num_samples` to train on all.", _LOAD),
    "LF19": Behaviour("unjudged", "not a local file", "The rows come from a hub, a cloud or a script; scripts are never run here.",
                      "Download the files and lint them.", _LOAD),
    "LF20": Behaviour("crash", "dataset_info.json cannot be read", "`Cannot open ... due to ...`", "Repair it.", "data/parser.py: get_dataset_list"),
    "LF21": Behaviour("crash", "an unknown split", "`Unknown split ...`; a file has the split `train` alone.", "Remove `split`.", _LOAD),
    "LF22": Behaviour("crash", "too little text to pack", "Stage pt packs all texts into blocks of cutoff_len; less than one block: "
                      "`Cannot find sufficient samples, consider increasing dataset size.`", "Lower cutoff_len or give more text.",
                      "data/processor/pretrain.py: preprocess_dataset"),
    "LF23": Behaviour("crash", "`columns` or `tags` that are no names", "`AttributeError` or `TypeError` while the entry is read or its columns are looked up.",
                      "Write an object of names: {\"messages\": \"conversations\"}.", _ENTRY),
    # --- turns -----------------------------------------------------------------------------------------------------------------------
    "LF30": Behaviour("drop", "turns that do not alternate", "`Invalid role tag`, `Skipping this abnormal example.`; the row is gone. After an "
                      "optional system turn, user or observation and assistant or function must take turns.",
                      "Merge or remove turns, or correct `tags`.", _TALK),
    "LF31": Behaviour("drop", "a turn without its answer", "`Invalid message count`, `Skipping this abnormal example.`; the row is gone.",
                      "End with an assistant turn.", _TALK),
    "LF32": Behaviour("drop", "an unknown role", "`Invalid role tag`, `Skipping this abnormal example.`; the row is gone.",
                      "Use the roles of `tags`, or name the others there.", _TALK),
    "LF33": Behaviour("drop", "no turns", "`Dropped invalid example`; the row is gone.", "Remove the row or fill it.", _DROP),
    "LF34": Behaviour("drop", "the answer is not a text", "`Dropped invalid example`; the row is gone. Numbers, lists, null and dates that Arrow "
                      "made of texts are no answers.", "Write the answer as a text.", _ALPACA),
    "LF35": Behaviour("drop", "no pair, or no true or false", "`Dropped invalid example`; the row is gone.",
                      "Give chosen and rejected as the formatting wants them, and the label of KTO as true or false.", "data/processor/pairwise.py, feedback.py"),
    "LF36": Behaviour("crash", "the turns are no list of objects", "`TypeError` or `KeyError` from the converter.", "Write a list of turns.", _TALK),
    "LF37": Behaviour("crash", "content that is not a text", "`'...' object has no attribute 'count'`, or for lists of parts "
                      "`The number of images does not match the number of <image> tokens`.", "Write texts with <image> where the images stand.", _COUNT),
    "LF38": Behaviour("crash", "a function turn that is no call", "`Invalid JSON format in function message`, `KeyError` or `TypeError`.",
                      'Write {"name": ..., "arguments": ...}, or a list of them.', f"{_FORMAT}: FunctionFormatter.apply"),
    "LF39": Behaviour("crash", "tools that are no JSON text of a list", "`Invalid JSON format in tool description`, `TypeError` or `AttributeError`.",
                      "Write the list of tools as one JSON text.", f"{_FORMAT}: ToolFormatter.apply"),
    "LF40": Behaviour("crash", "history that is no list of pairs", "`too many values to unpack`.", "Write pairs of question and answer.", _ALPACA),
    "LF41": Behaviour("crash", "an instruction that is not a text", "`sequence item 0: expected str instance`.", "Write a text.", _ALPACA),
    "LF42": Behaviour("crash", "chosen or rejected of an unknown role", "`KeyError` with the role.", "Use the assistant's role.", _TALK),
    # --- media -----------------------------------------------------------------------------------------------------------------------
    "LF50": Behaviour("crash", "tags and media differ in number", "`The number of images does not match the number of <image> tokens`; the run stops. "
                      "Tags are counted as text in every turn but the system's, answers included.",
                      "Write one <image> for each image, and none in other texts.", _COUNT),
    "LF51": Behaviour("crash", "a media file is not there", "`Media ... does not exist in media_dir. Use original path.`, then "
                      "`FileNotFoundError`.", "Put the file below dataset_dir, or set media_dir; URLs and base64 are not read.", _MEDIA),
    "LF52": Behaviour("crash", "an image that cannot be read", "The error of Pillow; the run stops.", "Replace the file.", _IMAGE),
    "LF53": Behaviour("crash", "media that are no paths", "`Expect input is a list of images`, `KeyError: 'bytes'` or `TypeError`.",
                      'Give paths, or {"path": ..., "bytes": ...}.', _IMAGE),
    "LF54": Behaviour("crash", "a vision token in the text", "The literal token counts as part of an image: `StopIteration` or `shape mismatch` while training.",
                      "Write <image>, or take the token out of the text.", "data/collator.py: _compute_rope_position_ids"),
    "LF55": Behaviour("altered", "a control token in the text", "It becomes the real token: whoever wrote it can end a turn and begin another.",
                      "Take it out of the text.", "data/template.py: Template._convert_elements_to_ids"),
    "LF56": Behaviour("altered", "an image in an answer", "Its tokens are learned as if the model should write them.", "Move the image to a user turn.", _COUNT),
    "LF57": Behaviour("ignored", "images that no column is named for", "They are not loaded; the row trains as text.",
                      "Add the column to `columns` of dataset_info.json.", _ENTRY),
    "LF58": Behaviour("altered", "the end of a pair of tags", "Only the tag itself is replaced: `</image>` stays in the text.",
                      "Take it out of the text.", _COUNT),
    # --- length ----------------------------------------------------------------------------------------------------------------------
    "LF60": Behaviour("cut", "cut through the vision tokens", "cutoff_len counts vision tokens and cuts through them in silence; training then dies with "
                      "`shape mismatch` or `Image features and image tokens do not match`.",
                      "Raise cutoff_len, or lower image_max_pixels.", _CUT),
    "LF61": Behaviour("cut", "text is cut off", "What is over cutoff_len is cut from the end of prompt or answer, in silence.",
                      "Raise cutoff_len or shorten the row.", _CUT),
    # --- pixels ----------------------------------------------------------------------------------------------------------------------
    "LF70": Behaviour("boxes", "boxes that may be in pixels of an image that is resized", "The image changes its size, the numbers in the text do not.",
                      "Convert with `vldata convert sharegpt`, which moves them, or write them on a scale of 0 to 1000 (if they are: --boxes 0-1000).", _SIZE),
    "LF71": Behaviour("note", "the image is resized", "To image_max_pixels (589,824) and then to the grid of the processor, with two filters.",
                      "`vldata convert sharegpt` resizes once.", _SIZE),
    "LF72": Behaviour("altered", "an image that its EXIF turns", "EXIF is not looked at: the model sees it on its side, upside down or mirrored.",
                      "Turn the pixels (`vldata convert` does).", _IMAGE),
    "LF73": Behaviour("note", "transparency", "The alpha channel is dropped: what was transparent shows its hidden colour.",
                      "Put the image on white (`vldata convert` does).", _SIZE),
    "LF74": Behaviour("altered", "an image of 16 bits", "Converted to 8 bits by cutting off: nearly everything is white.",
                      "Scale it to 8 bits.", _SIZE),
    "LF75": Behaviour("altered", "a side below 28 pixels, or 200 times the other", "Stretched to 28 pixels, or squashed to 180 to 1.", "Pad or crop the image.", _SIZE),
    # --- what is passed over ---------------------------------------------------------------------------------------------------------
    "LF80": Behaviour("ignored", "a field of the row that is not used", "Only columns that the entry names are read.",
                      "Name it in `columns` where it can be, else convert.", _ENTRY),
    "LF81": Behaviour("ignored", "a field of a turn that is not used", "Only role and content of a turn are read: loss, weight, reasoning and tool calls are not.",
                      "Write what matters into the content; for loss see `mask_history`.", _TALK),
    "LF82": Behaviour("nothing", "the answer is blank", "Only the end of the turn is learned.", "Remove the row or fill it.", _DROP),
    "LF83": Behaviour("nothing", "chosen and rejected are the same", "The pair says nothing.", "Remove the row.", "data/processor/pairwise.py"),
    "LF84": Behaviour("prompt", "train_on_prompt", "Questions and vision tokens are learned too.", "Leave train_on_prompt out.", _CUT),
    "LF85": Behaviour("ignored", "mask_history", "Only the last answer is learned, the others are not.", "Leave mask_history out to learn them all.", _CUT),
    "LF86": Behaviour("altered", "an answer without a thought under a template of thinking", "An empty thought is put before the answer and learned (enable_thinking true).",
                      "Use the template's `_nothink` form, or set enable_thinking false.", "data/template.py: ReasoningTemplate.encode_multiturn"),
    "LF87": Behaviour("altered", "a template with a system prompt of its own", "`You are a helpful assistant.` is put before every row without a system turn.",
                      "Use the template of the model (qwen3_vl_nothink for Qwen3-VL).", "data/template.py: register_template"),
    "LF88": Behaviour("ignored", "images in pre-training", "Stage pt reads the text of the prompt alone; answers and media are not used.",
                      "Train with stage sft.", "data/processor/pretrain.py: preprocess_dataset"),
    # --- videos ----------------------------------------------------------------------------------------------------------------------
    "LF90": Behaviour("crash", "a video after the first turn", "The marks of time are looked up by the number of the turn, not of the video: "
                      "`IndexError: list index out of range`.", "Put videos into the first turn.", _VIDEO),
    "LF91": Behaviour("crash", "videos of different length in one row", "All get the number of frames of the first: `IndexError`, or tokens and features that do not match.",
                      "One video a row, or cut them to one length.", _VIDEO),
    "LF92": Behaviour("note", "frames given as a list", "They are timed as if taken at video_fps (2 a second).", "Set video_fps to what they were taken at.",
                      "data/mm_plugin.py: Qwen2VLPlugin._regularize_videos"),
    "LF93": Behaviour("crash", "a frame or video is not there", "`Invalid image found in video frames.` or `FileNotFoundError`.", "Put the file below dataset_dir.",
                      "data/mm_plugin.py: Qwen2VLPlugin._regularize_videos"),
    "LF94": Behaviour("unjudged", "audio", "Rows with audio are not judged.", "Try a few rows in the trainer.", _COUNT),
    "LF96": Behaviour("crash", "frames of several sizes in one video", "`ValueError: all input arrays must have the same shape`.", "Give frames of one size.",
                      "data/mm_plugin.py: Qwen2VLPlugin._regularize_videos"),
    "LF95": Behaviour("time", "several videos in one turn", "All get the marks of time of one of them.", "One video a row.", _VIDEO),
}  # fmt: skip
