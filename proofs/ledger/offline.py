"""A client process: devices that are offline for some seconds, queue what their people do, and come back.

    python -m proofs.ledger.offline JOB

Edits go through the real library and its file, playback through a queue of its own whose disk is the journal. Killed at
any instruction and started again with the next life's job, it goes on where files and journals are.
"""

import asyncio
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import msgspec
from msgspec import Struct

from proofs.convergence import journal as journals
from proofs.convergence.faulty_transport import FaultyTransport, Wire
from proofs.convergence.journal import Did, Journal, Played, Reported, Sent
from proofs.convergence.plan import Member
from proofs.ledger.playing import Player
from sync_client import SyncClient, Unreachable
from sync_laws.tags import tag_of

NAME: Final = "devices"
FLUSH_SECONDS: Final = 120.0
_OFFLINE_SECONDS: Final = (2.0, 9.0)
_PAUSE_SECONDS: Final = (0.1, 0.8)
_PATIENCE_SECONDS: Final = 4.0


class Job(Struct, frozen=True):
    """`flush`: come to an end, with nothing left in a queue, instead of living on."""

    folder: str
    life: int
    seed: int
    sync_url: str
    playback_url: str
    members: tuple[Member, ...]
    flush: bool = False


class Device:
    def __init__(
        self, member: Member, job: Job, journal: Journal, wire: Wire, known: list[Played], reported: set[str]
    ) -> None:
        self._member = member
        self._journal = journal
        self._random = Random(f"{job.seed}/{member.user}/{job.life}")
        self._sent: set[str] = set()
        transport = FaultyTransport(
            wire, self._random, faulty=False, sending=self._sending, answered=self._answered, noted=lambda _: None
        )
        self._http = httpx.AsyncClient(transport=transport, timeout=httpx.Timeout(15, connect=5), trust_env=False)
        self._player = Player(member, journal, self._http, job.playback_url, self._random, known, reported)
        self._client = SyncClient(
            Path(job.folder) / member.file,
            member.user,
            member.device,
            job.sync_url,
            self._token,
            transport=transport,
            random=self._random,
        )

    async def close(self) -> None:
        await self._client.close()
        await self._http.aclose()

    async def live(self) -> None:
        parent = os.getppid()
        while os.getppid() == parent:  # nobody reads the journals of an orphan
            back = time.monotonic() + self._random.uniform(*_OFFLINE_SECONDS)
            while time.monotonic() < back:
                await self._act()
            for _ in range(self._random.randint(1, 5)):
                await self._sync()
                await self._act()

    async def flush(self) -> None:
        """Raises TimeoutError."""
        self._player.stop()
        deadline = time.monotonic() + FLUSH_SECONDS
        while not await self._sync():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{self._member.user} does not get rid of its queue")
            await asyncio.sleep(0.3)

    async def _act(self) -> None:
        draw = self._random.random()
        if draw < 0.5:
            self._player.act()
        elif draw < 0.75:
            name = f"p.{self._random.randrange(4)}"
            self._did(self._client.set_preference(name, self._random.randrange(10**6)), "preference.set", name)
        else:
            title = f"w-{self._random.randrange(8)}"
            if title in self._client.watchlist() and self._random.random() < 0.8:
                self._did(self._client.remove(title), "watchlist.remove", title)
            else:
                self._did(self._client.add(title), "watchlist.add", title)
        await asyncio.sleep(self._random.uniform(*_PAUSE_SECONDS))

    def _did(self, operation_id: str, kind: str, subject: str) -> None:
        self._journal.write(Did(self._member.user, self._member.device, operation_id, kind, subject))

    async def _sync(self) -> bool:
        """False when the network or the service was against it."""
        try:
            await self._client.flush(_PATIENCE_SECONDS)
            await self._player.report()
            await self._client.pull(_PATIENCE_SECONDS)
        except Unreachable:
            return False
        return True

    def _sending(self, request: httpx.Request) -> None:
        if request.url.path.endswith("/sync/mutations"):
            fresh = [body for body in _operations(request) if body["operationId"] not in self._sent]
            self._sent.update(body["operationId"] for body in fresh)
            self._journal.write(*(Sent(self._member.user, self._member.device, body) for body in fresh))

    def _answered(self, request: httpx.Request, response: httpx.Response) -> None:
        if request.url.path.endswith("/sync/mutations") and response.status_code == 202:
            user, device = self._member.user, self._member.device
            taken = tuple(tag_of(user, device, body["operationId"]) for body in _operations(request))
            self._journal.write(Reported(user, device, taken))

    async def _token(self) -> str:
        return self._member.token


def _operations(request: httpx.Request) -> Iterable[dict[str, Any]]:
    found: list[dict[str, Any]] = msgspec.json.decode(request.content)["operations"]
    return found


async def _run(job: Job) -> None:
    folder = Path(job.folder)
    played: dict[str, list[Played]] = defaultdict(list)
    reported: dict[str, set[str]] = defaultdict(set)
    for record in journals.read(folder, NAME):
        if isinstance(record, Played):
            played[record.user].append(record)
        elif isinstance(record, Reported):
            reported[record.user].update(record.event_ids)
    journal = Journal(journals.path_of(folder, NAME, job.life))
    wire = Wire(httpx.AsyncHTTPTransport())
    devices = [Device(each, job, journal, wire, played[each.user], reported[each.user]) for each in job.members]
    try:
        async with asyncio.TaskGroup() as group:
            for device in devices:
                group.create_task(device.flush() if job.flush else device.live())
    finally:
        await wire.close()
        for device in devices:
            await device.close()
        journal.close()


def main() -> None:
    asyncio.run(_run(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Job)))


if __name__ == "__main__":
    main()
