"""The address of a server as a user gives it: what is asked, and the credentials in it, apart."""

from __future__ import annotations

import base64
from typing import NamedTuple
from urllib.parse import unquote, urlsplit, urlunsplit

from vldata.errors import UsageError
from vldata.secrets import Secret, keep_secret

_EXAMPLE = "Write it like this: http://127.0.0.1:8000/v1"


class Address(NamedTuple):
    """An address without credentials, and what its user and password make of an Authorization header ("" without)."""

    url: str
    basic: Secret


def read_address(url: str) -> Address:
    """Take an address apart. Whatever may be secret in it is in no message.

    Raises:
        UsageError: it is none, or holds a query.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and not set(url) & set(" \t\r\n")
    except ValueError:  # a port that is no number, brackets that do not close
        raise UsageError(f"{_plain(url)!r} is not the address of a server.", cure=_EXAMPLE) from None
    if not good:
        raise UsageError(f"{_plain(url)!r} is not the address of a server.", cure=_EXAMPLE)
    if parts.query or parts.fragment:
        raise UsageError(
            f"{_plain(url)!r} has a query or a fragment, which the paths of the server cannot follow.",
            cure="Leave it out; a key goes into the environment as VLEVAL_API_KEY.",
        )
    user, separator, host = parts.netloc.rpartition("@")
    if not separator:
        return Address(url, Secret(""))
    name, _, password = user.partition(":")
    keep_secret(unquote(password))
    keep_secret(password)
    token = base64.b64encode(f"{unquote(name)}:{unquote(password)}".encode()).decode()
    return Address(urlunsplit((parts.scheme, host, parts.path, "", "")), keep_secret(token))


def _plain(url: str) -> str:
    """The address without credentials, query and fragment, for a message, also where it cannot be parsed."""
    head = url.partition("#")[0].partition("?")[0]
    scheme, separator, rest = head.partition("://")
    if not separator:
        return head.rpartition("@")[2]
    place, slash, path = rest.partition("/")
    return f"{scheme}://{place.rpartition('@')[2]}{slash}{path}"
