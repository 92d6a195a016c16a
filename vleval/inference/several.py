"""Several servers as one backend: each looked at before the run, held to be the same, and told apart afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from vldata.errors import DataError
from vleval.inference.backend import Keyed, Opening
from vleval.inference.client import Client, Endpoint, Outcome, StopRun, run_client
from vleval.inference.fleet import Fleet, FleetMember
from vleval.inference.preflight import Preflight, announce, preflight
from vleval.inference.wire import Wire


class FleetBackend:
    """Servers of one model. `names` are those that any of them gives it."""

    def __init__(self, members: Sequence[FleetMember], names: Sequence[str], *, retries: int, note: Callable[[str], None]) -> None:
        self.names = names
        self._members = members
        self._retries = retries
        self._note = note

    def answer(self, asks: Iterable[Keyed], on_done: Callable[[Outcome], None]) -> None:
        """Ask everything, and say who answered how much."""
        fleet = Fleet(self._members, retries=self._retries, note=self._note)
        run_client(fleet, iter(asks), on_done)
        self._note("Answered by " + "; ".join(member.tally() for member in self._members) + ".")

    def served(self) -> dict[str, int]:
        """The servers' addresses, without credentials, and how many answers each gave."""
        return {member.url: member.answered for member in self._members}


def open_fleet(opening: Opening, endpoints: Sequence[Endpoint], wire: Wire, expected: int) -> FleetBackend:
    """Look at every server and open those that are there.

    Raises:
        DataError: none is there, a server does not see the images, or (`strict`) one is away or they are not the same.
    """
    options, members = opening.options, list[FleetMember]()
    seen: dict[str, Preflight] = {}
    for endpoint in endpoints:
        if options.preflight:
            looked = _look(opening, endpoint, wire, expected)
            if looked is None:
                continue
            seen[endpoint.base_url] = looked
            endpoint = msgspec.structs.replace(endpoint, accepted_models=looked.names)
        members.append(FleetMember(endpoint.base_url, Client(endpoint, wire, api_key=opening.api_key)))
    if not members:
        raise StopRun("none of the servers can be asked.", where=", ".join(e.base_url for e in endpoints), cure="Start one of them.")
    _hold_same(seen, opening)
    names = tuple(dict.fromkeys(name for looked in seen.values() for name in looked.names))
    return FleetBackend(members, names, retries=options.retries, note=opening.note)


def _look(opening: Opening, endpoint: Endpoint, wire: Wire, expected: int) -> Preflight | None:
    """Look at one server; None, and a warning, where it cannot be asked."""
    options = opening.options
    try:
        seen = preflight(endpoint, wire, opening.first, expected, api_key=opening.api_key)
    except StopRun as stop:
        if options.strict:
            raise
        opening.note(f"Warning: {endpoint.base_url}: {stop.what} This run asks the other servers alone.")
        return None
    announce(seen.checks, lambda text: opening.note(f"{text} ({endpoint.base_url})"), strict=options.strict, blind=options.allow_blind)
    return seen


def _hold_same(seen: dict[str, Preflight], opening: Opening) -> None:
    """Say where the servers differ in what can be seen of them: names, tokens of pictures, the first token of a greedy answer.

    Raises:
        DataError: they do, and `strict`.
    """
    greedy = opening.options.sampler.temperature == 0
    told: dict[str, dict[str, str]] = {
        "name the model": {url: " and ".join(map(repr, looked.names)) for url, looked in seen.items()},
        "count a prompt": {url: f"{looked.prompt_tokens:,} tokens" for url, looked in seen.items() if looked.prompt_tokens >= 0},
        "begin the first answer": {url: repr(looked.first_token) for url, looked in seen.items() if greedy and looked.first_token},
    }
    for what, by_url in told.items():
        if len(set(by_url.values())) > 1:
            words = "; ".join(f"{url}: {value}" for url, value in by_url.items())
            fault = f"the servers {what} differently ({words}): their answers would be of different models."
            if opening.options.strict:
                raise DataError(fault, where="preflight", cure="Start them alike, or drop --strict to go on all the same.")
            opening.note(f"Warning: {fault}")
