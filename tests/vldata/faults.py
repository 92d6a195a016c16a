"""The heavy proofs of conversion, `make faults`: kill -9 before any step that reaches the disk, then the same command."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.openeqa import draw_openeqa
from tests.vldata.test_convert import tree
from vldata.validation import validate

# Counts the steps that change what is on the disk, in this process, and dies before the one it is told.
CHILD = """
import os, shutil, signal, sys
from pathlib import Path
count, last = 0, int(sys.argv[1])
def counted(call):
    def step(*arguments, **options):
        global count
        count += 1
        if count == last:
            os.kill(os.getpid(), signal.SIGKILL)
        return call(*arguments, **options)
    return step
for name in ("replace", "rename", "fsync", "link", "unlink", "remove", "rmdir", "mkdir", "ftruncate", "write"):
    setattr(os, name, counted(getattr(os, name)))
import vldata.conversion
vldata.conversion._PART_DRAFTS = 5
from vldata.cli import main
sys.argv = ["vldata", *sys.argv[2:]]
code = 0
try:
    main()
except SystemExit as ended:
    code = ended.code or 0
print(count)
sys.stdout.flush()
os._exit(code)
"""
CASES = 40


def run_child(last: int, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CHILD, str(last), *command], capture_output=True, text=True, timeout=120, check=False)


def steps_of(*command: str) -> int:
    """Run a command to its end; how many steps reached the disk."""
    done = run_child(0, *command)
    assert done.returncode == 0, done.stderr
    return int(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return draw_openeqa(tmp_path_factory.mktemp("source") / "open-eqa", size=(384, 216))


def convert_into(source: Path, out: Path) -> list[str]:
    return ["convert", "openeqa", str(source), "--frames", "3", "--workers", "1", "--out", str(out)]


def but_pictures(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if not name.startswith("images/")}


def places(steps: int) -> list[int]:
    """Steps to die before: spread over the run, and every one of its last quarter, where the dataset is put in place and registered."""
    spread = {1 + steps * case // CASES for case in range(CASES)}
    return sorted(spread | set(range(steps - steps // 4, steps + 1)))


def test_a_conversion_killed_before_any_step_ends_as_if_it_had_not_been(source: Path, tmp_path: Path) -> None:
    steps = steps_of(*convert_into(source, tmp_path / "whole"))
    wanted = tree(tmp_path / "whole")
    assert steps > 60
    for place in places(steps):
        out = tmp_path / f"killed-{place}"
        assert run_child(place, *convert_into(source, out)).returncode == -9, place
        if (out / "dataset_info.json").exists():  # registered whole or not at all
            assert validate(out, workers=1).findings.total == 0, place
        again = run_child(0, *convert_into(source, out))
        assert again.returncode == 0, (place, again.stderr)
        found = tree(out)
        assert but_pictures(found) == but_pictures(wanted), place
        assert set(wanted) <= set(found), place
        assert validate(out, workers=1).findings.total == 0, place


def test_a_conversion_killed_again_and_again_ends(source: Path, tmp_path: Path) -> None:
    wanted = tree_of_whole(source, tmp_path)
    out, kills = tmp_path / "out", 0
    for place in (20, 35, 50, 65, 80, 95, 110, 125, 140):
        kills += run_child(place, *convert_into(source, out)).returncode == -9
    assert run_child(0, *convert_into(source, out)).returncode == 0 and kills >= 2
    assert but_pictures(tree(out)) == but_pictures(wanted)


def tree_of_whole(source: Path, tmp_path: Path) -> dict[str, bytes]:
    steps_of(*convert_into(source, tmp_path / "whole"))
    return tree(tmp_path / "whole")


def test_a_split_killed_before_any_step_ends_as_if_it_had_not_been(source: Path, tmp_path: Path) -> None:
    split = ["--test", "8", "--val", "4", "--group-by", "scene"]
    for name in ("whole", "first"):
        assert steps_of(*convert_into(source, tmp_path / name)) > 0
    steps = steps_of("split", str(tmp_path / "whole" / "openeqa"), *split)
    wanted = tree(tmp_path / "whole")
    for place in range(1, steps + 1):
        out = tmp_path / f"killed-{place}"
        subprocess.run(["cp", "-r", str(tmp_path / "first"), str(out)], check=True)
        assert run_child(place, "split", str(out / "openeqa"), *split).returncode == -9, place
        again = run_child(0, "split", str(out / "openeqa"), *split)
        if "already" in again.stderr:  # killed when all of it was done
            again = run_child(0, "split", str(out / "openeqa"), *split, "--overwrite")
        assert again.returncode == 0, (place, again.stderr)
        assert tree(out) == wanted, place
