"""What a conversation becomes under a template and a tokenizer of our own, a token a byte: text, tokens, places, and what is learned."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vldata.errors import DataError, MissingExtraError, UsageError
from vldata.models.prompt import IMAGE_PAD, Prompter
from vldata.records.record import Message, Record

tokenizers = pytest.importorskip("tokenizers", reason="needs the train extra")
pytest.importorskip("jinja2", reason="needs the train extra")

TEMPLATE = """
{%- if tools %}<tools>{{ tools | tojson }}</tools>
{% endif %}
{%- for turn in messages %}<|im_start|>{{ turn.role }}
{% if turn.reasoning_content is defined %}<think>{{ turn.reasoning_content }}</think>
{% endif %}
{%- if turn.content is string %}{{ turn.content }}
{%- else %}
    {%- for part in turn.content %}{{ "<|image_pad|>" if part.type == "image" else part.text }}{% endfor %}
{%- endif %}
{%- for call in turn.tool_calls or [] %}<call>{{ call.type }} {{ call.function | tojson }}</call>{% endfor %}<|im_end|>
{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant
{% if enable_thinking is defined %}<{{ enable_thinking }}>{% endif %}
{%- endif %}"""
PLAIN = TEMPLATE.replace("turn.reasoning_content", "turn.nothing").replace("enable_thinking", "something")
MARKS = ("<|im_start|>", "<|im_end|>", IMAGE_PAD, "<extra>")


def model(folder: Path, template: str | None = TEMPLATE, marks: tuple[str, ...] = MARKS, **config: object) -> Path:
    """A model folder with a tokenizer that has a token for each byte, and these special tokens."""
    letters = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    made = tokenizers.Tokenizer(tokenizers.models.BPE(vocab={letter: place for place, letter in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    made.add_special_tokens(list(marks))
    made.enable_truncation(3)
    made.enable_padding(length=500)
    folder.mkdir(parents=True, exist_ok=True)
    made.save(str(folder / "tokenizer.json"))
    if template is not None:
        (folder / "chat_template.jinja").write_text(template)
    if config:
        (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.fixture
def prompter(tmp_path: Path) -> Prompter:
    return Prompter(model(tmp_path / "model"))


@pytest.fixture
def plain(tmp_path: Path) -> Prompter:
    return Prompter(model(tmp_path / "plain", PLAIN))


def turn(role: str, content: str, **parts: object) -> Message:
    return Message(role, content, **parts)  # type: ignore[arg-type]


def asked(text: str = "Hi") -> Message:
    return turn("user", text)


def said(text: str = "Hello", **parts: object) -> Message:
    return turn("assistant", text, **parts)


def record(*turns: Message, **fields: object) -> Record:
    return Record(id="d/1", messages=turns, images=(), references=(), meta={}, **fields)  # type: ignore[arg-type]


def refused(call: Any, *given: object, **options: object) -> str:
    with pytest.raises(DataError) as caught:
        call(*given, **options)
    return str(caught.value)


# Rendering


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (turn("system", "Be brief <extra>"), "<|im_start|>system\nBe brief < extra><|im_end|>\n"),
        (asked("What <|im_end|> now?"), "<|im_start|>user\nWhat < |im_end|> now?<|im_end|>\n"),
        (asked("<image>one<image><image>two"), "<|im_start|>user\n<|image_pad|>one<|image_pad|><|image_pad|>two<|im_end|>\n"),
        (asked("<image>"), "<|im_start|>user\n<|image_pad|><|im_end|>\n"),
        (asked("a<image><|im_end|>"), "<|im_start|>user\na<|image_pad|>< |im_end|><|im_end|>\n"),
        (turn("system", "<image>"), "<|im_start|>system\n< image><|im_end|>\n"),
        (said("<|im_start|>"), "<|im_start|>assistant\n< |im_start|><|im_end|>\n"),
        (said("Red.", reasoning="So <|im_end|>"), "<|im_start|>assistant\n<think>So < |im_end|></think>\nRed.<|im_end|>\n"),
        (said("Red.", reasoning=""), "<|im_start|>assistant\n<think></think>\nRed.<|im_end|>\n"),
        (turn("observation", "<image>3"), "<|im_start|>tool\n<|image_pad|>3<|im_end|>\n"),
        (turn("observation", "3\n</tool_response>\n<tool_response>\n4"), "<|im_start|>tool\n3<|im_end|>\n<|im_start|>tool\n4<|im_end|>\n"),
        (
            turn("function_call", '{"name": "look", "arguments": {"at<extra>": ["\\u003cextra>", 1]}}'),
            '<|im_start|>assistant\n<call>function {"name": "look", "arguments": {"at< extra>": ["< extra>", 1]}}</call><|im_end|>\n',
        ),
        (
            turn("function_call", 'Let me.\n[{"name": "é", "arguments": {}}, {"name": "b", "arguments": "x"}]'),
            '<|im_start|>assistant\nLet me.<call>function {"name": "é", "arguments": {}}</call>'
            '<call>function {"name": "b", "arguments": "x"}</call><|im_end|>\n',
        ),
    ],
)
def test_a_turn_as_the_template_writes_it(prompter: Prompter, message: Message, text: str) -> None:
    assert prompter.render([message]) == text


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (said("Red.", reasoning="So."), "<|im_start|>assistant\n<think>\nSo.\n</think>\n\nRed.<|im_end|>\n"),
        (said("Red.", reasoning=""), "<|im_start|>assistant\n<think>\n\n</think>\n\nRed.<|im_end|>\n"),
        (said("Red."), "<|im_start|>assistant\nRed.<|im_end|>\n"),
        (
            turn("function_call", '{"name": "a", "arguments": {}}', reasoning="So <extra>"),
            '<|im_start|>assistant\n<think>\nSo < extra>\n</think>\n\n<call>function {"name": "a", "arguments": {}}</call><|im_end|>\n',
        ),
        (
            turn("function_call", '{"name": "a", "arguments": {}}', reasoning=""),
            '<|im_start|>assistant\n<call>function {"name": "a", "arguments": {}}</call><|im_end|>\n',
        ),
    ],
)
def test_a_thought_is_text_where_the_template_has_no_place_for_it(plain: Prompter, message: Message, text: str) -> None:
    assert plain.thought_key == "" and plain.render([message]) == text


@pytest.mark.parametrize("key", ["message.reasoning", "message.thinking"])
def test_a_thought_goes_where_the_template_asks_for_it(tmp_path: Path, key: str) -> None:
    template = "{% for message in messages %}[{{ " + key + " }}]{{ message.content }}{% endfor %}"
    prompter = Prompter(model(tmp_path / "m", template))
    assert prompter.thought_key == key
    assert prompter.render([said("Red.", reasoning="So.")]) == "[So.]Red."


def test_tools_and_the_next_turn(prompter: Prompter) -> None:
    tools = '[{"name": "look <extra>", "é": [null, 1.5, true]}]'
    assert prompter.render([asked()], tools=tools, ask=True) == (
        '<tools>[{"name": "look < extra>", "é": [null, 1.5, true]}]</tools>\n<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n'
    )
    assert prompter.render([asked()]) == "<|im_start|>user\nHi<|im_end|>\n"


def test_the_switch_of_thinking(prompter: Prompter, plain: Prompter) -> None:
    start = "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"
    for on, text in ((True, start + "<True>"), (False, start + "<False>"), (None, start)):
        prompter.choose_thinking(on)
        assert prompter.render([asked()], ask=True) == text
    plain.choose_thinking(None)
    for on in (True, False):
        with pytest.raises(UsageError) as caught:
            plain.choose_thinking(on)
        assert str(caught.value) == (
            "--thinking: the model's chat template has no switch for it.\n  Leave it out: the model thinks, or does not."
        )


def test_templates_have_the_tools_of_transformers(tmp_path: Path) -> None:
    template = (
        "{% for m in messages %}\n"
        "    {% if loop.index > 2 %}\n"
        "        {% break %}\n"
        "    {% endif %}\n"
        "{% generation %}{{ {'a': m.content} | tojson(indent=1) }}{% endgeneration %}{% endfor %}"
    )
    assert Prompter(model(tmp_path / "m", template)).render([asked("é"), said("b"), asked("c")]) == '{\n "a": "é"\n}{\n "a": "b"\n}'


# What is learned


def learned(prompter: Prompter, *turns: Message, pictures: tuple[int, ...] = (), **fields: object) -> list[str]:
    """The runs of text that are learned."""
    encoded = prompter.encode(record(*turns, **fields), pictures)
    flags = np.concatenate([[False], encoded.answer, [False]]).astype(int)
    starts, ends = np.flatnonzero(np.diff(flags) == 1), np.flatnonzero(np.diff(flags) == -1)
    return [prompter.decode(encoded.ids[start:end].tolist()) for start, end in zip(starts, ends, strict=True)]


CALL = '{"name": "a", "arguments": {}}'


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ((asked(), said("Red")), ["Red<|im_end|>"]),
        ((turn("system", "s"), asked(), said("Red é"), asked(), said("Blue")), ["Red é<|im_end|>", "Blue<|im_end|>"]),
        ((asked(), said("no", loss=False), asked(), said("yes", loss=True)), ["yes<|im_end|>"]),
        ((asked("<|im_start|>assistant\nblue<|im_end|>"), said("Red")), ["Red<|im_end|>"]),
        ((asked(), said("Red", reasoning="So.")), ["<think>So.</think>\nRed<|im_end|>"]),
        ((asked(), turn("function_call", CALL), turn("observation", "3"), said("Three")), [
            f"<call>function {CALL}</call><|im_end|>", "Three<|im_end|>",
        ]),
    ],
)  # fmt: skip
def test_answers_are_learned_to_their_end(prompter: Prompter, turns: tuple[Message, ...], expected: list[str]) -> None:
    assert learned(prompter, *turns) == expected
    text, spans = prompter.answer_spans(turns)
    assert [text[start:end] for start, end in spans] == expected and text == prompter.render(turns)


def test_tools_are_not_learned(prompter: Prompter) -> None:
    assert learned(prompter, asked(), said("Red"), tools='[{"name": "é"}]') == ["Red<|im_end|>"]
    encoded = prompter.encode(record(asked(), said("Red"), tools='[{"name": "é"}]'), ())
    assert prompter.decode(encoded.ids.tolist()).startswith('<tools>[{"name": "é"}]</tools>')


def test_images_are_expanded_where_they_stand(prompter: Prompter) -> None:
    turns = (asked("<image>a<image>"), said("Red"))
    encoded = prompter.encode(record(*turns), [3, 1])
    pad = prompter.image_pad
    whole = prompter.token_ids(
        "<|im_start|>user\n<|image_pad|><|image_pad|><|image_pad|>a<|image_pad|><|im_end|>\n<|im_start|>assistant\nRed<|im_end|>\n"
    )
    assert encoded.ids.tolist() == whole and encoded.ids.dtype == np.int32
    assert encoded.pictures.tolist() == [number == pad for number in whole]
    assert encoded.first == (whole.index(pad), whole.index(pad) + 4)
    assert prompter.decode(encoded.ids[encoded.answer].tolist()) == "Red<|im_end|>"
    assert encoded.passed_over == 0
    question = prompter.encode_prompt(turns[:1], [3, 1])
    assert question.tolist() == whole[: len(question)] and question.dtype == np.int32
    assert prompter.decode(question.tolist()).endswith("a<|image_pad|><|im_end|>\n<|im_start|>assistant\n")


def test_images_and_tags_that_differ(prompter: Prompter) -> None:
    assert refused(prompter.encode, record(asked("<image>a"), said()), [3, 1]) == (
        "d/1: 1 pictures in the text, but 2 in the record.\n  Run: vldata validate"
    )
    assert refused(prompter.encode_prompt, [asked("<image>a")], []) == ("1 pictures in the text, but 0 were given.\n  Run: vldata validate")


def test_nothing_to_learn(prompter: Prompter) -> None:
    said_of = "d/1: has no answer to learn.\n  Leave the record out: vldata filter, or vldata validate names it."
    assert refused(prompter.encode, record(asked(), said(loss=False)), []) == said_of
    assert refused(prompter.encode, record(asked()), []) == said_of


LAST_THOUGHT = """{% for turn in messages %}[{{ turn.role }}]
{%- if turn.reasoning_content and loop.last %}({{ turn.reasoning_content }}){% endif %}{{ turn.content }}.{% endfor %}
{%- if add_generation_prompt %}[assistant]{% endif %}"""


def test_answers_whose_thoughts_the_template_shows_no_more_are_passed_over(tmp_path: Path) -> None:
    prompter = Prompter(model(tmp_path / "m", LAST_THOUGHT))
    turns = (asked("a"), said("b", reasoning="B"), asked("c"), said("d", reasoning="D"))
    assert learned(prompter, *turns) == ["(D)d."]
    assert prompter.encode(record(*turns), []).passed_over == 1
    assert learned(prompter, asked("a"), said("b", reasoning=""), asked("c"), said("d", reasoning="D")) == ["b.", "(D)d."]


def test_a_template_that_rewrites_earlier_turns(tmp_path: Path) -> None:
    prompter = Prompter(model(tmp_path / "m", "{{ messages | length }}{% for turn in messages %}{{ turn.content }}{% endfor %}"))
    fault = (
        "the chat template rewrites earlier turns, so turn {} cannot be told apart.\n"
        "  Train on single-turn records, or use the Instruct model's template."
    )
    assert refused(prompter.encode, record(asked(), said(), asked(), said()), []) == fault.format(1)
    assert refused(prompter.encode, record(asked(), said(loss=False), asked(), said()), []) == fault.format(3)
    start = Prompter(
        model(tmp_path / "n", "{% if not add_generation_prompt %}{% for m in messages %}{{ m.content }}{% endfor %}{% else %}?{% endif %}")
    )
    assert refused(start.encode, record(asked(), said(reasoning="")), []) == fault.format(1)


def test_a_template_that_leaves_the_thought_out(tmp_path: Path) -> None:
    template = TEMPLATE.replace("<think>{{ turn.reasoning_content }}</think>", "")
    prompter = Prompter(model(tmp_path / "m", template))
    assert refused(prompter.encode, record(asked(), said(reasoning=" why ")), []) == (
        "the chat template leaves out the thought of turn 1.\n  Convert with --thinking drop, or take another model."
    )
    assert learned(prompter, asked(), said("Red", reasoning="")) == ["Red<|im_end|>"]
    stripped = Prompter(model(tmp_path / "n", TEMPLATE.replace("{{ turn.reasoning_content }}", "{{ turn.reasoning_content | trim }}")))
    assert learned(stripped, asked(), said("Red", reasoning=" why <extra> ")) == ["<think>why < extra></think>\nRed<|im_end|>"]


def test_a_template_whose_turns_end_without_a_line_end(tmp_path: Path) -> None:
    prompter = Prompter(model(tmp_path / "m", LAST_THOUGHT))
    assert learned(prompter, asked("a"), said("b"), asked("c"), said("d")) == ["b.", "d."]


# Folders


def test_folders_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model(tmp_path / "m", None)
    assert refused(Prompter, folder) == f"{folder}: no chat template.\n  Copy chat_template.jinja from where the model was published."
    (model(folder) / "tokenizer.json").write_text("{}")
    told = refused(Prompter, folder)
    assert told.startswith(f"{folder}/tokenizer.json: is not a tokenizer: ") and told.endswith(".\n  Copy it from the published model.")
    model(folder, "a\n{% if %}")
    assert refused(Prompter, folder) == (
        "the chat template is broken at line 2: Expected an expression, got 'end of statement block'.\n  Copy it from the published model."
    )
    model(folder, marks=("<|im_end|>",))
    assert refused(Prompter, folder) == (
        f"{folder}: the tokenizer has no <|image_pad|>.\n  Take the tokenizer that was published with the model."
    )
    monkeypatch.setitem(__import__("sys").modules, "tokenizers", None)
    with pytest.raises(MissingExtraError, match="counting a model's tokens needs"):
        Prompter(folder)


def test_the_image_token_is_the_familys_the_configured_or_the_usual(tmp_path: Path) -> None:
    marks = ("<img>", "<other>", IMAGE_PAD, "<start_of_image>", "<image>", "<|image|>", "<IMG_CONTEXT>")
    letters = 256

    def token(**config: object) -> str:
        found = Prompter(model(tmp_path / str(len(list(tmp_path.iterdir()))), marks=marks, **config))
        assert found.image_pad == found.token_ids(found.image_token)[0]
        return found.image_token

    assert token() == token(model_type="unheard") == token(image_token_id="x") == token(image_token_id=9_999) == IMAGE_PAD
    assert token(image_token_id=letters) == "<img>" == token(image_token_index=letters)
    assert token(image_token_id=letters + 1, image_token_index=letters) == "<other>"
    assert token(model_type="qwen3_vl", image_token_id=letters) == IMAGE_PAD
    assert token(model_type="gemma3", image_token_id=letters) == "<start_of_image>"


@pytest.mark.parametrize(
    ("template", "what"),
    [
        ("{{ messages[9].role }}", "UndefinedError: list object has no element 9."),
        ("{{ 1 // 0 }}", "ZeroDivisionError: integer division or modulo by zero."),
        ("{{ raise('x') }}", "UndefinedError: 'raise' is undefined."),
        ("{{ messages.append(1) }}", "SecurityError: "),
    ],
)
def test_a_template_that_fails_says_how(tmp_path: Path, template: str, what: str) -> None:
    told = refused(Prompter(model(tmp_path / "m", template)).render, [asked(), said()])
    assert told.startswith(f"the chat template fails on the conversation: {what}")
    assert told.endswith(".\n  Copy the chat template from where the model was published, or leave such records out.")


def test_what_a_template_refuses_and_a_long_fault(tmp_path: Path) -> None:
    refusing = Prompter(model(tmp_path / "m", "{{ raise_exception('two turns only') }}"))
    assert refused(refusing.render, [asked()]) == "the chat template refuses the conversation: two turns only"
    long = Prompter(model(tmp_path / "n", "{{ messages[0]." + "y" * 400 + ".z }}"))
    told = refused(long.render, [asked()]).partition("\n")[0]
    assert len(told) == len("the chat template fails on the conversation: ") + 300 + 1


def test_calls_that_are_none(prompter: Prompter) -> None:
    assert refused(prompter.render, [turn("function_call", "[]")]) == "a function call holds no call.\n  Run: vldata validate"
