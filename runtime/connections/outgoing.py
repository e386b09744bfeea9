"""HTTP to addresses that others chose: a request goes to the public internet, or nowhere.

The check stands where the connection is made, on the very address that it is made to: a name that meant something else
when it was looked up before (DNS rebinding), or a redirect, cannot lead past it. Redirects are not followed at all.
"""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping
from typing import Any

import certifi
import httpcore
from msgspec import Struct

_MOST_BYTES = 65_536


class Refused(Exception):
    """The address is not one to connect to; the message says why."""


class Unreachable(Exception):
    """No answer; the message says why."""


class Answer(Struct, frozen=True):
    status: int
    headers: Mapping[str, str]
    """Names in lower case."""


class Outgoing:
    """Posts to `http(s)` addresses. With `private` also to loopback and private ones."""

    def __init__(self, *, private: bool, most_connections: int = 64) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=_trusted(),
            max_connections=most_connections,
            max_keepalive_connections=most_connections,
            keepalive_expiry=30.0,
            network_backend=_Guarded(private=private),
        )

    async def post(self, url: str, headers: Mapping[str, str], body: bytes, seconds: float) -> Answer:
        """The answer's head, within `seconds` all in all. Raises Refused and Unreachable."""
        sent = [(name.encode(), value.encode()) for name, value in headers.items()]
        try:
            async with asyncio.timeout(seconds), self._pool.stream("POST", url, headers=sent, content=body) as answer:
                read = 0
                async for piece in answer.aiter_stream():
                    read += len(piece)
                    if read > _MOST_BYTES:  # nobody reads it: leaving here closes the connection
                        break
                found = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in answer.headers}
                return Answer(answer.status, found)
        except TimeoutError:
            raise Unreachable(f"no answer within {seconds:.0f} s") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise Unreachable(" ".join(f"{type(error).__name__}: {error}".split())[:200]) from None

    async def close(self) -> None:
        await self._pool.aclose()


def _trusted() -> ssl.SSLContext:
    """The machine's authorities (`SSL_CERT_FILE` adds one's own) and, where it has none, those of Mozilla."""
    context = ssl.create_default_context()
    context.load_verify_locations(certifi.where())
    return context


async def addresses_of(host: str, port: int, *, private: bool) -> list[str]:
    """What the name stands for. Raises Refused when any of it is not public, Unreachable when it is nothing."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Unreachable(f"the name {host} is not known") from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
    for address in addresses:
        if not private and not is_public(address):
            raise Refused(f"{host} is {address}, which is not a public address")
    return addresses


def is_public(address: str) -> bool:
    """Of the public internet, also as the IPv4 address that an IPv6 one carries (mapped, NAT64, 6to4, Teredo)."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = [parsed.ipv4_mapped, parsed.sixtofour, *(parsed.teredo or ())]
        if parsed in _NAT64:
            inner.append(ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF))
        if any(each is not None and not is_public(str(each)) for each in inner):
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


class _Guarded(httpcore.AsyncNetworkBackend):
    """TLS is checked against the name all the same: the pool knows it, and this only decides where the bytes go."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the library's signature
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await addresses_of(host, port, private=self._private):
            try:
                return await self._inner.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure or Unreachable(f"the name {host} stands for nothing")

    async def connect_unix_socket(self, *_: Any, **__: Any) -> httpcore.AsyncNetworkStream:
        raise Refused("no sockets of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)
