"""A server that tells whatever it was asked with: the key stands in nothing that is written or printed."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.vleval.inference.server import FakeServer, http, serve
from tests.vleval.inference.test_predict import folder as folder
from vldata import secrets
from vldata.datasets.dataset import Dataset
from vldata.errors import DataError, UsageError
from vldata.secrets import keep_secret, redact
from vleval.chatpage.talking import open_talker
from vleval.crosscheck.backends import Spec
from vleval.inference import retry
from vleval.inference.addresses import read_address
from vleval.inference.ask import Sampler, iter_asks
from vleval.inference.client import Endpoint, request_headers
from vleval.inference.options import RunOptions
from vleval.inference.run import predict

KEY = 'sk-very/secret"key-0123456789'
PASSWORD = "hunter2-hunter2"


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(retry, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(secrets, "_known", {})
    yield


def everything(root: Path) -> str:
    return "\n".join(path.read_text() for path in root.rglob("*") if path.is_file() and path.suffix != ".png")


def echo(attempt: int, body: dict[str, Any]) -> bytes:
    """The key in the error, in the answer, in the model's name, in a header."""
    if attempt % 2:
        return http(401 if body["max_tokens"] == -1 else 400, json.dumps({"error": {"message": f"bad header: Bearer {KEY}"}}))
    return http(302, "", f"Location: http://elsewhere/?key={KEY}")


ECHOES: dict[str, Callable[[int, dict[str, Any]], bytes]] = {
    "an error": lambda *_: http(400, json.dumps({"error": {"message": f"no: Authorization: Bearer {KEY}"}})),
    "plain text": lambda *_: http(422, f"headers: {{'Authorization': 'Bearer {KEY}'}}"),
    "a redirect": lambda *_: http(302, "", f"Location: http://elsewhere/?key={KEY}"),
    "an answer": lambda *_: http(200, json.dumps({"choices": [{"message": {"content": f"my key is {KEY}"}, "finish_reason": "stop"}]})),
    "a model": lambda *_: http(200, json.dumps({"model": KEY, "choices": [{"message": {"content": "a"}, "finish_reason": KEY}]})),
    "a fingerprint": lambda *_: http(
        200, json.dumps({"system_fingerprint": KEY, "choices": [{"message": {"content": "a"}, "finish_reason": "stop"}]})
    ),
}


@pytest.mark.parametrize("way", ECHOES)
def test_an_echoed_key_is_in_no_file(way: str, folder: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    with serve(FakeServer(ECHOES[way])) as server:
        options = RunOptions(backend="openai", model="tiny", base_url=server.url, retries=0, limit=2, preflight=False)
        result = predict(Dataset(folder / "openeqa"), tmp_path / "p.jsonl", options, api_key=KEY, note=notes.append)
    told = everything(tmp_path) + result.first_error + "".join(notes)
    assert KEY not in told and json.dumps(KEY)[1:-1] not in told and "very/secret" not in told
    if way == "an answer":  # never changed in silence: an error, not an answer with a hole
        assert result.errors == 2 and "holds the key" in result.first_error


@pytest.mark.parametrize("command", ["predict", "ping", "bench"])
def test_an_echoed_key_is_not_printed(
    command: str, folder: Path, tmp_path: Path, vleval: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLEVAL_API_KEY", KEY)
    extra = ["--out", tmp_path / "p.jsonl", "--limit", 2] if command == "predict" else []
    extra += ["--retries", 0] if command == "predict" else ["--requests", 2] if command == "bench" else []
    for way in ("an error", "a redirect", "an answer"):
        with serve(FakeServer(ECHOES[way])) as server:
            ran = vleval(command, "--data", folder / "openeqa", "--model", "tiny", "--base-url", server.url, *extra)
        assert "very/secret" not in ran.out + ran.err + everything(tmp_path) and ran.err + ran.out


@pytest.mark.parametrize(
    "address",
    [
        f"http://me:{PASSWORD}@127.0.0.1:9/v1",
        "http://127.0.0.1:9/v1?token=hunter2-hunter2",
        f"//me:{PASSWORD}@x",
        f"http://me:{PASSWORD}@[::1",
        f"http://me:{PASSWORD}@h:port/",
    ],
)
@pytest.mark.parametrize("key", ["", KEY])
def test_secrets_of_an_address_are_not_printed(
    address: str, key: str, folder: Path, tmp_path: Path, vleval: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VLEVAL_API_KEY", key)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    ran = vleval("predict", "--data", folder / "openeqa", "--model", "tiny", "--base-url", address, "--out", tmp_path / "p.jsonl")
    assert ran.code in (1, 2) and PASSWORD not in ran.out + ran.err + everything(tmp_path) and "Traceback" not in ran.err


def test_a_user_and_password_are_sent_as_such_and_never_shown() -> None:
    address = read_address(f"https://me:{PASSWORD}@host.org:8443/v1")
    assert address.url == "https://host.org:8443/v1"
    endpoint = Endpoint(base_url=address.url, basic=address.basic, model="m", sampler=Sampler())
    assert request_headers(endpoint, "")["Authorization"] == "Basic bWU6aHVudGVyMi1odW50ZXIy"
    assert PASSWORD not in repr(endpoint) and "bWU6" not in repr(endpoint)
    with pytest.raises(UsageError, match="holds a user and a password, and a key is set"):
        request_headers(endpoint, KEY)


def test_a_key_that_no_header_can_hold_is_told_without_it() -> None:
    with pytest.raises(UsageError, match="holds a blank, a line end") as caught:
        request_headers(Endpoint(base_url="http://h", model="m", sampler=Sampler()), "sk-secret-key\n")
    assert "sk-secret" not in str(caught.value)


def test_placeholders_are_no_secrets() -> None:
    for word in ("EMPTY", "none", "sk-1", ""):
        keep_secret(word)
    assert redact("EMPTY is none of sk-1") == "EMPTY is none of sk-1"
    keep_secret("a-long-secret")
    keep_secret("a-long-secret-and-more")
    assert redact("a-long-secret-and-more, a-long-secret") == "[secret], [secret]"


def test_a_key_in_an_answer_that_comes_bit_by_bit_is_never_shown(folder: Path) -> None:
    keep_secret(KEY)
    events = [json.dumps({"choices": [{"delta": {"content": bit}, "finish_reason": None}]}) for bit in ("my key: ", KEY[:9], KEY[9:], "!")]
    stream = "".join(f"data: {event}\n\n" for event in events) + "data: [DONE]\n\n"
    with serve(FakeServer(lambda *_: http(200, stream, "Content-Type: text/event-stream"))) as server:
        talker = open_talker(Spec(name="openai", model="tiny", base_url=server.url), key=KEY)
        ask = next(iter(iter_asks(Dataset(folder / "openeqa"))))
        replies = list(talker.stream(ask, Sampler(max_tokens=9)))
    assert next(reply.answer for reply in replies if not reply.error) == "my key: "
    assert replies[-1].error and all(KEY[:6] not in reply.answer + reply.error for reply in replies)


def test_several_servers_that_echo_the_key_and_have_passwords(folder: Path, tmp_path: Path) -> None:
    notes: list[str] = []
    with serve(FakeServer(ECHOES["an error"])) as one, serve(FakeServer(ECHOES["a model"])) as two:
        urls = [server.url.replace("//", f"//me:{PASSWORD}@") for server in (one, two)]
        for key, given in ((KEY, [one.url, two.url]), ("", urls)):
            out = tmp_path / f"{len(key)}.jsonl"
            options = RunOptions(backend="openai", model="tiny", base_url=given, retries=1, limit=4, preflight=not key)
            with contextlib.suppress(DataError):
                predict(Dataset(folder / "openeqa"), out, options, api_key=key, note=notes.append)
    told = everything(tmp_path) + "".join(map(redact, notes))
    assert notes and PASSWORD not in told and KEY not in told and "very/secret" not in told.replace("[secret]", "")
