"""Write the generated pages of docs/. `--check` writes nothing and fails when a file differs.

- docs/benchmarks.md from the table of benchmarks
- docs/codes.md from the table of codes
- docs/layouts.md from what the fixtures draw and the converters make of it
- docs/lint.md from the tables of consumers
- docs/models.md from the table of model families and from what was tried
- the lists of modules in docs/architecture.md and its picture, from the code and from the layers that import-linter holds
- docs/python.md from the public functions
"""

from __future__ import annotations

import sys
from pathlib import Path

from tools.docs import architecture, benchmarks, codes, layouts, lint, models, python_api

ROOT = Path(__file__).resolve().parent.parent


def pages() -> dict[Path, str]:
    """Every generated file with its text."""
    docs = ROOT / "docs"
    page = docs / "architecture.md"
    return {
        docs / "benchmarks.md": benchmarks.render(),
        docs / "codes.md": codes.render(),
        docs / "layouts.md": layouts.render(),
        docs / "lint.md": lint.render(),
        docs / "models.md": models.render(),
        page: architecture.render(ROOT, page.read_text(encoding="utf-8")),
        docs / "architecture.svg": architecture.draw(ROOT),
        docs / "python.md": python_api.render(),
    }


def main() -> int:
    """Write or check; returns the exit code."""
    made = pages()
    stale = [path for path, text in made.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv:
        for path in stale:
            print(f"{path.name} is stale: run python -m tools.make_docs")
        return int(bool(stale))
    for path, text in made.items():
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
