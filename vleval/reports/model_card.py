"""Scores in the card of the model they are of: README.md of an adapter or model folder, a table between two marks that are ours.

Only answers of this very model are written: the run document next to the predictions holds the digest of what answered.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vldata.errors import DataError, UsageError
from vldata.files import inside, strictjson
from vldata.files.durable import write_atomic
from vldata.models.fingerprint import file_digest, fingerprint
from vldata.models.layout import model_file
from vleval.inference.origin import SUFFIX
from vleval.reports.text import interval_text, worth_words
from vleval.score_result import ScoreResult

CARD = "README.md"
BEGIN, END = "<!-- vleval scores -->", "<!-- end of vleval scores -->"
_HEAD = ("| data | metric | score, 95 % | | n | how it was made |", "|---|---|---|---|---|---|")
_MOST_BYTES = 4_000_000


def add_scores(folder: Path, result: ScoreResult) -> Path:
    """Write the result into the card; a row of the same data, metric and profile is replaced. Returns the card.

    Raises:
        UsageError: the folder holds no model, or the predictions are not of one file.
        DataError: another model gave the answers, nothing tells which did, or the card is damaged.
    """
    of_folder = fingerprint(folder) if folder.is_dir() else ""
    if not of_folder:
        raise UsageError("--card: there is no adapter or model in this folder.", cure="Name the folder that holds its weights.")
    predictions = Path(result.name)
    document = _run_document(predictions)
    digests = document.get("digests")
    answered = str(document.get("adapter") or document.get("model") or "")  # with an adapter, the base alone did not answer
    if not isinstance(digests, dict) or digests.get(answered) != of_folder:
        raise DataError(
            "were not answered by this model.", where=str(predictions), cure=f"Score what {folder} answered, or leave out --card."
        )
    inside.refuse_links(folder, CARD)
    path = folder / CARD
    text = _read(folder)
    before, rows, after = _cut(text, path)
    data = str(document.get("dataset") or "")
    for name, score in result.metrics.items():
        words = ", ".join(word.lower() for word in worth_words(score))
        how = f"`{score.signature}`; answers `{file_digest(predictions)[:16]}`"
        cells = (data, name, interval_text(score), words, f"{score.n:,}", how.replace("|", "\\|"))
        key = f"| {data} | {name} |"
        rows = [row for row in rows if not (row.startswith(key) and f"`profile:{result.profile} " in row)]
        rows.append("| " + " | ".join(cells) + " |")
    block = "\n".join([BEGIN, "", "## Scores", "", *_HEAD, *rows, "", END])
    write_atomic(path, (before + block + after).encode())
    return path


def _run_document(predictions: Path) -> dict[str, Any]:
    beside = predictions.with_name(f"{predictions.name}{SUFFIX}")
    if not beside.is_file():
        raise DataError(
            "nothing tells which model gave these answers.",
            where=str(predictions),
            cure=f"Keep {beside.name}, which vleval predict writes.",
        )
    found = strictjson.read_json(beside)
    return found if isinstance(found, dict) else {}


def _read(folder: Path) -> str:
    path = folder / CARD
    if not path.exists():
        return ""
    content = model_file(folder, CARD).read()
    if len(content) > _MOST_BYTES:
        raise DataError("is too large for a card.", where=str(path), cure="Move it away.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise DataError("is not UTF-8.", where=str(path), cure="Save the card as UTF-8.") from None


def _cut(text: str, path: Path) -> tuple[str, list[str], str]:
    """The text before the table, its rows, and the text behind it."""
    if BEGIN not in text:
        return (text.rstrip("\n") + "\n\n" if text else ""), [], "\n"
    before, _, rest = text.partition(BEGIN)
    block, mark, after = rest.partition(END)
    if not mark:
        raise DataError(f"lacks the line {END!r}.", where=str(path), cure="Put it behind the table of scores.")
    rows = [line for line in block.splitlines() if line.startswith("| ") and line not in _HEAD]
    return before, rows, after
