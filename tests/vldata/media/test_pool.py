"""Workers that hang, die or run out of memory cost their item and nothing else."""

import itertools
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from vldata.errors import DataError, UsageError
from vldata.media.pool import WorkerBugError, WorkerPool, _Worker
from vldata.media.refs import Failure

ODD = """
if item == "hang":
    time.sleep(600)
if item == "hold the interpreter":
    ctypes.PyDLL(None).sleep(600)
if item == "abort":
    os.abort()
if item == "exit":
    os._exit(3)
if item == "memory error":
    raise MemoryError
if item == "eat memory":
    return len(bytearray(1 << 40))
if item == "crash once" and not os.path.exists(setup):
    open(setup, "w").close()
    os.abort()
if item == "print":
    print("noise", flush=True)
    os.write(2, b"noise")
return ("done", item)
"""


def run(function, items, setup=None, **options):
    with WorkerPool(function, setup, **{"workers": 2, "timeout_s": 0.4, **options}) as pool:
        return dict(pool.map_unordered(items))


def test_results_carry_the_index_of_their_item(work):
    results = run(work("return (setup, item)"), [f"item {n}" for n in range(50)], setup={"a": 1})
    assert results == {n: ({"a": 1}, f"item {n}") for n in range(50)}


def test_no_items(work):
    assert run(work("return item"), []) == {}


def test_large_items_and_results(work):
    blobs = [bytes([n]) * 3_000_000 for n in range(8)]
    assert run(work("return item[::-1]"), blobs, timeout_s=30) == dict(enumerate(blobs))


@pytest.mark.parametrize(
    ("item", "code", "reason"),
    [
        ("hang", "VL109", "it took longer than 0.4 s, twice"),
        ("hold the interpreter", "VL109", "it took longer than 0.4 s, twice"),
        ("abort", "VL110", "the process that decoded it was ended by SIGABRT, twice"),
        ("exit", "VL110", "the process that decoded it ended with status 3, twice"),
        ("memory error", "VL110", "the process that decoded it ran out of its memory limit, twice"),
        ("eat memory", "VL110", "the process that decoded it ran out of its memory limit, twice"),
    ],
)
def test_an_item_that_ends_its_worker_twice_is_a_failure(item, code, reason, work):
    items = [0, 1, item, 3, 4, 5, 6, 7]
    results = run(work(ODD), items)
    assert results.pop(2) == Failure(code, reason)
    assert results == {n: ("done", n) for n in (0, 1, 3, 4, 5, 6, 7)}


def test_many_bad_items_at_once(work):
    items = ["abort", "exit", "hang", *range(20), "exit", "abort", "memory error"]
    results = run(work(ODD), items, workers=3)
    assert len(results) == len(items)
    assert {results[n].code for n in (0, 1, 23, 24, 25)} == {"VL110"} and results[2].code == "VL109"
    assert all(results[n + 3] == ("done", n) for n in range(20))


def test_an_item_whose_worker_died_once_succeeds_the_second_time(work, tmp_path):
    assert run(work(ODD), ["crash once"], setup=str(tmp_path / "crashed")) == {0: ("done", "crash once")}


def test_the_second_attempt_has_its_worker_to_itself(work, monkeypatch):
    given = []

    def give(worker, job, original=_Worker.give):
        given.append((job.item, bool(job.failed), len(worker.jobs), worker.alone))
        original(worker, job)

    monkeypatch.setattr(_Worker, "give", give)
    items = ["hang", *(n for n in range(30)), "abort", *range(30)]
    results = run(work("time.sleep(0.02) if item in range(30) else None\n" + ODD), items)
    assert len(results) == len(items)
    assert sorted(entry for entry in given if entry[1]) == [("abort", True, 0, False), ("hang", True, 0, False)]
    assert not any(alone for *_, alone in given)


def test_deadlines_do_not_count_the_time_the_caller_takes(work, tmp_path):
    body = f"""
with open({str(tmp_path / "log")!r}, "a") as log:
    log.write(f"{{item}}\\n")
time.sleep(0.05)
return item
"""
    with WorkerPool(work(body), None, workers=2, timeout_s=0.5) as pool:
        results = []
        for index, result in pool.map_unordered(range(8)):
            results.append((index, result))
            if len(results) in (1, 2):
                time.sleep(0.8)
    assert sorted(results) == [(n, n) for n in range(8)]
    assert sorted((tmp_path / "log").read_text().split()) == sorted(map(str, range(8))), "no item was begun twice"


def test_items_are_taken_lazily(work):
    taken = []
    with WorkerPool(work("return item"), None, workers=2) as pool:
        items = (taken.append(n) or n for n in itertools.count())
        results = pool.map_unordered(items)
        first = [next(results) for _ in range(20)]
        results.close()
        assert len(first) == 20 and len(taken) <= 20 + 2 * 3
        assert sorted(pool.map_unordered(["again", "warm"])) == [(0, "again"), (1, "warm")]


def test_workers_stay_warm_from_one_call_to_the_next(work):
    with WorkerPool(work("return os.getpid()"), None, workers=1) as pool:
        pids = {pid for _ in range(3) for _, pid in pool.map_unordered(range(5))}
    assert len(pids) == 1


def test_nothing_is_left_when_the_pool_is_closed(work):
    with WorkerPool(work("return os.getpid()"), None, workers=3) as pool:
        pids = {pid for _, pid in pool.map_unordered(range(60))}
    assert pids and not any(alive(pid) for pid in pids)


def test_libraries_get_one_thread_and_cannot_write_to_the_terminal(work, capfd):
    assert run(work('return os.environ["OMP_NUM_THREADS"]'), [0]) == {0: "1"}
    assert run(work(ODD), ["print"]) == {0: ("done", "print")}
    assert capfd.readouterr() == ("", "")


def test_errors_of_ours_and_bugs_end_the_run(work):
    raises = "from vldata.errors import DataError\nraise DataError('no room', where='out', cure='Make room.')"
    with pytest.raises(DataError, match="no room") as caught:
        run(work(raises), [1, 2, 3])
    assert (caught.value.where, caught.value.cure) == ("out", "Make room.")
    with pytest.raises(WorkerBugError, match="ZeroDivisionError"):
        run(work("return 1 / 0"), [1])
    with pytest.raises(WorkerBugError, match="pickle"):
        run(work("return lambda: 0"), [1])


def test_a_setup_that_fails_is_raised_and_one_that_dies_is_given_up(tmp_path, monkeypatch):
    (tmp_path / "setups.py").write_text(
        textwrap.dedent("""
        import os
        from vldata.errors import UsageError

        def refuse(setup):
            raise UsageError("not like this")

        def die(setup):
            os._exit(7)
        """)
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(UsageError, match="not like this"):
        run("setups:refuse", [1])
    with pytest.raises(DataError, match="cannot be started: the last one ended with status 7"):
        run("setups:die", [1])
    with pytest.raises(WorkerBugError, match="ModuleNotFoundError"):
        run("no_such_module:make", [1])


PARENT = """
import sys
sys.path.insert(0, sys.argv[1])
from vldata.media.pool import WorkerPool
with WorkerPool(sys.argv[2], None, workers=3, timeout_s=600) as pool:
    try:
        for _, result in pool.map_unordered(["pid", "pid", "hang", "hold the interpreter", "hang"]):
            print(result, flush=True)
    except KeyboardInterrupt:
        sys.exit(130)
"""


def start_parent(work, tmp_path):
    function = work(f"if item == 'pid':\n    time.sleep(0.2)\n    return os.getpid()\n{ODD}")
    command = [sys.executable, "-c", PARENT, str(tmp_path / "modules"), function]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    pids = {int(parent.stdout.readline()) for _ in range(2)}
    children = Path(f"/proc/{parent.pid}/task/{parent.pid}/children").read_text().split()
    assert len(children) == 3 and pids <= set(map(int, children))
    time.sleep(0.1)
    return parent, list(map(int, children))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def wait_until_gone(pids, seconds=3.0):
    end = time.monotonic() + seconds
    while any(map(alive, pids)) and time.monotonic() < end:
        time.sleep(0.02)
    return not any(map(alive, pids))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_killed_parent_leaves_no_worker_behind(work, tmp_path):
    parent, children = start_parent(work, tmp_path)
    parent.kill()
    parent.communicate()
    assert wait_until_gone(children)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_ends_everything_without_noise_from_workers(number, work, tmp_path):
    parent, children = start_parent(work, tmp_path)
    started = time.monotonic()
    os.killpg(parent.pid, number)  # as a terminal does: the workers get it too
    _, noise = parent.communicate(timeout=10)
    assert time.monotonic() - started < 8 and noise == ""
    assert parent.returncode == (130 if number == signal.SIGINT else -signal.SIGTERM)
    assert wait_until_gone(children)


def test_an_idle_or_working_worker_killed_from_outside_is_replaced(work):
    with WorkerPool(work("time.sleep(item); return os.getpid()"), None, workers=1) as pool:
        ((_, first),) = pool.map_unordered([0])
        os.kill(first, signal.SIGKILL)
        ((_, second),) = pool.map_unordered([0])
        results = pool.map_unordered([0, 0.3, 0.3])
        next(results)
        os.kill(second, signal.SIGKILL)
        assert first != second and len(list(results)) == 2
