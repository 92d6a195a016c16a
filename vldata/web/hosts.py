"""Whether a request was meant for this page: its Host header names where the page listens, or this machine."""

from __future__ import annotations

import ipaddress
import socket


def is_own_host(header: str, host: str, port: int) -> bool:
    """Whether a Host header names this page: where it listens, or this machine by loopback, address or its own name."""
    name, separator, number = header.rpartition(":")
    if not separator or not number.isdecimal() or "]" in number:
        name, number = header, "80"
    if not number.isdecimal() or int(number) != port:
        return False
    name = name.removeprefix("[").removesuffix("]").lower().rstrip(".")
    if name in {host.lower(), "localhost", "127.0.0.1", "::1"}:
        return True
    if host not in ("0.0.0.0", "::"):
        return False
    try:
        ipaddress.ip_address(name)  # an address cannot be rebound; a name can
    except ValueError:
        return name == socket.gethostname().lower()
    return True
