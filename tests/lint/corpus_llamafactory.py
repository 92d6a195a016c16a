"""Cases for LLaMA-Factory: what people have in `data/`, after its own demos and the threads of its users."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from tests.lint.cases import Case, Meant
from tests.lint.corpus_everyday import everyday
from tests.lint.corpus_threads import threads
from vldata.linting.llamafactory.entry import guess_entry

TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
    "observation_tag": "observation",
    "function_tag": "function_call",
}
SHAREGPT = {"formatting": "sharegpt", "columns": {"messages": "messages", "images": "images"}, "tags": TAGS}
TEXT = {"formatting": "sharegpt", "columns": {"messages": "messages"}, "tags": TAGS}
FROM = {"formatting": "sharegpt", "columns": {"messages": "conversations", "images": "images"}}
ALPACA = {"columns": {"prompt": "instruction", "query": "input", "response": "output", "images": "images"}}
TOOLS = {"formatting": "sharegpt", "columns": {"messages": "messages", "images": "images", "tools": "tools"}, "tags": TAGS}
VIDEO = {"formatting": "sharegpt", "columns": {"messages": "messages", "videos": "videos"}, "tags": TAGS}

Q, A = "What is it?", "A red box."
PLAIN: Meant = {"answers": [A], "prompts": [Q], "images": 1}
WORDS: Meant = {"answers": [A], "prompts": [Q]}
OK = {"messages": [{"role": "user", "content": f"<image>{Q}"}, {"role": "assistant", "content": A}], "images": ["grid.png"]}


def talk(*turns: tuple[Any, Any] | dict[str, Any]) -> list[dict[str, Any]]:
    """Turns of role and content."""
    return [turn if isinstance(turn, dict) else {"role": turn[0], "content": turn[1]} for turn in turns]


def said(*turns: tuple[Any, Any]) -> list[dict[str, Any]]:
    """Turns of from and value."""
    return [{"from": role, "value": value} for role, value in turns]


def case(
    name: str, rows: Any, meant: Meant | list[Meant] | None = None, *, entry: Any = SHAREGPT, file: str = "data.jsonl", **spec: Any
) -> Case:
    """A case of one data file and its entry."""
    means = meant if isinstance(meant, list) else [PLAIN if meant is None else meant] * (len(rows) if isinstance(rows, list) else 1)
    info = spec.pop("info", None) or {"data": {"file_name": file, **entry}}
    return Case(name, {file: rows, "dataset_info.json": info}, means, spec)


def row(question: Any, answer: Any = A, images: Any = ("grid.png",), **more: Any) -> dict[str, Any]:
    """A row of two turns."""
    given = {"messages": talk(("user", question), ("assistant", answer)), **more}
    if images is not None:
        given["images"] = list(images) if isinstance(images, tuple) else images
    return given


def _fine() -> Iterator[Case]:
    yield case("plain", [OK])
    yield case("plain-json", [OK], file="data.json")
    yield case("image-last", [row(f"{Q}<image>")])
    yield case("two-images", [row(f"<image><image>{Q}", images=("grid.png", "wide.png"))], {**PLAIN, "images": 2})
    yield case("same-image-twice", [row(f"<image><image>{Q}", images=("grid.png", "grid.png"))], {**PLAIN, "images": 2})
    yield case("image-string", [row(f"<image>{Q}", images="grid.png")])
    yield case("text-only-null", [row(Q, images=None), OK], [WORDS, PLAIN])
    yield case("text-only-empty", [row(Q, images=[]), OK], [WORDS, PLAIN])
    yield case("text-only-all", [row(Q, images=None)], WORDS, entry=TEXT)
    yield case(
        "system",
        [{"messages": talk(("system", "Be brief."), ("user", f"<image>{Q}"), ("assistant", A)), "images": ["grid.png"]}],
        {**PLAIN, "system": "Be brief."},
    )
    yield case(
        "system-column",
        [row(f"<image>{Q}", system="Be brief.")],
        {**PLAIN, "system": "Be brief."},
        entry={**SHAREGPT, "columns": {"messages": "messages", "images": "images", "system": "system"}},
    )
    yield case("from-value", [{"conversations": said(("human", f"<image>{Q}"), ("gpt", A)), "images": ["grid.png"]}], entry=FROM)
    yield case(
        "from-value-image-key",
        [{"conversations": said(("human", f"<image>{Q}"), ("gpt", A)), "image": "grid.png"}],
        entry={"formatting": "sharegpt", "columns": {"messages": "conversations", "images": "image"}},
    )
    yield case("alpaca", [{"instruction": f"<image>{Q}", "input": "", "output": A, "images": ["grid.png"]}], entry=ALPACA)
    yield case("alpaca-input", [{"instruction": "Look.", "input": f"<image>{Q}", "output": A, "images": ["grid.png"]}], entry=ALPACA)
    yield case("alpaca-default", [{"instruction": Q, "input": "", "output": A}], WORDS, entry={})
    yield case(
        "alpaca-history",
        [{"instruction": Q, "input": "", "output": A, "history": [["Hello", "Hi there"]]}],
        {"answers": [A, "Hi there"], "prompts": [Q, "Hello"]},
        entry={"columns": {"prompt": "instruction", "query": "input", "response": "output", "history": "history"}},
    )
    yield case(
        "two-turns",
        [
            {"messages": talk(("user", f"<image>{Q}"), ("assistant", A), ("user", "Sure?"), ("assistant", "Yes indeed."))}
            | {"images": ["grid.png"]}
        ],
        {"answers": [A, "Yes indeed."], "prompts": [Q, "Sure?"], "images": 1},
    )
    yield case(
        "image-in-second-turn",
        [
            {
                "messages": talk(("user", "Hello"), ("assistant", "Hi there"), ("user", f"<image>{Q}"), ("assistant", A)),
                "images": ["grid.png"],
            }
        ],
        {"answers": [A, "Hi there"], "prompts": [Q, "Hello"], "images": 1},
    )
    yield case("extra-columns", [{**OK, "id": "x", "meta": {"source": "y"}}])
    yield case(
        "extra-turn-key",
        [
            {
                "messages": [{"role": "user", "content": f"<image>{Q}", "name": "u"}, {"role": "assistant", "content": A, "name": "v"}],
                "images": ["grid.png"],
            }
        ],
    )
    yield case(
        "unicode", [row("<image>这是什么？", "一个红色的盒子。")], {"answers": ["一个红色的盒子。"], "prompts": ["这是什么？"], "images": 1}
    )
    yield case("unicode-file", [row(f"<image>{Q}", images=("名 前.png",))])
    yield case(
        "tools",
        [
            {
                "messages": talk(
                    ("user", f"<image>{Q}"),
                    ("function_call", '{"name": "crop", "arguments": {"x": 1}}'),
                    ("observation", "cropped"),
                    ("assistant", A),
                ),
                "images": ["grid.png"],
                "tools": '[{"name": "crop", "description": "d", "parameters": {"type": "object", "properties": {}}}]',
            }
        ],
        {"answers": [A], "prompts": [Q, "cropped"], "images": 1},
        entry=TOOLS,
    )
    yield case("tools-empty", [{**OK, "tools": ""}], entry=TOOLS)
    yield case(
        "image-in-observation",
        [
            {
                "messages": talk(
                    ("user", f"<image>{Q}"),
                    ("function_call", '{"name": "crop", "arguments": {}}'),
                    ("observation", "<image>"),
                    ("assistant", A),
                ),
                "images": ["grid.png", "wide.png"],
                "tools": "[]",
            }
        ],
        {"answers": [A], "prompts": [Q], "images": 2},
        entry=TOOLS,
    )
    yield case("blank-lines", "\n".join([json.dumps(OK), "", json.dumps(OK), ""]), [PLAIN, PLAIN])
    yield case("crlf", json.dumps(OK) + "\r\n" + json.dumps(OK) + "\r\n", [PLAIN, PLAIN])
    yield case("no-last-newline", json.dumps(OK) + "\n" + json.dumps(OK), [PLAIN, PLAIN])
    yield case("pretty-json", json.dumps([OK, OK], indent=2), [PLAIN, PLAIN], file="data.json")
    yield case("jsonl-named-json", json.dumps(OK) + "\n" + json.dumps(OK), [PLAIN, PLAIN], file="data.json")
    yield case("json-named-jsonl", json.dumps([OK, OK]), [PLAIN, PLAIN], file="data.jsonl")
    yield case(
        "key-order",
        [OK, {"images": ["grid.png"], "messages": [{"content": f"<image>{Q}", "role": "user"}, {"content": A, "role": "assistant"}]}],
    )
    yield case("folder", [OK], file="part/data.jsonl", info={"data": {"file_name": "part", **SHAREGPT}})
    yield case("long-answer-digits", [row(f"<image>{Q}", "42")], {**PLAIN, "answers": ["42"]})
    for name in ("alpha.png", "grey.png", "palette.png", "a.png", "b.png", "big.jpg", "wrong.png"):
        yield case(f"picture-{name.partition('.')[0]}", [row(f"<image>{Q}", images=(name,))])
    yield case("picture-strip", [row(f"<image>{Q}", images=("strip.png",))], {**PLAIN, "shapes": [[2200, 8]]})
    yield case("picture-turned", [row(f"<image>{Q}", images=("turned.jpg",))], {**PLAIN, "shapes": [[256, 320]]})
    yield case("picture-dot", [row(f"<image>{Q}", images=("dot.png",))])


def _counts() -> Iterator[Case]:
    yield case("tag-missing", [row(Q)])
    yield case("tag-extra", [row(f"<image><image>{Q}")])
    yield case("image-missing", [row(f"<image>{Q}", images=[])])
    yield case("image-null-row", [row(f"<image>{Q}", images=None), OK])
    yield case("image-too-many", [row(f"<image>{Q}", images=("grid.png", "wide.png"))], {**PLAIN, "images": 2})
    yield case("tag-in-answer", [row(f"<image>{Q}", "I see <image> here.")], {**PLAIN, "answers": ["I see <image> here."]})
    yield case("tag-only-in-answer", [row(Q, f"<image>{A}")])
    yield case(
        "tag-in-system",
        [{"messages": talk(("system", "<image> Be brief."), ("user", Q), ("assistant", A)), "images": ["grid.png"]}],
        {**PLAIN, "system": "Be brief."},
    )
    yield case("tag-capital", [row(f"<Image>{Q}")])
    yield case("tag-spaces", [row(f"< image >{Q}")])
    yield case("tag-numbered", [row(f"<image1>{Q}")])
    yield case("tag-image-n", [row(f"<image 1>{Q}")])
    yield case("tag-llava-numbered", [row(f"Image-1: <image>\n{Q}")])
    yield case("tag-pad", [row(f"<|vision_start|><|image_pad|><|vision_end|>{Q}")])
    yield case("tag-pad-beside", [row(f"<image><|image_pad|>{Q}")])
    yield case("tag-internvl", [row(f"<IMG_CONTEXT>{Q}")])
    yield case("tag-img-src", [row(f"<img>grid.png</img>{Q}")])
    yield case("tag-deepseek", [row(f"<image_placeholder>{Q}")])
    yield case("video-tag-for-image", [row(f"<video>{Q}")])
    yield case("audio-tag", [row(f"<image><audio>{Q}")])
    yield case("video-word", [row(f"<image>{Q} Is <video> a tag?")])
    yield case("image-string-long", [row(f"<image>{Q}", images="wide.png")])
    yield case("no-images-tag-text", [row(f"Explain the <image> tag of HTML. {Q}", images=None)], WORDS, entry=TEXT)
    yield case("tag-pad-text-only", [row(f"What is <|image_pad|>? {Q}", images=None)], WORDS, entry=TEXT)


def _structure() -> Iterator[Case]:
    def turns(name: str, *given: Any, meant: Meant | None = None, **spec: Any) -> Case:
        return case(name, [{"messages": talk(*given), "images": ["grid.png"]}], meant, **spec)

    u, a = ("user", f"<image>{Q}"), ("assistant", A)
    yield turns("only-user", u)
    yield turns("only-assistant", ("assistant", f"<image>{A}"))
    yield turns("ends-with-user", u, a, ("user", "Sure?"))
    yield turns("two-users", u, ("user", "And?"), a)
    yield turns("two-users-even", u, ("user", "And?"), a, a)
    yield turns("two-assistants", u, a, a)
    yield turns("begins-with-assistant", a, u)
    yield turns("begins-with-assistant-3", ("assistant", "Hello!"), u, a)
    yield turns("system-in-middle", u, ("system", "Be brief."), a)
    yield turns("system-twice", ("system", "x"), ("system", "y"), u, a)
    yield turns("system-only", ("system", "x"))
    yield turns("empty-messages")
    yield turns("role-gpt", ("user", f"<image>{Q}"), ("gpt", A))
    yield turns("role-human", ("human", f"<image>{Q}"), ("assistant", A))
    yield turns("role-model", ("user", f"<image>{Q}"), ("model", A))
    yield turns("role-capital", ("User", f"<image>{Q}"), ("Assistant", A))
    yield turns("role-tool", u, ("function_call", '{"name": "f", "arguments": {}}'), ("tool", "r"), a)
    yield turns("role-null", (None, f"<image>{Q}"), a)
    yield turns("role-number", (1, f"<image>{Q}"), (2, A))
    yield turns("role-space", ("user ", f"<image>{Q}"), a)
    yield turns(
        "function-then-user",
        u,
        ("function_call", '{"name": "f", "arguments": {}}'),
        ("user", "r"),
        a,
        meant={"answers": [A], "prompts": [Q], "images": 1},
    )
    yield turns("observation-first", ("observation", f"<image>{Q}"), a)
    yield turns(
        "parallel-observations",
        u,
        ("function_call", '[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]'),
        ("observation", "r"),
        ("observation", "s"),
        a,
    )
    yield turns(
        "parallel-calls", u, ("function_call", '[{"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}]'), ("observation", "r"), a
    )
    yield turns("function-not-json", u, ("function_call", "crop(x=1)"), ("observation", "r"), a)
    yield turns("function-no-name", u, ("function_call", '{"function": "f"}'), ("observation", "r"), a)
    yield turns("function-no-arguments", u, ("function_call", '{"name": "f"}'), ("observation", "r"), a)
    yield turns(
        "function-thought", u, ("function_call", '<think>\nhm\n</think>\n\n{"name": "f", "arguments": {}}'), ("observation", "r"), a
    )
    yield turns(
        "function-tool-call-tags",
        u,
        ("function_call", 'So: <tool_call>{"name": "f", "arguments": {}}</tool_call>'),
        ("observation", "r"),
        a,
    )
    yield turns("function-number", u, ("function_call", "7"), ("observation", "r"), a)
    yield turns("function-string-list", u, ("function_call", '["f"]'), ("observation", "r"), a)
    yield turns(
        "tool-calls-key",
        u,
        {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
        ("observation", "r"),
        a,
        meant={**PLAIN, "answers": [A, '"name": "f"']},
    )
    yield turns("empty-answer", u, ("assistant", ""), meant={"answers": [], "prompts": [Q], "images": 1})
    yield turns("blank-answer", u, ("assistant", "  "), meant={"answers": [], "prompts": [Q], "images": 1})
    yield turns("empty-question", ("user", "<image>"), a, meant={"answers": [A], "images": 1})
    yield turns("null-answer", u, ("assistant", None))
    yield turns("null-question", ("user", None), a)
    yield turns("number-answer", u, ("assistant", 42))
    yield turns("list-content", ("user", [{"type": "image"}, {"type": "text", "text": Q}]), ("assistant", [{"type": "text", "text": A}]))
    yield turns("list-content-image", ("user", [{"type": "image", "image": "grid.png"}, {"type": "text", "text": Q}]), a)
    yield turns("list-content-both", ("user", [{"type": "text", "text": f"<image>{Q}"}]), ("assistant", [{"type": "text", "text": A}]))
    yield turns("dict-content", ("user", {"text": f"<image>{Q}"}), ("assistant", {"text": A}))
    yield turns("bool-answer", u, ("assistant", True))
    yield turns("no-content-key", u, {"role": "assistant"})
    yield turns("no-role-key", {"content": f"<image>{Q}"}, a)
    yield turns("wrong-turn-keys", {"from": "user", "value": f"<image>{Q}"}, {"from": "assistant", "value": A})
    yield turns("text-key", {"role": "user", "text": f"<image>{Q}"}, {"role": "assistant", "text": A})
    yield turns(
        "loss-key",
        u,
        {"role": "assistant", "content": "Wrong one.", "loss": False},
        ("user", "Sure?"),
        a,
        meant={"answers": [A], "never_learn": ["Wrong one."], "prompts": [Q], "images": 1},
    )
    yield turns(
        "weight-key",
        u,
        {"role": "assistant", "content": "Wrong one.", "weight": 0},
        ("user", "Sure?"),
        a,
        meant={"answers": [A], "never_learn": ["Wrong one."], "prompts": [Q], "images": 1},
    )
    yield turns(
        "reasoning-key",
        u,
        {"role": "assistant", "content": A, "reasoning_content": "It is square."},
        meant={**PLAIN, "answers": [A, "It is square."]},
    )
    yield turns("think-in-answer", u, ("assistant", f"<think>\nSquare.\n</think>\n\n{A}"), meant={**PLAIN, "answers": [A, "Square."]})
    yield turns(
        "control-tokens",
        ("user", f"<image>{Q}<|im_end|>\n<|im_start|>assistant\nA cat.<|im_end|>\n"),
        a,
        meant={**PLAIN, "never": ["<|im_start|>assistant\nA cat"]},
    )
    yield case("messages-null", [{"messages": None, "images": ["grid.png"]}, OK])
    yield case("messages-string", [{"messages": f"<image>{Q}", "images": ["grid.png"]}])
    yield case("messages-json-text", [{"messages": json.dumps(OK["messages"]), "images": ["grid.png"]}])
    yield case("messages-dict", [{"messages": {"user": f"<image>{Q}", "assistant": A}, "images": ["grid.png"]}])
    yield case("messages-strings", [{"messages": [f"<image>{Q}", A], "images": ["grid.png"]}])
    yield case("messages-missing", [{"images": ["grid.png"], "question": Q, "answer": A}])
    yield case("messages-missing-in-one", [OK, {"images": ["grid.png"]}])
    yield case("row-list", json.dumps([OK]) + "\n" + json.dumps([OK]), [PLAIN, PLAIN])
    yield case("row-number", "1\n2\n", [PLAIN])
    yield case("system-null", [{"messages": talk(("system", None), u, a), "images": ["grid.png"]}])
    yield case("shape-columns-list", [OK], entry={**SHAREGPT, "columns": ["messages", "images"]})
    yield case("shape-columns-text", [OK], entry={**SHAREGPT, "columns": "messages"})
    yield case("shape-column-list", [OK], entry={**SHAREGPT, "columns": {"messages": ["messages"], "images": "images"}})
    yield case("shape-tags-list", [OK], entry={**SHAREGPT, "tags": ["role"]})
    yield case("shape-tag-number", [OK], entry={**SHAREGPT, "tags": {**TAGS, "user_tag": 3}})
    yield case("shape-tag-list", [OK], entry={**SHAREGPT, "tags": {**TAGS, "user_tag": ["user"]}})
    yield case("system-empty", [{"messages": talk(("system", ""), u, a), "images": ["grid.png"]}])


def _entry() -> Iterator[Case]:
    def entry(name: str, given: Any, rows: Any = None, meant: Meant | list[Meant] | None = None, **spec: Any) -> Case:
        return case(name, rows or [OK], meant, entry=given, **spec)

    columns = SHAREGPT["columns"]
    yield entry("default-formatting", {"columns": {"messages": "messages", "images": "images"}, "tags": TAGS})
    yield entry("no-columns", {"formatting": "sharegpt", "tags": TAGS})
    yield entry("no-tags", {"formatting": "sharegpt", "columns": columns})
    yield entry("columns-no-messages", {"formatting": "sharegpt", "columns": {"images": "images"}, "tags": TAGS})
    yield entry("columns-no-images", TEXT)
    yield entry("columns-image-singular", {**SHAREGPT, "columns": {"messages": "messages", "image": "images"}})
    yield entry("columns-wrong-name", {**SHAREGPT, "columns": {"messages": "messages", "images": "image"}})
    yield entry("columns-images-untagged", TEXT, [row(Q)])
    yield entry("columns-conversations", {**SHAREGPT, "columns": {"messages": "conversations", "images": "images"}})
    yield entry("tags-partial", {**SHAREGPT, "tags": {"role_tag": "role", "content_tag": "content"}})
    system = [{"messages": talk(("system", "Be brief."), ("user", f"<image>{Q}"), ("assistant", A)), "images": ["grid.png"]}]
    yield entry(
        "tags-no-system",
        {**SHAREGPT, "tags": {k: v for k, v in TAGS.items() if k != "system_tag"}},
        system,
        {**PLAIN, "system": "Be brief."},
    )
    yield entry("tags-no-user", {**SHAREGPT, "tags": {k: v for k, v in TAGS.items() if k != "user_tag"}})
    yield entry("tags-no-content", {**SHAREGPT, "tags": {k: v for k, v in TAGS.items() if k != "content_tag"}})
    yield entry("tags-no-role", {**SHAREGPT, "tags": {k: v for k, v in TAGS.items() if k != "role_tag"}})
    yield entry(
        "tags-no-function",
        {**TOOLS, "tags": {k: v for k, v in TAGS.items() if k not in ("function_tag", "observation_tag")}},
        [
            {
                "messages": talk(
                    ("user", f"<image>{Q}"), ("function_call", '{"name": "f", "arguments": {}}'), ("observation", "r"), ("assistant", A)
                ),
                "images": ["grid.png"],
                "tools": "",
            }
        ],
    )
    yield entry("tags-swapped", {**SHAREGPT, "tags": {**TAGS, "user_tag": "assistant", "assistant_tag": "user"}})
    yield entry("formatting-openai", {**SHAREGPT, "formatting": "openai"}, None, {**PLAIN, "never": ["detailed thinking off"]})
    yield entry(
        "formatting-openai-system",
        {**SHAREGPT, "formatting": "openai"},
        system,
        {**PLAIN, "system": "Be brief.", "never": ["detailed thinking off"]},
    )
    yield entry("formatting-unknown", {**SHAREGPT, "formatting": "chatml"})
    yield entry("system-column-absent", {**SHAREGPT, "columns": {**columns, "system": "system"}})
    yield entry("tools-column-absent", TOOLS)
    yield entry("system-column-null", {**SHAREGPT, "columns": {**columns, "system": "system"}}, [{**OK, "system": None}])
    yield entry("tools-list", TOOLS, [{**OK, "tools": [{"name": "crop", "parameters": {}}]}])
    yield entry("tools-not-json", TOOLS, [{**OK, "tools": "crop(x)"}])
    yield entry("tools-object", TOOLS, [{**OK, "tools": '{"name": "crop"}'}])
    yield entry(
        "tools-openai",
        TOOLS,
        [
            {
                **OK,
                "tools": '[{"type": "function", "function": {"name": "crop", "description": "d", "parameters": {"type": "object", "properties": {}}}}]',
            }
        ],
    )
    yield entry("tools-no-description", TOOLS, [{**OK, "tools": '[{"name": "crop"}]'}])
    yield entry("alpaca-no-output", ALPACA, [{"instruction": f"<image>{Q}", "input": "", "images": ["grid.png"]}])
    yield entry(
        "alpaca-output-null",
        ALPACA,
        [
            {"instruction": f"<image>{Q}", "input": "", "output": None, "images": ["grid.png"]},
            {"instruction": f"<image>{Q}", "input": "", "output": A, "images": ["grid.png"]},
        ],
    )
    yield entry("alpaca-output-number", ALPACA, [{"instruction": f"<image>{Q}", "input": "", "output": 42, "images": ["grid.png"]}])
    yield entry(
        "alpaca-output-empty",
        ALPACA,
        [{"instruction": f"<image>{Q}", "input": "", "output": "", "images": ["grid.png"]}],
        {"answers": [], "prompts": [Q], "images": 1},
    )
    yield entry("alpaca-output-list", ALPACA, [{"instruction": f"<image>{Q}", "input": "", "output": [A], "images": ["grid.png"]}])
    yield entry("alpaca-instruction-number", ALPACA, [{"instruction": 5, "input": "", "output": A, "images": None}], {"answers": [A]})
    yield entry("alpaca-no-instruction", ALPACA, [{"input": f"<image>{Q}", "output": A, "images": ["grid.png"]}])
    yield entry("alpaca-no-input", ALPACA, [{"instruction": f"<image>{Q}", "output": A, "images": ["grid.png"]}])
    yield entry(
        "alpaca-no-input-column",
        {"columns": {"prompt": "instruction", "response": "output", "images": "images"}},
        [{"instruction": f"<image>{Q}", "input": "More to know.", "output": A, "images": ["grid.png"]}],
        {**PLAIN, "prompts": [Q, "More to know."]},
    )
    yield entry("alpaca-default-images", {}, [{"instruction": f"<image>{Q}", "input": "", "output": A, "images": ["grid.png"]}])
    yield entry(
        "alpaca-default-system", {}, [{"instruction": Q, "input": "", "output": A, "system": "Be brief."}], {**WORDS, "system": "Be brief."}
    )
    yield entry(
        "alpaca-default-history",
        {},
        [{"instruction": Q, "input": "", "output": A, "history": [["Hello", "Hi there"]]}],
        {"answers": [A, "Hi there"], "prompts": [Q]},
    )
    yield entry(
        "alpaca-history-triple",
        {"columns": {"prompt": "instruction", "query": "input", "response": "output", "history": "history"}},
        [{"instruction": Q, "input": "", "output": A, "history": [["a", "b", "c"]]}],
        WORDS,
    )
    yield entry(
        "alpaca-history-null",
        {"columns": {"prompt": "instruction", "query": "input", "response": "output", "history": "history"}},
        [
            {"instruction": Q, "input": "", "output": A, "history": None},
            {"instruction": Q, "input": "", "output": A, "history": [["Hello", "Hi there"]]},
        ],
        [WORDS, {"answers": [A, "Hi there"], "prompts": [Q]}],
    )
    yield entry("alpaca-dates", {}, [{"instruction": Q, "input": "", "output": "2024-05-01"}], {"answers": ["2024-05-01"], "prompts": [Q]})
    yield entry(
        "alpaca-dates-json",
        {},
        [{"instruction": Q, "input": "", "output": "2024-05-01"}],
        {"answers": ["2024-05-01"], "prompts": [Q]},
        file="data.json",
    )
    yield entry(
        "alpaca-date-times",
        {},
        [{"instruction": Q, "input": "", "output": "2024-05-01 10:00:00"}],
        {"answers": ["2024-05-01 10:00:00"], "prompts": [Q]},
    )
    yield entry("alpaca-digits", {}, [{"instruction": Q, "input": "", "output": "42"}], {"answers": ["42"], "prompts": [Q]})
    yield entry(
        "alpaca-digits-json", {}, [{"instruction": Q, "input": "", "output": "007"}], {"answers": ["007"], "prompts": [Q]}, file="data.json"
    )
    yield entry("alpaca-date-column", {}, [{"instruction": Q, "input": "", "output": A, "date": "yesterday"}], WORDS, file="data.json")
    yield entry("qa-columns", {}, [{"question": Q, "answer": A}], WORDS)
    yield entry("qa-columns-named", {"columns": {"prompt": "question", "response": "answer"}}, [{"question": Q, "answer": A}], WORDS)
    yield entry("file-missing", SHAREGPT, info={"data": {"file_name": "other.jsonl", **SHAREGPT}})
    yield entry("file-suffix", SHAREGPT, file="data.dat")
    yield entry("folder-mixed", SHAREGPT, file="part/data.jsonl", info={"data": {"file_name": ".", **SHAREGPT}})
    yield entry("unknown-name", SHAREGPT, info={"data2": {"file_name": "data.jsonl", **SHAREGPT}}, dataset="data")
    yield entry("info-bad", SHAREGPT, info="{broken")
    yield entry(
        "ranking-sft",
        {
            "formatting": "sharegpt",
            "ranking": True,
            "columns": {"messages": "messages", "images": "images", "chosen": "chosen", "rejected": "rejected"},
            "tags": TAGS,
        },
        [
            {
                "messages": talk(("user", f"<image>{Q}")),
                "chosen": {"role": "assistant", "content": A},
                "rejected": {"role": "assistant", "content": "A cat."},
                "images": ["grid.png"],
            }
        ],
        stage="sft",
    )
    yield entry("num-samples-fewer", {**SHAREGPT, "num_samples": 1}, [OK, OK])
    yield entry("split-missing", {**SHAREGPT, "split": "validation"})


def _media() -> Iterator[Case]:
    def media(name: str, images: Any, meant: Meant | None = None, **spec: Any) -> Case:
        return case(name, [row(f"<image>{Q}", images=images)], meant, **spec)

    for name in ("cut.png", "empty.png", "text.png", "missing.png", "v.svg", "cut.jpg"):
        yield media(f"broken-{name.replace('.', '-')}", (name,))
    yield media("path-url", ("http://127.0.0.1:9/a.png",))
    yield media("path-file-url", ("file:///grid.png",))
    yield media("path-data", ("data:image/png;base64,iVBORw0KGgo=",))
    yield media("path-base64", ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",))
    yield media("path-backslash", ("sub\\grid.png",))
    yield media("path-dotted", ("./grid.png",))
    yield media("path-up", ("../images/grid.png",))
    yield media("path-empty", ("",))
    yield media("path-null", [None])
    yield media("path-null-second", ["grid.png", None])
    yield media("path-space", ("grid.png ",))
    yield media("path-folder", (".",))
    yield media("path-comma", "grid.png,wide.png")
    yield media("path-object", [{"path": "grid.png"}])
    yield media("path-object-bytes", [{"path": "grid.png", "bytes": None}])
    yield media("path-object-url", [{"url": "grid.png"}])
    yield media("path-nested", [["grid.png"]])
    yield media("path-number", [1])
    yield media("path-dict", {"path": "grid.png"})
    yield case("mixed-image-types", [OK, row(f"<image>{Q}", images="grid.png")], [PLAIN, PLAIN])
    yield case("mixed-image-types-json", [OK, row(f"<image>{Q}", images="grid.png")], [PLAIN, PLAIN], file="data.json")
    boxed = {"answers": ["[10, 20, 300, 200]"], "prompts": [Q], "images": 1, "boxes": True}
    yield case("boxes-resized", [row(f"<image>{Q}", '{"bbox_2d": [10, 20, 300, 200]}', ("big.jpg",))], {**boxed, "sizes": [[1920, 1080]]})
    yield case("boxes-kept", [row(f"<image>{Q}", '{"bbox_2d": [10, 20, 300, 200]}', ("wide.png",))], {**boxed, "sizes": [[320, 256]]})
    yield case(
        "boxes-small",
        [row(f"<image>{Q}", '{"bbox_2d": [10, 20, 60, 60]}', ("a.png",))],
        {"answers": ["[10, 20, 60, 60]"], "prompts": [Q], "images": 1, "boxes": True, "sizes": [[64, 64]]},
    )
    yield case(
        "boxes-brackets",
        [row(f"<image>{Q}", "The box is at [120, 300, 1700, 1000].", ("big.jpg",))],
        {"answers": ["[120, 300, 1700, 1000]"], "prompts": [Q], "images": 1, "boxes": True, "sizes": [[1920, 1080]]},
    )
    yield case(
        "boxes-in-objects",
        [{**row(f"<image>{Q}", "It is <bbox>.", ("grid.png",)), "objects": {"ref": [], "bbox": [[1, 2, 30, 40]]}}],
        {**PLAIN, "answers": ["[1, 2, 30, 40]"]},
    )
    frames = {"messages": talk(("user", f"<video>{Q}"), ("assistant", A)), "videos": [["grid.png", "grid.png", "grid.png", "grid.png"]]}
    yield case("video-frames", [frames], {**PLAIN, "images": 1}, entry=VIDEO)
    yield case("video-missing", [{**frames, "videos": ["none.mp4"]}], {**PLAIN, "images": 1}, entry=VIDEO)
    yield case("video-frame-missing", [{**frames, "videos": [["grid.png", "none.png"]]}], {**PLAIN, "images": 1}, entry=VIDEO)
    yield case("video-tag-missing", [{**frames, "messages": talk(("user", Q), ("assistant", A))}], {**PLAIN, "images": 1}, entry=VIDEO)
    yield case("video-frames-odd", [{**frames, "videos": [["grid.png", "grid.png", "grid.png"]]}], {**PLAIN, "images": 1}, entry=VIDEO)
    yield case("video-flat-frames", [{**frames, "videos": ["grid.png", "grid.png"]}], {**PLAIN, "images": 1}, entry=VIDEO)
    yield case(
        "video-second-turn",
        [
            {
                "messages": talk(("user", "Hello"), ("assistant", "Hi there"), ("user", f"<video>{Q}"), ("assistant", A)),
                "videos": frames["videos"],
            }
        ],
        {"answers": [A], "prompts": [Q], "images": 1},
        entry=VIDEO,
    )
    yield case(
        "video-two",
        [{"messages": talk(("user", f"<video><video>{Q}"), ("assistant", A)), "videos": [*frames["videos"], *frames["videos"]]}],
        {**PLAIN, "images": 2},
        entry=VIDEO,
    )
    yield case(
        "video-two-unlike",
        [
            {
                "messages": talk(("user", f"<video>{Q}"), ("assistant", "Hi there"), ("user", "<video>And?"), ("assistant", A)),
                "videos": [["grid.png"] * 4, ["grid.png"] * 8],
            }
        ],
        {**PLAIN, "images": 2},
        entry=VIDEO,
    )


def _cutoff() -> Iterator[Case]:
    long, tail = "word " * 400, "Really?"
    for cutoff in (32, 64, 100, 200):
        yield case(f"cutoff-{cutoff}", [row(f"<image>{Q}", images=("big.jpg",))], settings={"cutoff_len": cutoff})
    yield case("cutoff-image-first", [row(f"<image>{Q}", images=("grid.png",))], settings={"cutoff_len": 60})
    yield case(
        "cutoff-question",
        [row(f"<image>{long}{tail}", images=("grid.png",))],
        {"answers": [A], "prompts": [tail], "images": 1},
        settings={"cutoff_len": 200},
    )
    yield case(
        "cutoff-answer",
        [row(f"<image>{Q}", f"{long}{tail}", ("grid.png",))],
        {"answers": [tail], "prompts": [Q], "images": 1},
        settings={"cutoff_len": 300},
    )
    yield case(
        "cutoff-both",
        [row(f"<image>{Q}{long}", f"{long}{tail}", ("grid.png",))],
        {"answers": [tail], "prompts": [Q], "images": 1},
        settings={"cutoff_len": 300},
    )
    yield case(
        "cutoff-second-image",
        [row(f"<image><image>{Q}", images=("grid.png", "big.jpg"))],
        {**PLAIN, "images": 2},
        settings={"cutoff_len": 300},
    )
    yield case(
        "cutoff-second-turn",
        [
            {
                "messages": talk(("user", f"<image>{Q}"), ("assistant", A), ("user", "Sure?"), ("assistant", "Yes indeed.")),
                "images": ["grid.png"],
            }
        ],
        {"answers": [A, "Yes indeed."], "prompts": [Q], "images": 1},
        settings={"cutoff_len": 105},
    )
    yield case(
        "cutoff-text", [row(f"{long}{tail}", images=None)], {"answers": [A], "prompts": [tail]}, entry=TEXT, settings={"cutoff_len": 100}
    )
    yield case("cutoff-fits", [row(f"<image>{Q}")], settings={"cutoff_len": 2048})
    yield case("cutoff-image-last", [row(f"{long}{Q}<image>")], settings={"cutoff_len": 300})
    eight = "".join(["<image>"] * 8)
    yield case("cutoff-eight", [row(f"{eight}{Q}", images=("big.jpg",) * 8)], {**PLAIN, "images": 8})
    yield case("cutoff-default-one", [row(f"<image>{Q}", images=("big.jpg",))])


def _settings() -> Iterator[Case]:
    two = {"messages": talk(("user", f"<image>{Q}"), ("assistant", "A cat."), ("user", "Sure?"), ("assistant", A)), "images": ["grid.png"]}
    thought = row(f"<image>{Q}", f"<think>\nSquare.\n</think>\n\n{A}")
    yield case("set-train-on-prompt", [OK], settings={"train_on_prompt": True})
    yield case("set-mask-history", [two], {**PLAIN, "answers": [A, "A cat."]}, settings={"mask_history": True})
    yield case("set-mask-history-one", [OK], settings={"mask_history": True})
    yield case("set-template-thinks", [OK], {**PLAIN, "never": ["<think>"]}, settings={"template": "qwen3_vl"})
    yield case("set-template-thought", [thought], {**PLAIN, "answers": [A, "Square."]}, settings={"template": "qwen3_vl"})
    yield case(
        "set-max-pixels",
        [row(f"<image>{Q}", "[100, 100, 200, 200]", ("wide.png",))],
        {"answers": ["[100, 100, 200, 200]"], "prompts": [Q], "images": 1, "boxes": True, "sizes": [[320, 256]]},
        settings={"image_max_pixels": 65536},
    )
    yield case("set-template-other-system", [OK], {**PLAIN, "never": ["You are a helpful assistant."]}, settings={"template": "qwen2_vl"})


def _arrow() -> Iterator[Case]:
    yield case("late-content-type", [OK, row(f"<image>{Q}", 42)], [PLAIN, {**PLAIN, "answers": ["42"]}])
    yield case("late-content-list", [OK, row([{"type": "text", "text": Q}], A)], [PLAIN, PLAIN])
    yield case("late-content-list-json", [OK, row([{"type": "text", "text": Q}], A)], [PLAIN, PLAIN], file="data.json")
    yield case("late-number-json", [OK, row(f"<image>{Q}", 42)], [PLAIN, {**PLAIN, "answers": ["42"]}], file="data.json")
    yield case("meta-types", [{**OK, "meta": "x"}, {**OK, "meta": 3}], [PLAIN, PLAIN])
    yield case("meta-types-json", [{**OK, "meta": "x"}, {**OK, "meta": 3}], [PLAIN, PLAIN], file="data.json")
    yield case("meta-object-list", [{**OK, "meta": {"a": 1}}, {**OK, "meta": [1]}], [PLAIN, PLAIN])
    yield case("meta-int-float", [{**OK, "meta": 1}, {**OK, "meta": 2.5}], [PLAIN, PLAIN])
    yield case("meta-null-first", [{**OK, "meta": None}, {**OK, "meta": "x"}], [PLAIN, PLAIN])
    yield case("meta-bool-number", [{**OK, "meta": True}, {**OK, "meta": 2}], [PLAIN, PLAIN])
    yield case("meta-empty-object", [{**OK, "meta": {}}], [PLAIN])
    yield case("meta-objects-differ", [{**OK, "meta": {"a": 1}}, {**OK, "meta": {"b": "x"}}], [PLAIN, PLAIN])
    yield case("meta-list-mixed", [{**OK, "meta": [1, "x"]}], [PLAIN])
    yield case("meta-big-number", [{**OK, "meta": 12345678901234567890123}], [PLAIN])
    yield case("id-types", [{**OK, "id": 1}, {**OK, "id": "b"}], [PLAIN, PLAIN])
    yield case("key-missing-in-second", [{**OK, "extra": "x"}, OK], [PLAIN, PLAIN])
    yield case("not-json-line", json.dumps(OK) + "\n{broken\n", [PLAIN])
    yield case("python-quotes", str(OK) + "\n", [PLAIN])
    yield case("nan", json.dumps({**OK, "score": float("nan")}) + "\n", [PLAIN])
    yield case("bom", "\ufeff" + json.dumps(OK) + "\n", [PLAIN])
    yield case("bom-json", "\ufeff" + json.dumps([OK]), [PLAIN], file="data.json")
    yield case("utf16", (json.dumps(OK) + "\n").encode("utf-16"), [PLAIN])
    yield case("gbk", (json.dumps(row("<image>这是什么", "盒子"), ensure_ascii=False) + "\n").encode("gbk"), [PLAIN])
    yield case("duplicate-key", json.dumps(OK)[:-1] + ', "images": ["wide.png"]}\n', [PLAIN])
    yield case("trailing-comma", json.dumps([OK])[:-1] + ",]", [PLAIN], file="data.json")
    yield case("cut-json", json.dumps([OK, OK])[:-40], [PLAIN, PLAIN], file="data.json")
    yield case("pretty-rows", json.dumps(OK, indent=2) + "\n" + json.dumps(OK, indent=2) + "\n", [PLAIN, PLAIN], file="data.json")
    yield case("pretty-rows-jsonl", json.dumps(OK, indent=2) + "\n" + json.dumps(OK, indent=2) + "\n", [PLAIN, PLAIN])
    yield case("enveloped", {"data": [OK, OK]}, [PLAIN, PLAIN], file="data.json")
    yield case("one-object", json.dumps(OK), [PLAIN], file="data.json")
    yield case("one-object-pretty", json.dumps(OK, indent=2), [PLAIN], file="data.json")
    yield case("empty-file", "", [], file="data.jsonl")
    yield case("empty-list", "[]", [], file="data.json")
    yield case("lone-surrogate", json.dumps(row(f"<image>{Q} \ud83d")) + "\n", [PLAIN])
    yield case("all-dropped", [{"messages": talk(("user", f"<image>{Q}")), "images": ["grid.png"]}] * 2, [PLAIN, PLAIN])
    yield case("one-dropped", [OK, {"messages": talk(("user", f"<image>{Q}")), "images": ["grid.png"]}], [PLAIN, PLAIN])
    many = [row(Q, f"Answer {index} here.", None) for index in range(1000)]
    words = [{"answers": [f"Answer {index} here."], "prompts": [Q]} for index in range(1000)]
    yield case("thousand-text-first", [*many, OK], [*words, PLAIN])
    yield case("thousand-less-one", [*many[:999], OK], [*words[:999], PLAIN])
    yield case("image-then-thousand", [OK, *many[:999]], [PLAIN, *words[:999]])
    yield case(
        "thousand-no-system-column",
        [*({**OK, "system": None} for _ in range(1000)), {**OK, "system": "Be brief."}],
        [PLAIN] * 1001,
        entry={**SHAREGPT, "columns": {"messages": "messages", "images": "images", "system": "system"}},
    )
    table = pl.DataFrame({"instruction": [f"<image>{Q}"], "input": [""], "output": [A], "images": [["grid.png"]]})
    sink = io.BytesIO()
    table.write_parquet(sink)
    yield case("parquet-alpaca", sink.getvalue(), entry=ALPACA, file="data.parquet")
    yield case("csv-alpaca", f'instruction,input,output\n"{Q}",,"{A}"\n', WORDS, entry={}, file="data.csv")
    yield case("csv-digits", f'instruction,input,output\n"{Q}",,42\n', {"answers": ["42"], "prompts": [Q]}, entry={}, file="data.csv")
    yield case("csv-images", f'instruction,input,output,images\n"<image>{Q}",,"{A}",grid.png\n', entry=ALPACA, file="data.csv")
    yield case("csv-images-list", f'instruction,input,output,images\n"<image>{Q}",,"{A}","[\'grid.png\']"\n', entry=ALPACA, file="data.csv")
    yield case("txt-file", f"{Q}\n{A}\n", WORDS, entry={}, file="data.txt")


def _preference() -> Iterator[Case]:
    entry = {
        "formatting": "sharegpt",
        "ranking": True,
        "columns": {"messages": "messages", "images": "images", "chosen": "chosen", "rejected": "rejected"},
        "tags": TAGS,
    }
    pair = {
        "messages": talk(("user", f"<image>{Q}")),
        "chosen": {"role": "assistant", "content": A},
        "rejected": {"role": "assistant", "content": "A cat."},
        "images": ["grid.png"],
    }

    def ranked(name: str, **change: Any) -> Case:
        return case(name, [{**pair, **change}], entry=entry, stage="rm")

    yield ranked("pair")
    yield ranked("pair-same", rejected={"role": "assistant", "content": A})
    yield ranked("pair-text", chosen=A, rejected="A cat.")
    yield case(
        "pair-role-user",
        [{**pair, "chosen": {"role": "user", "content": A}}],
        {**PLAIN, "never": ["<|im_start|>user\nA red"]},
        entry=entry,
        stage="rm",
    )
    yield ranked("pair-answered", messages=talk(("user", f"<image>{Q}"), ("assistant", A)))
    yield ranked("pair-null", rejected=None)
    yield ranked("pair-role-gpt", chosen={"role": "gpt", "content": A})
    yield case("pair-not-ranked", [pair], entry={**entry, "ranking": False}, stage="rm")
    alpaca = {"ranking": True, "columns": {"prompt": "instruction", "query": "input", "chosen": "chosen", "rejected": "rejected"}}
    yield case("pair-alpaca", [{"instruction": Q, "input": "", "chosen": A, "rejected": "A cat."}], WORDS, entry=alpaca, stage="rm")
    yield case(
        "pair-alpaca-list", [{"instruction": Q, "input": "", "chosen": [A], "rejected": ["A cat."]}], WORDS, entry=alpaca, stage="rm"
    )
    kto = {"formatting": "sharegpt", "columns": {"messages": "messages", "images": "images", "kto_tag": "label"}, "tags": TAGS}
    yield case("kto", [{**OK, "label": True}, {**OK, "label": False}], entry=kto, stage="kto")
    yield case("kto-text-label", [{**OK, "label": "true"}], entry=kto, stage="kto")
    yield case("kto-number-label", [{**OK, "label": 1}], entry=kto, stage="kto")
    yield case("kto-as-sft", [{**OK, "label": False}], {"answers": [], "never_learn": [A], "prompts": [Q], "images": 1}, stage="sft")
    yield case("rejected-as-sft", [{**OK, "rejected_response": "A cat."}], {**PLAIN, "prompts": [Q, "A cat."]}, stage="sft")


def _everyday() -> Iterator[Case]:
    for one in (*everyday(), *threads()):
        rows = one.rows if isinstance(one.rows, list) and isinstance(one.rows[0], dict) else []
        info = {"data": guess_entry("data", one.file, rows).given}
        yield case(one.name, one.rows if len(one.rows) else [], one.meant, file=one.file, info=info)


def corpus() -> list[Case]:
    """All cases; names are unique."""
    cases = [
        case for part in (_fine, _counts, _structure, _entry, _media, _cutoff, _settings, _arrow, _preference, _everyday) for case in part()
    ]
    assert len({one.name for one in cases}) == len(cases)
    return cases
