"""The answer without the thought, in every spelling of models and servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vldata.records.thoughts import has_thought, without_thought

PAIRS = [
    *(
        (f"<{name}>", f"</{name}>")
        for name in ("think", "thinking", "thought", "reasoning", "seed:think", "mm:think", "THINK", "tHink", "scratchpad")
    ),
    ("<think >", "</think >"),
    ("< think>", "</ think>"),
    ('<think lang="en">', "</think>"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought\n", "<channel|>"),
    ("<unused94>thought\n", "<unused95>"),
    ('<details type="reasoning" done="true">', "</details>"),
    ("<|channel|>analysis<|message|>", "<|end|><|start|>assistant<|channel|>final<|message|>"),
    ("Thinking...\n", "\n...done thinking.\n"),
    ("analysis", "assistantfinal"),
]


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_a_thought_goes_and_the_answer_stays(opening, closing):
    assert without_thought(f"{opening}It may be a dog, or 2 < 3.{closing}\n\ncat\n") == "cat"
    assert without_thought(f"{opening}\n\n{closing}\n\ncat") == "cat"
    assert has_thought(f"{opening}x{closing}cat")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a</think>b</think>c", "c"),  # the opening mark was in the prompt
        ("first I look [/THINK] cat", "cat"),
        ("<think>never closed", ""),
        ("answer <think>then thought", "answer"),
        ("cat<think>was it?</think>", "cat"),
        ("<think>a <think> mark</think> b", "b"),
        ("<think>one</think><think>two</think>cat", "cat"),
        ("<|channel|>analysis<|message|>cut off", ""),
        ("<|channel|>final<|message|>cat<|return|>", "cat"),
        ("<|START_THINKING|>x<|END_THINKING|><|START_RESPONSE|>cat<|END_RESPONSE|>", "cat"),
        ("<|begin_of_thought|>x<|end_of_thought|>\n<|begin_of_solution|>cat<|end_of_solution|>", "cat"),
        ("Thinking...\ncut off", ""),
    ],
)
def test_marks_that_stand_alone(text, wanted):
    assert without_thought(text) == wanted


@pytest.mark.parametrize(
    "text",
    ["plain", " I think so. ", "no reasoning here", "a < b", "thoughtful <b>cat</b>", "", "analysis of a cat", "a [think] tank?"[:1]],
)
def test_other_text_is_left_as_it_is(text):
    assert without_thought(text) is text
    assert not has_thought(text)


@given(st.text(max_size=80).filter(lambda text: "hink" not in text.lower()))
def test_an_answer_behind_a_thought_is_the_answer(text):
    assert without_thought(f"<think>x</think>{text}") == without_thought(text).strip()


@given(st.text(alphabet="<>/think ab", max_size=80))
def test_taken_off_once_is_taken_off(text):
    once = without_thought(text)
    assert len(once) <= len(text)
