"""One trial: a command, a fault, the command again; and what must hold afterwards.

Every run ends in one of two ways: with the result of an undisturbed run, or with a sentence that says what is wrong and what to do. After
the fault the same command, or the cure it names, leads to the undisturbed result.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from tests.faults import harness
from tests.faults.commands import Case
from tests.faults.harness import Fault, Ran, call_apart, fill, run, small_disk, snapshot, tear_newest, tree
from tests.vleval.inference.server import FakeServer, serve


class Bench:
    """A place for the trials of one case: always the same folder, since some results name it."""

    def __init__(self, case: Case, root: Path, url: str = "") -> None:
        self.case = case
        self.work = root / "work"
        self._template = root / "template"
        self._template.mkdir(parents=True)
        call_apart(case.prepare, self._template)
        self.argv = tuple(word.replace("{url}", url) for word in case.argv)
        self.fresh()
        self.before = snapshot(self.work)
        done = run(self.argv, self.work)
        assert done.code == case.good, (case.name, done.err)
        self.steps = done.steps
        self.wanted = self.result()
        self.largest = max((len(data) for data in self.wanted.values()), default=1)
        assert self.wanted and self.steps

    def fresh(self) -> None:
        """Put everything back as it was before the command."""
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self._template, self.work, symlinks=True)

    def result(self) -> dict[str, bytes]:
        """What the command wrote, without what a clock decides."""
        files = tree(self.work / self.case.out)
        kept = {name: data for name, data in files.items() if fnmatch(name.rpartition("/")[2], self.case.compared)}
        return {name: _timeless(data) if self.case.server else data for name, data in kept.items() if not name.startswith("images/")}

    def ended(self, done: Ran) -> bool:
        """Whether a run did its work: it says so by its code; where the code tells of findings, by what it wrote."""
        return done.code == self.case.good and (not done.code or self.result() == self.wanted)

    def again(self, wanted: dict[str, bytes] | None = None) -> str:
        """Run the command again as a person would who reads what it says; returns "whole" or "refused" (by name).

        A wrong result, a traceback, or a refusal without a word is an error.
        """
        wanted = self.wanted if wanted is None else wanted
        argv = self.argv
        for _ in range(4):
            done = run(argv, self.work)
            assert_told(self.case, done)
            if self.ended(done) or self.result() == wanted:
                assert_same(self.case, self.result(), wanted)
                return "whole"
            if "--fresh" in done.err and argv[1] == "convert":
                argv = (*argv, "--fresh", "--overwrite")
            elif "and what it staged" in done.err:
                shutil.rmtree(self.work / "out" / ".vldata")
            elif "--overwrite" in done.err:
                argv = (*argv, "--overwrite")
            else:
                return "refused"
        return "refused"


def assert_told(case: Case, done: Ran) -> None:
    """Hold a run to have ended well or with a sentence: no traceback, no silent failure, no hang."""
    assert "Traceback" not in done.err, (case.name, done.err[-5_000:])
    assert done.code in (0, 1, 2, 130, -signal.SIGKILL, -signal.SIGTERM, -signal.SIGINT), (case.name, done)
    assert done.code <= 0 or done.err.strip(), (case.name, done)


def assert_same(case: Case, found: dict[str, bytes], wanted: dict[str, bytes]) -> None:
    """Hold a result to be that of an undisturbed run."""
    differing = sorted({name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)})
    assert not differing, (case.name, differing[:5])


def _timeless(data: bytes) -> bytes:
    rows = [json.loads(line) for line in data.splitlines()]
    return json.dumps([{key: value for key, value in row.items() if key != "latency_s"} for row in rows]).encode()


def killed(bench: Bench, step: int, sign: int) -> str:
    """End a run by a signal before a step, then run it again."""
    bench.fresh()
    done = run(bench.argv, bench.work, Fault(step=step, signal=sign))
    assert_told(bench.case, done)
    outcome = bench.again()
    assert outcome == "whole", (bench.case.name, step, sign)
    return outcome


def torn(bench: Bench, step: int, rng: random.Random) -> str:
    """Kill a run, damage the newest files it wrote, then run it again."""
    bench.fresh()
    run(bench.argv, bench.work, Fault(step=step))
    tear_newest(bench.work, bench.before, rng)
    return bench.again()


def starved(bench: Bench, size: int) -> str:
    """Let no file grow beyond a size, then run without the limit."""
    bench.fresh()
    done = run(bench.argv, bench.work, Fault(file_size=size))
    assert_told(bench.case, done)
    if bench.ended(done):
        assert_same(bench.case, bench.result(), bench.wanted)
    outcome = bench.again()
    assert outcome == "whole", (bench.case.name, size)
    return outcome


def filled(bench: Bench, room: int) -> str:
    """Run on a disk with little room, then with enough."""
    bench.fresh()
    aside = bench.work.with_name("aside")
    shutil.rmtree(aside, ignore_errors=True)
    bench.work.rename(aside)
    with small_disk(bench.work) as mounted:
        if not mounted:
            return "no disk"
        shutil.copytree(aside, bench.work, symlinks=True, dirs_exist_ok=True)
        fill(bench.work, room)
        done = run(bench.argv, bench.work)
        assert_told(bench.case, done)
        if bench.ended(done):
            assert_same(bench.case, bench.result(), bench.wanted)
        (bench.work / ".filler").unlink()
        outcome = bench.again()
    assert outcome == "whole", (bench.case.name, room)
    return outcome


def doubled(bench: Bench) -> str:
    """Run it twice at once: both may end well, or one is told that the other is at work."""
    bench.fresh()
    both = [harness.Running(bench.argv, bench.work, Fault()) for _ in range(2)]
    ended = [one.wait() for one in both]
    for done in ended:
        assert_told(bench.case, done)
    assert any(done.code == bench.case.good for done in ended), (bench.case.name, ended)
    assert_same(bench.case, bench.result(), bench.wanted)
    return "whole"


def changed(bench: Bench, step: int) -> str:
    """Kill a run, change its input, run it again: the result is of the new input, or the change is named; never a mixture."""
    assert bench.case.change is not None
    bench.fresh()
    bench.case.change(bench.work)
    assert run(bench.argv, bench.work).code == bench.case.good
    new = bench.result()
    bench.fresh()
    run(bench.argv, bench.work, Fault(step=step))
    bench.case.change(bench.work)
    outcome = bench.again(new)
    assert outcome == "whole", (bench.case.name, step)
    return outcome


@contextmanager
def open_bench(case: Case, root: Path) -> Iterator[Bench]:
    """A bench for a case, with a server for those that ask one."""
    if case.server:
        with serve(FakeServer()) as server:
            yield Bench(case, root, server.url)
    else:
        yield Bench(case, root)


def places(steps: int, count: int) -> list[int]:
    """Steps to die before: spread over the run, and half of them in its last quarter, where results are put in place."""
    spread = {1 + steps * number // max(1, count // 2) for number in range(count // 2)}
    last = {steps - (steps // 4) * number // max(1, count - count // 2) for number in range(count - count // 2)}
    return sorted(step for step in spread | last if 0 < step <= steps)


def trials(bench: Bench, counted: Counter[str], *, kills: int, tears: int, limits: int, disks: int, doubles: int, seed: int) -> None:
    """Make so many trials of every kind, counting them."""
    rng = random.Random(f"{bench.case.name}/{seed}")
    for number, step in enumerate(places(bench.steps, kills)):
        killed(bench, step, (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)[number % 4])
        counted["kills"] += 1
    for _ in range(tears):
        counted[f"tears, {torn(bench, rng.randint(1, bench.steps), rng)}"] += 1
    for number in range(limits):
        starved(bench, int(bench.largest * (number + 0.5) / limits * rng.uniform(0.5, 1.2)))
        counted["file size limits"] += 1
    for _ in range(disks):
        counted["full disks" if filled(bench, rng.randint(0, 3 * bench.largest)) != "no disk" else "no disk"] += 1
    for _ in range(doubles):
        doubled(bench)
        counted["double runs"] += 1
    if bench.case.change is not None:
        for step in places(bench.steps, max(2, kills // 3)):
            changed(bench, step)
            counted["changed inputs"] += 1
