"""Concurrency that gives way when a server is overloaded, and comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.vleval.predict.server import FakeServer, http, serve
from vleval.predict import openai_wire, retry
from vleval.predict.ask import Ask, AskTurn, Sampler
from vleval.predict.client import Client, Endpoint, Gate, Outcome
from vleval.predict.retry import Answer

REFUSED = {429: http(429, "{}", "Retry-After: 0"), 503: http(503, '{"error":"busy"}')}


def asks(count: int) -> list[tuple[str, Ask]]:
    turns = [(AskTurn("user", (f"Question {number}?",)),) for number in range(count)]
    return [
        (str(i), Ask(id=str(i), turns=turn, images=(), image_names=(), references=(), meta={}, question="")) for i, turn in enumerate(turns)
    ]


def ask_all(server: FakeServer, count: int, concurrency: int) -> tuple[list[Outcome], list[int]]:
    """Outcomes, and the gate's limit after each."""
    endpoint = Endpoint(base_url=f"{server.url}/v1", model="tiny", sampler=Sampler(), concurrency=concurrency, retries=30)
    client = Client(endpoint, openai_wire)
    outcomes: list[Outcome] = []
    limits: list[int] = []

    def take(outcome: Outcome) -> None:
        outcomes.append(outcome)
        limits.append(client._gate.limit)

    asyncio.run(client.run(iter(asks(count)), take))
    return outcomes, limits


@pytest.mark.parametrize("status", REFUSED)
def test_a_burst_of_refusals_halves_what_is_in_flight_and_successes_bring_it_back(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST_DELAY_S", 0.001)
    seen: list[int] = []

    def overloaded(_attempt: int, _body: dict[str, Any]) -> bytes | None:
        seen.append(server._at_once)
        return REFUSED[status] if 40 < len(seen) <= 60 else None

    with serve(FakeServer(overloaded)) as server:
        outcomes, limits = ask_all(server, 400, 16)
    assert all(isinstance(outcome.result, Answer) for outcome in outcomes) and len(outcomes) == 400
    assert min(limits) <= 2 and limits[0] == 16  # 16, 8, 4, 2, 1
    lowest = limits.index(min(limits))
    assert limits[-1] == 16 and max(seen[-100:]) > 8, "it comes back"
    assert max(seen[60 : 60 + 8]) <= 4 and lowest < 300


def test_a_server_that_takes_four_at_a_time_is_given_about_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "_FIRST_DELAY_S", 0.001)
    refused = 0

    def narrow(_attempt: int, _body: dict[str, Any]) -> bytes | None:
        nonlocal refused
        if server._at_once > 4:
            refused += 1
            return REFUSED[429]
        return None

    with serve(FakeServer(narrow)) as server:
        outcomes, limits = ask_all(server, 300, 32)
    assert all(isinstance(outcome.result, Answer) for outcome in outcomes)
    assert max(limits[50:]) <= 6 and refused < 150


def test_the_gate_itself() -> None:
    async def main() -> None:
        gate = Gate(8)
        for limit in (4, 2, 1, 1):
            gate.overloaded()
            assert gate.limit == limit
        for _ in range(8 * 7):
            gate.succeeded()
        assert gate.limit == 8
        for _ in range(100):
            gate.succeeded()
        assert gate.limit == 8
        gate.overloaded()
        for _ in range(7):
            gate.succeeded()
        gate.overloaded()  # a refusal begins the count of successes anew
        gate.succeeded()
        assert gate.limit == 2

    asyncio.run(main())
