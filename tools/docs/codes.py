"""docs/codes.md: the codes of findings and rejects."""

from __future__ import annotations

from vldata.records.codes import CODES


def render() -> str:
    """The whole page."""
    lines = [
        "# Codes of findings and rejects",
        "",
        "`vldata validate` prints them with file and line; `NAME.rejects.jsonl` names one for every record that was left out.",
        "VL0xx are rules of records, files and folders; VL1xx are media that cannot be used; VL2xx are annotations that cannot be used.",
        "",
        "| code | meaning | usual cause | cure |",
        "|---|---|---|---|",
    ]
    lines += [f"| {code} | {entry.title} | {entry.cause} | {entry.cure} |" for code, entry in CODES.items()]
    return "\n".join(lines).replace("<", "&lt;") + "\n"
