"""The first thing that differs between what a backend does and what is expected, in the order in which it takes effect."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

import msgspec

from vldata.records.record import IMAGE_TAG
from vldata.xrays.divergence import around
from vleval.crosscheck.probes import UNKNOWN, Verdict, distance
from vleval.crosscheck.views import Expected, Reply

Kind = Literal["template", "order", "resize", "EXIF", "colour", "re-encoding", "sampler", "numerics", "unexplained"]
ORDER: tuple[Kind, ...] = ("template", "order", "resize", "EXIF", "colour", "re-encoding", "sampler", "numerics", "unexplained")
CLOSE = 0.1  # log-probability that other kernels and a narrower type may move a token by


class ServerDivergence(msgspec.Struct, frozen=True):
    """One difference. `reach` says whether the records show it, or only a probe picture of a kind no record here has."""

    backend: str
    kind: Kind
    detail: str
    reach: Literal["records", "probe"]
    record: str = ""


def find_in_record(
    label: str, record: str, reply: Reply, expected: Expected | None, first: Reply, verdicts: Sequence[Verdict], blind: int
) -> ServerDivergence | None:
    """The first divergence that one record shows, or None.

    Args:
        label: the backend.
        record: id of the record.
        reply: what the backend told.
        expected: what our own rendering gives; None without a model folder.
        first: what the first backend told of the same record.
        verdicts: what the probes found out of this backend.
        blind: prompt tokens of the record without its pictures by this backend; -1 unknown.
    """
    if reply.error:
        return ServerDivergence(label, "unexplained", f"no answer: {reply.error}", "records", record)
    found = _in_prompt(reply, expected, verdicts, blind) if expected else _in_prompt_of(reply, first)
    if found is None:
        found = _in_answer(reply, first, verdicts)
    return ServerDivergence(label, found[0], found[1], "records", record) if found else None


def _in_prompt(reply: Reply, expected: Expected, verdicts: Sequence[Verdict], blind: int) -> tuple[Kind, str] | None:
    """Template, order and resize against our own rendering; what the server tells decides how closely."""
    if reply.prompt is not None and reply.prompt != expected.prompt:
        if reply.prompt.replace(IMAGE_TAG, "") == expected.prompt.replace(IMAGE_TAG, ""):
            return "order", f"pictures stand elsewhere: {around(expected.prompt, reply.prompt)}"
        return "template", around(expected.prompt, reply.prompt)
    if reply.ids is not None:
        return _in_ids(reply.ids, expected)
    if reply.prompt_tokens < 0:
        return None
    if 0 <= blind != expected.blind_tokens:
        counted = f"without pictures the prompt has {blind:,} tokens, by our count {expected.blind_tokens:,}"
        return "template", counted + _in_parts(reply, expected)
    ours = len(expected.ids)
    if reply.prompt_tokens != ours:
        more = reply.prompt_tokens - ours
        beside = next((v.found for v in verdicts if v.what == "tokens beside a picture" and v.found != UNKNOWN), "+0")
        if int(beside) and int(beside) * len(expected.pictures) == more:
            return "template", f"{beside} tokens next to each picture, whatever its size"
        return "resize", f"the prompt has {reply.prompt_tokens:,} tokens, by our count {ours:,}: pictures cost {more:+,}"
    return None


def _in_parts(reply: Reply, expected: Expected) -> str:
    """A cause of other tokens of one text: Qwen's tokenizer puts characters together (NFC), llama.cpp's of the same vocabulary does not."""
    whole = unicodedata.is_normalized("NFC", expected.prompt)
    if whole or reply.prompt not in (None, expected.prompt):
        return ""
    return "; the text holds characters in parts (it is not in NFC), which a server that does not put them together splits otherwise"


def _in_ids(ids: tuple[int, ...], expected: Expected) -> tuple[Kind, str] | None:
    if ids == expected.ids:
        return None
    theirs, counts = _collapse(ids, expected.image_pad)
    ours, wanted = _collapse(expected.ids, expected.image_pad)
    if theirs != ours:
        structure = {expected.image_pad, *expected.around}
        if [token for token in theirs if token not in structure] == [token for token in ours if token not in structure]:
            return "order", "the text's tokens are the same, pictures stand elsewhere among them"
        place = next((i for i, (a, b) in enumerate(zip(theirs, ours, strict=False)) if a != b), min(len(theirs), len(ours)))
        return "template", f"token {place} is {_at(theirs, place)}, by our rendering {_at(ours, place)} (pictures counted as one)"
    if sorted(counts) == sorted(wanted):
        return "order", f"pictures cost {_listed(counts)} tokens in turn, by our count {_listed(wanted)}"
    return "resize", f"pictures cost {_listed(counts)} tokens, by our count {_listed(wanted)}"


def _in_prompt_of(reply: Reply, first: Reply) -> tuple[Kind, str] | None:
    """The same without a rendering of ours: only what both backends tell."""
    if reply.prompt is not None and first.prompt is not None and reply.prompt != first.prompt:
        return "template", around(first.prompt, reply.prompt)
    if reply.prompt_tokens >= 0 and first.prompt_tokens >= 0 and reply.prompt_tokens != first.prompt_tokens:
        counted = f"the prompt has {reply.prompt_tokens:,} tokens, the first backend's {first.prompt_tokens:,}"
        return "unexplained", f"{counted}; template and pictures are told apart with --rendering FOLDER"
    return None


def _in_answer(reply: Reply, first: Reply, verdicts: Sequence[Verdict]) -> tuple[Kind, str] | None:
    """Order, colour, re-encoding, sampler, numerics: seen in answers, explained by the probes."""
    sampler = next((v.found for v in verdicts if v.kind == "sampler" and v.found not in ("steady", UNKNOWN)), "")
    if reply is first:
        return ("sampler", sampler) if sampler else None
    apart = distance(reply, first)
    same = reply.answer.strip() == first.answer.strip()
    if same and apart <= CLOSE:
        return ("sampler", sampler) if sampler else None
    for verdict in verdicts:
        if verdict.what in ("two pictures", "channels", "pixels") and verdict.found not in ("as sent", UNKNOWN):
            return verdict.kind, f"{verdict.what}: {verdict.found}"  # type: ignore[return-value]
    if sampler:
        return "sampler", sampler
    if not (reply.tokens and first.tokens):
        told = f"{_short(reply.answer)} instead of {_short(first.answer)}"
        return "numerics", f"{told}; prompt and pictures are the same as far as it tells, and it tells no log-probabilities"
    gap = abs(reply.tokens[0][1] - first.tokens[0][1])
    place = next((i for i, (a, b) in enumerate(zip(reply.tokens, first.tokens, strict=False)) if a[0] != b[0]), -1)
    where = f"answers part at token {place}" if place >= 0 else "the same words"
    if place != 0 and gap <= CLOSE:
        return "numerics", f"{where}; the first token's log-probability differs by {gap:.2g}"
    return "unexplained", f"{where}; log-probabilities differ by {gap:.2g} at the first token: other pixels or other weights"


def find_in_probes(label: str, verdicts: Sequence[Verdict], firsts: Sequence[Verdict], traits: frozenset[str]) -> list[ServerDivergence]:
    """What probes find another in this backend than in the first; it reaches the records that have such pictures (`traits`)."""
    found = []
    for verdict, first in zip(verdicts, firsts, strict=True):
        if verdict.kind in ("template", "sampler") or UNKNOWN in (verdict.found, first.found) or verdict.found == first.found:
            continue
        detail = f"{verdict.what}: {verdict.found}, by the first backend {first.found}"
        reaches = verdict.what in ("channels", "pixels") or bool(traits & {verdict.what, verdict.found})
        found.append(ServerDivergence(label, verdict.kind, detail, "records" if reaches else "probe"))  # type: ignore[arg-type]
    return found


def earliest(divergences: Sequence[ServerDivergence]) -> ServerDivergence | None:
    """The divergence that takes effect first; those that records show go before those of probes."""
    return min(divergences, key=lambda d: (d.reach == "probe", ORDER.index(d.kind)), default=None)


def _collapse(ids: Sequence[int], pad: int) -> tuple[list[int], list[int]]:
    """Runs of picture tokens as one token each, and how long they were."""
    kept: list[int] = []
    counts: list[int] = []
    for token in ids:
        if token != pad:
            kept.append(token)
        elif kept and kept[-1] == pad:
            counts[-1] += 1
        else:
            kept.append(token)
            counts.append(1)
    return kept, counts


def _at(ids: Sequence[int], place: int) -> str:
    return str(ids[place]) if place < len(ids) else "missing"


def _listed(counts: Sequence[int]) -> str:
    return ", ".join(map(str, counts)) or "none"


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
