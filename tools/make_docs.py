"""Write docs/codes.md from the table of codes. `--check` writes nothing and fails when the file differs."""

from __future__ import annotations

import sys
from pathlib import Path

from vldata.records.codes import CODES

PAGE = Path(__file__).resolve().parent.parent / "docs" / "codes.md"


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


def main() -> int:
    """Write or check; returns the exit code."""
    text = render()
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if "--check" in sys.argv:
        print(f"{PAGE.name} is stale: run python tools/make_docs.py")
        return 1
    PAGE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
