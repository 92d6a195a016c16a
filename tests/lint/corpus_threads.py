"""Rows as people showed them in public threads and as published sets hold them; a name says where. Each corpus gives them to its trainer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.lint.cases import Meant
from tests.lint.corpus_everyday import Everyday

Q, A = "What is it?", "A red box."
PLAIN: Meant = {"answers": [A], "prompts": [Q], "images": 1}
WORDS: Meant = {"answers": [A], "prompts": [Q]}
TWO: Meant = {**PLAIN, "images": 2}
SURE, YES = "Sure?", "Yes indeed."
CROP = {"name": "crop", "description": "d", "parameters": {"type": "object", "properties": {}}}


def _row(name: str, row: Any, meant: Meant = PLAIN, file: str = "data.jsonl") -> Everyday:
    return Everyday(f"thread-{name}", [row], [meant], file)


def _chat(*turns: tuple[str, Any] | dict[str, Any], images: Any = ("grid.png",), **more: Any) -> dict[str, Any]:
    given = {"messages": [turn if isinstance(turn, dict) else {"role": turn[0], "content": turn[1]} for turn in turns], **more}
    return given if images is None else {**given, "images": list(images) if isinstance(images, tuple) else images}


def _said(*turns: tuple[str, Any], **more: Any) -> dict[str, Any]:
    return {"conversations": [{"from": who, "value": text} for who, text in turns], **more}


ASK, SAY = ("user", f"<image>{Q}"), ("assistant", A)


def _llamafactory() -> Iterator[Everyday]:
    yield _row(
        "llamafactory-6298",
        _chat(
            ("system", "Be brief."),
            ("user", Q),
            ("user", [{"type": "image_url", "image_url": {"url": "grid.png"}}]),
            SAY,
            images=None,
        ),
        {**PLAIN, "system": "Be brief."},
    )
    yield _row("llamafactory-6135", _chat(("user", Q), ("assistant", '{"colour": "red", "role": "box"}')), {**PLAIN, "answers": ["red"]})
    yield _row("llamafactory-10158", _chat(ASK, SAY), file="part/data.jsonl")
    yield _row(
        "llamafactory-7673",
        _said(
            ("human", Q),
            chosen={"from": "gpt", "value": "<image>\n<image>\n"},
            rejected={"from": "gpt", "value": "<image>\n<image>\n"},
            images=["grid.png", "wide.png", "a.png", "b.png"],
        ),
        {"answers": [], "prompts": [Q], "images": 4},
    )
    yield _row("llamafactory-1913", {"instruction": Q, "input": "More.", "output": [A, "A cat."]}, WORDS)
    yield _row(
        "llamafactory-4717",
        {"id": "1", "question": Q, "pos_answer": {"answer": A, "score": 1.0}, "neg_answer": {"answer": "A cat.", "score": 0.0}},
        {**WORDS, "prompts": [Q, "A cat."]},
    )
    yield _row("llamafactory-4108", {"instruction": Q, "chosen": A, "rejected": "A cat."}, {**WORDS, "prompts": [Q, "A cat."]})
    yield _row(
        "llamafactory-9107",
        _chat(
            ASK,
            {
                "role": "assistant",
                "content": "I crop.",
                "tool_calls": [{"type": "function", "function": {"name": "crop", "arguments": {"x": 1}}}],
            },
            ("tool", "cropped"),
            SAY,
        ),
        {"answers": [A, "I crop.", '"crop"'], "prompts": [Q, "cropped"], "images": 1},
    )
    yield _row(
        "llamafactory-9772",
        _chat(
            {"role": "system", "content": "You can crop.", "functions": json.dumps([CROP]), "function_calls": None},
            {"role": "user", "content": Q, "functions": None, "function_calls": None},
            {"role": "assistant", "content": None, "functions": None, "function_calls": "crop(x=1)"},
            {"role": "environment", "content": "cropped", "functions": None, "function_calls": None},
            {"role": "assistant", "content": A, "functions": None, "function_calls": None},
            images=None,
        ),
        {"answers": [A, "crop(x=1)"], "prompts": [Q, "cropped"]},
    )
    call = '{"name": "crop", "arguments": {"x": [5, 3]}}'
    yield _row(
        "llamafactory-4729",
        _said(
            ("human", Q),
            ("function_call", call),
            ("observation", '{"area": 15}'),
            ("gpt", A),
            ("human", SURE),
            ("function_call", call),
            ("observation", '{"area": 50}'),
            ("gpt", YES),
        ),
        {"answers": [A, YES, "crop"], "prompts": [Q, SURE, "15"]},
    )
    yield _row(
        "qwen3-1314", _said(("human", Q), ("gpt", A), system="Be brief.", tools=json.dumps([CROP])), {**WORDS, "system": "Be brief."}
    )
    yield _row(
        "qwen3vl-558",
        {
            "messages": [
                {"from": "system", "value": "Be brief."},
                {"from": "human", "value": f"{Q}<image><image>"},
                {"from": "gpt", "value": A},
            ],
            "images": ["grid.png", "wide.png"],
        },
        {**TWO, "system": "Be brief."},
    )
    yield _row("llamafactory-8734", _said(("human", f"<image>{Q}"), ("gpt", A), images="grid.png"))
    yield _row("llamafactory-6839", _chat(("user", f"<video>{Q}"), SAY, images=None, video=["none.mp4"]), WORDS)
    yield _row("llamafactory-8253", _chat(("user", f"<video>{Q}"), SAY, images=None, videos=[["grid.png", "wide.png"]]), WORDS)
    yield _row("llamafactory-8199", _chat(("user", f"<image>\n<image>\n{Q}"), SAY, ("user", f"<image>{SURE}"), ("assistant", YES),
                                          images=("grid.png", "wide.png", "a.png")),
               {"answers": [A, YES], "prompts": [Q, SURE], "images": 3})  # fmt: skip
    yield _row("llamafactory-images-text", {"instruction": f"<image>{Q}", "input": "", "output": A, "images": '["grid.png"]'})
    yield _row("llamafactory-windows", _chat(ASK, SAY, images=("pictures\\grid.png",)))
    yield _row("llamafactory-same-twice", _chat(("user", f"<image><image>{Q}"), SAY, images=("grid.png", "grid.png")), TWO)
    yield _row("llamafactory-nothing-else", _chat(("user", Q), SAY, images=[], videos=[], audios=[]), WORDS)


def _swift() -> Iterator[Everyday]:
    yield Everyday("thread-swift-4895", [{"query": Q, "response": A, "images": [""]},
                                         {"query": Q, "response": f"<image>{A}", "images": ["grid.png"]}], [WORDS, PLAIN])  # fmt: skip
    yield _row(
        "swift-5686",
        _chat(("assistant", "<image>A box, <image>a bar."), images=("grid.png", "wide.png")),
        {"answers": ["A box", "a bar."], "images": 2, "image_in_answer": True},
    )
    boxes = json.dumps([{"bbox_2d": [123, 182, 150, 283], "label": "person"}], indent=0)
    yield _row(
        "swift-6153",
        _chat(
            ("user", f"A <image> and a <image>. Find <|object_ref_start|>person<|object_ref_end|>. {Q}"),
            ("assistant", boxes),
            images=("grid.png", "wide.png"),
        ),
        {"answers": ["person"], "prompts": [Q], "images": 2, "boxes": True, "sizes": [[256, 256], [320, 256]]},
    )
    yield _row("swift-5934", {**_chat(ASK, ("assistant", "<bbox>"), images=("wide.png",)), "rejected_response": "<bbox>",
                              "objects": {"ref": [], "bbox": [[32, 64, 160, 192], [1, 2, 30, 40]]}},
               {"answers": ["(100,250),(500,750)"], "prompts": [Q], "images": 1})  # fmt: skip
    yield _row(
        "swift-5077",
        _chat(ASK, ("assistant", json.dumps([{"label": "Text", "points": [[814, 987], [839, 987], [840, 1055]]}])), images=("big.jpg",)),
        {"answers": ["814"], "prompts": [Q], "images": 1, "boxes": True, "sizes": [[1920, 1080]]},
    )
    yield _row("swift-2430", {"query": f"User: <image> Agent: {Q} User: <image>", "response": A, "images": ["grid.png"]},
               {**PLAIN, "never": ["<image>"]})  # fmt: skip
    yield _row(
        "swift-2164",
        {
            "query": f"Image-1: <image>\nImage-2: <image>\n{SURE}",
            "response": YES,
            "history": [[f"Image-1: <image>\nImage-2: <image>\n{Q}", A]],
            "images": ["grid.png", "wide.png"],
        },
        {"answers": [A, YES], "prompts": [Q, SURE], "images": 2, "never": ["<image>"]},
    )
    yield _row("swift-5247", _chat(ASK, SAY, ("user", f"<image>{SURE}"), ("assistant", YES)),
               {"answers": [A, YES], "prompts": [Q, SURE], "images": 1, "never": ["<image>"]})  # fmt: skip
    yield _row(
        "swift-7876",
        {
            "messages": [{"role": "user", "content": f"<image>{Q}"}],
            "images": ["grid.png"],
            "positive_messages": [[{"role": "user", "content": A}]],
            "negative_messages": [[{"role": "user", "content": "A cat."}]],
        },
    )
    yield _row(
        "swift-5336",
        _chat(
            ASK,
            ("tool_call", '[{"name": "crop", "arguments": {}}, {"name": "zoom", "arguments": {}}]'),
            ("tool_response", "cropped"),
            SAY,
        ),
        {"answers": [A, "zoom"], "prompts": [Q, "cropped"], "images": 1},
    )
    call = ("tool_call", '{"name": "crop", "arguments": {}}')
    yield _row("swift-8498", _chat(ASK, call, ("tool_response", "cropped"), ("user", SURE), SAY),
               {"answers": [A, "crop"], "prompts": [Q, "cropped", SURE], "images": 1})  # fmt: skip
    yield _row("swift-9843", _chat(ASK, SAY, ("tool", "It rains."), ("assistant", YES)),
               {"answers": [A, YES], "prompts": [Q, "It rains."], "images": 1})  # fmt: skip
    yield _row(
        "swift-2984",
        _chat(
            ("user", [{"type": "text", "text": Q}, {"type": "text", "text": "<image>"}]),
            {
                "role": "assistant",
                "content": [{"type": "text", "text": "I crop."}],
                "tool_calls": [{"id": "1", "type": "function", "function": {"name": "crop", "arguments": '{"x": 1}'}}],
            },
            {"role": "tool", "tool_call_id": "1", "content": [{"type": "text", "text": "cropped"}]},
            ("assistant", [{"type": "text", "text": A}]),
        ),
        {"answers": [A, '"crop"'], "prompts": [Q, "cropped"], "images": 1},
    )
    yield _row("swift-9642", _chat(ASK, SAY, rejected_messages=[]))
    yield _row("swift-3754", {"image": "grid.png", "text": f" {A}"}, {"answers": [A], "images": 1}, "data.json")
    yield _row("swift-2381", {"query": f"\n{Q}", "response": A, "images": ["grid.png"]}, file="data.json")
    yield _row("swift-346", {"query": f"Picture 1:<img>grid.png</img>\n{Q}", "response": A})
    yield _row("swift-7920", _chat(ASK, SAY, videos=[], audios=None, objects={}))


def _trl_and_others() -> Iterator[Everyday]:
    turns = {"prompt": [{"role": "user", "content": Q}], "completion": [{"role": "assistant", "content": A}]}
    yield Everyday("thread-trl-4203", [{**turns, "images": ["grid.png"]}, turns], [PLAIN, WORDS])
    yield _row("trl-4874", _chat(("user", [{"type": "image"}, {"type": "text", "text": Q}]), ("assistant", [{"type": "text", "text": A}]),
                                 images=None, imgs=["grid.png"]))  # fmt: skip
    tools = [{"type": "function", "function": {"name": name, "description": "d", "parameters": {"type": "object", "properties": given}}}
             for name, given in (("crop", {"x": {"type": "integer"}}), ("zoom", {"by": {"type": "number"}}))]  # fmt: skip
    yield Everyday("thread-trl-5118", [_chat(("user", Q), SAY, images=None, tools=[tool]) for tool in tools], [WORDS, WORDS])
    yield _row("trl-4189", {"images": ["grid.png"], "prompt": f"<image>{Q}", "completion": A}, {**PLAIN, "never": ["<image>"]})
    yield _row("trl-prompt-text-turns", {"prompt": f"{Q}", "completion": [{"role": "assistant", "content": A}]}, WORDS)
    yield _row("unsloth-2095", {"traj": str([{"role": "user", "content": Q}, {"role": "assistant", "content": A}])}, WORDS)
    yield _row(
        "unsloth-4071",
        {"conversations": [{"role": "user", "content": Q}, {"role": "assistant", "content": A}], "source": "mine", "score": 5.1},
        WORDS,
    )
    yield _row(
        "unsloth-372",
        _chat(
            ("user", [{"type": "image", "image": {"path": "grid.png", "bytes": None}}, {"type": "text", "text": Q}]),
            ("assistant", [{"type": "text", "text": A}]),
            images=None,
        ),
    )
    yield _row(
        "unsloth-1369",
        _chat(
            ("user", [{"type": "text", "text": Q}, {"type": "image", "image": "grid.png"}, {"type": "image", "image": "wide.png"}]),
            ("assistant", [{"type": "text", "text": A}]),
            images=None,
        ),
        TWO,
    )
    yield _row("axolotl-segments", {"segments": [{"label": False, "text": Q}, {"label": True, "text": A}]}, WORDS)
    yield _row("r1v-problem", {"image": "grid.png", "problem": f"<image>{Q}", "solution": f"<answer>{A}</answer>"})
    yield _row(
        "minicpm-named",
        {
            "id": "0",
            "image": {"<image_00>": "grid.png", "<image_01>": "wide.png"},
            "conversations": [{"role": "user", "content": f"<image_00>\n<image_01>\n{Q}"}, {"role": "assistant", "content": A}],
        },
        {**TWO, "never": ["<image_00>"]},
        "data.json",
    )
    yield _row("cauldron-texts", {"images": ["grid.png"], "texts": [{"user": Q, "assistant": A, "source": "mine"}]})
    yield _row("qwenvl-img", _said(("user", f"Picture 1: <img>grid.png</img>\n{Q}"), ("assistant", A), id="1"), file="data.json")
    yield _row("xtuner-conversation", {"image": "grid.png", "conversation": [{"input": f"<image>\n{Q}", "output": A}]}, file="data.json")
    yield _row("mplug-text", {"image": ["grid.png"], "prompt": "", "text": f"Human: <image>\nHuman: {Q}\nAI: {A}", "task_type": "sft"})
    yield _row("shikra-box", {"img_path": "wide.png", "expression": Q, "bbox": [32, 64, 160, 192]}, {**PLAIN, "answers": ["32"]})
    yield _row(
        "mistral-url",
        _chat(("user", [{"type": "text", "text": Q}, {"type": "image_url", "image_url": "grid.png"}]), SAY, images=None),
    )
    yield _row(
        "gemini-contents",
        {
            "contents": [
                {"role": "user", "parts": [{"fileData": {"fileUri": "grid.png"}}, {"text": Q}]},
                {"role": "model", "parts": [{"text": A}]},
            ]
        },
    )
    yield _row(
        "anthropic-source",
        _chat(
            ("user", [{"type": "image", "source": {"type": "url", "url": "grid.png"}}, {"type": "text", "text": Q}]),
            ("assistant", [{"type": "text", "text": A}]),
            images=None,
        ),
    )
    yield _row("nested-turns", {"conversations": [[{"from": "human", "value": Q}, {"from": "gpt", "value": A}]]}, WORDS)
    yield _row("thinking-key", _chat(ASK, {"role": "assistant", "content": A, "thinking": "It is square."}),
               {**PLAIN, "answers": [A, "It is square."]})  # fmt: skip


def threads() -> list[Everyday]:
    """Return all; names are unique."""
    found = [one for part in (_llamafactory, _swift, _trl_and_others) for one in part()]
    assert len({one.name for one in found}) == len(found)
    return found
