"""Idle live connections: what a thousand of them cost the service `sync`, and whether any is lost."""

import asyncio
import contextlib
import json
import time
from collections.abc import Sequence

import psutil
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from devstack.tokens import signer_of
from proofs.figures import Figure
from proofs.system import fresh
from runtime import settings as settings_module
from runtime.settings import Settings

CONNECTIONS = 1_000
SECONDS = 300.0

_MEBIBYTE = 2**20
_AT_ONCE = 50
_WARM = 20


def live_idle() -> list[Figure]:
    """On a system of its own, with `sync` in a process of its own."""
    home = settings_module.home_from()
    with fresh(home / "bench", home, only=("service:sync",)) as system:
        return asyncio.run(idle(system.settings, system.processes()["service:sync"]))


async def idle(
    settings: Settings, service: psutil.Process, connections: int = CONNECTIONS, seconds: float = SECONDS
) -> list[Figure]:
    """Opens the connections to a running service, waits, and looks at its process. Each is another user's."""
    warm = await _opened(settings, "idle-warm", _WARM)
    await _closed(warm)
    await asyncio.sleep(2)
    before = service.memory_info().rss
    sockets = await _opened(settings, "idle", connections)
    dropped = 0
    try:
        counts = await asyncio.gather(*(_pings(socket, time.monotonic() + seconds) for socket in sockets))
        dropped = sum(count is None for count in counts)
        after = service.memory_info().rss
    finally:
        await _closed(sockets)
    heard = [count for count in counts if count is not None]
    more = (after - before) / _MEBIBYTE
    return [
        Figure.against(f"memory of {connections:,} idle live connections", more, "MB", "≤", 150, connections),
        Figure.information("memory of one", (after - before) / 1024 / connections, "kB", connections),
        Figure.against(f"dropped in {seconds:.0f} s", dropped, "connections", "≤", 0, connections),
        Figure.information("pings heard by each, least", min(heard, default=0), "pings", len(heard)),
    ]


async def _opened(settings: Settings, prefix: str, number: int) -> list[ClientConnection]:
    signer = signer_of(settings.home, settings.identity)
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(name: str) -> ClientConnection:
        token = signer.sign(name, "tv", (), seconds=7_200)
        async with gate:
            socket = await connect(
                f"ws://127.0.0.1:{settings.ports.sync}/v1/users/{name}/live",
                additional_headers={"authorization": f"Bearer {token}"},
                proxy=None,
                compression=None,
                open_timeout=60,
            )
            await socket.recv()  # hello
            return socket

    return list(await asyncio.gather(*(one(f"{prefix}-{place}") for place in range(number))))


async def _pings(socket: ClientConnection, ends: float) -> int | None:
    """How many came until then; None when the connection was lost before."""
    count = 0
    while (left := ends - time.monotonic()) > 0:
        try:
            async with asyncio.timeout(left):
                count += json.loads(await socket.recv())["type"] == "ping"
        except TimeoutError:
            break
        except ConnectionClosed:
            return None
    return count


async def _closed(sockets: Sequence[ClientConnection]) -> None:
    with contextlib.suppress(ConnectionClosed):
        await asyncio.gather(*(socket.close() for socket in sockets))
