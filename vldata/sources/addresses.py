"""Which addresses of the internet anyone may reach: the only ones a picture is fetched from."""

from __future__ import annotations

import ipaddress
import socket
import threading
import time
from concurrent.futures import Future

_PUBLIC_V6 = ipaddress.ip_network("2000::/3")
_NEVER = tuple(
    ipaddress.ip_network(network)
    for network in (
        "192.88.99.0/24",  # 6to4 relays
        "2001::/23",  # Teredo and its neighbours hold addresses of others
        "2001:db8::/32",
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",
    )
)


def is_public(address: str) -> bool:
    """Whether an address is of one machine that anyone may reach, and stands for no other.

    NAT64 (64:ff9b::/96), 6to4, Teredo, IPv4-mapped and IPv4-compatible addresses hold another address, which may be a private one;
    multicast and reserved ones are of no machine.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if not ip.is_global or ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local:
        return False
    if ip.version == 6 and ip not in _PUBLIC_V6:
        return False
    return not any(ip.version == network.version and ip in network for network in _NEVER)


def resolve(host: str, port: int, deadline: float) -> list[str]:
    """Resolve a host to its addresses.

    Raises:
        OSError: it is not known, or not by the deadline.
    """
    future: Future[list[str]] = Future()

    def look() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            future.set_result([str(info[4][0]) for info in found])
        except BaseException as error:  # whoever waits for the result raises it
            future.set_exception(error)

    threading.Thread(target=look, daemon=True).start()  # the system's own look-up knows no deadline
    try:
        return future.result(max(0.0, deadline - time.monotonic()))
    except TimeoutError:
        raise TimeoutError("no answer to the name in time") from None
