"""A comparison as a person reads it."""

from __future__ import annotations

from collections.abc import Iterator

from vleval.crosscheck.run import ComparedRecord, Parity, SeenRecord
from vleval.crosscheck.views import Expected, Reply


def parity_lines(parity: Parity) -> Iterator[str]:
    """Every record with each backend below it, then the probes, then what differs first."""
    for number, seen in enumerate(parity.backends[0].seen):
        yield seen.record
        if expected := parity.rendered.get(seen.record):
            pictures = ", ".join(map(str, expected.pictures)) or "none"
            yield f"  our rendering: {len(expected.ids):,} tokens, pictures {pictures}"
            yield f"    {_clip(expected.prompt, 160)}"
        for backend in parity.backends:
            yield from _record_lines(backend.label, backend.seen[number], parity)
    yield ""
    yield from _probe_lines(parity)
    yield ""
    sampler = parity.sampler
    drawn = f"temperature {sampler.temperature:g}, top_p {sampler.top_p:g}, seed {sampler.seed}"
    yield f"Sampler: {drawn}, at most {sampler.max_tokens} tokens."
    for backend in parity.backends[1:]:
        yield f"{backend.label}: {_verdict(backend)}"
    if parity.backends[0].first:
        yield f"{parity.backends[0].label}: {_verdict(parity.backends[0])}"
    if parity.first is None:
        yield f"No divergence in {len(parity.backends[0].seen)} records."


def _record_lines(label: str, seen: SeenRecord, parity: Parity) -> Iterator[str]:
    reply = seen.reply
    if reply.error:
        yield f"  {label}: no answer: {_clip(reply.error, 200)}"
        return
    yield f"  {label}: {told_of(seen, parity.rendered.get(seen.record))}"
    yield f"    {answer_of(reply)}"
    if seen.divergence:
        yield f"    ! {seen.divergence.kind}: {seen.divergence.detail}"


def told_of(seen: SeenRecord, expected: Expected | None) -> str:
    """What a backend told of a record next to its answer, in a line."""
    reply = seen.reply
    told = [f"{reply.prompt_tokens:,} tokens" if reply.prompt_tokens >= 0 else "tokens not told"]
    if seen.blind_tokens >= 0 and reply.prompt_tokens >= 0:
        told.append(f"{reply.prompt_tokens - seen.blind_tokens:,} of pictures")
    told.append("ids not told" if reply.ids is None else "ids as ours" if expected and reply.ids == expected.ids else "ids told")
    told.append(
        "prompt not told" if reply.prompt is None else "prompt as ours" if expected and reply.prompt == expected.prompt else "prompt told"
    )
    told.append(f"files {reply.sent or 'none'}")
    if reply.patches:
        told.append(f"patches {reply.patches} {' '.join('x'.join(map(str, grid)) for grid in reply.grid)}")
    return ", ".join(told)


def answer_of(reply: Reply) -> str:
    """The answer, how it ended, and how likely its first token was."""
    likely = f", first token {reply.tokens[0][1]:.4f}" if reply.tokens else ""
    return f"{_clip(repr(reply.answer), 100)} ({reply.finish_reason or 'no finish reason'}{likely})"


def _probe_lines(parity: Parity) -> Iterator[str]:
    rows = [["probe", *(backend.label for backend in parity.backends)]]
    for number, verdict in enumerate(parity.backends[0].verdicts):
        rows.append([f"{verdict.kind}: {verdict.what}", *(backend.verdicts[number].found for backend in parity.backends)])
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _verdict(backend: ComparedRecord) -> str:
    if backend.first is None:
        return "no divergence"
    only = "" if backend.first.reach == "records" else " (in a probe; no record here has such a picture)"
    return f"first divergence: {backend.first.kind}: {backend.first.detail}{only}"


def _clip(text: str, most: int) -> str:
    plain = text.replace("\n", "\\n")
    return plain if len(plain) <= most else plain[: most - 3] + "..."
