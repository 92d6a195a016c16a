"""What is refused before anything is asked, in which words, and that nothing is left behind."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.vleval.inference.server import FakeServer, http, serve
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vleval.inference import backends, openai_wire, retry
from vleval.inference.ask import Ask, iter_asks
from vleval.inference.backend import BackendKind, Opening
from vleval.inference.backends import backend_names, find_server
from vleval.inference.client import Outcome, StopRun
from vleval.inference.options import RunOptions
from vleval.inference.retry import Answer
from vleval.inference.run import predict


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)


@pytest.fixture
def empty(prepared: Path, tmp_path: Path) -> Path:
    """A dataset whose records are gone."""
    copy = Path(shutil.copytree(prepared, tmp_path / "empty"))
    (copy / "openeqa.jsonl").write_bytes(b"")
    return copy / "openeqa"


def command(data: Path, out: Path, *more: object) -> tuple[object, ...]:
    return ("predict", "--data", data, "--model", "tiny", "--out", out, *more)


@pytest.mark.parametrize("way", [[], ["--format", "batch"]])
def test_a_place_that_holds_no_file_is_refused_before_anything_is_asked(
    way: list[str], prepared: Path, tmp_path: Path, vleval: Any
) -> None:
    with serve(FakeServer()) as server:
        for out, words in (
            (tmp_path, "is a folder"),
            (tmp_path / "gone" / "p.jsonl", "there is no folder"),
            (Path("/dev/null"), "is no file"),
        ):
            ran = vleval(*command(prepared / "openeqa", out, "--base-url", server.url, *way))
            assert ran.code == 2 and words in ran.err and len(ran.err.splitlines()) == 2, ran.err
        assert not server.bodies and not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_refused(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, how: Path(path) != tmp_path)  # who runs this may be allowed everything
    with pytest.raises(DataError, match="cannot be written to") as caught:
        predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", RunOptions(backend="openai", model="tiny"))
    assert caught.value.where == str(tmp_path) and "--out" in caught.value.cure and not list(tmp_path.iterdir())


def test_a_run_that_never_began_leaves_nothing(prepared: Path, tmp_path: Path) -> None:
    dataset, out = Dataset(prepared / "openeqa"), tmp_path / "p.jsonl"
    with serve(FakeServer()) as server:
        with pytest.raises(StopRun, match="does not list 'other'"):
            predict(dataset, out, RunOptions(backend="openai", model="other", base_url=server.url))
        with pytest.raises(UsageError, match="no backend 'olama'"):
            predict(dataset, out, RunOptions(backend="olama", model="tiny", base_url=server.url))
        assert not list(tmp_path.iterdir())
        predict(dataset, out, RunOptions(backend="openai", model="tiny", base_url=server.url))
    journal = (tmp_path / "p.jsonl.journal").read_bytes()
    with pytest.raises(StopRun, match="no server answers"):
        predict(dataset, out, RunOptions(backend="openai", model="other", base_url=server.url))
    assert (tmp_path / "p.jsonl.journal").read_bytes() == journal  # what was answered stays


@pytest.mark.parametrize("way", [[], ["--format", "batch"], ["--from-batch", "answers.jsonl"]])
def test_a_dataset_without_records_is_an_error_with_a_cure(
    way: list[str], empty: Path, tmp_path: Path, vleval: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("answers.jsonl").write_text("{}\n")
    ran = vleval(*command(empty, tmp_path / "p.jsonl", *way))
    assert (
        ran.code == 1 and ran.err == "openeqa: has no records: there is nothing to ask.\n  Convert it again, or name another with --data.\n"
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["answers.jsonl", "empty"]


def test_a_batch_output_that_is_not_there_has_a_cure(prepared: Path, tmp_path: Path, vleval: Any) -> None:
    ran = vleval(*command(prepared / "openeqa", tmp_path / "p.jsonl", "--from-batch", tmp_path / "nofile"))
    assert ran.code == 1 and "nofile: cannot be read" in ran.err and len(ran.err.splitlines()) == 2


@pytest.mark.parametrize(
    "given",
    [
        ("--max-tokens", "9" * 20),
        ("--max-tokens", "0"),
        ("--seed", "-" + "9" * 23),
        ("--seed", "9" * 23),
        ("--temperature", "nan"),
        ("--top-p", "nan"),
        ("--timeout-s", "inf"),
        ("--timeout-s", "nan"),
        ("--retries", "9" * 23),
        ("--extra", '{"n": 99999999999999999999999}'),
        ("--extra", '{"a": NaN}'),
        ("--extra", "[1]"),
        ("--base-url", "127.0.0.1:8000"),
        ("--base-url", "nonsense"),
        ("--base-url", "http://"),
        ("--base-url", "http://host:99999999"),
        ("--base-url", "http://[::1"),
        ("--base-url", "ftp://host/v1"),
    ],
)
def test_values_out_of_range_are_wrong_usage(given: tuple[str, str], prepared: Path, tmp_path: Path, vleval: Any) -> None:
    ran = vleval(*command(prepared / "openeqa", tmp_path / "p.jsonl", *given))
    assert ran.code == 2 and "Traceback" not in ran.err and not list(tmp_path.iterdir())
    if given[0] == "--extra":
        assert "is NaN is" not in ran.err and """For example: --extra '{"top_k": 1}'""" in ran.err
    if given[0] == "--base-url":
        assert repr(given[1]) in ran.err and "http://127.0.0.1:8000/v1" in ran.err


def test_a_judges_address_is_looked_at_too(quiz: dict[str, Path], tmp_path: Path, vleval: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = vleval("score", quiz["base"], "--metric", "llm_match", "--judge", "nonsense", "--judge-model", "m")
    assert ran.code == 2 and "'nonsense' is not the address of a server." in ran.err, ran.err


def test_reasons_are_words_and_no_names_of_classes(prepared: Path, tmp_path: Path, vleval: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vleval.inference.client._CONNECT_S", 1.0)
    ran = vleval(*command(prepared / "openeqa", tmp_path / "p.jsonl", "--base-url", "http://127.0.0.1:1"))
    assert ran.err.startswith(
        "http://127.0.0.1:1/v1: no server answers: 127.0.0.1:1 cannot be reached (Connection refused).\n  Start the server"
    )
    ran = vleval(*command(prepared / "openeqa", tmp_path / "p.jsonl", "--base-url", "http://no-such-machine.invalid"))
    assert "no machine of the name 'no-such-machine.invalid' is known" in ran.err


FAULTS: dict[str, tuple[bytes | str, str]] = {
    "reset": ("reset", "connection"),
    "cut": (http(200, "{}", "Connection: close", length=90), "the reply breaks off, or cannot be unpacked"),
    "no HTTP": (b"what?\r\n\r\n", "the reply is not HTTP as it should be"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_of_the_connection_is_recorded_in_words(name: str, prepared: Path, tmp_path: Path) -> None:
    reply, words = FAULTS[name]
    given = {"backend": "openai", "model": "tiny", "preflight": False, "retries": 0, "limit": 1}
    with serve(FakeServer(lambda _attempt, _body: reply)) as server:
        result = predict(Dataset(prepared / "openeqa"), tmp_path / "p.jsonl", RunOptions(**given, base_url=server.url))
    assert words in result.first_error and "Error" not in result.first_error and "aiohttp" not in result.first_error


def points(name: str, value: object) -> Callable[..., list[Any]]:
    class Point:
        def load(self) -> object:
            return value

    point = Point()
    point.name = name  # type: ignore[attr-defined]
    return lambda group: [point] if group == "vlkit.backends" else []


def test_a_backend_of_another_package_comes_in_by_entry_point(
    prepared: Path, tmp_path: Path, vleval: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(FakeServer()) as server:
        monkeypatch.setattr(backends, "entry_points", points("ours", (openai_wire, server.url)))
        assert backend_names()[-1] == "ours"
        ran = vleval(*command(prepared / "openeqa", tmp_path / "p.jsonl", "--backend", "ours"))
        assert ran.code == 0, ran.err
        assert len(server.bodies) > 6
    assert json.loads((tmp_path / "p.jsonl.run.json").read_text())["backend"] == "ours"
    ran = vleval(*command(prepared / "openeqa", tmp_path / "p.jsonl", "--backend", "our"))
    assert ran.code == 2 and "Did you mean 'ours'?" in ran.err


def test_a_name_of_ours_stays_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "entry_points", points("vllm", ("another", "http://elsewhere")))
    assert backend_names().count("vllm") == 1 and find_server("vllm")[0] is openai_wire


class Parrot:
    """A backend of another package that runs in this process: it answers with the question."""

    names = ()

    def __init__(self, opening: Opening) -> None:
        opening.note("A parrot sits here.")

    def answer(self, asks: Iterable[tuple[str, Ask]], on_done: Callable[[Outcome], None]) -> None:
        for key, ask in asks:
            on_done(Outcome(key, ask, Answer(text=ask.question, finish_reason="stop", model="parrot"), 1, 0.0))


def test_a_backend_without_a_server_comes_in_too(prepared: Path, tmp_path: Path, vleval: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = BackendKind(open=Parrot, check=lambda _: None)
    monkeypatch.setattr(backends, "entry_points", points("parrot", kind))
    ran = vleval(*command(prepared / "openeqa", tmp_path / "p.jsonl", "--backend", "parrot"))
    assert ran.code == 0 and "A parrot sits here." in ran.err, ran.err
    lines = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    asked = {ask.id: ask.question for ask in iter_asks(Dataset(prepared / "openeqa"))}
    assert {line["id"]: line["prediction"] for line in lines} == asked
    ran = vleval("ping", "--data", str(prepared / "openeqa"), "--backend", "parrot", "--model", "x")
    assert ran.code == 2 and "there is no server to ask" in ran.err


def test_a_broken_package_costs_itself_alone(prepared: Path, tmp_path: Path, vleval: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        name, value = "broken", "broken_package:backend"

        def load(self) -> object:
            raise RuntimeError("no such thing")

    monkeypatch.setattr(backends, "entry_points", lambda group: [Broken()])
    ran = vleval(*command(prepared / "openeqa", tmp_path / "p.jsonl", "--backend", "broken"))
    assert ran.code == 2 and "the backend 'broken' of broken_package:backend cannot be imported: no such thing." in ran.err
    assert find_server("vllm")[0] is openai_wire
