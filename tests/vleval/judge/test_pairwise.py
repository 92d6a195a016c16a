"""Two systems before a judge, each pair in both orders."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.vleval.inference.server import FakeServer, http, serve
from vldata.errors import DataError, UsageError
from vleval import compare
from vleval.inference import retry
from vleval.judge.pairwise import read_verdict
from vleval.settings import Judging, Scoring

EXACT = Scoring(metrics=("exact_match",), extras=False)
ANSWERS = {"a": ("red", "blue"), "b": ("one", "two"), "c": ("here", "here"), "d": (None, "there"), "e": ("long", "longer")}


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)


def systems() -> list[list[dict[str, Any]]]:
    return [
        [
            {
                "id": name,
                "question": "?",
                "prediction": pair[side],
                "error": None if pair[side] else "time-out",
                "references": [f"right {name}"],
            }
            for name, pair in ANSWERS.items()
        ]
        for side in (0, 1)
    ]


def judge(prefer: Callable[[dict[str, Any]], str]) -> FakeServer:
    def answer(_attempt: int, body: dict[str, Any]) -> bytes:
        shown = json.loads(next(line for line in body["messages"][0]["content"].splitlines() if line.startswith("{")))
        message = {"content": prefer(shown)}
        return http(200, json.dumps({"model": "tiny", "choices": [{"message": message, "finish_reason": "stop"}]}))

    return FakeServer(answer)


def by_content(shown: dict[str, Any]) -> str:
    """Prefers blue and two, and whatever is shown first of the long ones."""
    if "long" in shown["answer_1"]:
        return "<think>the first looks fine</think>Verdict: 1"
    return "Verdict: 1" if shown["answer_1"] in ("blue", "two") else "**Verdict: 2**"


def test_a_preference_that_the_other_order_does_not_repeat_is_a_tie(tmp_path: Path) -> None:
    judging = Judging(model="tiny", cache=tmp_path / "judge")
    with serve(judge(by_content)) as server:
        told = Judging(url=server.url, model=judging.model, cache=judging.cache)
        found = compare(systems(), scoring=EXACT, judging=told).comparison.pairs[0].judged
        assert found is not None
        assert (found.wins, found.losses, found.ties, found.asked) == (3, 0, 2, 3)  # an answer beats none, equal ones tie, unasked
        assert found.preferred == pytest.approx(0.8)
        assert (found.agreement, found.first_shown) == (pytest.approx(2 / 3), pytest.approx(4 / 6))
        assert found.low is not None and found.low < 0.8 < (found.high or 0)
        asked = sum(server.asked.values())
        compare(systems(), scoring=EXACT, judging=told)
        assert sum(server.asked.values()) == asked == 6


def test_ties_say_nothing_of_a_bias_for_places(tmp_path: Path) -> None:
    for reply, first in (("Verdict: tie", None), ("Verdict: 2", 0.0)):
        with serve(judge(lambda shown, reply=reply: "Verdict: tie" if "one" in shown.values() else reply)) as server:
            found = compare(systems(), scoring=EXACT, judging=Judging(url=server.url, model="tiny", cache=tmp_path / str(first)))
        assert found.comparison.pairs[0].judged.first_shown == first


def test_a_judge_without_verdicts_stops_the_run(tmp_path: Path) -> None:
    with serve(judge(lambda _: "Both are nice.")) as server, pytest.raises(DataError, match="the judge gave no verdict for 6 of 6"):
        compare(systems(), scoring=EXACT, judging=Judging(url=server.url, model="tiny", cache=tmp_path / "judge"))
    with pytest.raises(UsageError, match="takes no marks"):
        compare(systems(), scoring=EXACT, judging=Judging(marks=tmp_path / "marks.json"))


def test_the_command_prints_the_preference(tmp_path: Path, vleval: Any) -> None:
    for name, rows in zip("ab", systems(), strict=True):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with serve(judge(by_content)) as server:
        ran = vleval(
            "compare", tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--metric", "exact_match", "--judge", server.url, "--judge-model", "tiny"
        )
    assert "preferred in 0.8000" in ran.out
    assert "3 won, 0 lost, 2 tied" in ran.out


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("Verdict: 1", "1"),
        ("**Verdict: 2**", "2"),
        ("Verdict: tie", "tie"),
        ("<think>Verdict: 1</think>Verdict: 2", "2"),
        ('{"verdict": "2", "reason": "1 is vague"}', "2"),
        ("[[A]]", "1"),
        ("[[B]]", "2"),
        ("[[C]]", "tie"),
        ("Answer 1 names the colour.\n\n2", "2"),
        ("The winner is answer 2", "2"),
        ("\\boxed{B}", "2"),
        ("The better answer is 2", "2"),
        ("The verdict is a tie.", "tie"),
        ("Verdict: tie, since 1 and 2 say the same", "tie"),
        ("Verdict: 1/2", None),
        ("Which is better: 1 or 2? Answer 2 is.", None),
        ("Verdict: A, B", None),
        ("Verdict: answer 1 is worse", None),
        ("Verdict: 1.5", None),
        ("The better one is a nice answer", None),
        ("Both are nice.", None),
        ("", None),
    ],
)
def test_a_verdict_is_read_in_the_forms_of_judges(reply: str, verdict: str | None) -> None:
    assert read_verdict(reply) == verdict
