"""Concurrency that gives way when a server is overloaded, and comes back."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.vleval.inference.server import FakeServer, http, serve
from vleval.inference import openai_wire, retry
from vleval.inference.ask import Ask, AskTurn, Sampler
from vleval.inference.client import Client, Endpoint, Gate, Outcome
from vleval.inference.retry import Answer

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
        limits.append(client.gate.limit)

    asyncio.run(client.run(iter(asks(count)), take))
    return outcomes, limits


@pytest.mark.parametrize("status", REFUSED)
def test_a_burst_of_refusals_halves_what_is_in_flight_and_successes_bring_it_back(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)
    seen: list[int] = []

    def overloaded(_attempt: int, _body: dict[str, Any]) -> bytes | None:
        seen.append(server.at_once)
        return REFUSED[status] if 40 < len(seen) <= 60 else None

    with serve(FakeServer(overloaded)) as server:
        outcomes, limits = ask_all(server, 400, 16)
    assert all(isinstance(outcome.result, Answer) for outcome in outcomes) and len(outcomes) == 400
    assert limits[0] == 16 and 2 <= min(limits) <= 8, "twenty refusals are one round of sixteen and a little of the next ones"
    lowest = limits.index(min(limits))
    assert limits[-1] == 16 and max(seen[-100:]) > 8, "it comes back"
    assert max(seen[60 : 60 + 8]) <= 8 and lowest < 300


def test_a_server_that_takes_four_at_a_time_is_given_about_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)
    refused = 0

    def narrow(_attempt: int, _body: dict[str, Any]) -> bytes | None:
        nonlocal refused
        if server.at_once > 4:
            refused += 1
            return REFUSED[429]
        return None

    with serve(FakeServer(narrow)) as server:
        outcomes, limits = ask_all(server, 300, 32)
    assert all(isinstance(outcome.result, Answer) for outcome in outcomes)
    assert max(limits[50:]) <= 6 and refused < 150


def test_refusals_of_one_round_halve_once() -> None:
    async def main() -> None:
        gate = Gate(16)
        first = [await gate.__aenter__() for _ in range(16)]
        for round_ in first:
            gate.overloaded(round_)
            await gate.__aexit__()
        assert gate.limit == 8
        second = [await gate.__aenter__() for _ in range(8)]
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(gate.__aenter__(), 0.01)
        gate.overloaded(first[0])  # late words about what was out before
        assert gate.limit == 8
        gate.overloaded(second[0])
        assert gate.limit == 4

    asyncio.run(main())


def test_the_limit_stays_between_one_and_what_was_asked_for() -> None:
    async def main() -> None:
        gate = Gate(8)

        async def refuse() -> None:
            async with gate as round_:
                gate.overloaded(round_)

        for limit in (4, 2, 1, 1):
            await refuse()
            assert gate.limit == limit
        for _ in range(8 * 7):
            gate.succeeded()
        assert gate.limit == 8
        for _ in range(100):
            gate.succeeded()
        assert gate.limit == 8
        await refuse()
        for _ in range(7):
            gate.succeeded()
        await refuse()  # a refusal begins the count of successes anew
        gate.succeeded()
        assert gate.limit == 2

    asyncio.run(main())
