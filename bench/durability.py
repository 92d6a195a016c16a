"""What care costs, as ratios in one run: durability of a conversion, the gate on validate, and resuming a run whose parts are all finished.

python bench/durability.py [--pictures 400] [--records 100000] [--rounds 3]

Durability: the same conversion with and without fsync. The gate: headers of the pictures of a dataset, opened by `SafePath` and by plain
name. Resume: a text conversion killed when all its parts were finished, run again.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

import vldata
from vldata import conversion
from vldata.conversion import convert
from vldata.files.gate import SafePath, below
from vldata.media.inspect import inspect_picture
from vldata.output.options import ConvertOptions
from vldata.sources import load_converter


def draw(root: Path, count: int) -> Path:
    """Draw photographs of noise, in pairs with a text."""
    (root / "images").mkdir(parents=True)
    for number in range(count):
        noise = Image.effect_noise((800, 600), 60)
        Image.merge("RGB", (noise, noise.rotate(90 * (number % 4)).resize((800, 600)), noise)).save(root / "images" / f"{number}.jpg")
    lines = (json.dumps({"image": f"images/{number}.jpg", "text": f"Noise {number}."}) for number in range(count))
    (root / "pairs.jsonl").write_text("\n".join(lines) + "\n")
    return root / "pairs.jsonl"


def timed(work: Callable[[], object]) -> float:
    """Seconds of a call."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def convert_file(file: Path, name: str, out: Path) -> None:
    """Convert one annotation file."""
    for source in load_converter(name)(file):
        convert(source, ConvertOptions(out=out, workers=2, overwrite=True))


def durability(file: Path, root: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds with and without fsync, alternating."""
    fsync, careful, careless = os.fsync, [], []
    for number in range(rounds):
        careful.append(timed(lambda number=number: convert_file(file, "jsonl", root / f"a{number}")))
        os.fsync = lambda descriptor: None  # type: ignore[assignment]
        try:
            careless.append(timed(lambda number=number: convert_file(file, "jsonl", root / f"b{number}")))
        finally:
            os.fsync = fsync
    return careful, careless


def gate(out: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Seconds for the headers of every picture, by the gate and by name, alternating."""
    names = [path.relative_to(out).as_posix() for path in out.glob("images/*/*")] * 10
    gated, plain = [], []
    for _ in range(rounds):
        gated.append(timed(lambda: [inspect_picture(below(out, name), headers_only=True) for name in names]))
        plain.append(timed(lambda: [inspect_picture(str(out / name), headers_only=True) for name in names]))
    return gated, plain


def validation(out: Path, rounds: int) -> tuple[list[float], list[float]]:
    """Processor seconds of a full `validate`, its workers with it, by the gate and by name, alternating."""
    gated: list[float] = []
    plain: list[float] = []
    careful = SafePath.open
    try:
        for number in range(2 * rounds):
            SafePath.open = careful if number % 2 else lambda path: open(str(path), "rb")  # type: ignore[method-assign]  # noqa: SIM115, PTH123
            before = _at_work()
            vldata.validate(out)
            (gated if number % 2 else plain).append(_at_work() - before)
    finally:
        SafePath.open = careful  # type: ignore[method-assign]
    return gated, plain


def _at_work() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def resume(root: Path, records: int) -> tuple[float, float]:
    """Seconds to finish a run that was killed when all its parts were done: by the clock, and of this process's processor time."""
    file = root / "talks.jsonl"
    turns = '"conversations": [{"from": "human", "value": "What is number %d?"}, {"from": "gpt", "value": "It is %d."}]'
    with file.open("w") as handle:
        handle.writelines(f'{{"id": "a{n}", {turns % (n, n)}}}\n' for n in range(records))
    publish = conversion.publish
    conversion.publish = _die  # type: ignore[assignment]
    try:
        convert_file(file, "sharegpt", root / "resumed")
    except KeyboardInterrupt:
        pass
    finally:
        conversion.publish = publish  # type: ignore[assignment]
    before = time.process_time()
    passed = timed(lambda: convert_file(file, "sharegpt", root / "resumed"))
    return passed, time.process_time() - before


def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=400)
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        file = draw(root / "source", given.pictures)
        careful, careless = durability(file, root, given.rounds)
        ratio = statistics.median(careful) / statistics.median(careless)
        print(f"durability: {ratio:.3f} x ({', '.join(f'{a:.2f}/{b:.2f}' for a, b in zip(careful, careless, strict=True))} s)")
        gated, plain = gate(root / "a0", given.rounds)
        ratio = statistics.median(gated) / statistics.median(plain)
        print(f"gate on headers: {ratio:.3f} x ({', '.join(f'{a:.3f}/{b:.3f}' for a, b in zip(gated, plain, strict=True))} s)")
        gated, plain = validation(root / "a0", given.rounds)
        ratio = statistics.median(gated) / statistics.median(plain)
        print(f"gate on validate: {ratio:.3f} x ({', '.join(f'{a:.3f}/{b:.3f}' for a, b in zip(gated, plain, strict=True))} s at work)")
        passed, worked = resume(root, given.records)
        print(f"resume of {given.records:,} finished records: {passed:.2f} s, of which {worked:.2f} s at work")


if __name__ == "__main__":
    main()
