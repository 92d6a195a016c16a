"""Cases for ms-swift: its own form, those it maps, and what its users got wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.lint.cases import Case, Meant
from tests.lint.corpus_everyday import everyday
from tests.lint.corpus_threads import threads

Q, A = "What is it?", "A red box."
PLAIN: Meant = {"answers": [A], "prompts": [Q], "images": 1}
WORDS: Meant = {"answers": [A], "prompts": [Q]}
OK = {"messages": [{"role": "user", "content": f"<image>{Q}"}, {"role": "assistant", "content": A}], "images": ["grid.png"]}


def talk(*turns: Any) -> list[dict[str, Any]]:
    """Turns of role and content."""
    return [turn if isinstance(turn, dict) else {"role": turn[0], "content": turn[1]} for turn in turns]


def case(name: str, rows: Any, meant: Meant | list[Meant] | None = None, *, file: str = "data.jsonl", **spec: Any) -> Case:
    """A case of one data file."""
    means = meant if isinstance(meant, list) else [PLAIN if meant is None else meant] * (len(rows) if isinstance(rows, list) else 1)
    return Case(name, {file: rows}, means, {"file": file, **spec})


def row(question: Any, answer: Any = A, images: Any = ("grid.png",), **more: Any) -> dict[str, Any]:
    """A row of two turns."""
    given = {"messages": talk(("user", question), ("assistant", answer)), **more}
    if images is not None:
        given["images"] = list(images) if isinstance(images, tuple) else images
    return given


U, R = ("user", f"<image>{Q}"), ("assistant", A)


def turns(name: str, *given: Any, meant: Meant | None = None, images: Any = ("grid.png",), **spec: Any) -> Case:
    """A case of one row with these turns."""
    one = {"messages": talk(*given)} | ({} if images is None else {"images": list(images)})
    return case(name, [one], meant, **spec)


def _fine() -> Iterator[Case]:
    yield case("plain", [OK])
    yield case("plain-json", [OK], file="data.json")
    yield case("pretty-json", json.dumps([OK, OK], indent=1), [PLAIN, PLAIN], file="data.json")
    yield case("image-key", [{"messages": OK["messages"], "image": "grid.png"}])
    yield case("image-string", [row(f"<image>{Q}", images="grid.png")])
    yield case("image-object", [row(f"<image>{Q}", images=[{"path": "grid.png", "bytes": None}])])
    yield case("image-object-path", [row(f"<image>{Q}", images=[{"path": "grid.png"}])])
    yield case("two-images", [row(f"<image><image>{Q}", images=("grid.png", "wide.png"))], {**PLAIN, "images": 2})
    yield case("text-only", [row(Q, images=None)], WORDS)
    yield case("text-beside-image", [row(Q, images=None), OK], [WORDS, PLAIN])
    yield case("text-empty-images", [row(Q, images=[]), OK], [WORDS, PLAIN])
    yield turns("system", ("system", "Be brief."), U, R, meant={**PLAIN, "system": "Be brief."})
    yield case("system-column", [row(f"<image>{Q}", system="Be brief.")], {**PLAIN, "system": "Be brief."})
    yield turns(
        "two-turns",
        U,
        R,
        ("user", "Sure?"),
        ("assistant", "Yes indeed."),
        meant={"answers": [A, "Yes indeed."], "prompts": [Q], "images": 1},
    )
    yield case(
        "conversations",
        [{"conversations": [{"from": "human", "value": f"<image>{Q}"}, {"from": "gpt", "value": A}], "images": ["grid.png"]}],
    )
    yield case(
        "conversations-image",
        [{"conversations": [{"from": "human", "value": f"<image>{Q}"}, {"from": "gpt", "value": A}], "image": "grid.png"}],
    )
    yield case("conversation-pairs", [{"conversation": [{"human": f"<image>{Q}", "assistant": A}], "images": ["grid.png"]}])
    yield case("query-response", [{"query": f"<image>{Q}", "response": A, "images": ["grid.png"]}])
    yield case("question-answer", [{"question": f"<image>{Q}", "answer": A, "image": "grid.png"}])
    yield case(
        "query-history", [{"query": Q, "response": A, "history": [["Hello", "Hi there"]]}], {"answers": [A, "Hi there"], "prompts": [Q]}
    )
    yield case("alpaca", [{"instruction": f"<image>{Q}", "input": "", "output": A, "images": ["grid.png"]}])
    yield case(
        "alpaca-input", [{"instruction": Q, "input": "More to know.", "output": A}], {"answers": [A], "prompts": [Q, "More to know."]}
    )
    yield case("alpaca-no-input", [{"instruction": f"<image>{Q}", "output": A, "images": ["grid.png"]}])
    yield turns(
        "parts",
        ("user", [{"type": "image", "image": "grid.png"}, {"type": "text", "text": Q}]),
        ("assistant", [{"type": "text", "text": A}]),
        images=None,
    )
    yield turns(
        "parts-url",
        ("user", [{"type": "image_url", "image_url": {"url": "grid.png"}}, {"type": "text", "text": Q}]),
        ("assistant", A),
        images=None,
    )
    yield turns(
        "parts-without-image", ("user", [{"type": "image"}, {"type": "text", "text": Q}]), ("assistant", [{"type": "text", "text": A}])
    )
    yield turns(
        "loss",
        U,
        {"role": "assistant", "content": "Wrong one.", "loss": False},
        ("user", "Sure?"),
        R,
        meant={**PLAIN, "never_learn": ["Wrong one."]},
    )
    yield case("extra-columns", [{**OK, "id": 1, "meta": {"a": "b"}}])
    yield case(
        "objects",
        [{**row("<image>Where is <ref-object>?", "At <bbox>.", ("wide.png",)), "objects": {"ref": ["box"], "bbox": [[32, 64, 160, 192]]}}],
        {"answers": ["(100,250),(500,750)"], "prompts": ["Where is"], "images": 1},
    )
    yield case(
        "objects-norm1",
        [{**row("<image>Where?", "At <bbox>."), "objects": {"ref": [], "bbox": [[0.1, 0.2, 0.3, 0.4]], "bbox_type": "norm1"}}],
        {"answers": ["(100,200),(300,400)"], "prompts": ["Where?"], "images": 1},
    )
    yield case(
        "tools",
        [
            {
                "messages": talk(U, ("tool_call", '{"name": "crop", "arguments": {"x": 1}}'), ("tool_response", "cropped"), R),
                "images": ["grid.png"],
                "tools": '[{"type": "function", "function": {"name": "crop", "description": "d", "parameters": {"type": "object", "properties": {}}}}]',
            }
        ],
        {"answers": [A], "prompts": [Q, "cropped"], "images": 1},
    )
    yield case(
        "function-call-roles",
        [
            {
                "messages": talk(U, ("function_call", '{"name": "crop", "arguments": {"x": 1}}'), ("observation", "cropped"), R),
                "images": ["grid.png"],
            }
        ],
        {"answers": [A], "prompts": [Q, "cropped"], "images": 1},
    )
    yield turns(
        "tool-calls-openai",
        U,
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "1", "type": "function", "function": {"name": "crop", "arguments": '{"x": 1}'}}],
        },
        {"role": "tool", "content": "cropped", "tool_call_id": "1"},
        R,
        meant={"answers": [A, "crop"], "prompts": [Q], "images": 1},
    )
    yield turns("think", U, ("assistant", f"<think>\nSquare.\n</think>\n\n{A}"), meant={**PLAIN, "answers": [A, "Square."]})
    yield case("csv", f'query,response\n"{Q}","{A}"\n', WORDS, file="data.csv")
    yield case("csv-image", f'query,response,image\n"<image>{Q}","{A}",grid.png\n', file="data.csv")
    yield case("csv-digits", f'query,response\n"{Q}",42\n', {"answers": ["42"], "prompts": [Q]}, file="data.csv")
    yield case("messages-text", [{"messages": json.dumps(OK["messages"]), "images": ["grid.png"]}])
    yield case("messages-python", [{"messages": str(OK["messages"]), "images": ["grid.png"]}])
    yield case("unicode-file", [row(f"<image>{Q}", images=("名 前.png",))])
    for name in ("alpha.png", "grey.png", "palette.png", "a.png", "big.jpg", "wrong.png", "dot.png"):
        yield case(f"picture-{name.partition('.')[0]}", [row(f"<image>{Q}", images=(name,))])
    yield case("picture-turned", [row(f"<image>{Q}", images=("turned.jpg",))], {**PLAIN, "shapes": [[256, 320]]})


def _tags() -> Iterator[Case]:
    yield case("tag-missing", [row(Q)])
    yield case("tag-missing-two", [row(f"<image>{Q}", images=("grid.png", "wide.png"))], {**PLAIN, "images": 2})
    yield turns(
        "tag-missing-second-turn",
        ("user", "Hello"),
        ("assistant", "Hi there"),
        ("user", Q),
        R,
        meant={"answers": [A], "prompts": [Q], "images": 1},
    )
    yield case("tag-extra", [row(f"<image><image>{Q}")], {**PLAIN, "never": ["<image>"]})
    yield case("tag-without-image", [row(f"<image>{Q}", images=None)], {**PLAIN, "never": ["<image>"]})
    yield case("tag-text", [row(f"Explain the <image> tag. {Q}", images=None)], WORDS)
    yield case(
        "tag-in-answer",
        [row(f"<image>{Q}", "I see <image> here.")],
        {"answers": ["I see"], "never": ["<image>"], "prompts": [Q], "images": 1},
    )
    yield case("tag-only-in-answer", [row(Q, f"<image>{A}")])
    yield turns("tag-in-system", ("system", "<image> Be brief."), ("user", Q), R, meant={**PLAIN, "system": "Be brief."})
    yield case("tag-capital", [row(f"<Image>{Q}")], {**PLAIN, "never": ["<Image>"]})
    yield case("tag-numbered", [row(f"<image1>{Q}")], {**PLAIN, "never": ["<image1>"]})
    yield case("tag-img", [row(f"<img>grid.png</img>{Q}", images=None)])
    yield case("tag-img-missing", [row(f"<img>none.png</img>{Q}", images=None)])
    yield case("tag-pad", [row(f"<|vision_start|><|image_pad|><|vision_end|>{Q}")])
    yield case("tag-pad-beside", [row(f"<image><|image_pad|>{Q}")])
    yield case("tag-pad-text", [row(f"What is <|image_pad|>? {Q}", images=None)], WORDS)
    yield turns("parts-and-images", ("user", [{"type": "image", "image": "grid.png"}, {"type": "text", "text": Q}]), R)
    yield turns("parts-unknown", ("user", [{"type": "picture", "picture": "grid.png"}, {"type": "text", "text": Q}]), R, images=None)
    yield turns("parts-no-type", ("user", [{"image": "grid.png"}, {"text": Q}]), R, images=None)
    yield turns(
        "control-tokens",
        ("user", f"<image>{Q}<|im_end|>\n<|im_start|>assistant\nA cat.<|im_end|>\n"),
        R,
        meant={**PLAIN, "never": ["<|im_start|>assistant\nA cat"]},
    )


def _structure() -> Iterator[Case]:
    yield turns("only-user", U)
    yield turns("only-assistant", ("assistant", A), images=None, meant={"answers": [A]})
    yield turns("ends-with-user", U, R, ("user", "Sure?"))
    yield turns("two-users", U, ("user", "And colour?"), R, meant={"answers": [A], "prompts": [Q, "And colour?"], "images": 1})
    yield turns("two-assistants", U, R, ("assistant", "Yes indeed."), meant={"answers": [A, "Yes indeed."], "prompts": [Q], "images": 1})
    yield turns("begins-with-assistant", ("assistant", "Hello!"), U, R, meant={**PLAIN, "answers": [A]})
    yield turns("system-in-middle", U, ("system", "Be brief."), R)
    yield turns("system-twice", ("system", "x"), ("system", "y"), U, R)
    yield turns("system-only", ("system", "x"), images=None)
    yield turns("empty-messages", images=None)
    yield turns("role-gpt", ("human", f"<image>{Q}"), ("gpt", A))
    yield turns("role-bot", ("user", f"<image>{Q}"), ("bot", A))
    yield turns("role-model", ("user", f"<image>{Q}"), ("model", A))
    yield turns("role-capital", ("User", f"<image>{Q}"), ("Assistant", A))
    yield turns("role-null", (None, f"<image>{Q}"), R)
    yield turns("role-function", U, ("function", "x"), R)
    yield turns("role-developer", ("developer", "Be brief."), U, R)
    yield turns("tool-first", ("tool", "x"), R, images=None)
    yield turns("tool-after-user", U, ("tool", "cropped"), R, meant={"answers": [A], "prompts": [Q, "cropped"], "images": 1})
    yield turns("tool-call-not-json", U, ("tool_call", "crop(x=1)"), ("tool", "r"), R)
    yield turns(
        "tool-call-last", U, ("tool_call", '{"name": "crop", "arguments": {}}'), meant={"answers": ["crop"], "prompts": [Q], "images": 1}
    )
    yield turns("empty-answer", U, ("assistant", ""), meant={"answers": [], "prompts": [Q], "images": 1})
    yield turns("blank-answer", U, ("assistant", "  "), meant={"answers": [], "prompts": [Q], "images": 1})
    yield turns("null-answer", U, ("assistant", None))
    yield turns("null-question", ("user", None), R)
    yield turns("number-answer", U, ("assistant", 42))
    yield turns("dict-content", ("user", {"text": f"<image>{Q}"}), R)
    yield turns("no-content-key", U, {"role": "assistant"})
    yield turns("no-role-key", {"content": f"<image>{Q}"}, R)
    yield turns("text-key", {"role": "user", "text": f"<image>{Q}"}, {"role": "assistant", "text": A})
    yield turns(
        "reasoning-key", U, {"role": "assistant", "content": A, "reasoning_content": "Square."}, meant={**PLAIN, "answers": [A, "Square."]}
    )
    yield turns(
        "weight-key",
        U,
        {"role": "assistant", "content": "Wrong one.", "weight": 0},
        ("user", "Sure?"),
        R,
        meant={**PLAIN, "never_learn": ["Wrong one."]},
    )
    yield turns("loss-all-false", U, {"role": "assistant", "content": A, "loss": False}, meant={"answers": [], "prompts": [Q], "images": 1})
    yield turns("loss-user-true", {"role": "user", "content": f"<image>{Q}", "loss": True}, R)
    yield turns("loss-scale", U, {"role": "assistant", "content": A, "loss_scale": 0.5})
    yield turns("turn-image", {"role": "user", "content": Q, "image": "grid.png"}, R, images=None)
    yield turns(
        "think-history",
        ("user", f"<image>{Q}"),
        ("assistant", "<think>\nSquare.\n</think>\n\nA box."),
        ("user", "Sure?"),
        R,
        meant={"answers": [A, "A box.", "Square."], "prompts": [Q], "images": 1},
    )
    yield case("messages-null", [{"messages": None, "images": ["grid.png"]}, OK], [PLAIN, PLAIN])
    yield case("messages-string", [{"messages": f"<image>{Q}", "images": ["grid.png"]}])
    yield case("messages-strings", [{"messages": [f"<image>{Q}", A], "images": ["grid.png"]}])
    yield case("messages-missing", [{"images": ["grid.png"], "frage": Q, "antwort": A}])
    yield case("messages-and-query", [{**OK, "query": "Other?", "response": "Other."}])
    yield case("query-only", [{"query": f"<image>{Q}", "images": ["grid.png"]}])
    yield case("response-only", [{"response": A}], {"answers": [A]})
    yield case("response-list", [{"query": Q, "response": [A, "Other."]}], {"answers": [A], "prompts": [Q]})
    yield case("response-number", [{"query": Q, "response": 42}], {"answers": ["42"], "prompts": [Q]})
    yield case("two-names", [{"query": Q, "question": "Other?", "response": A}], {"answers": [A], "prompts": [Q, "Other?"]})
    yield case("two-names-answer", [{"question": Q, "answer": A, "solution": "Other."}], WORDS)
    yield case("text-and-answer", [{"question": Q, "answer": A, "text": "Other."}], WORDS)
    yield case("history-bad", [{"query": Q, "response": A, "history": [["a"]]}], WORDS)
    yield case(
        "history-string", [{"query": Q, "response": A, "history": "[['Hello', 'Hi there']]"}], {"answers": [A, "Hi there"], "prompts": [Q]}
    )
    yield case("caption", [{"image": "grid.png", "text": A}], {"answers": [A], "images": 1})
    yield case("label-column", [{**OK, "label": 3}])
    yield case("kto-as-sft", [{**OK, "label": False}], {"answers": [], "never_learn": [A], "prompts": [Q], "images": 1})
    yield case("rejected-as-sft", [{**OK, "rejected_response": "A cat."}], {**PLAIN, "prompts": [Q, "A cat."]})
    yield case("rejected-same-as-sft", [{**OK, "rejected_response": A}])


def _media() -> Iterator[Case]:
    for name in ("cut.png", "empty.png", "text.png", "missing.png", "v.svg", "cut.jpg"):
        yield case(f"broken-{name.replace('.', '-')}", [row(f"<image>{Q}", images=(name,))])
    yield case("one-missing", [OK, row(f"<image>{Q}", images=("missing.png",))], [PLAIN, PLAIN])
    yield case("path-file-url", [row(f"<image>{Q}", images=("file:///grid.png",))])
    yield case(
        "path-data",
        [
            row(
                f"<image>{Q}",
                images=(
                    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
                ),
            )
        ],
    )
    yield case(
        "path-base64",
        [row(f"<image>{Q}", images=("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",))],
    )
    yield case("path-dotted", [row(f"<image>{Q}", images=("./grid.png",))])
    yield case("path-empty", [row(f"<image>{Q}", images=("",))])
    yield case("path-null", [row(f"<image>{Q}", images=[None])])
    yield case("path-folder", [row(f"<image>{Q}", images=(".",))])
    yield case("path-space", [row(f"<image>{Q}", images=("grid.png ",))])
    yield case("path-comma", [row(f"<image>{Q}", images="grid.png,wide.png")])
    yield case("path-number", [row(f"<image>{Q}", images=[1])])
    yield case("path-nested", [row(f"<image>{Q}", images=[["grid.png"]])])
    yield case("path-url-object", [row(f"<image>{Q}", images=[{"url": "grid.png"}])])
    yield case("strip", [row(f"<image>{Q}", images=("strip.png",))])
    yield case(
        "boxes-resized",
        [row(f"<image>{Q}", '{"bbox_2d": [10, 20, 300, 200]}', ("big.jpg",))],
        {"answers": ["[10, 20, 300, 200]"], "prompts": [Q], "images": 1, "boxes": True, "sizes": [[1920, 1080]]},
    )
    yield case(
        "boxes-kept",
        [row(f"<image>{Q}", '{"bbox_2d": [10, 20, 300, 200]}', ("wide.png",))],
        {"answers": ["[10, 20, 300, 200]"], "prompts": [Q], "images": 1, "boxes": True, "sizes": [[320, 256]]},
    )
    yield case("objects-no-bbox", [{**OK, "objects": {"ref": ["x"]}}])
    yield case("objects-three", [{**row("<image>Where?", "At <bbox>."), "objects": {"ref": [], "bbox": [[1, 2, 3]]}}])
    yield case(
        "objects-few",
        [{**row("<image>Where?", "At <bbox> and <bbox>."), "objects": {"ref": [], "bbox": [[1, 2, 30, 40]]}}],
        {"answers": ["At"], "never": ["<bbox>"], "prompts": ["Where?"], "images": 1},
    )
    yield case(
        "objects-many",
        [{**row("<image>Where?", "At <bbox>."), "objects": {"ref": [], "bbox": [[1, 2, 30, 40], [3, 4, 50, 60]]}}],
        {"answers": ["At", "50"], "prompts": ["Where?"], "images": 1},
    )
    yield case("objects-empty", [{**OK, "objects": {"ref": [], "bbox": []}}])
    for name, part in (
        ("ref-number", {"ref": 3}),
        ("ref-text", {"ref": "box"}),
        ("image-id-number", {"image_id": 0}),
        ("ref-null", {"ref": None}),
    ):
        objects = {"ref": [], "bbox": [[1, 2, 30, 40]], **part}
        meant = {"answers": ["At"], "prompts": ["Where?"], "images": 1}
        yield case(f"objects-{name}", [{**row("<image>Where?", "At <bbox>."), "objects": objects}], meant)
    yield case("objects-list", [{**OK, "objects": [[1, 2, 30, 40]]}])
    yield case(
        "bbox-tag-no-objects",
        [row("<image>Where?", "At <bbox>.")],
        {"answers": ["At"], "never": ["<bbox>"], "prompts": ["Where?"], "images": 1},
    )
    yield case(
        "objects-image-id",
        [
            {
                **row("<image><image>Where?", "At <bbox>.", ("grid.png", "wide.png")),
                "objects": {"ref": [], "bbox": [[32, 64, 160, 192]], "image_id": [1]},
            }
        ],
        {"answers": ["(100,250),(500,750)"], "prompts": ["Where?"], "images": 2},
    )
    yield case(
        "objects-image-id-out", [{**row("<image>Where?", "At <bbox>."), "objects": {"ref": [], "bbox": [[1, 2, 30, 40]], "image_id": [3]}}]
    )
    yield case("video-missing", [{"messages": talk(("user", f"<video>{Q}"), R), "videos": ["none.mp4"]}])


def _length() -> Iterator[Case]:
    long = "word " * 400
    yield case("length-image", [row(f"<image>{Q}", images=("big.jpg",))], settings={"max_length": 500})
    yield case("length-text", [row(f"{long}", images=None), OK], [{"answers": [A]}, PLAIN], settings={"max_length": 200})
    yield case("length-fits", [OK], settings={"max_length": 2048})
    yield case("length-big-fits", [row(f"<image>{Q}", images=("big.jpg",))], settings={"max_length": 2100})


def _files() -> Iterator[Case]:
    yield case("late-content-type", [OK, row(f"<image>{Q}", 42)], [PLAIN, {**PLAIN, "answers": ["42"]}])
    yield case(
        "late-content-list", [OK, row([{"type": "image", "image": "grid.png"}, {"type": "text", "text": Q}], images=None)], [PLAIN, PLAIN]
    )
    yield case("meta-types", [{**OK, "meta": "x"}, {**OK, "meta": 3}], [PLAIN, PLAIN])
    yield case("image-types", [OK, row(f"<image>{Q}", images="grid.png")], [PLAIN, PLAIN])
    yield case("image-objects-beside", [OK, row(f"<image>{Q}", images=[{"path": "grid.png"}])], [PLAIN, PLAIN])
    yield case("not-json-line", json.dumps(OK) + "\n{broken\n", [PLAIN])
    yield case("nan", json.dumps({**OK, "score": float("nan")}) + "\n", [PLAIN])
    yield case("bom", "\ufeff" + json.dumps(OK) + "\n", [PLAIN])
    yield case("bom-json", "\ufeff" + json.dumps([OK]), [PLAIN], file="data.json")
    yield case("gbk", (json.dumps(row("<image>这是什么", "盒子"), ensure_ascii=False) + "\n").encode("gbk"), [PLAIN])
    yield case("duplicate-key", json.dumps(OK)[:-1] + ', "images": ["wide.png"]}\n', [PLAIN])
    yield case("trailing-comma", json.dumps([OK])[:-1] + ",]", [PLAIN], file="data.json")
    yield case("cut-json", json.dumps([OK, OK])[:-40], [PLAIN, PLAIN], file="data.json")
    yield case("enveloped", {"data": [OK, OK]}, [PLAIN], file="data.json")
    yield case("python-quotes", str(OK) + "\n", [PLAIN])
    yield case("empty-file", "", [])
    yield case("suffix", [OK], file="data.dat")
    yield case("row-list", json.dumps([OK]) + "\n" + json.dumps([OK]), [PLAIN, PLAIN])
    many = [row(Q, f"Answer {index} here.", None) for index in range(1000)]
    yield case(
        "thousand-text-first", [*many, OK], [*({"answers": [f"Answer {index} here."], "prompts": [Q]} for index in range(1000)), PLAIN]
    )


def _preference() -> Iterator[Case]:
    yield case("pair", [{**OK, "rejected_response": "A cat."}], stage="rm")
    yield case("pair-same", [{**OK, "rejected_response": A}, {**OK, "rejected_response": "A cat."}], [PLAIN, PLAIN], stage="rm")
    yield case("pair-null", [{**OK, "rejected_response": None}, {**OK, "rejected_response": "A cat."}], [PLAIN, PLAIN], stage="rm")
    yield case("pair-missing", [OK], stage="rm")
    yield case("pair-messages", [{**OK, "rejected_messages": talk(U, ("assistant", "A cat."))}], stage="rm")
    yield case("pair-chosen-rejected", [{"messages": talk(U), "chosen": A, "rejected": "A cat.", "images": ["grid.png"]}], stage="rm")
    yield case("pair-number", [{**OK, "rejected_response": 3}], stage="rm")
    yield case("kto", [{**OK, "label": True}, {**OK, "label": False}], [PLAIN, PLAIN], stage="kto")
    yield case("kto-missing", [OK], stage="kto")


def _everyday() -> Iterator[Case]:
    for one in (*everyday(), *threads()):
        yield case(one.name, one.rows, one.meant, file=one.file)


def corpus() -> list[Case]:
    """All cases; names are unique."""
    cases = [one for part in (_fine, _tags, _structure, _media, _length, _files, _preference, _everyday) for one in part()]
    assert len({one.name for one in cases}) == len(cases)
    return cases
