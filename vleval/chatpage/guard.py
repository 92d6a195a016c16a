"""Who may reach the chat page: a browser that was given the address with its token, under a name that is this machine's.

A page of another site can make a browser send requests here (DNS rebinding, forged forms): its requests bear another Host, or no token.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

from vldata.web.hosts import is_own_host

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]
COOKIE = "vleval_chat"
# Gradio asks this of itself when it starts, without cookies; it answers nothing of the page.
_OWN_CHECK = "/gradio_api/startup-events"


def make_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(24)


class Guard:
    """Passes requests to `app` that have the right Host and, where there is a token, bear it: in the address once, then as a cookie."""

    def __init__(self, app: App, *, host: str, port: int, token: str) -> None:
        self._app, self._host, self._port, self._token = app, host, port, token

    async def __call__(self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]) -> None:
        """Answer 421 for a foreign Host, 401 without the token, and what the page answers otherwise."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {name.lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
        hosts = [value for name, value in scope.get("headers", ()) if name.lower() == b"host"]
        if len(hosts) != 1 or not is_own_host(headers.get(b"host", ""), self._host, self._port):
            await _refuse(scope, send, 421, "This address is not the page's own.")
            return
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [""])[-1]
        if not self._token or scope.get("path") == _OWN_CHECK or self._holds(_cookie(headers.get(b"cookie", ""))):
            await self._app(scope, receive, send)
        elif scope["type"] == "http" and self._holds(given):
            await _welcome(send, self._token)
        else:
            await _refuse(scope, send, 401, "Open the address that vleval chat printed: it ends with a token.")

    def _holds(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._token.encode())


def _cookie(header: str) -> str:
    try:
        found = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return found.value if found is not None else ""


async def _welcome(send: Callable[[Any], Awaitable[None]], token: str) -> None:
    """Set the cookie and lead to the page without the token in its address."""
    cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
    headers = [(b"location", b"/"), (b"set-cookie", cookie.encode()), (b"referrer-policy", b"no-referrer"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 303, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


async def _refuse(scope: Scope, send: Callable[[Any], Awaitable[None]], status: int, words: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(words.encode())).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": words.encode()})
