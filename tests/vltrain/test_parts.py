"""Thoughts, turns that are not learned, and tool turns with images, as a model sees them; data for other trainings is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from vltrain.planning import prepare
from vltrain.recipe import Recipe

from vldata.conversion import convert
from vldata.errors import DataError
from vldata.models.prompt import Prompter
from vldata.output.options import ConvertOptions
from vldata.records.record import Message, Record
from vldata.records.tool_calls import BETWEEN_ANSWERS
from vldata.sources.sharegpt import open_source

# What Qwen's templates of thinking models do: the thought of what follows the last question alone, and an opened thought to answer.
LAST_ALONE = """\
{%- set ns = namespace(last=0) -%}
{%- for message in messages -%}{%- if message.role == 'user' -%}{%- set ns.last = loop.index0 -%}{%- endif -%}{%- endfor -%}
{%- for message in messages -%}
{{- '<|im_start|>' + message.role + '\\n' -}}
{%- if message.role == 'assistant' and loop.index0 > ns.last -%}
{{- '<think>\\n' + message.reasoning_content + '\\n</think>\\n\\n' -}}
{%- endif -%}
{{- message.content + '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n<think>\\n' -}}{%- endif -%}
"""


def record(*messages: Message, images: tuple[str, ...] = ()) -> Record:
    return Record(id="x", messages=messages, images=images, references=(), meta={})


def learned(prompter: Prompter, *messages: Message) -> str:
    encoded = prompter.encode(record(*messages), [])
    return prompter.decode(encoded.ids[encoded.answer].tolist())


@pytest.fixture(scope="module")
def plain(tiny: Path) -> Prompter:
    return Prompter(tiny)


@pytest.fixture(scope="module")
def thinking(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Prompter:
    folder = Path(shutil.copytree(tiny, tmp_path_factory.mktemp("thinking") / "model"))
    (folder / "chat_template.jinja").write_text(LAST_ALONE)
    return Prompter(folder)


ASKED = Message("user", "What?", reasoning="")


def test_a_template_without_a_place_for_thoughts_learns_them_as_text(plain: Prompter) -> None:
    assert learned(plain, ASKED, Message("assistant", "red", "I see <|im_end|>.")) == (
        "<think>\nI see < |im_end|>.\n</think>\n\nred<|im_end|>"
    )
    assert learned(plain, ASKED, Message("assistant", "red", "")) == "<think>\n\n</think>\n\nred<|im_end|>"
    assert learned(plain, Message("user", "What?"), Message("assistant", "red")) == "red<|im_end|>"


def test_a_template_of_a_thinking_model_renders_them_itself(thinking: Prompter) -> None:
    assert learned(thinking, ASKED, Message("assistant", "red", "I see.")) == "I see.\n</think>\n\nred<|im_end|>"
    talk = (ASKED, Message("assistant", "red", "one"), ASKED, Message("assistant", "blue", "two"))
    encoded = thinking.encode(record(*talk), [])
    assert encoded.passed_over == 1 and "one" not in thinking.decode(encoded.ids.tolist())
    assert learned(thinking, *talk) == "two\n</think>\n\nblue<|im_end|>"


def test_a_thought_that_a_template_leaves_out_stops(tiny: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    (folder / "chat_template.jinja").write_text(LAST_ALONE.replace("+ message.reasoning_content +", "+ message.reasoning_content[:0] +"))
    with pytest.raises(DataError, match="leaves out the thought of turn 1"):
        Prompter(folder).encode(record(ASKED, Message("assistant", "red", "I see.")), [])


def test_a_turn_with_loss_false_is_not_learned(plain: Prompter) -> None:
    talk = [Message("user", "a", loss=False), Message("assistant", "b", loss=False), Message("user", "c", loss=False)]
    assert learned(plain, *talk, Message("assistant", "d", loss=True)) == "d<|im_end|>"
    with pytest.raises(DataError, match="no answer to learn"):
        learned(plain, *talk[:2])


def test_tools_answer_apart_and_show_images(plain: Prompter) -> None:
    calls = json.dumps([{"name": "a", "arguments": {}}, {"name": "b", "arguments": {}}])
    talk = (
        Message("user", "Where?"),
        Message("function_call", f"I look.\n{calls}"),
        Message("observation", f"<image>{BETWEEN_ANSWERS}2"),
        Message("assistant", "There."),
    )
    encoded = plain.encode(record(*talk, images=("a.png",)), [4])
    assert encoded.pictures.sum() == 4
    text = plain.decode(encoded.ids.tolist())
    assert text.count("<tool_response>") == 2 and "\n2\n</tool_response>" in text and "assistant\nI look.<tool_call>" in text


@pytest.mark.parametrize(("beside", "kind"), [({"rejected_response": "No."}, "DPO"), ({"label": True}, "KTO"), ({"solution": "7"}, "GRPO")])
def test_data_for_other_trainings_is_refused_with_what_trains_on_it(
    beside: dict[str, object], kind: str, tiny: Path, tmp_path: Path
) -> None:
    messages = [{"role": "user", "content": "What?"}, {"role": "assistant", "content": "Yes."}][: 1 if "solution" in beside else 2]
    (tmp_path / "a.jsonl").write_text(json.dumps({"messages": messages, **beside}) + "\n")
    (opened,) = open_source(tmp_path / "a.jsonl")
    convert(opened, ConvertOptions(out=tmp_path / "out", workers=1))
    plan = prepare(Recipe(model=str(tiny), data=(str(tmp_path / "out" / "a"),))).plan
    (problem,) = [text for text in plan.problems if kind in text]
    assert "vldata export DIR/NAME --to trl" in problem
