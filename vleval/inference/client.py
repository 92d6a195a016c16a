"""The HTTP client: bounded and adaptive concurrency, retries with jitter, time limits, and an end as soon as going on is no use."""

from __future__ import annotations

import asyncio
import contextlib
import random
import re
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol

import aiohttp
import msgspec

from vldata.errors import DataError, UsageError
from vldata.secrets import Secret, keep_secret, redact
from vleval.inference.ask import Ask, Sampler
from vleval.inference.pictures import PictureCache
from vleval.inference.reasons import reason_of
from vleval.inference.refusals import adapted, cure_of_refusal
from vleval.inference.replies import read_answer
from vleval.inference.retry import OVERLOAD_STATUS, Answer, AskFault, delay_s, parse_retry_after
from vleval.inference.wire import Wire

MAX_REPLY_BYTES = 32 * 1024 * 1024
_CONNECT_S = 10.0
_REFUSALS = 5  # questions that meet the same final refusal before any answer
_RAISE_AFTER = 8  # successes in a row before one more request is let out again


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A server and how it is asked. `basic` is what user and password of its address make; neither it nor the key shows in `repr`."""

    base_url: str
    model: str
    sampler: Sampler
    concurrency: int = 16
    timeout_s: float = 300.0
    retries: int = 5
    accepted_models: tuple[str, ...] = ()
    basic: Secret = Secret("")


def request_headers(endpoint: Endpoint, api_key: str) -> dict[str, str]:
    """The headers of every request; the key is known as a secret from here on.

    Raises:
        UsageError: a key and a user with a password are given, or a key that no header can hold.
    """
    key = keep_secret(api_key)
    if key and endpoint.basic:
        raise UsageError(
            f"the address of {endpoint.base_url} holds a user and a password, and a key is set in the environment.",
            cure="Leave one of them out: VLEVAL_API_KEY and OPENAI_API_KEY are sent as a bearer token.",
        )
    if not key.isascii() or any(char.isspace() or not char.isprintable() for char in key):
        raise UsageError("the key in the environment holds a blank, a line end or a letter that no header can hold.", cure="Set it again.")
    authorization = f"Bearer {key!s}" if key else f"Basic {endpoint.basic!s}" if endpoint.basic else ""
    return {"Content-Type": "application/json", **({"Authorization": authorization} if authorization else {})}


class Outcome(msgspec.Struct, frozen=True):
    """What came of one ask: an answer, or the last fault, after how many attempts and how long the last one took."""

    key: str
    ask: Ask
    result: Answer | AskFault
    attempts: int
    latency_s: float


class StopRun(DataError):
    """The server refuses everything: a key, a model or an address is wrong, and asking on would only repeat it."""


class Gate:
    """Lets at most `limit` requests out; the limit halves when the server is overloaded and grows back by one after successes.

    It halves once a round: a round is what is let out between two halvings, and what the server refuses of an earlier one tells nothing
    new. So sixteen refusals at one moment leave eight requests out, not one.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self.limit = most
        self._out = 0
        self._streak = 0
        self._round = 0
        self._condition = asyncio.Condition()

    async def __aenter__(self) -> int:
        """Wait to be let out; returns the round, for `overloaded`."""
        async with self._condition:
            await self._condition.wait_for(lambda: self._out < self.limit)
            self._out += 1
            return self._round

    async def __aexit__(self, *_: object) -> None:
        async with self._condition:
            self._out -= 1
            self._condition.notify_all()

    def overloaded(self, round_: int) -> None:
        """The server refused a request of this round for want of room."""
        self._streak = 0
        if round_ == self._round:
            self.limit = max(1, self.limit // 2)
            self._round += 1

    def succeeded(self) -> None:
        """A request was answered."""
        self._streak += 1
        if self._streak >= _RAISE_AFTER and self.limit < self._most:
            self.limit += 1
            self._streak = 0


class Client:
    """Asks one endpoint through a wire module (`openai_wire`, `ollama_wire`)."""

    def __init__(self, endpoint: Endpoint, wire: Wire, *, api_key: str = "", rng: random.Random | None = None) -> None:
        self._endpoint = endpoint
        self._wire = wire
        self._headers = request_headers(endpoint, api_key)
        self._rng = rng or random.Random()
        self._pictures = PictureCache()
        self._sampler = endpoint.sampler
        self._answered = False
        self._refused: Counter[str] = Counter()
        self.concurrency = endpoint.concurrency
        self.gate = Gate(endpoint.concurrency)

    def session(self) -> aiohttp.ClientSession:
        """Open a session: connections are kept, reads may idle as long as an answer may take."""
        timeout = aiohttp.ClientTimeout(
            total=self._endpoint.timeout_s, connect=None, sock_connect=_CONNECT_S, sock_read=self._endpoint.timeout_s
        )
        connector = aiohttp.TCPConnector(limit=self._endpoint.concurrency, ttl_dns_cache=300)
        return aiohttp.ClientSession(timeout=timeout, connector=connector, headers=self._headers, auto_decompress=True)

    async def run(self, asks: Iterator[tuple[str, Ask]], on_done: Callable[[Outcome], None]) -> None:
        """Ask everything, a worker taking the next as it gets free; `on_done` is called as each ends.

        Raises:
            StopRun: the server refuses key, model or address.
        """
        async with self.session() as session, asyncio.TaskGroup() as group:
            for _ in range(self._endpoint.concurrency):
                group.create_task(self._work(session, asks, on_done))

    async def _work(self, session: aiohttp.ClientSession, asks: Iterator[tuple[str, Ask]], on_done: Callable[[Outcome], None]) -> None:
        for key, ask in asks:  # one iterator for all workers: asyncio switches only at an await
            on_done(await self.ask(session, key, ask))

    async def ask(self, session: aiohttp.ClientSession, key: str, ask: Ask) -> Outcome:
        """Ask one, with its retries."""
        attempt = 0
        while True:
            attempt += 1
            result, latency = await self.once(session, ask, first=attempt == 1)
            if isinstance(result, Answer) or result.fate == "give_up" or attempt > self._endpoint.retries:
                return Outcome(key, ask, result, attempt if latency >= 0 else 0, latency)
            await asyncio.sleep(delay_s(attempt, result.retry_after_s, self._rng))

    async def once(self, session: aiohttp.ClientSession, ask: Ask, *, first: bool) -> tuple[Answer | AskFault, float]:
        """Ask one without retries; what came of it, and the seconds it took (-1: the wire cannot ask it).

        Raises:
            StopRun: the server refuses key, model or address, or meets the first questions all alike with one final refusal.
        """
        if reason := self._wire.refuse(ask):
            return AskFault(fate="give_up", reason=reason), -1.0
        while True:
            async with self.gate as round_:
                started = time.perf_counter()
                result = await self._attempt(session, ask, first=first)
                latency = time.perf_counter() - started
            if isinstance(result, Answer):
                self.gate.succeeded()
                self._answered = True
                return result, latency
            if (other := adapted(self._sampler, result)) is None:
                break
            self._sampler = other
        if result.overloaded:
            self.gate.overloaded(round_)
        if result.fate == "stop":
            raise StopRun(result.reason, where=self._endpoint.base_url, cure=_cure_of(result.reason))
        if result.fate == "give_up":
            self._stop_if_all_refused(result)
        return result, latency

    def _stop_if_all_refused(self, fault: AskFault) -> None:
        """End the run where the first questions all meet one final refusal: it would meet every other as well.

        Raises:
            StopRun: with the cure, where one is known.
        """
        reason = re.sub(r"\d+", "#", fault.reason)
        self._refused[reason] += 1
        if fault.reason.startswith("HTTP ") and not self._answered and self._refused[reason] >= _REFUSALS:
            raise StopRun(
                f"{_REFUSALS} questions and no answer, each with: {fault.reason}",
                where=self._endpoint.base_url,
                cure=cure_of_refusal(fault.reason),
            )

    async def _attempt(self, session: aiohttp.ClientSession, ask: Ask, *, first: bool) -> Answer | AskFault:
        try:
            body = self._wire.build_body(ask, self._endpoint.model, self._sampler, self._pictures)
        except DataError as error:  # a picture that cannot be read concerns this question alone
            return AskFault(fate="give_up", reason=f"{error.where}: {error.what}")
        url = self._endpoint.base_url + self._wire.CHAT_PATH
        try:
            async with session.post(url, data=body, allow_redirects=False) as response:
                if 300 <= response.status < 400:
                    target = response.headers.get("Location", "nowhere")
                    reason = redact(f"HTTP {response.status}: redirects to {target!r}, which is not followed")
                    return AskFault(fate="give_up", reason=reason)
                content = await read_reply(response)
                status, retry_after = response.status, parse_retry_after(response.headers.get("Retry-After"))
        except TimeoutError:
            return AskFault(fate="retry", reason=f"no answer within {self._endpoint.timeout_s:g} s")
        except (aiohttp.ClientError, OSError) as error:
            # A kept connection that the server has closed meanwhile is no overload: the first time, nothing is waited for.
            closed = isinstance(error, aiohttp.ServerDisconnectedError | aiohttp.ClientOSError)
            wait = 0.0 if first and closed and not isinstance(error, aiohttp.ClientConnectorError) else -1.0
            unreached = isinstance(error, aiohttp.ClientConnectorError)
            return AskFault(fate="retry", reason=redact(reason_of(error)), retry_after_s=wait, unreached=unreached)
        result = read_answer(self._wire, status, content)
        if isinstance(result, AskFault):
            return msgspec.structs.replace(result, retry_after_s=retry_after, overloaded=status in OVERLOAD_STATUS)
        accepted = self._endpoint.accepted_models
        if accepted and result.model and result.model not in accepted:
            return AskFault(fate="retry", reason=f"{result.model!r} answered instead of {self._endpoint.model!r}")
        return result


class Runner(Protocol):
    """Asks everything it is given: a `Client`, or several of them."""

    async def run(self, asks: Iterator[tuple[str, Ask]], on_done: Callable[[Outcome], None]) -> None:
        """Ask; `on_done` is called as each ends."""


def run_client(client: Runner, asks: Iterator[tuple[str, Ask]], on_done: Callable[[Outcome], None]) -> None:
    """Run a client to its end; SIGTERM ends it as Ctrl-C does. Of several errors one that stops the run is raised, else the first.

    Raises:
        StopRun: as `Client.run`.
        KeyboardInterrupt: it was ended by a signal.
    """

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):  # not in the main thread: signals are not ours
            asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        await client.run(asks, on_done)

    try:
        asyncio.run(main())
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    except BaseExceptionGroup as group:
        stops, others = group.split(StopRun)
        error: BaseException = stops or others or group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


class _TooLargeError(aiohttp.ClientError):
    """A reply without an end."""


async def read_reply(response: aiohttp.ClientResponse) -> bytes:
    """Read a reply to its end.

    Raises:
        aiohttp.ClientError: it breaks off, or is longer than `MAX_REPLY_BYTES`.
    """
    content = bytearray()
    async for chunk in response.content.iter_chunked(65_536):
        content += chunk
        if len(content) > MAX_REPLY_BYTES:
            raise _TooLargeError(f"the reply is longer than {MAX_REPLY_BYTES:,} bytes")
    return bytes(content)


def _cure_of(reason: str) -> str:
    if reason.startswith(("HTTP 401", "HTTP 403")):
        return "Set the key in the environment (VLEVAL_API_KEY or OPENAI_API_KEY) and run again."
    return "Check --base-url and --model: vleval ping shows what the server serves."
