"""docs/architecture.md: the list of modules in each room, and the picture of what may import what."""

from __future__ import annotations

import ast
import re
import tomllib
from html import escape
from pathlib import Path

_BLOCK = re.compile(r"(<!-- modules -->\n).*?(<!-- end -->)", re.DOTALL)
_PACKAGES = {"vldata": "vldata", "vleval": "vleval", "vltrain": "train/vltrain"}
_WIDTH, _ROW, _GAP = 920, 46, 12


def render(root: Path, page: str) -> str:
    """Put the lists of modules into the page."""
    return _BLOCK.sub(lambda match: match[1] + "\n".join(_tables(root)) + "\n" + match[2], page)


def modules(root: Path) -> dict[str, list[str]]:
    """Every room (`vldata/records`) with the names of its modules, packages inside it as `dialects/names`."""
    found: dict[str, list[str]] = {}
    for package, folder in _PACKAGES.items():
        base = root / folder
        for path in sorted(base.rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            room = package if len(parts) == 1 else f"{package}/{parts[0]}"
            if parts[-1] != "__init__":
                found.setdefault(room, []).append("/".join(parts[1:] or parts))
            else:
                found.setdefault(room, [])
    return found


def _tables(root: Path) -> list[str]:
    lines = ["| room | what it is | modules |", "|---|---|---|"]
    for room, names in modules(root).items():
        package, _, inner = room.partition("/")
        init = root / _PACKAGES[package] / inner / "__init__.py"
        first = (ast.get_docstring(ast.parse(init.read_text(encoding="utf-8"))) or "").split("\n")[0] if init.exists() else ""
        lines.append(f"| `{room}/` | {first} | {', '.join(names)} |")
    return lines


def draw(root: Path) -> str:
    """The picture: the layers of pyproject.toml from top to bottom; a box may import what is below it, never next to or above."""
    contracts = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract.get("containers") == ["vldata"])
    rows = [["vleval", "vltrain"], *([name.strip() for name in layer.split("|")] for layer in layers if layer != "__main__")]
    height = len(rows) * (_ROW + _GAP) + _GAP + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="15">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    for number, names in enumerate(rows):
        top = _GAP + number * (_ROW + _GAP)
        width = (_WIDTH - _GAP * (len(names) + 1)) / len(names)
        for place, name in enumerate(names):
            left = _GAP + place * (width + _GAP)
            fill = "#e8eef7" if number else "#fbeed8"
            box = f'x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_ROW}" rx="6"'
            parts.append(f'<rect {box} fill="{fill}" stroke="#51637f"/>')
            label = f'x="{left + width / 2:.1f}" y="{top + _ROW / 2 + 5:.1f}" text-anchor="middle"'
            parts.append(f'<text {label} fill="#1b2433">{escape(name)}</text>')
    words = "A box may import the boxes below it. Boxes side by side do not know each other. import-linter holds this."
    parts.append(f'<text x="{_GAP}" y="{height - 10}" fill="#51637f" font-size="13">{words}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"
