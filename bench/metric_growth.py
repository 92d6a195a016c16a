"""How time and memory of each metric grow with one text's length: `python -m bench.metric_growth [--most 10000000] [METRIC ...]`.

The answer is long, or with `--long reference` the reference, or with `--long both` both.

Prints, for the slowest shape of text, seconds of the processor at each size, how the time per byte grew from the first size that takes half
a millisecond to the largest, and the peak of allocated memory per byte of input (of a megabyte), the most of all shapes.
"""

from __future__ import annotations

import argparse
import time
import tracemalloc
from typing import NamedTuple

from vldata.errors import VlkitError
from vleval import profiles
from vleval.metrics.options import MetricOptions
from vleval.rows import Row

SHAPES = {
    "words": "A red flower stands on the table. ",
    "chinese": "桌子上有一朵红色的花。",
    "newlines": "\n",
    "digits": "1234567890",
    "commas": "1, 2, ",
    "one word": "a",
    "brackets": "[{(",
    "punctuation": ".,;:!?",
    "thai": "สวัสดีครับ",
    "quotes": '"a": "b", ',
    "rare": "龘靐齉爩",  # one run of characters that no dictionary has
    "distinct": "",  # words of which none comes twice
}
SIZES = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
_REFERENCES = {
    "detection_f1": '[{"bbox": [1, 2, 3, 4], "label": "x"}]',
    "coco_ap": '[{"bbox": [1, 2, 3, 4], "label": "x"}]',
    "json_f1": '{"a": "b"}',
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", nargs="*")
    parser.add_argument("--profile", default="", help="only this profile")
    parser.add_argument("--most", type=int, default=10_000_000)
    parser.add_argument("--long", choices=("answer", "reference", "both"), default="answer")
    parser.add_argument("--budget-s", type=float, default=20.0, help="a size is not tried when the one before took a tenth of this")
    chosen = parser.parse_args()
    print(f"{'profile':14}{'metric':24}{'shape':14}{'seconds by size':52}{'growth':>8}{'bytes/byte':>12}")
    for name, defining in profiles.table():
        for profile in defining:
            if (chosen.metrics and name not in chosen.metrics) or chosen.profile not in ("", profile):
                continue
            found = [measured for shape in SHAPES if (measured := measure(profile, name, shape, chosen))]
            if found:
                most = max(measured.memory for measured in found)
                print(f"{max(found).line}{most:12.1f}", flush=True)


class Measured(NamedTuple):
    """How slow, the line about it, and bytes of memory per byte."""

    rank: float
    line: str
    memory: float


def text_of(shape: str, size: int) -> str:
    """About so many bytes of a shape."""
    if shape == "distinct":
        return " ".join(f"{number:x}" for number in range(4096, 4096 + size // 6))
    return SHAPES[shape] * (size // len(SHAPES[shape].encode()) + 1)


def _row(text: str, reference: str, long: str) -> Row:
    answer = "5 a red flower" if long == "reference" else "5 " + text
    return Row(id="1", prediction=answer, references=(reference if long == "answer" else text,), choices=("a", "b"), extra={"mark": answer})


def measure(profile: str, name: str, shape: str, chosen: argparse.Namespace) -> Measured | None:
    """The slowest seconds per character and a line about it; None where the metric does not take such text."""
    times: list[float] = []
    lengths: list[int] = []
    memory = 0.0
    for size in SIZES:
        if size > chosen.most or (times and times[-1] > chosen.budget_s / 10):
            break
        text = text_of(shape, size)
        reference = next((known for start, known in _REFERENCES.items() if name.startswith(start)), "a red flower")
        row = _row(text, reference, chosen.long)
        try:
            metric = profiles.resolve(profile, name, MetricOptions())
            metric.score([row.__class__(id="0", prediction="x", references=(reference,), choices=("a", "b"), extra={"mark": "5"})])
            began = time.thread_time()
            metric.score([row])
            times.append(time.thread_time() - began)
        except VlkitError:
            return None
        lengths.append(len(text.encode()) * (2 if chosen.long == "both" else 1))
        if size == 1_000_000:
            tracemalloc.start()
            profiles.resolve(profile, name, MetricOptions()).score([row])
            memory = tracemalloc.get_traced_memory()[1] / lengths[-1]
            tracemalloc.stop()
    per = [seconds / length for seconds, length in zip(times, lengths, strict=True)]
    timed = [rate for rate, seconds in zip(per, times, strict=True) if seconds >= 0.0005]
    growth = per[-1] / timed[0] if timed else 1.0
    shown = " ".join(f"{seconds:9.4f}" for seconds in times)
    return Measured(max(per[-1], 0.0) * growth, f"{profile:14}{name:24}{shape:14}{shown:52}{growth:8.1f}", memory)


if __name__ == "__main__":
    main()
