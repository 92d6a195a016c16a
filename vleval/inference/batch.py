"""OpenAI batch files: written for a fleet that answers offline (vLLM's `run-batch`, hosted batches), read back into predictions.

A line asks with `custom_id` = request key, so that answers in any order, or from several runs, find their records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vldata.files import strictjson
from vldata.files.durable import replace_atomic
from vleval.inference import openai_wire
from vleval.inference.ask import Ask, iter_asks, no_records, request_key
from vleval.inference.backends import find_server
from vleval.inference.document import write_run_document
from vleval.inference.lines import make_prediction, taken_for_thought
from vleval.inference.options import RunOptions
from vleval.inference.outputs import check_out
from vleval.inference.pictures import PictureCache
from vleval.inference.preflight import announce
from vleval.inference.retry import Answer, AskFault
from vleval.inference.sameness import find_differences

BACKEND = "batch"


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a batch output came to."""

    out: Path
    total: int
    answered: int
    errors: int
    unopened: int
    first_error: str


def write_batch(dataset: Dataset, out: Path, options: RunOptions, *, note: Callable[[str], None] = lambda _: None) -> int:
    """Write one request a line. Returns how many; equal requests are written once.

    Raises:
        UsageError: the backend speaks another wire, or an adapter is given.
        DataError: there is nothing to ask; or with `options.strict`, the model folder differs from what the dataset's contract says.
    """
    check_out(out)
    _check(options)
    announce(find_differences(dataset, model=options.model), note, strict=options.strict)
    pictures = PictureCache()
    written: set[str] = set()
    with replace_atomic(out) as handle:
        for key, ask in _keyed(dataset, options):
            if key in written:
                continue
            written.add(key)
            body = msgspec.Raw(openai_wire.build_body(ask, options.model, options.sampler, pictures))
            line = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
            handle.write(msgspec.json.encode(line) + b"\n")
        if not written:
            raise no_records(dataset)
    return len(written)


def read_batch(
    dataset: Dataset, answers: Path, out: Path, options: RunOptions, *, note: Callable[[str], None] = lambda _: None
) -> BatchResult:
    """Make predictions of a batch output, in dataset order. A request without a line is an error record.

    Raises:
        UsageError: as `write_batch`.
        DataError: no line belongs to these requests: another dataset, model or sampler was asked.
    """
    check_out(out)
    _check(options)
    results: dict[str, Answer | AskFault] = {}
    for row in _iter_rows(answers):
        key, result = str(row.get("custom_id")), _read_row(row)
        if isinstance(result, Answer) or key not in results:  # of several runs an answer counts before an error
            results[key] = result
    asked = list(_keyed(dataset, options))
    if not asked:
        raise no_records(dataset)
    found = [results[key] for key, _ in asked if key in results]
    if not found:
        raise DataError(
            "no line belongs to these requests.",
            where=str(answers),
            cure="Give the dataset, --model and sampling options the batch was written with.",
        )
    differences = find_differences(dataset, model=options.model)
    announce(differences, note, strict=options.strict)
    missing = AskFault(fate="give_up", reason="the batch output has no line for this request")
    predictions = [make_prediction(ask, results.get(key, missing)) for key, ask in asked]
    with replace_atomic(out) as handle:
        for prediction in predictions:
            handle.write(msgspec.json.encode(prediction) + b"\n")
    told = [result for result in found if isinstance(result, Answer)]
    write_run_document(
        out,
        dataset,
        options,
        answered_as=sorted({answer.model for answer in told} - {""}),
        fingerprints={answer.fingerprint for answer in told} - {""},
        differences=differences,
    )
    faults = [f"{prediction.id}: {prediction.error}" for prediction in predictions if prediction.error is not None]
    return BatchResult(
        out=out,
        total=len(asked),
        answered=len(asked) - len(faults),
        errors=len(faults),
        unopened=sum(map(taken_for_thought, predictions)),
        first_error=faults[0] if faults else "",
    )


def _check(options: RunOptions) -> None:
    if find_server(options.backend)[0] is not openai_wire:
        cure = "Leave --backend out: a batch file is for any server of that API."
        raise UsageError(f"a batch file holds requests to OpenAI's API, which the {options.backend} backend does not speak.", cure=cure)
    if options.adapter:
        raise UsageError("a batch file names a model and no adapter.", cure="Name the adapter as the fleet serves it, with --model.")


def _keyed(dataset: Dataset, options: RunOptions) -> Iterator[tuple[str, Ask]]:
    for ask in iter_asks(dataset, options.limit):
        yield request_key(ask, backend=BACKEND, model=options.model, sampler=options.sampler), ask


def _iter_rows(path: Path) -> Iterator[dict[str, Any]]:
    for number, line in strictjson.iter_lines(path):
        where = f"{path}:{number}"
        try:
            row = strictjson.loads(line)
        except strictjson.StrictJsonError as error:
            raise DataError(f"{error}.", where=where) from None
        if not isinstance(row, dict):
            raise DataError("is not an object.", where=where)
        yield row


def _read_row(row: dict[str, Any]) -> Answer | AskFault:
    response = row.get("response")
    if not isinstance(response, dict):
        return AskFault(fate="give_up", reason=openai_wire.error_text(row.get("error"), b"no response"))
    status = response.get("status_code", 200)
    return openai_wire.parse_reply(status if isinstance(status, int) else 0, msgspec.json.encode(response.get("body")))
