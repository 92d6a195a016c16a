"""From the table of `make scale` to a plot, and on paper to 10^9 records: core-hours, memory, files and cost.

    python -m bench.scale_paper bench/scale_2026-11-27.txt --svg docs/scale.svg

Times are seconds of processors. Beyond what was measured, they are taken to grow as they did between the two largest sizes, and at least in
proportion; memory likewise, by the records added. What no record of the table tells stands in the arguments: pictures a record and their
bytes, core seconds a picture (by `bench.two_cores` or `bench.media_pictures`), and prices.
"""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path
from typing import NamedTuple

LINE = re.compile(r"^\s*([\d,]+) records\s+(\w+)\s+(\d+) MiB\s+([\d.]+) s of processors", re.MULTILINE)
COLOURS = [
    "#1b6ca8",
    "#c44536",
    "#2a7f62",
    "#8d5a97",
    "#b8860b",
    "#3d5a80",
    "#d1495b",
    "#5f7161",
    "#6a4c93",
    "#ef8354",
    "#22577a",
    "#7f5539",
    "#4f772d",
]


class Point(NamedTuple):
    """A command at a size; `seconds` are those of processors."""

    records: int
    mib: float
    seconds: float


def read_table(text: str) -> dict[str, list[Point]]:
    """The points of each command, by size."""
    found: dict[str, list[Point]] = {}
    for records, command, mib, seconds in LINE.findall(text):
        found.setdefault(command, []).append(Point(int(records.replace(",", "")), float(mib), float(seconds)))
    return {command: sorted(points) for command, points in found.items()}


def extrapolate(points: list[Point], records: int) -> Point:
    """The command at a size beyond the largest, as the two largest have it."""
    before, last = points[-2:]
    power = math.log(last.seconds / before.seconds) / math.log(last.records / before.records)
    seconds = last.seconds * (records / last.records) ** max(1.0, power)
    slope = max(0.0, (last.mib - before.mib) / (last.records - before.records))
    return Point(records, last.mib + slope * (records - last.records), seconds)


def draw(table: dict[str, list[Point]]) -> str:
    """Two panels, both axes in powers of ten: microseconds a record, and MiB."""
    parts = ['<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 980 400" font-family="sans-serif" font-size="12">',
             '<rect width="980" height="400" fill="white"/>']  # fmt: skip
    panels = [
        (50, "microseconds of processors a record", 1.0, 1000.0, lambda point: point.seconds / point.records * 1e6),
        (450, "MiB of the main process", 30.0, 3000.0, lambda point: point.mib),
    ]
    for left, title, low, high, value in panels:

        def x(records: float, left: int = left) -> float:
            return left + 330 * (math.log10(records) - 4) / 3

        def y(number: float, low: float = low, high: float = high) -> float:
            return 350 - 300 * math.log(max(number, low) / low) / math.log(high / low)

        parts.append(f'<text x="{left}" y="30" font-size="14">{title}</text>')
        parts += [f'<text x="{x(10**n) - 10:.0f}" y="370">10^{n}</text>' for n in range(4, 8)]
        marks = [mark for mark in (1, 3, 10, 30, 100, 300, 500, 1000, 3000) if low <= mark <= high]
        for mark in marks:
            dash = "" if mark != 500 or left == 50 else ' stroke-dasharray="4"'
            parts.append(f'<line x1="{left}" x2="{left + 330}" y1="{y(mark):.1f}" y2="{y(mark):.1f}" stroke="#ddd"{dash}/>')
            parts.append(f'<text x="{left - 34}" y="{y(mark) + 4:.1f}">{mark}</text>')
        for colour, points in zip(COLOURS, table.values(), strict=False):
            path = " ".join(f"{x(point.records):.1f},{y(value(point)):.1f}" for point in points)
            parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
    for place, (colour, command) in enumerate(zip(COLOURS, table, strict=False)):
        parts.append(f'<rect x="810" y="{52 + 20 * place}" width="14" height="4" fill="{colour}"/>')
        parts.append(f'<text x="832" y="{58 + 20 * place}">{command}</text>')
    return "\n".join([*parts, "</svg>\n"])


def main() -> None:
    """Write the plot and print both tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--svg", type=Path)
    parser.add_argument("--records", type=int, default=10**9)
    parser.add_argument("--parts", type=int, default=1_000, help="datasets that the records are divided into, each for a process")
    parser.add_argument("--pictures", type=float, default=1.0, help="pictures a record")
    parser.add_argument("--picture-s", type=float, default=0.074, help="core seconds to render a picture (Open-EQA's 1080p PNG)")
    parser.add_argument("--picture-kb", type=float, default=75.0)
    parser.add_argument("--core-hour", type=float, default=0.04, help="price of a core hour")
    parser.add_argument("--gb-month", type=float, default=0.023, help="price of a gigabyte in a store, a month")
    given = parser.parse_args()
    table = read_table(given.table.read_text())
    sizes = sorted({point.records for points in table.values() for point in points})
    head = [f"10^{round(math.log10(size))}" for size in sizes]
    print("| command | " + " | ".join(f"{size}: MiB | s | us a record" for size in head) + " | 10^7 over 10^5 |")
    print("|---" * (2 + 3 * len(sizes)) + "|")
    for command, points in table.items():
        at = {point.records: point for point in points}
        cells = [f"{at[s].mib:,.0f} | {at[s].seconds:,.1f} | {at[s].seconds / s * 1e6:,.1f}" if s in at else " | | " for s in sizes]
        both = 10**7 in at and 10**5 in at
        growth = f"{at[10**7].seconds / at[10**5].seconds / 100:.2f}" if both else ""
        print(f"| {command} | " + " | ".join(cells) + f" | {growth} |")
    print(f"\n| command | core-hours at {given.records:,} | cost | MiB in one process | MiB in each of {given.parts} |")
    print("|---|---|---|---|---|")
    total = 0.0
    for command, points in table.items():
        if len(points) < 2:
            continue
        whole, part = extrapolate(points, given.records), extrapolate(points, given.records // given.parts)
        hours = part.seconds * given.parts / 3600
        total += hours
        print(f"| {command} | {hours:,.0f} | ${hours * given.core_hour:,.0f} | {whole.mib:,.0f} | {part.mib:,.0f} |")
    pictures = given.records * given.pictures
    hours = pictures * given.picture_s / 3600
    print(f"| rendering {pictures:,.0f} pictures | {hours:,.0f} | ${hours * given.core_hour:,.0f} | | |")
    terabytes = pictures * given.picture_kb / 1e9
    month, price = terabytes * 1000 * given.gb_month, (total + hours) * given.core_hour
    print(f"\nPictures: {terabytes:,.0f} TB, ${month:,.0f} a month in a store; {pictures:,.0f} objects one by one,")
    print(f"or {terabytes * 1e12 / 2**26:,.0f} MDS shards, or {given.records / 1000:,.0f} tars or parquet shards of 1,000 rows.")
    print(f"All commands of the table: {total:,.0f} core-hours, with the pictures {total + hours:,.0f}: ${price:,.0f}.")
    if given.svg:
        given.svg.write_text(draw(table))


if __name__ == "__main__":
    main()
