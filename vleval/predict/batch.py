"""OpenAI batch files: written for a fleet that answers offline (vLLM's `run-batch`, hosted batches), read back into predictions.

A line asks with `custom_id` = request key, so that answers in any order, or from several runs, find their records.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata import strictjson
from vldata.dataset import Dataset
from vldata.durable import open_durable, write_atomic
from vldata.errors import DataError
from vleval.predict import openai_wire
from vleval.predict.ask import Ask, Sampler, iter_asks, request_key
from vleval.predict.lines import make_prediction
from vleval.predict.pictures import PictureCache
from vleval.predict.retry import Answer, Fault

BACKEND = "batch"


def write_batch(dataset: Dataset, out: Path, *, model: str, sampler: Sampler, limit: int | None = None) -> int:
    """Write one request a line. Returns how many; equal requests are written once."""
    pictures = PictureCache()
    written: set[str] = set()
    beside = out.with_name(f".{out.name}.tmp")
    with open_durable(beside) as handle:
        for key, ask in _keyed(dataset, model, sampler, limit):
            if key in written:
                continue
            written.add(key)
            body = msgspec.Raw(openai_wire.build_body(ask, model, sampler, pictures))
            line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
            handle.write(msgspec.json.encode(line) + b"\n")
    beside.replace(out)
    return len(written)


def read_batch(dataset: Dataset, answers: Path, out: Path, *, model: str, sampler: Sampler, limit: int | None = None) -> tuple[int, int]:
    """Make predictions of a batch output; returns (answered, errors). A request without a line is an error record.

    Raises:
        DataError: no line belongs to these requests: another dataset, model or sampler was asked.
    """
    results = {}
    for where, row in _iter_rows(answers):
        results[str(row.get("custom_id"))] = _read_row(row, where)
    lines = []
    errors = found = 0
    for key, ask in _keyed(dataset, model, sampler, limit):
        result = results.get(key)
        found += result is not None
        prediction = make_prediction(ask, result or Fault(fate="give_up", reason="the batch output has no line for this request"))
        errors += prediction.error is not None
        lines.append(msgspec.json.encode(prediction) + b"\n")
    if not found:
        raise DataError(
            "no line belongs to these requests.",
            where=str(answers),
            cure="Give the dataset, --model and sampling options the batch was written with.",
        )
    write_atomic(out, b"".join(lines))
    return len(lines) - errors, errors


def _keyed(dataset: Dataset, model: str, sampler: Sampler, limit: int | None) -> Iterator[tuple[str, Ask]]:
    for ask in iter_asks(dataset, limit):
        yield request_key(ask, backend=BACKEND, model=model, sampler=sampler), ask


def _iter_rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in strictjson.iter_lines(path):
        where = f"{path}:{number}"
        try:
            row = strictjson.loads(line)
        except strictjson.StrictJsonError as error:
            raise DataError(f"{error}.", where=where) from None
        if not isinstance(row, dict):
            raise DataError("is not an object.", where=where)
        yield where, row


def _read_row(row: dict[str, Any], where: str) -> Answer | Fault:
    response = row.get("response")
    if not isinstance(response, dict):
        return Fault(fate="give_up", reason=openai_wire.error_text(row.get("error"), b"no response"))
    status = response.get("status_code", 200)
    return openai_wire.parse_reply(status if isinstance(status, int) else 0, msgspec.json.encode(response.get("body")))
