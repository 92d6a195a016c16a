from __future__ import annotations

import asyncio
from typing import Any

import pytest

from vleval.chatpage.guard import COOKIE, Guard, is_own_host, make_token


def ask(
    *, token: str = "t0ken", host: str = "127.0.0.1:7860", path: str = "/", query: str = "", cookie: str = "", kind: str = "http"
) -> Any:
    """What a request gets: the status, or "page" where the page itself answers; and the headers."""
    sent: list[dict[str, Any]] = []

    async def page(scope: Any, receive: Any, send: Any) -> None:
        sent.append({"status": "page", "headers": []})

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> None:
        return None

    headers = [(b"host", host.encode())] if host else []
    headers += [(b"cookie", cookie.encode())] if cookie else []
    scope = {"type": kind, "headers": headers, "query_string": query.encode(), "path": path}
    asyncio.run(Guard(page, host="127.0.0.1", port=7860, token=token)(scope, receive, send))
    return sent[0]


def test_the_token_opens_the_page_once_and_then_the_cookie_does() -> None:
    welcomed = ask(query="token=t0ken")
    headers = dict(welcomed["headers"])
    assert welcomed["status"] == 303 and headers[b"location"] == b"/"
    assert b"HttpOnly" in headers[b"set-cookie"] and b"SameSite=Strict" in headers[b"set-cookie"]
    assert ask(cookie=headers[b"set-cookie"].split(b";")[0].decode())["status"] == "page"


@pytest.mark.parametrize("given", [{}, {"query": "token=other"}, {"query": "token="}, {"cookie": f"{COOKIE}=x"}, {"cookie": "\x00;;=,"}])
@pytest.mark.parametrize("path", ["/", "/gradio_api/upload", "/gradio_api/call/ask", "/gradio_api/file=/etc/passwd"])
def test_without_the_token_nothing_is_answered(given: dict[str, str], path: str) -> None:
    assert ask(path=path, **given)["status"] == 401
    assert ask(path=path, kind="websocket", **given)["type"] == "websocket.close"


@pytest.mark.parametrize(
    "host", ["evil.example:7860", "evil.example", "127.0.0.1:9", "127.0.0.1", "", "127.0.0.1.evil.example:7860", "[::2]:7860"]
)
def test_another_host_is_refused_even_with_the_token(host: str) -> None:
    assert ask(host=host, query="token=t0ken", cookie=f"{COOKIE}=t0ken")["status"] == 421


@pytest.mark.parametrize(
    ("header", "host", "own"),
    [
        ("localhost:7860", "127.0.0.1", True),
        ("LOCALHOST:7860", "127.0.0.1", True),
        ("[::1]:7860", "::1", True),
        ("box.lan:7860", "box.lan", True),
        ("192.168.1.7:7860", "0.0.0.0", True),
        ("evil.example:7860", "0.0.0.0", False),
        ("192.168.1.7:7860", "127.0.0.1", False),
        ("localhost:x", "127.0.0.1", False),
        ("a:b:c:7860", "127.0.0.1", False),
    ],
)
def test_which_hosts_are_this_page(header: str, host: str, own: bool) -> None:
    assert is_own_host(header, host, 7860) is own


def test_without_a_token_the_host_still_counts() -> None:
    assert ask(token="")["status"] == "page" and ask(token="", host="evil.example:7860")["status"] == 421


def test_tokens_are_long_and_never_the_same() -> None:
    assert len(make_token()) >= 32 and make_token() != make_token()
