"""Loopback ports: is one taken, and which one to use instead."""

import random
import socket
from collections.abc import Iterator

HOST = "127.0.0.1"
NEIGHBOURS = 40
"""So many ports after the preferred one are tried before any free one is taken: near ports are easier to remember."""


ANYWHERE = (20000, 32000)
"""Below the range that systems hand out to clients: a server that is down for a moment could lose its port to one."""


def is_free(port: int) -> bool:
    """True when a server could listen on the port now. A port in TIME_WAIT is free, as servers set SO_REUSEADDR."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except (OSError, OverflowError):
            return False
        return True


def choose(preferred: int, avoid: frozenset[int] = frozenset()) -> int:
    """The preferred port, else a near one, else any free one; never one of `avoid`."""
    for port in _candidates(preferred):
        if port not in avoid and is_free(port):
            return port
    raise OSError(f"no free port on {HOST}")


def _candidates(preferred: int) -> Iterator[int]:
    if preferred:
        yield from range(preferred, min(preferred + NEIGHBOURS, 65536))
    for _ in range(200):
        yield random.randrange(*ANYWHERE)  # noqa: S311 (no secret)


def answers(port: int, timeout: float = 0.5) -> bool:
    """True when something accepts connections on the port."""
    try:
        socket.create_connection((HOST, port), timeout).close()
    except OSError:
        return False
    return True
