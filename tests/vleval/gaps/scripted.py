"""A scripted model asked by three harnesses: which item differs for which cause is known before anything is compared.

Each harness makes its own prompt and writes its own file. By default the rules that read an answer are ours; `tests/vleval/gaps/real.py`
puts the harnesses' real code in their place.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from vleval.gaps.lmms_eval import read_choice
from vleval.metrics.evalscope_choice import read_evalscope
from vleval.metrics.multiple_choice import read_vlmevalkit

OPTIONS = ("a red square", "a blue circle", "a green line", "a white dot")
LETTERS = "ABCD"
Read = Callable[[str, tuple[str, ...]], str]


class Ask(NamedTuple):
    """What a harness sends."""

    harness: str
    item: int
    prompt: str
    system: str


class Planned(NamedTuple):
    """An item: the right letter, what the model says to each harness, and the cause for a pair of them (absent: the same score)."""

    answer: str
    says: Callable[[Ask], str]
    causes: dict[tuple[str, str], str]


def _always(text: str) -> Callable[[Ask], str]:
    return lambda ask: text


V, L, E = "vlmevalkit", "lmms-eval", "evalscope-reviews"

PLAN: tuple[Planned, ...] = (
    Planned("A", _always("A"), {}),
    Planned("B", _always("The answer is B"), {}),  # evalscope: the last capital letter is B
    Planned("C", _always("ANSWER: C"), {}),
    Planned("D", _always("A blue circle is not it. Answer: (D) because BLUE"), {(V, L): "extraction", (V, E): "extraction"}),
    Planned("B", _always("it shows a blue circle and nothing more at all"), {(V, E): "extraction", (L, E): "extraction"}),
    Planned("A", _always("no idea"), {(V, L): "guess", (V, E): "guess"}),
    Planned("C", lambda ask: "C" if "Please select" in ask.prompt else "D", {(V, L): "wording", (V, E): "wording"}),
    Planned("A", lambda ask: "A" if ask.system else "B", {(L, E): "wording", (V, L): "wording"}),
    Planned("D", lambda ask: "ANSWER: D" if "ANSWER" in ask.prompt else "B", {(V, E): "wording", (L, E): "wording"}),
    Planned("A", lambda ask: "I think (A)" if ask.harness == L else "I think", {(V, L): "truncation", (L, E): "truncation"}),
    Planned("B", lambda ask: {V: "B", L: "C", E: "ANSWER: B"}[ask.harness], {(V, L): "wording", (L, E): "wording"}),
    Planned("C", _always("D"), {}),
    Planned("B", _always("(B)"), {}),
    Planned("A", lambda ask: "" if ask.harness == V else "A", {(V, L): "wording", (V, E): "wording"}),
)  # fmt: skip


def question(item: int) -> str:
    """The question of an item, each another."""
    return f"What stands in corner {item} of the picture?"


def draw_files(folder: Path, reads: dict[str, Read] | None = None, seed: int = 1) -> dict[str, Path]:
    """Ask the model as each harness does, and write each harness's file."""
    draw = random.Random(seed)
    reads = reads or {V: read_vlmevalkit, L: read_choice, E: read_evalscope}
    paths = {}
    for harness, write in ((V, _vlmevalkit), (L, _lmms_eval), (E, _evalscope)):
        lines = [write(number, planned, reads[harness], draw) for number, planned in enumerate(PLAN)]
        paths[harness] = folder / f"{harness}.jsonl"
        paths[harness].write_text("".join(json.dumps(line) + "\n" for line in lines))
    return paths


def _vlmevalkit(item: int, planned: Planned, read: Read, draw: random.Random) -> dict[str, Any]:
    options = "".join(f"{letter}. {option}\n" for letter, option in zip(LETTERS, OPTIONS, strict=True))
    prompt = f"Question: {question(item)}\nOptions:\n{options}Please select the correct answer from the options above. \n"
    said = planned.says(Ask(V, item, prompt, ""))
    opt, log = read(said, OPTIONS), said
    if not opt:
        opt, log = draw.choice(LETTERS), "Failed to predict, thus randomly generate one. "
        if item == 5:
            opt = planned.answer  # luck, for a difference that is known
        elif item in (9, 13):
            opt = LETTERS[(LETTERS.index(planned.answer) + 1) % 4]
    named = dict(zip(LETTERS, OPTIONS, strict=True))
    verdict = {"hit": int(opt == planned.answer), "log": f"Match Log: {log}. "}
    return {"index": item, "question": question(item), **named, "answer": planned.answer, "prediction": said, **verdict}


def _lmms_eval(item: int, planned: Planned, read: Read, draw: random.Random) -> dict[str, Any]:
    options = "\n".join(f"({letter}) {option}" for letter, option in zip(LETTERS, OPTIONS, strict=True))
    prompt = f"{question(item)}\n{options}\n\nAnswer with the option's letter from the given choices directly."
    said = planned.says(Ask(L, item, prompt, "You are a helpful assistant."))
    parsed = read(said, OPTIONS) or draw.choice([letter for letter in LETTERS if letter != planned.answer])
    verdict = {"id": f"validation_{item}", "question_type": "multiple-choice", "answer": planned.answer, "parsed_pred": [parsed]}
    doc = {"question": question(item), "options": repr(list(OPTIONS)), "question_type": "multiple-choice"}
    if item % 2:  # as an earlier release writes it
        return {
            "doc_id": item, "doc": doc, "target": planned.answer, "input": prompt, "resps": [[said]], "filtered_resps": [said],
            "mmmu_acc": verdict,
        }  # fmt: skip
    tokens = [{"input_tokens": 10, "output_tokens": 1, "reasoning_tokens": 0}]
    return {
        "doc_id": item, "target": planned.answer, "filtered_resps": said, "token_counts": tokens, "doc_hash": "74234e98",
        "input_media": ["x.png"], "mmmu_acc": verdict, "input": prompt,
    }  # fmt: skip


def _evalscope(item: int, planned: Planned, read: Read, draw: random.Random) -> dict[str, Any]:
    options = "\n".join(f"{letter}) {option}" for letter, option in zip(LETTERS, OPTIONS, strict=True))
    lead = "Answer the following multiple choice question. The last line of your response should be 'ANSWER: [LETTER]'"
    prompt = f"{lead} where [LETTER] is one of A,B,C,D. Think step by step before answering.\n\n{question(item)}\n\n{options}"
    said = planned.says(Ask(E, item, prompt, ""))
    taken = read(said, OPTIONS)
    score = {
        "value": {"acc": float(taken == planned.answer)}, "extracted_prediction": taken, "prediction": said, "main_score_name": "acc",
    }  # fmt: skip
    head, tail = prompt.split(question(item))  # 1.14.1 writes no field of options: they stand in the prompt alone
    content = [{"type": "text", "text": head}, {"type": "image", "image": "x.png"}, {"type": "text", "text": f" {question(item)}{tail}"}]
    messages = [{"role": "user", "content": content}, {"role": "assistant", "content": said, "model": "scripted"}]
    sample = {"score": score, "sample_id": item, "group_id": item, "generation_index": 0, "sample_metadata": {}}
    return {
        "index": item,
        "target": [planned.answer],
        "messages": messages,
        "agent_trace": None,
        "sample_score": sample,
    }  # 1.14.1: no options
