"""Several servers of one model asked as one: each takes the next question as it gets free, and hands it on where it cannot answer.

A server that cannot be reached, or fails again and again, is asked one question now and then until it answers; its questions go to the
others, and what it fails at meanwhile is not counted as an attempt. A server that refuses key, model or address is left. When none answers
any more the run ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import aiohttp

from vldata.wording import counted
from vleval.inference.ask import Ask
from vleval.inference.client import Client, Outcome, StopRun
from vleval.inference.retry import Answer, AskFault, delay_s

_FAULTS = 5  # in a row, after which a server that can be reached counts as away


@dataclass(eq=False)
class FleetMember:
    """A server of a fleet and how it is doing. `away` holds the cause while it does not answer; one that is `lost` is asked no more."""

    url: str
    client: Client
    answered: int = 0
    faults: int = 0
    last_fault: str = ""
    away: str = ""
    lost: bool = False
    told: bool = False
    in_a_row: int = 0
    probes: int = 0
    rests_until: float = 0.0
    probing: asyncio.Lock = field(default_factory=asyncio.Lock)

    def tally(self) -> str:
        """How much it answered, and what it failed at."""
        attempts = counted(self.faults, "attempt")
        failed = f" ({attempts} failed; the last: {self.last_fault})" if self.faults else ""
        return f"{self.url}: {self.answered:,}{failed}"


@dataclass(eq=False)
class _Ticket:
    """A question on its way: how often it was tried, and which servers refused it for good."""

    key: str
    ask: Ask
    attempts: int = 0
    refused: set[int] = field(default_factory=set)
    outcome: Outcome | None = None


class Fleet:
    """Asks several servers. `retries` is how often a question is tried again in all, wherever."""

    def __init__(
        self, members: Sequence[FleetMember], *, retries: int, note: Callable[[str], None], rng: random.Random | None = None
    ) -> None:
        self._members = members
        self._retries = retries
        self._note = note
        self._rng = rng or random.Random()
        self._returned: deque[_Ticket] = deque()
        self._flying = 0

    async def run(self, asks: Iterator[tuple[str, Ask]], on_done: Callable[[Outcome], None]) -> None:
        """Ask everything; `on_done` is called as each ends.

        Raises:
            StopRun: every server refuses key, model or address, or none answers any more.
        """
        self._asks, self._on_done = asks, on_done
        self._changed, self._over = asyncio.Condition(), asyncio.Event()
        async with contextlib.AsyncExitStack() as stack:
            sessions = [await stack.enter_async_context(member.client.session()) for member in self._members]
            async with asyncio.TaskGroup() as group:
                for member, session in zip(self._members, sessions, strict=True):
                    for _ in range(member.client.concurrency):
                        group.create_task(self._work(member, session))

    async def _work(self, member: FleetMember, session: aiohttp.ClientSession) -> None:
        while not (member.lost or self._over.is_set()):
            if not member.away:
                await self._next(member, session)
                continue
            async with member.probing:  # one question at a time finds out whether it is back
                if member.away and not member.lost:
                    await self._pause(member.rests_until - time.monotonic())
                    await self._next(member, session)

    async def _next(self, member: FleetMember, session: aiohttp.ClientSession) -> None:
        ticket = await self._take(member)
        if ticket is None:
            return
        try:
            result, latency = await member.client.once(session, ticket.ask, first=not ticket.attempts)
        except StopRun as stop:
            await self._lose(member, ticket, stop)
            return
        if isinstance(result, Answer):
            self._came_back(member)
            await self._settle(ticket, Outcome(ticket.key, ticket.ask, result, ticket.attempts + 1, latency))
            return
        member.faults, member.last_fault = member.faults + 1, result.reason
        if result.fate == "give_up":
            ticket.refused.add(id(member))
        elif not (member.away or result.unreached):
            ticket.attempts += 1
        ticket.outcome = Outcome(ticket.key, ticket.ask, result, ticket.attempts, latency)
        done = ticket.attempts > self._retries if result.fate == "retry" else not self._others(member, ticket)
        await (self._settle(ticket, ticket.outcome) if done else self._hand_on(ticket))
        if result.fate == "retry":
            await self._rest(member, result)

    async def _take(self, member: FleetMember) -> _Ticket | None:
        """The next question for this server, when there is one; None when all is done."""
        async with self._changed:
            while not (self._over.is_set() or member.lost):
                ticket = next((ticket for ticket in self._returned if id(member) not in ticket.refused), None)
                if ticket is not None:
                    self._returned.remove(ticket)
                elif (fresh := next(self._asks, None)) is not None:
                    ticket = _Ticket(*fresh)
                if ticket is not None:
                    self._flying += 1
                    return ticket
                if not self._flying and not self._returned:
                    self._over.set()
                    self._changed.notify_all()
                    return None
                await self._changed.wait()
        return None

    async def _settle(self, ticket: _Ticket, outcome: Outcome) -> None:
        self._on_done(outcome)
        async with self._changed:
            self._flying -= 1
            self._changed.notify_all()

    async def _hand_on(self, ticket: _Ticket) -> None:
        async with self._changed:
            self._flying -= 1
            self._returned.append(ticket)
            self._changed.notify_all()

    async def _lose(self, member: FleetMember, ticket: _Ticket, stop: StopRun) -> None:
        """Leave a server; what it was asked, and what all others refused, is settled among the others.

        Raises:
            StopRun: it was the last one.
        """
        if not member.lost:
            member.lost = True
            if all(other.lost for other in self._members):
                raise stop
            self._note(f"Warning: {member.url}: {stop.what} It is asked no more; its questions go to the others.")
        await self._hand_on(ticket)
        async with self._changed:
            for waiting in [waiting for waiting in self._returned if waiting.outcome and not self._others(None, waiting)]:
                self._returned.remove(waiting)
                assert waiting.outcome is not None
                self._on_done(waiting.outcome)

    def _others(self, member: FleetMember | None, ticket: _Ticket) -> list[FleetMember]:
        """The other servers that may still answer a question."""
        return [other for other in self._members if other is not member and not other.lost and id(other) not in ticket.refused]

    async def _rest(self, member: FleetMember, fault: AskFault) -> None:
        """After a passing fault: a while without a question for this worker, or for the whole server where it is away.

        Raises:
            StopRun: no server has answered for as many attempts as a question has.
        """
        if member.away:
            member.probes += 1
            if all(other.lost or other.probes > self._retries for other in self._members):
                causes = "; ".join(f"{other.url}: {other.away}" for other in self._members if not other.lost)
                raise StopRun("none of the servers answers any more.", where=causes, cure="Start one; the same command goes on from here.")
            member.rests_until = time.monotonic() + delay_s(member.probes, fault.retry_after_s, self._rng)
            return
        member.in_a_row += 1
        wait = delay_s(member.in_a_row, fault.retry_after_s, self._rng)
        if fault.unreached or (member.in_a_row >= _FAULTS and not fault.overloaded):
            member.away = fault.reason
            member.rests_until = time.monotonic() + wait
            if not member.told:
                self._note(f"Warning: {member.url}: {fault.reason}. Its questions go to the others; it is tried again now and then.")
        else:
            await self._pause(wait)

    def _came_back(self, member: FleetMember) -> None:
        member.answered += 1
        member.in_a_row = member.probes = 0
        if member.away:
            member.away = ""
            if not member.told:
                self._note(f"{member.url} answers again.")
            member.told = True

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the run."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), seconds)
