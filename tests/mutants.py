"""Changes one thing at a time in the modules that everything rests on, and looks whether one of the module's own tests notices.

    python -m tests.mutants [pixels joining ...] [--processes 2] [--survivors FILE]

`make mutants` runs it in a copy of the repository, as mutmut writes its configuration and its folder `mutants` beside the code. Modules
go one after the other, each with the few tests that are about it, so that a mutant costs about a second. A mutant is killed when a test
fails, cannot be collected, or runs into the time limit; the script ends with 1 where less than 90 % of a module's mutants are.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

# A module, and the tests that are about it. All of them together would take minutes for every mutant.
MODULES = {
    "vldata/records/rules.py": "tests/vldata/records/test_rules.py",
    "vldata/media/pixels.py": "tests/vldata/media/test_pixels.py tests/vldata/models/test_families.py",
    "vldata/media/video_tokens.py": "tests/vldata/media/test_video_tokens.py",
    "vldata/output/tokens.py": "tests/vldata/output/test_tokens.py",
    "vldata/output/journal.py": "tests/vldata/output/test_journal.py",
    "vldata/splits/splitting.py": "tests/vldata/splits/test_split.py",
    "vldata/splits/grouping.py": "tests/vldata/splits/test_split.py",
    "vldata/splits/subset_sum.py": "tests/vldata/splits/test_split.py",
    "vldata/models/prompt.py": "tests/vltrain/test_prompt.py",
    "vleval/joining.py": "tests/vleval/test_join.py",
    "vleval/stats/agreement.py": "tests/vleval/stats/test_resampling.py",
    "vleval/stats/bootstrap.py": "tests/vleval/stats/test_bootstrap.py",
    "vleval/stats/groups.py": "tests/vleval/stats/test_intervals.py",
    "vleval/stats/intervals.py": "tests/vleval/stats/test_intervals.py",
    "vleval/stats/paired.py": "tests/vleval/stats/test_resampling.py",
    "vleval/stats/student.py": "tests/vleval/stats/test_student.py",
}
ENOUGH = 0.9

# A server that has imported the tests forks a process for each mutant: imports are paid once, and no cache that a test filled is inherited.
CONFIGURATION = """[mutmut]
source_paths =
    vldata
    vleval
only_mutate = {module}
also_copy =
    train
    fixtures
    schemas
    tools
    docs
    bench
    README.md
    CHANGELOG.md
    Makefile
pytest_add_cli_args =
    -p
    no:cacheprovider
    -p
    no:unraisableexception
    -W
    ignore
pytest_add_cli_args_test_selection =
    {tests}
process_isolation = forkserver
timeout_multiplier = 3
timeout_constant = 3
"""


class Tally(NamedTuple):
    """What came of the mutants of one module."""

    module: str
    total: int
    survivors: list[str]
    seconds: float

    def line(self) -> str:
        killed = self.total - len(self.survivors)
        return f"{self.module:<30} {self.total:>7} {killed:>7} {killed / self.total:>7.1%} {self.seconds:>8.0f}"


def run_module(module: str, processes: int) -> Tally:
    """Run mutmut for one module.

    Raises:
        SystemExit: mutmut failed, or left a mutant untried.
    """
    began = time.monotonic()
    shutil.rmtree("mutants", ignore_errors=True)
    Path("setup.cfg").write_text(CONFIGURATION.format(module=module, tests="\n    ".join(MODULES[module].split())))
    with Path("mutmut.log").open("w") as log:
        mutmut = [str(Path(sys.executable).with_name("mutmut")), "run", "--max-children", str(processes)]
        failed = subprocess.run(mutmut, stdout=log, stderr=subprocess.STDOUT, check=False).returncode
    codes: dict[str, int | None] = json.loads(Path("mutants", f"{module}.meta").read_text())["exit_code_by_key"]
    if failed or None in codes.values():
        raise SystemExit(f"{module}: mutmut did not come to its end:\n{Path('mutmut.log').read_text()[-3000:]}")
    return Tally(module, len(codes), [name for name, code in codes.items() if code in (0, 5, 33)], time.monotonic() - began)


def changes(names: Iterable[str]) -> Iterable[str]:
    """The survivors as differences from the code."""
    from mutmut.configuration import reset_config
    from mutmut.mutation.diff_apply import get_diff_for_mutant

    reset_config()
    for name in names:
        yield f"# {name}\n" + "\n".join(line for line in get_diff_for_mutant(name).splitlines()[2:])


def main() -> int:
    parser = argparse.ArgumentParser(description="Whether the tests notice what is changed in the code.")
    parser.add_argument("names", nargs="*", help="modules, by their names without folder and .py; all of them")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--survivors", type=Path, help="where the changes that no test noticed are written")
    options = parser.parse_args()
    known = {Path(module).stem: module for module in MODULES}
    if unknown := set(options.names) - set(known):
        parser.error(f"no module is called {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    print(f"{'module':<30} {'mutants':>7} {'killed':>7} {'share':>7} {'seconds':>8}", flush=True)
    tallies = []
    for name in options.names or known:
        tallies.append(run_module(known[name], options.processes))
        print(tallies[-1].line(), flush=True)
        if options.survivors:
            with options.survivors.open("a") as file:
                file.writelines(f"{change}\n\n" for change in changes(tallies[-1].survivors))
    total = Tally("all", sum(t.total for t in tallies), [n for t in tallies for n in t.survivors], sum(t.seconds for t in tallies))
    print(total.line())
    return int(any(len(t.survivors) > (1 - ENOUGH) * t.total for t in tallies))


if __name__ == "__main__":
    sys.exit(main())
