import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from sync_client import SyncClient
from tests.support.sync_service import SyncService

NOW = 1_800_000_000_000
Open = Callable[..., SyncClient]


class Wall:
    """A wall clock that stands where it was put."""

    def __init__(self, milliseconds: int = NOW) -> None:
        self.milliseconds = milliseconds

    def __call__(self) -> int:
        return self.milliseconds


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def service() -> SyncService:
    return SyncService(lambda: NOW)


@pytest.fixture
def naps() -> list[float]:
    """What was slept, in seconds; nothing waits."""
    return []


@pytest.fixture
async def opened(tmp_path: Path, service: SyncService, wall: Wall, naps: list[float]) -> AsyncIterator[Open]:
    """Opens clients of user `u`; each device has a file of its own."""
    clients: list[SyncClient] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        await asyncio.sleep(0)

    def open_client(device: str = "tv", **more: Any) -> SyncClient:
        async def token() -> str:
            return f"u:{device}"

        options = {"transport": httpx.MockTransport(service.handle), "wall_ms": wall, "sleep": nap, "token": token}
        client = SyncClient(tmp_path / f"{device}.db", "u", device, "http://sync.test", **{**options, **more})
        clients.append(client)
        return client

    yield open_client
    for client in clients:
        await client.close()
