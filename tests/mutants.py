"""Changes one thing at a time in the modules that everything rests on, and looks whether one of the module's own tests notices.

    python -m tests.mutants [pixels joining ...] [--processes 2] [--survivors FILE]

mutmut makes the mutants of a module, all in one text, of which only this process knows: nothing is written, and what is not committed is
tried too. pytest imports that text in the module's place, collects the module's tests and forks a process for each mutant, which runs the
tests that reach it, the quick ones first, until one fails. So imports are paid once, no cache that a test filled is inherited, and a mutant
costs a fraction of a second. A mutant that uses five times the processor time of its tests and five seconds counts as killed. The script
ends with 1 where less than 90 % of a module's mutants are killed.
"""

from __future__ import annotations

import argparse
import difflib
import importlib.machinery
import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, NamedTuple

# A module, and the tests that are about it. All of them together would take minutes for every mutant.
MODULES = {
    "vldata/records/rules.py": "tests/vldata/records/test_part_rules.py tests/vldata/records/test_rules.py",
    "vldata/media/pixels.py": "tests/vldata/media/test_written_sizes.py tests/vldata/media/test_pixels.py "
    "--deselect=tests/vldata/media/test_pixels.py::test_written_sizes_are_fixed_points_in_the_budget",  # thousands of sizes, for seconds
    "vldata/media/video_tokens.py": "tests/vldata/media/test_video_tokens.py",
    "vldata/output/tokens.py": "tests/vldata/output/test_tokens.py",
    "vldata/output/journal.py": "tests/vldata/output/test_journal.py",
    "vldata/splits/splitting.py": "tests/vldata/splits/test_sides.py",
    "vldata/splits/grouping.py": "tests/vldata/splits/test_grouping.py",
    "vldata/splits/subset_sum.py": "tests/vldata/splits/test_grouping.py",
    "vldata/models/prompt.py": "tests/vldata/models/test_prompt.py",
    "vleval/joining.py": "tests/vleval/test_join.py",
    "vleval/stats/agreement.py": "tests/vleval/stats/test_resampling.py",
    "vleval/stats/bootstrap.py": "tests/vleval/stats/test_bootstrap.py",
    "vleval/stats/groups.py": "tests/vleval/stats/test_intervals.py",
    "vleval/stats/intervals.py": "tests/vleval/stats/test_intervals.py",
    "vleval/stats/paired.py": "tests/vleval/stats/test_resampling.py",
    "vleval/stats/student.py": "tests/vleval/stats/test_student.py",
}
ENOUGH = 0.9
LEFT = ("survived", "reached by no test")
_UNCHANGED = "unchanged"
_GRACE_S = 5.0
_TIMES = 5.0


class Tally(NamedTuple):
    """What came of the mutants of one module: how each ended, and the changes that no test noticed."""

    module: str
    ends: dict[str, str]
    changes: list[str]
    seconds: float

    @property
    def alive(self) -> int:
        """Mutants that no test noticed."""
        return sum(end in LEFT for end in self.ends.values())

    def line(self) -> str:
        """A line of the table."""
        total = len(self.ends)
        late = sum(end == "out of time" for end in self.ends.values())
        return f"{self.module:<30} {total:>7} {total - self.alive:>7} {late:>7} {1 - self.alive / total:>7.1%} {self.seconds:>8.0f}"


class Mutated(importlib.machinery.SourceFileLoader):
    """Loads the text with all mutants instead of the file; the finder of modules too, for this one."""

    def __init__(self, module: str, text: str) -> None:
        super().__init__(module.removesuffix(".py").replace("/", "."), module)
        self._text = text

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> importlib.machinery.ModuleSpec | None:
        """The spec of the module, none for any other."""
        return importlib.util.spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_code(self, fullname: str) -> CodeType:
        """The code, compiled anew: it must not come from a cache, nor go there."""
        return compile(self._text, self.path, "exec")


class Forks:
    """A plug-in of pytest that runs the collected tests once for each mutant, in a process of its own."""

    def __init__(self, module: str, names: Sequence[str], processes: int) -> None:
        self.ends: dict[str, str] = {}
        self._module, self._names, self._processes = module, names, processes
        self._failed = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Notice a failure."""
        self._failed |= report.failed

    def pytest_runtestloop(self, session: Any) -> bool:
        """Instead of running the tests."""
        import pytest

        if session.testsfailed or not session.items:
            pytest.exit("the tests cannot be collected", 3)
        reached, costs = self._look(session.items)
        if not reached:
            pytest.exit("a test fails without any change, or none reaches the module", 3)
        running: dict[int, tuple[str, tempfile.TemporaryDirectory[str]]] = {}
        every = {name: reached.get(name.partition("__mutmut_")[0], ()) for name in self._names}
        for name, places in {_UNCHANGED: range(len(session.items)), **every}.items():
            if not places:
                self.ends[name] = "reached by no test"
                continue
            if len(running) == self._processes:
                self._wait(running)
            folder = tempfile.TemporaryDirectory(prefix="mutant-")
            if not (child := os.fork()):
                os.environ["PYTEST_DEBUG_TEMPROOT"] = folder.name
                limit = int(_TIMES * sum(costs[place] for place in places) + _GRACE_S)
                resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
                self._try(f"{self._module}.{name}", [session.items[place] for place in sorted(places, key=costs.__getitem__)])
            running[child] = name, folder
        while running:
            self._wait(running)
        if self.ends.pop(_UNCHANGED) != "survived":  # or every kill would be in doubt
            pytest.exit("the tests fail without any change when the quick ones run first", 3)
        return True

    def _wait(self, running: dict[int, tuple[str, tempfile.TemporaryDirectory[str]]]) -> None:
        child, status = os.wait()
        name, folder = running.pop(child)
        folder.cleanup()
        code = os.waitstatus_to_exitcode(status)
        self.ends[name] = "survived" if code == 0 else "out of time" if code in (-24, -9) else "killed"

    def _try(self, mutant: str, items: Sequence[Any]) -> None:
        """Run tests until one fails, and end the process."""
        from mutmut.mutation.trampoline import set_mutant_under_test

        code = 1
        try:
            set_mutant_under_test(mutant)
            self._run(items)
            code = int(self._failed)
        finally:
            os._exit(code)

    def _run(self, items: Sequence[Any]) -> None:
        for item, following in zip(items, [*items[1:], None], strict=True):
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            if self._failed:
                return

    def _look(self, items: Sequence[Any]) -> tuple[dict[str, list[int]], list[float]]:
        """Run every test unchanged, in a process of its own: the tests that reach each function, and the processor time of each test."""
        from mutmut.mutation import trampoline

        source, sink = os.pipe()
        if not (child := os.fork()):
            seen: set[str] = set()
            trampoline.record_trampoline_hit = lambda name, caller=None: seen.add(name)
            trampoline.set_mutant_under_test("stats")
            found = []
            for item in items:
                seen.clear()
                began = time.process_time()
                self._run([item])
                found.append((time.process_time() - began, sorted(seen)))
            with os.fdopen(sink, "w") as pipe:
                json.dump([] if self._failed else found, pipe)
            os._exit(0)
        os.close(sink)
        with os.fdopen(source) as pipe:
            told = json.load(pipe)
        os.waitpid(child, 0)
        reached: dict[str, list[int]] = {}
        for place, (_, names) in enumerate(told):
            for name in names:
                reached.setdefault(name.removeprefix(f"{self._module}."), []).append(place)
        return reached, [cost for cost, _ in told]


def try_module(module: str, processes: int) -> Tally:
    """Try every mutant of a module. Once a process: the module stays as it is imported."""
    import pytest
    from mutmut.mutation.file_mutation import mutate_file_contents

    began = time.monotonic()
    made = mutate_file_contents(module, Path(module).read_text())
    lines, spans = made.code.splitlines(), made.line_span_by_function_name

    def change(name: str) -> str:
        function = name.partition("__mutmut_")[0]
        pair = (f"{function}__mutmut_orig", name)
        texts = [[line.replace(one, function) for line in lines[spans[one].start - 1 : spans[one].end]] for one in pair]
        return f"# {name}\n" + "\n".join(line for line in difflib.unified_diff(*texts, n=0, lineterm="") if line[:3] not in ("---", "+++"))

    loader = Mutated(module, made.code)
    sys.meta_path.insert(0, loader)
    forks = Forks(loader.name, made.mutant_names, processes)
    quiet = ["-q", "--tb=no", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-profile=mutants"]
    code = pytest.main([*quiet, *MODULES[module].split()], plugins=[forks])
    if code or len(forks.ends) < len(made.mutant_names):
        raise SystemExit(f"{module}: pytest ended with {int(code)}")
    left = [change(name) for name, end in forks.ends.items() if end in LEFT]
    return Tally(module, forks.ends, left, time.monotonic() - began)


def in_a_process(module: str, processes: int) -> Tally:
    """The same in a new process.

    Raises:
        SystemExit: not every mutant was tried.
    """
    ran = subprocess.run(
        [sys.executable, "-m", "tests.mutants", "--one", module, "--processes", str(processes)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    _, mark, told = ran.stdout.rpartition("\0")
    if ran.returncode or not mark:
        raise SystemExit(f"{module}: no end was reached:\n{ran.stdout[-3000:]}{ran.stderr[-3000:]}")
    return Tally(**json.loads(told))


def main() -> int:
    parser = argparse.ArgumentParser(description="Whether the tests notice what is changed in the code.")
    parser.add_argument("names", nargs="*", help="modules, by their names without folder and .py; all of them")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--survivors", type=Path, help="where the changes that no test noticed are written")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print("\0" + json.dumps(try_module(options.one, options.processes)._asdict()))
        return 0
    named = {Path(module).stem: module for module in MODULES}
    if unknown := set(options.names) - set(named):
        parser.error(f"no module is called {', '.join(sorted(unknown))}; there are {', '.join(named)}")
    print(f"{'module':<30} {'mutants':>7} {'killed':>7} {'by time':>7} {'share':>7} {'seconds':>8}", flush=True)
    tallies = []
    for name in options.names or named:
        tallies.append(in_a_process(named[name], options.processes))
        print(tallies[-1].line(), flush=True)
        if options.survivors:
            told = (f"{tally.module}\n\n" + "\n\n".join(tally.changes) for tally in tallies)
            options.survivors.write_text("\n\n".join(told) + "\n")
    every = {f"{tally.module} {name}": end for tally in tallies for name, end in tally.ends.items()}
    print(Tally("all", every, [], sum(tally.seconds for tally in tallies)).line())
    return int(any(tally.alive > (1 - ENOUGH) * len(tally.ends) for tally in tallies))


if __name__ == "__main__":
    sys.exit(main())
