"""Rows as people have them, whatever they were made for: each corpus gives them to its trainer as they lie."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from tests.lint.cases import Meant

Q, A = "What is it?", "A red box."
PLAIN: Meant = {"answers": [A], "prompts": [Q], "images": 1}
WORDS: Meant = {"answers": [A], "prompts": [Q]}
ASK = {"role": "user", "content": f"<image>{Q}"}
SAY = {"role": "assistant", "content": A}


class Everyday(NamedTuple):
    """One file of rows, and what they mean."""

    name: str
    rows: Any
    meant: list[Meant]
    file: str = "data.jsonl"


def _one(name: str, row: Any, meant: Meant = PLAIN, file: str = "data.jsonl") -> Everyday:
    return Everyday(f"day-{name}", [row], [meant], file)


def _llava(question: str = f"<image>\n{Q}", answer: str = A, **more: Any) -> dict[str, Any]:
    return {"id": "1", "conversations": [{"from": "human", "value": question}, {"from": "gpt", "value": answer}], **more}


def _chat(question: Any = f"<image>{Q}", answer: Any = A, images: Any = ("grid.png",), **more: Any) -> dict[str, Any]:
    given = {"messages": [{"role": "user", "content": question}, {"role": "assistant", "content": answer}], **more}
    return given if images is None else {**given, "images": list(images)}


def _forms() -> Iterator[Everyday]:
    yield _one("llava", _llava(image="grid.png"), file="data.json")
    yield Everyday("day-llava-mixed", [_llava(image="grid.png"), _llava(Q)], [PLAIN, WORDS], "data.json")
    yield Everyday("day-llava-text-first", [_llava(Q), _llava(image="grid.png")], [WORDS, PLAIN], "data.json")
    yield _one("llava-two-images", _llava(f"<image>\n<image>\n{Q}", image=["grid.png", "wide.png"]), {**PLAIN, "images": 2}, "data.json")
    yield _one("internvl", _llava(image="grid.png", width=256, height=256))
    yield _one(
        "internvl-lists",
        _llava(f"<image>\n<image>\n{Q}", image=["grid.png", "wide.png"], width_list=[256, 320], height_list=[256, 256]),
        {**PLAIN, "images": 2},
    )
    yield _one(
        "llava-model-role",
        {"image": "grid.png", "conversations": [{"from": "user", "value": f"<image>\n{Q}"}, {"from": "assistant", "value": A}]},
    )
    yield _one("llava-untagged", _llava(Q, image="grid.png"))
    yield _one(
        "llava-system",
        {"image": "grid.png", "system": "Be brief.", "conversations": _llava()["conversations"]},
        {**PLAIN, "system": "Be brief."},
    )
    yield _one(
        "axolotl-path", _chat([{"type": "image", "path": "grid.png"}, {"type": "text", "text": Q}], [{"type": "text", "text": A}], None)
    )
    yield _one(
        "axolotl-url", _chat([{"type": "image", "url": "grid.png"}, {"type": "text", "text": Q}], [{"type": "text", "text": A}], None)
    )
    yield _one("openai", _chat([{"type": "image_url", "image_url": {"url": "grid.png"}}, {"type": "text", "text": Q}], A, None))
    yield _one("parts-beside-column", _chat([{"type": "image"}, {"type": "text", "text": Q}], [{"type": "text", "text": A}]))
    yield _one(
        "parts-value",
        _chat([{"type": "image_url", "value": "grid.png"}, {"type": "text", "value": Q}], [{"type": "text", "value": A}], None),
    )
    yield _one("parts-content", _chat([{"type": "text", "content": Q}], [{"type": "text", "content": A}], None), WORDS)
    yield _one(
        "parts-answer-null",
        _chat([{"type": "image"}, {"type": "text", "text": Q}], [{"type": "text", "text": None}]),
        {**PLAIN, "answers": []},
    )
    yield _one("parts-strings", _chat([Q], [A], None), WORDS)
    yield _one("tools", {"conversations": [
        {"from": "human", "value": f"<image>{Q}"},
        {"from": "function_call", "value": '{"name": "crop", "arguments": {"x": 1}}'},
        {"from": "observation", "value": "cropped"},
        {"from": "gpt", "value": A},
    ], "images": ["grid.png"], "tools": '[{"name": "crop", "description": "d", "parameters": {"type": "object", "properties": {}}}]'},
        {"answers": [A, "crop"], "prompts": [Q, "cropped"], "images": 1})  # fmt: skip
    yield _one("tool-calls", {"messages": [
        ASK,
        {"role": "assistant", "content": None, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "crop", "arguments": "{}"}}]},
        {"role": "tool", "content": "cropped", "tool_call_id": "1"},
        SAY,
    ], "images": ["grid.png"]}, {"answers": [A, "crop"], "prompts": [Q], "images": 1})  # fmt: skip
    yield _one("prompt-response", {"prompt": f"<image>{Q}", "response": A, "images": ["grid.png"]})
    yield _one(
        "prompt-query-response",
        {"prompt": f"<image>{Q}", "query": "More.", "response": A, "images": ["grid.png"]},
        {**PLAIN, "prompts": [Q, "More."]},
    )
    yield _one("instruction-response", {"instruction": f"<image>{Q}", "response": A, "image": "grid.png"})
    yield _one("question-answers", {"question": Q, "answers": [A, "box"], "image": "grid.png"})
    yield _one("question-answer-number", {"question": Q, "answer": 7, "image": "grid.png"}, {**PLAIN, "answers": ["7"]})
    yield _one(
        "question-choices",
        {"image": "grid.png", "question": Q, "choices": ["red", "blue"], "correct_choice_idx": 1},
        {**PLAIN, "answers": ["blue"]},
    )
    yield _one("question-only", {"image": "grid.png", "question": Q}, {**PLAIN, "answers": [A]})
    yield _one("caption", {"image": "grid.png", "caption": A}, {"answers": [A], "images": 1})
    yield _one(
        "choices",
        {"image": "grid.png", "question": f"<image>{Q}", "choices": ["red", "blue"], "answer": "B"},
        {**PLAIN, "answers": ["B"], "prompts": [Q, "blue"]},
    )
    yield _one("choices-beside", {**_chat(), "options": {"A": "red", "B": "blue"}}, {**PLAIN, "prompts": [Q, "blue"]})
    yield _one("image-path-key", _chat(Q, A, None, image_list=["grid.png", "wide.png"]), {**WORDS, "images": 2})
    yield _one("image-file-key", _chat(Q, A, None, img_path="grid.png"))
    yield _one("image-bytes-key", _chat(Q, A, None, picture={"path": "grid.png"}))
    yield _one("image-width-key", _chat(image_width=256, image_id="7"))
    yield Everyday("day-empty-first", [_chat(Q, A, None, rejected_response=""), _chat(Q, A, None, rejected_response="A cat.")],
                   [WORDS, {**WORDS, "prompts": [Q, "A cat."]}])  # fmt: skip
    yield Everyday("day-path-empty-first", [_chat(Q, A, None, image_path=""), _chat(Q, A, None, image_path="grid.png")], [WORDS, PLAIN])
    yield _one("text", {"text": f"{Q} {A}"}, {"answers": [A]})
    yield _one("text-lines", f"{Q} {A}\nMore of it.\n", {"answers": []}, "data.txt")
    yield _one(
        "history",
        {"instruction": Q, "input": "", "output": A, "history": [["Hello", "Hi there"]]},
        {"answers": [A, "Hi there"], "prompts": [Q]},
    )
    yield _one("history-null", {"query": Q, "response": A, "history": None}, WORDS)
    yield _one("history-empty", {"query": Q, "response": A, "history": []}, WORDS)
    yield _one("grounding", {**_chat("<image>Where is <ref-object>?", "At <bbox>.", ("wide.png",)), "objects": {"ref": ["van"], "bbox": [[32, 64, 160, 192]]}},
               {"answers": ["(100,250),(500,750)"], "prompts": ["Where is", "van"], "images": 1})  # fmt: skip
    yield _one("grounding-point", {**_chat("<image>Where?", "At <bbox>.", ("wide.png",)), "objects": {"ref": [], "bbox": [[32, 64]]}},
               {"answers": ["(100,250)"], "prompts": ["Where?"], "images": 1})  # fmt: skip
    yield _one("grounding-tokens", _chat("<image>Where?", "<|object_ref_start|>box<|object_ref_end|><|box_start|>(100,250),(500,750)<|box_end|>", ("wide.png",)),
               {"answers": ["(100,250),(500,750)"], "prompts": ["Where?"], "images": 1})  # fmt: skip
    yield _one("chosen-rejected", {**_chat(), "chosen": A, "rejected": "A cat."}, {**PLAIN, "prompts": [Q, "A cat."]})
    yield _one("label-zero", {**_chat(), "label": 0})
    yield _one("solution", {**_chat(), "solution": "four"}, {**PLAIN, "answers": [A, "four"]})


def _turns() -> Iterator[Everyday]:
    def one(name: str, *turns: tuple[Any, Any], meant: Meant = PLAIN, images: Any = ("grid.png",)) -> Everyday:
        row = {"messages": [{"role": role, "content": content} for role, content in turns]}
        return _one(name, row if images is None else {**row, "images": list(images)}, meant)

    ask, say = ("user", f"<image>{Q}"), ("assistant", A)
    yield one("system-only", ("system", "Be brief."), images=None, meant={"answers": [], "prompts": ["Be brief."]})
    yield one("system-and-answer", ("system", "Be brief."), say, images=None, meant={"answers": [A], "prompts": ["Be brief."]})
    yield one("system-blank", ("system", ""), ask, say)
    yield one("image-in-system", ("system", "<image>Be brief."), ("user", Q), say, meant={**PLAIN, "system": "Be brief."})
    yield one("three-users", ask, ("user", "Look."), ("user", "Now."), say, meant={**PLAIN, "prompts": [Q, "Look.", "Now."]})
    yield one(
        "answers-in-a-row",
        ask,
        say,
        ("assistant", "Indeed."),
        ("user", "Sure?"),
        ("assistant", "Yes."),
        meant={**PLAIN, "answers": [A, "Indeed.", "Yes."]},
    )
    yield one("trailing-user", ask, say, ("user", "Thanks"))
    yield one("leading-assistant", ("assistant", "Hello!"), ask, say)
    yield one("answer-newline", ask, ("assistant", "\n"), meant={**PLAIN, "answers": []})
    yield one("answer-thought-alone", ask, ("assistant", "<think>\n\n</think>\n\n"), meant={**PLAIN, "answers": ["<think>"]})
    yield one("question-blank", ("user", "<image>"), say, meant={"answers": [A], "images": 1})
    yield one("tag-in-answer", ask, ("assistant", f"<image>{A}"), meant={**PLAIN, "never": ["<image>"]})
    yield one("video-tag-in-answer", ask, ("assistant", f"Say <video>. {A}"))
    for name, tag in (
        ("here", "<ImageHere>"), ("upper", "<IMAGE>"), ("bracket", "[image]"), ("bar", "<|image|>"), ("underscore", "<image_1>"),
        ("closed", "<image></image>"), ("self-closed", "<image/>"), ("token", "<image_token>"), ("img-context", "<IMG_CONTEXT>"),
        ("placeholder", "<image_placeholder>"), ("pad", "<|vision_start|><|image_pad|><|vision_end|>"), ("soft", "<image_soft_token>"),
        ("start", "<start_of_image>"), ("fullwidth", "＜image＞"), ("picture", "Picture 1: "), ("spaced", "< image >"),
    ):  # fmt: skip
        never = ["</image>"] if name == "closed" else [] if name in ("pad", "picture") else [tag]
        yield one(f"tag-{name}", ("user", f"{tag}{Q}"), say, meant={**PLAIN, "never": never})
    yield one("roles-upper", ("USER", f"<image>{Q}"), ("ASSISTANT", A))
    yield one("roles-chatbot", ("human", f"<image>{Q}"), ("chatgpt", A))
    yield one("roles-ai", ("user", f"<image>{Q}"), ("ai", A))
    yield one("unicode-lines", ask, ("assistant", "One\u2028two\u0085three"), meant={**PLAIN, "answers": ["One", "three"]})
    yield one("null-byte", ask, ("assistant", "A\u0000box"), meant={**PLAIN, "answers": ["A"]})
    yield one("endoftext", ask, ("assistant", f"{A}<|endoftext|>"), meant={**PLAIN, "never": ["<|endoftext|>"]})


def _pictures() -> Iterator[Everyday]:
    for name in (
        "g.gif",
        "16.png",
        "cmyk.jpg",
        "la.png",
        "trns.png",
        "huge.png",
        "down.jpg",
        "m.tif",
        "w.webp",
        "p.bmp",
        "dot.png",
        "bit.png",
    ):
        meant = {**PLAIN, "top": {"down.jpg": "red", "16.png": "dark"}[name]} if name in ("down.jpg", "16.png") else PLAIN
        yield _one(f"picture-{name.replace('.', '-')}", _chat(images=(name,)), meant)
    for name, path in (
        ("percent", "grid%2Epng"),
        ("query", "grid.png?x=1"),
        ("up", "../day-path-up/grid.png"),
        ("home", "~/grid.png"),
        ("trailing-slash", "grid.png/"),
        ("newline", "grid.png\n"),
    ):
        yield _one(f"path-{name}", _chat(images=(path,)))
    yield _one("images-null-inside", _chat(images=("grid.png", None)))
    yield Everyday("day-images-missing-key", [_chat(), _chat(Q, images=None)], [PLAIN, WORDS])
    yield _one("image-and-images", {**_chat(), "image": "wide.png"}, {**PLAIN, "images": 2})
    yield _one("video-parts", _chat([{"type": "video", "video": "none.mp4"}, {"type": "text", "text": Q}], A, None), WORDS)
    yield _one("video-column", _chat(f"<video>{Q}", A, None, videos=["none.mp4"]), WORDS)


def _files() -> Iterator[Everyday]:
    yield Everyday("day-csv-images", f'query,response,images\n"<image>{Q}","{A}","[\'grid.png\']"\n', [PLAIN], "data.csv")
    yield Everyday("day-csv-json-images", f'query,response,images\n"<image>{Q}","{A}","[""grid.png""]"\n', [PLAIN], "data.csv")
    yield Everyday("day-csv-semicolons", f'query;response\n"{Q}";"{A}"\n', [WORDS], "data.csv")
    yield Everyday("day-csv-bom", f'\ufeffquery,response\n"{Q}","{A}"\n', [WORDS], "data.csv")
    yield Everyday("day-csv-empty-answer", f'query,response\n"{Q}",\n"{Q}","{A}"\n', [{**WORDS, "answers": []}, WORDS], "data.csv")
    yield Everyday("day-csv-na", f'query,response\n"{Q}",N/A\n"{Q}","{A}"\n', [{**WORDS, "answers": ["N/A"]}, WORDS], "data.csv")
    yield Everyday("day-json-lines-in-json", "".join(json.dumps(_chat()) + "\n" for _ in range(2)), [PLAIN, PLAIN], "data.json")
    yield Everyday("day-json-object-by-id", {"1": _chat(), "2": _chat()}, [PLAIN, PLAIN], "data.json")
    yield Everyday("day-enveloped-annotations", {"annotations": [_chat()], "info": {}}, [PLAIN], "data.json")
    yield Everyday("day-answer-types", [_chat(), _chat(answer=7)], [PLAIN, {**PLAIN, "answers": ["7"]}])
    yield Everyday("day-id-types", [{"id": 1, **_chat()}, {"id": "b", **_chat()}], [PLAIN, PLAIN], "data.json")
    yield Everyday("day-comment-line", "// mine\n" + json.dumps(_chat()) + "\n", [PLAIN])
    yield Everyday("day-single-quotes", str([_chat()]), [PLAIN], "data.json")
    yield Everyday("day-trailing-text", json.dumps([_chat()]) + "\n# end\n", [PLAIN], "data.json")


def everyday() -> list[Everyday]:
    """Return all; names are unique."""
    found = [one for part in (_forms, _turns, _pictures, _files) for one in part()]
    assert len({one.name for one in found}) == len(found)
    return found
