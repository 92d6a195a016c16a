"""Several servers share the questions of one run: each asked once, one that goes away costs nothing but speed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vleval.inference.server import FakeServer, Misbehave, answer_to, http, serve
from vldata.api.convert import convert
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vleval.inference import retry
from vleval.inference.ask import Sampler
from vleval.inference.client import StopRun
from vleval.inference.options import RunOptions
from vleval.inference.run import predict

COUNT = 120


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("fleet")
    turns = [[{"role": "user", "content": f"Question {n}?"}, {"role": "assistant", "content": "4"}] for n in range(COUNT)]
    (root / "s.jsonl").write_text("".join(json.dumps({"messages": turn}) + "\n" for turn in turns))
    convert("sharegpt", root / "s.jsonl", out=root / "prepared", name="d", workers=1)
    return root / "prepared" / "d"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)


@contextlib.contextmanager
def servers(*misbehave: Misbehave | None, **options: Any) -> Iterator[list[FakeServer]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(serve(FakeServer(odd, **options))) for odd in misbehave]


def ask(dataset: Path, out: Path, urls: Any, **options: Any) -> tuple[Any, list[str], list[str], dict[str, Any]]:
    """The result, the answers, what was said, and the run's document."""
    said: list[str] = []
    given = {"backend": "openai", "model": "tiny", "base_url": urls, "concurrency": 4, "preflight": False, **options}
    result = predict(Dataset(dataset), out, RunOptions(**given), note=said.append)
    answers = [json.loads(line)["prediction"] for line in out.read_text().splitlines()]
    return result, answers, said, json.loads(Path(f"{out}.run.json").read_text())


EXPECTED = [answer_to(f"Question {n}?", 0) for n in range(COUNT)]


def test_the_questions_are_spread_and_each_is_asked_once(dataset: Path, tmp_path: Path) -> None:
    with servers(None, None, None) as three:
        urls = [server.url for server in three]
        sampler = Sampler(temperature=0.7, top_p=0.9, seed=3, max_tokens=17)
        _, answers, said, document = ask(dataset, tmp_path / "p.jsonl", [urls[0], f"{urls[1]}, {urls[2]}"], sampler=sampler)
        again, *_ = ask(dataset, tmp_path / "p.jsonl", urls[0], sampler=sampler)  # one journal, whoever answered
        asked = [sum(server.asked.values()) for server in three]
    assert answers == EXPECTED and sum(asked) == COUNT and min(asked) > COUNT // 6 and again.taken_over == COUNT
    sent = {json.dumps({key: body[key] for key in body if key != "messages"}, sort_keys=True) for server in three for body in server.bodies}
    assert len(sent) == 1 and '"seed": 3' in sent.pop()
    assert document["servers"] == sorted(f"{url}/v1" for url in urls)
    assert document["timing"]["answers"] == {f"{url}/v1": count for url, count in zip(urls, asked, strict=True)}
    assert said[-1] == "Answered by " + "; ".join(f"{url}/v1: {count}" for url, count in zip(urls, asked, strict=True)) + "."


@pytest.mark.parametrize(
    "fault", ["reset", http(500, "{}"), http(503, "{}"), http(400, '{"error":"too long"}'), http(403, "{}"), http(200, "{")]
)
def test_a_server_that_fails_costs_nothing_but_speed(fault: bytes | str, dataset: Path, tmp_path: Path) -> None:
    calls = iter(range(10**6))
    with servers(None, lambda _attempt, _body: fault if next(calls) >= 7 else None) as two:
        result, answers, said, _ = ask(dataset, tmp_path / "p.jsonl", [server.url for server in two])
    assert (result.answered, result.errors) == (COUNT, 0) and answers == EXPECTED
    warned = [line for line in said if line.startswith(f"Warning: {two[1].url}/v1: ")]
    assert len(warned) <= 1 and (warned or " failed; the last: HTTP" in said[-1])


def test_a_server_that_is_gone_and_comes_back_is_used_again(dataset: Path, tmp_path: Path) -> None:
    calls = iter(range(10**6))
    with servers(None, lambda _attempt, _body: "reset" if next(calls) in range(5, 20) else None) as two:
        _, answers, said, _ = ask(dataset, tmp_path / "p.jsonl", [server.url for server in two])
    assert answers == EXPECTED and f"{two[1].url}/v1 answers again." in said


def test_a_server_that_is_not_there_is_named_and_the_others_are_asked(dataset: Path, tmp_path: Path) -> None:
    with servers(None) as (one,):
        urls = [one.url, "http://127.0.0.1:9"]
        for preflight in (True, False):
            _, answers, said, document = ask(dataset, tmp_path / f"{preflight}.jsonl", urls, preflight=preflight)
            assert answers == EXPECTED and document["timing"]["answers"][f"{one.url}/v1"] == COUNT
            assert sum(line.startswith("Warning: http://127.0.0.1:9/v1: ") for line in said) == 1
        with pytest.raises(StopRun):
            ask(dataset, tmp_path / "s.jsonl", urls, preflight=True, strict=True)


def test_when_no_server_answers_the_run_ends_and_goes_on_later(dataset: Path, tmp_path: Path) -> None:
    calls = iter(range(10**6))
    fails = lambda _attempt, _body: "reset" if next(calls) >= 40 else None  # noqa: E731
    with servers(fails, fails) as two, pytest.raises(StopRun, match="none of the servers answers any more"):
        ask(dataset, tmp_path / "p.jsonl", [server.url for server in two], retries=2)
    with servers(None, None) as two:
        result, answers, *_ = ask(dataset, tmp_path / "p.jsonl", [server.url for server in two])
    assert result.taken_over == 40 and answers == EXPECTED
    with servers(*[lambda _attempt, _body: http(401, "{}")] * 2) as two, pytest.raises(StopRun, match="401"):
        ask(dataset, tmp_path / "q.jsonl", [server.url for server in two])


def test_a_question_that_every_server_refuses_is_an_error_and_costs_itself_alone(dataset: Path, tmp_path: Path) -> None:
    def refuse(_attempt: int, body: dict[str, Any]) -> bytes | None:
        return http(400, '{"error":"too long"}') if "Question 60?" in json.dumps(body) else None

    with servers(refuse, refuse) as two:
        result, answers, *_ = ask(dataset, tmp_path / "p.jsonl", [server.url for server in two])
        assert [server.asked["Question 60?"] for server in two] == [1, 1]
    assert result.errors == 1 and answers[60] is None and answers[:60] + answers[61:] == EXPECTED[:60] + EXPECTED[61:]


def test_servers_of_different_models_are_told(dataset: Path, tmp_path: Path) -> None:
    def other(_attempt: int, _body: dict[str, Any]) -> bytes:
        choice = {"message": {"content": "No."}, "finish_reason": "stop"}
        return http(200, json.dumps({"model": "tiny", "choices": [choice], "usage": {"prompt_tokens": 77}}))

    with servers(None, other) as two:
        urls = [server.url for server in two]
        *_, said, _ = ask(dataset, tmp_path / "p.jsonl", urls, preflight=True)
        assert any("count a prompt differently" in line for line in said) and any("begin the first answer" in line for line in said)
        with pytest.raises(DataError, match="differently"):
            ask(dataset, tmp_path / "q.jsonl", urls, preflight=True, strict=True)


def test_an_address_given_twice_is_refused(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="given twice"):
        ask(dataset, tmp_path / "p.jsonl", "http://h:1,http://h:1/v1")
