"""Cases for TRL's SFTTrainer: prompt and completion, messages, texts, with images and without, as people load them."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import polars as pl

from tests.lint.cases import PICTURES, Case, Meant
from tests.lint.corpus_everyday import everyday
from tests.lint.corpus_threads import threads

Q, A = "What is it?", "A red box."
PLAIN: Meant = {"answers": [A], "prompts": [Q], "images": 1}
WORDS: Meant = {"answers": [A], "prompts": [Q]}
IMAGE, ASK, SAY = {"type": "image"}, {"type": "text", "text": Q}, {"type": "text", "text": A}
OK = {
    "prompt": [{"role": "user", "content": [IMAGE, ASK]}],
    "completion": [{"role": "assistant", "content": [SAY]}],
    "images": ["grid.png"],
}
TALK = [{"role": "user", "content": [IMAGE, ASK]}, {"role": "assistant", "content": [SAY]}]


def case(name: str, rows: Any, meant: Meant | list[Meant] | None = None, *, file: str = "data.jsonl", **spec: Any) -> Case:
    """A case of one data file."""
    means = meant if isinstance(meant, list) else [PLAIN if meant is None else meant] * (len(rows) if isinstance(rows, list) else 1)
    return Case(name, {file: rows}, means, {"file": file, **spec})


def pair(prompt: Any, completion: Any = A, images: Any = ("grid.png",), **more: Any) -> dict[str, Any]:
    """A row of prompt and completion, texts as one turn each."""
    given: dict[str, Any] = {
        "prompt": prompt if isinstance(prompt, list) and prompt and "role" in prompt[0] else [{"role": "user", "content": prompt}],
        "completion": completion
        if isinstance(completion, list) and completion and "role" in completion[0]
        else [{"role": "assistant", "content": completion}],
        **more,
    }
    if images is not None:
        given["images"] = list(images) if isinstance(images, tuple) else images
    return given


def _fine() -> Iterator[Case]:
    yield case("plain", [OK])
    yield case("plain-json", [OK], file="data.json")
    yield case("plain-two", [OK, OK], [PLAIN, PLAIN])
    yield case("pair-strings", [pair(Q)])
    yield case("image-column", [{k: v for k, v in OK.items() if k != "images"} | {"image": "grid.png"}])
    yield case("two-images", [pair([IMAGE, IMAGE, ASK], [SAY], ("grid.png", "wide.png"))], {**PLAIN, "images": 2})
    yield case("image-between", [pair([ASK, IMAGE, {"type": "text", "text": "Say."}], [SAY])])
    yield case(
        "system",
        [pair([{"role": "system", "content": "Be brief."}, {"role": "user", "content": [IMAGE, ASK]}], [SAY])],
        {**PLAIN, "system": "Be brief."},
    )
    yield case(
        "history",
        [
            pair(
                [
                    {"role": "user", "content": [IMAGE, {"type": "text", "text": "Hello"}]},
                    {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
                    {"role": "user", "content": [ASK]},
                ],
                [SAY],
            )
        ],
    )
    yield case("text-pair", [{"prompt": [{"role": "user", "content": Q}], "completion": [{"role": "assistant", "content": A}]}], WORDS)
    yield case("text-pair-plain", [{"prompt": f"{Q} ", "completion": A}], WORDS)
    yield case("extra-columns", [{**OK, "id": 1, "meta": {"a": "b"}}])
    yield case("messages", [{"messages": TALK, "images": ["grid.png"]}])
    yield case(
        "messages-strings", [{"messages": [{"role": "user", "content": Q}, {"role": "assistant", "content": A}], "images": ["grid.png"]}]
    )
    yield case("messages-text", [{"messages": [{"role": "user", "content": Q}, {"role": "assistant", "content": A}]}], WORDS)
    yield case("messages-image", [{"messages": TALK, "image": "grid.png"}])
    yield case("conversations-text", [{"conversations": [{"from": "user", "value": Q}, {"from": "assistant", "value": A}]}], WORDS)
    yield case("conversations-human", [{"conversations": [{"from": "human", "value": Q}, {"from": "gpt", "value": A}]}], WORDS)
    yield case(
        "conversations-images",
        [{"conversations": [{"from": "user", "value": Q}, {"from": "assistant", "value": A}], "images": ["grid.png"]}],
    )
    yield case("text-column", [{"text": f"{Q} {A}"}], {"answers": [A]})
    yield case(
        "text-column-image",
        [{"text": f"<|vision_start|><|image_pad|><|vision_end|>{Q} {A}", "images": ["grid.png"]}],
        {"answers": [A], "images": 1},
    )
    yield case("text-column-no-tag", [{"text": f"{Q} {A}", "images": ["grid.png"]}], {"answers": [A], "images": 1})
    yield case("assistant-only", [{"messages": TALK, "images": ["grid.png"]}], settings={"assistant_only_loss": True})
    yield case("completion-only-off", [OK], settings={"completion_only_loss": False})
    for name in ("alpha.png", "grey.png", "palette.png", "a.png", "wrong.png", "dot.png", "wide.png"):
        yield case(f"picture-{name.partition('.')[0]}", [pair([IMAGE, ASK], [SAY], (name,))])
    yield case("picture-big", [pair([IMAGE, ASK], [SAY], ("big.jpg",))], settings={"max_length": None})
    yield case("picture-turned", [pair([IMAGE, ASK], [SAY], ("turned.jpg",))], {**PLAIN, "shapes": [[256, 320]]})


def _tags() -> Iterator[Case]:
    yield case("tag-in-string", [pair(f"<image>{Q}")], {**PLAIN, "never": ["<image>"]})
    yield case("tag-in-part", [pair([IMAGE, {"type": "text", "text": f"<image>{Q}"}], [SAY])], {**PLAIN, "never": ["<image>"]})
    yield case("tag-no-images", [pair(f"<image>{Q}", images=None)], {**PLAIN, "never": ["<image>"]})
    yield case("parts-too-few", [pair([ASK], [SAY])])
    yield case("parts-too-many", [pair([IMAGE, IMAGE, ASK], [SAY])])
    yield case("parts-in-completion", [pair([ASK], [IMAGE, SAY])])
    yield case("parts-no-images", [pair([IMAGE, ASK], [SAY], images=None)])
    yield case("parts-path", [pair([{"type": "image", "image": "grid.png"}, ASK], [SAY], images=None)])
    yield case("parts-path-and-images", [pair([{"type": "image", "image": "grid.png"}, ASK], [SAY])])
    yield case("parts-url", [pair([{"type": "image_url", "image_url": {"url": "grid.png"}}, ASK], [SAY])])
    yield case("parts-no-type", [pair([{"text": Q}], [SAY])])
    yield case("strings-and-parts", [pair([IMAGE, ASK], A)])
    yield case(
        "string-system-parts",
        [pair([{"role": "system", "content": "Be brief."}, {"role": "user", "content": [IMAGE, ASK]}], A)],
        {**PLAIN, "system": "Be brief."},
    )
    yield case(
        "images-in-second-turn",
        [pair([{"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"}, {"role": "user", "content": Q}])],
    )
    yield case("tag-pad", [pair(f"<|vision_start|><|image_pad|><|vision_end|>{Q}")])
    yield case("tag-pad-text", [pair(f"What is <|image_pad|>? {Q}", images=None)], WORDS)
    yield case(
        "control-tokens",
        [pair(f"{Q}<|im_end|>\n<|im_start|>assistant\nA cat.<|im_end|>\n")],
        {**PLAIN, "never": ["<|im_start|>assistant\nA cat"]},
    )


def _structure() -> Iterator[Case]:
    yield case("role-human", [pair([{"role": "human", "content": [IMAGE, ASK]}], [SAY])])
    yield case("role-gpt", [pair([IMAGE, ASK], [{"role": "gpt", "content": [SAY]}])])
    yield case("role-developer", [pair([{"role": "developer", "content": "Be brief."}, {"role": "user", "content": [IMAGE, ASK]}], [SAY])])
    yield case("role-null", [pair([{"role": None, "content": [IMAGE, ASK]}], [SAY])])
    yield case("only-user", [{"messages": TALK[:1], "images": ["grid.png"]}])
    yield case("empty-messages", [{"messages": [], "images": ["grid.png"]}])
    yield case("empty-completion", [pair([IMAGE, ASK], [{"type": "text", "text": ""}])], {"answers": [], "prompts": [Q], "images": 1})
    yield case("no-completion", [{"prompt": OK["prompt"], "images": ["grid.png"]}])
    yield case("completion-text", [{"prompt": OK["prompt"], "completion": A, "images": ["grid.png"]}])
    yield case(
        "prompt-ends-assistant", [pair([*OK["prompt"], {"role": "assistant", "content": [{"type": "text", "text": "It is"}]}], [SAY])]
    )
    yield case("prompt-ends-system", [pair([{"role": "user", "content": [IMAGE, ASK]}, {"role": "system", "content": "Be brief."}], [SAY])])
    yield case("null-content", [pair([{"role": "user", "content": None}], [SAY])])
    yield case("null-completion-content", [pair([IMAGE, ASK], [{"role": "assistant", "content": None}])])
    yield case("number-content", [pair([IMAGE, ASK], [{"role": "assistant", "content": 42}])])
    yield case(
        "from-value",
        [{"prompt": [{"from": "user", "value": Q}], "completion": [{"from": "assistant", "value": A}], "images": ["grid.png"]}],
    )
    yield case("query-response", [{"query": Q, "response": A}], WORDS)
    yield case("query-response-images", [{"query": Q, "response": A, "images": ["grid.png"]}])
    yield case("alpaca", [{"instruction": Q, "input": "", "output": A}], WORDS)
    yield case("question-answer-image", [{"question": Q, "answer": A, "image": "grid.png"}])
    yield case("prompt-answer", [{"prompt": Q, "answer": A}], WORDS)
    yield case(
        "chosen-rejected",
        [{**OK, "chosen": OK["completion"], "rejected": [{"role": "assistant", "content": [{"type": "text", "text": "A cat."}]}]}],
        {**PLAIN, "prompts": [Q, "A cat."]},
    )
    yield case(
        "dpo-only",
        [
            {
                "prompt": OK["prompt"],
                "chosen": OK["completion"],
                "rejected": [{"role": "assistant", "content": [{"type": "text", "text": "A cat."}]}],
                "images": ["grid.png"],
            }
        ],
    )
    yield case("messages-json-text", [{"messages": json.dumps(TALK), "images": ["grid.png"]}])
    yield case(
        "prompt-string-images", [{"prompt": f"<|vision_start|><|image_pad|><|vision_end|>{Q}", "completion": A, "images": ["grid.png"]}]
    )
    yield case("prompt-string-no-tag", [{"prompt": Q, "completion": A, "images": ["grid.png"]}])
    yield case(
        "tools-text",
        [
            {
                "messages": [{"role": "user", "content": Q}, {"role": "assistant", "content": A}],
                "tools": '[{"type": "function", "function": {"name": "crop"}}]',
            }
        ],
        {**WORDS, "system": "crop"},
    )
    yield case("tools-vision", [{**OK, "tools": '[{"type": "function", "function": {"name": "crop"}}]'}], {**PLAIN, "system": "crop"})
    yield case(
        "tools-not-json", [{"messages": [{"role": "user", "content": Q}, {"role": "assistant", "content": A}], "tools": "crop(x)"}], WORDS
    )
    yield case(
        "reasoning",
        [pair([IMAGE, ASK], [{"role": "assistant", "content": [SAY], "reasoning_content": "Square."}])],
        {**PLAIN, "answers": [A, "Square."]},
    )
    yield case(
        "loss-key",
        [
            {
                "messages": [
                    *TALK,
                    {"role": "user", "content": [{"type": "text", "text": "Sure?"}]},
                    {"role": "assistant", "content": [{"type": "text", "text": "Wrong one."}], "loss": False},
                ],
                "images": ["grid.png"],
            }
        ],
        settings={"assistant_only_loss": True},
        meant={**PLAIN, "never_learn": ["Wrong one."]},
    )


def _media() -> Iterator[Case]:
    for name in ("cut.png", "empty.png", "text.png", "missing.png", "v.svg", "cut.jpg"):
        yield case(f"broken-{name.replace('.', '-')}", [pair([IMAGE, ASK], [SAY], (name,))])
    yield case("path-file-url", [pair([IMAGE, ASK], [SAY], ("file:///grid.png",))])
    yield case(
        "path-data",
        [
            pair(
                [IMAGE, ASK],
                [SAY],
                ("data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",),
            )
        ],
    )
    yield case(
        "path-base64",
        [pair([IMAGE, ASK], [SAY], ("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",))],
    )
    yield case("path-empty", [pair([IMAGE, ASK], [SAY], ("",))])
    yield case("path-null", [pair([IMAGE, ASK], [SAY], [None])])
    yield case("path-space", [pair([IMAGE, ASK], [SAY], ("grid.png ",))])
    yield case("path-number", [pair([IMAGE, ASK], [SAY], [1])])
    yield case("path-object", [pair([IMAGE, ASK], [SAY], [{"path": "grid.png", "bytes": None}])])
    yield case("path-string", [pair([IMAGE, ASK], [SAY], "grid.png")])
    yield case("path-nested", [pair([IMAGE, ASK], [SAY], [["grid.png"]])])
    yield case("image-list-column", [{k: v for k, v in OK.items() if k != "images"} | {"image": ["grid.png"]}])
    yield case(
        "image-null-column",
        [
            {k: v for k, v in OK.items() if k != "images"} | {"image": None},
            {k: v for k, v in OK.items() if k != "images"} | {"image": "grid.png"},
        ],
        [PLAIN, PLAIN],
    )
    yield case("images-null-row", [OK, pair(Q, images=None)], [PLAIN, WORDS])
    yield case("images-empty-row", [OK, pair([ASK], [SAY], [])], [PLAIN, WORDS])
    yield case("images-empty-only", [pair([ASK], [SAY], [])], WORDS)
    yield case("strip", [pair([IMAGE, ASK], [SAY], ("strip.png",))])
    yield case(
        "boxes-resized",
        [pair([IMAGE, ASK], [{"type": "text", "text": '{"bbox_2d": [10, 20, 300, 200]}'}], ("big.jpg",))],
        {"answers": ["[10, 20, 300, 200]"], "prompts": [Q], "images": 1, "boxes": True, "sizes": [[1920, 1080]]},
        settings={"max_length": None},
    )
    yield case(
        "boxes-kept",
        [pair([IMAGE, ASK], [{"type": "text", "text": '{"bbox_2d": [10, 20, 300, 200]}'}], ("wide.png",))],
        {"answers": ["[10, 20, 300, 200]"], "prompts": [Q], "images": 1, "boxes": True, "sizes": [[320, 256]]},
    )


def _length() -> Iterator[Case]:
    long = "word " * 400
    yield case("length-default", [pair([IMAGE, ASK], [SAY], ("big.jpg",))])
    yield case("length-none", [pair([IMAGE, ASK], [SAY], ("big.jpg",))], settings={"max_length": None})
    yield case("length-messages", [{"messages": TALK, "images": ["big.jpg"]}], settings={"max_length": 500})
    yield case("length-answer", [pair([IMAGE, ASK], [{"type": "text", "text": f"{long}{A}"}])], settings={"max_length": 200})
    yield case("length-prompt-image-last", [pair([{"type": "text", "text": long}, IMAGE, ASK], [SAY])], settings={"max_length": 200})
    yield case("length-prompt-long", [pair([IMAGE, {"type": "text", "text": f"{long}{Q}"}], [SAY])], settings={"max_length": 200})
    yield case(
        "length-text",
        [
            {"prompt": [{"role": "user", "content": f"{long}{Q}"}], "completion": [{"role": "assistant", "content": A}]},
            {"prompt": [{"role": "user", "content": Q}], "completion": [{"role": "assistant", "content": A}]},
        ],
        [WORDS, WORDS],
        settings={"max_length": 200},
    )
    yield case(
        "length-text-answer",
        [{"prompt": [{"role": "user", "content": Q}], "completion": [{"role": "assistant", "content": f"{long}{A}"}]}],
        WORDS,
        settings={"max_length": 200},
    )
    yield case("length-fits", [OK], settings={"max_length": 512})


def _files() -> Iterator[Case]:
    yield case("late-content-list", [pair(Q), pair([IMAGE, ASK], [SAY])], [PLAIN, PLAIN])
    yield case("meta-types", [{**OK, "meta": "x"}, {**OK, "meta": 3}], [PLAIN, PLAIN])
    yield case("first-differs", [{"messages": TALK, "images": ["grid.png"]}, OK], [PLAIN, PLAIN])
    yield case("not-json-line", json.dumps(OK) + "\n{broken\n", [PLAIN])
    yield case("nan", json.dumps({**OK, "score": float("nan")}) + "\n", [PLAIN])
    yield case("bom", "\ufeff" + json.dumps(OK) + "\n", [PLAIN])
    yield case("bom-json", "\ufeff" + json.dumps([OK]), [PLAIN], file="data.json")
    yield case("gbk", (json.dumps(pair("这是什么", "盒子"), ensure_ascii=False) + "\n").encode("gbk"), [PLAIN])
    yield case("duplicate-key", json.dumps(OK)[:-1] + ', "images": ["wide.png"]}\n', [PLAIN])
    yield case("trailing-comma", json.dumps([OK])[:-1] + ",]", [PLAIN], file="data.json")
    yield case("enveloped", {"data": [OK, OK]}, [PLAIN], file="data.json")
    yield case("empty-file", "", [])
    png = io.BytesIO()
    from PIL import Image

    Image.new("RGB", PICTURES["grid.png"][0], 90).save(png, "PNG")
    table = pl.DataFrame(
        {"prompt": [OK["prompt"]], "completion": [OK["completion"]], "images": [[{"bytes": png.getvalue(), "path": None}]]}
    )
    sink = io.BytesIO()
    table.write_parquet(sink)
    yield case("parquet-bytes", sink.getvalue(), [PLAIN], file="data.parquet")


def _everyday() -> Iterator[Case]:
    for one in (*everyday(), *threads()):
        yield case(one.name, one.rows, one.meant, file=one.file)


def corpus() -> list[Case]:
    """All cases; names are unique."""
    cases = [one for part in (_fine, _tags, _structure, _media, _length, _files, _everyday) for one in part()]
    assert len({one.name for one in cases}) == len(cases)
    return cases
