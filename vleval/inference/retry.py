"""What becomes of a failed attempt: again later, an error record, or the end of the run."""

from __future__ import annotations

import email.utils
import random
import time
from typing import Literal

import msgspec

Fate = Literal["retry", "give_up", "stop"]

RETRY_STATUS = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
OVERLOAD_STATUS = frozenset({429, 503, 529})
STOP_STATUS = frozenset({401, 403, 404})
MAX_DELAY_S = 60.0
FIRST_DELAY_S = 0.5


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A reply that holds an answer; `reasoning` is the thought that a server gave next to it."""

    text: str
    reasoning: str = ""
    finish_reason: str = ""
    model: str = ""
    prompt_tokens: int = -1
    completion_tokens: int = -1
    fingerprint: str = ""


class AskFault(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt without an answer: what to do, why, how long the server asks to wait (seconds, -1: it does not say).

    `overloaded`: it was refused for want of room, and fewer requests should be out. `unreached`: there was no connection to the server.
    """

    fate: Fate
    reason: str
    retry_after_s: float = -1.0
    overloaded: bool = False
    unreached: bool = False


def fate_of_status(status: int) -> Fate:
    """Decide by the HTTP status: overload and server faults pass, a refused key or unknown model ends the run, the rest is final."""
    if status in RETRY_STATUS:
        return "retry"
    if status in STOP_STATUS:
        return "stop"
    return "give_up"


def parse_retry_after(value: str | None, now: float | None = None) -> float:
    """Read a Retry-After header, seconds or a date, as seconds from now within 0 to 60; -1 when there is none to read."""
    if not value:
        return -1.0
    text = value.strip()
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text).timestamp() - (time.time() if now is None else now)
        except (TypeError, ValueError):
            return -1.0
    if seconds != seconds:  # NaN
        return -1.0
    return min(max(seconds, 0.0), MAX_DELAY_S)


def delay_s(attempt: int, retry_after_s: float, rng: random.Random) -> float:
    """Seconds before attempt `attempt` + 1 (from 1): what the server asked, else full jitter below min(60, 0.5 * 2^n)."""
    if retry_after_s >= 0:
        return retry_after_s
    return rng.uniform(0, min(MAX_DELAY_S, FIRST_DELAY_S * 2**attempt))


def as_sentence(words: str) -> str:
    """End words that a server or a check gave as a sentence: with one mark, their own where they have one."""
    return words if words.endswith((".", "!", "?")) else f"{words}."
