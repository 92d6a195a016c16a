from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from vldata.terminal import run

LAUNCH = "import sys; from {0}.start import {0}; sys.argv = ['x', '--help']; print('up', flush=True); {0}()"


@pytest.mark.parametrize("command", ["vldata", "vleval", "vltrain"])
@pytest.mark.parametrize("delay_s", [0.0, 0.05, 0.15])
def test_an_interrupt_while_it_starts_is_one_line(command: str, delay_s: float) -> None:
    child = subprocess.Popen([sys.executable, "-c", LAUNCH.format(command)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    time.sleep(delay_s)
    child.send_signal(signal.SIGINT)
    _, err = child.communicate(timeout=30)
    ended = err.splitlines()[-1:] == ["KeyboardInterrupt"]
    if ended and {Path(file).name for file in re.findall(r'File "(.*?)"', err)} <= {"<string>", "start.py"}:
        return  # it came between the line that we wait for and the first line of ours
    assert "Traceback" not in err and (err.strip() in ("", "Interrupted.") if child.returncode == 130 else child.returncode in (0, -2))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(28, "No space left on device", "/full/a"), "/full/a: the system refuses: No space left on device."),
        (PermissionError(13, "Permission denied", "/ro/b"), "/ro/b: the system refuses: Permission denied."),
        (FileNotFoundError(2, "No such file or directory", "/gone"), "/gone: the system refuses: No such file or directory."),
    ],
)
def test_a_refusal_of_the_system_is_no_traceback(error: OSError, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    def app(prog_name: str) -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        run(app, "x")  # type: ignore[arg-type]
    assert ended.value.code == 1 and capsys.readouterr().err.startswith(words)


def test_columns_of_nothing_are_named(prepared: Path) -> None:
    import json

    from vldata.validation import validate

    path = prepared / "dataset_info.json"
    for value in (None, [], "x", 3):
        table = json.loads(path.read_text())
        table["openeqa"]["columns"] = value
        path.write_text(json.dumps(table))
        assert "VL030" in validate(prepared, workers=1).counts
