"""A client process: many devices of many people, until their quota is done or it is killed.

    python -m proofs.convergence.fleet JOB

Killed at any instruction and started again with the same job (and the next incarnation), it goes on where the devices'
files and the journals are.
"""

import asyncio
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Final

import httpx
import msgspec

from proofs.convergence import journal as journals
from proofs.convergence.device import Device
from proofs.convergence.faulty_transport import Wire
from proofs.convergence.journal import Did, Journal, Played, Reported
from proofs.convergence.plan import Job

_LANES: Final = 6
"""Devices of one process that do something at the same time."""
_BURST: Final = 12
"""Operations of one turn, at most."""
_ONLINE: Final = 0.2
"""Share of turns that end online; so devices are offline for some turns, and sometimes for very many."""
_PATIENCE_SECONDS: Final = 600.0


class Fleet:
    def __init__(self, job: Job) -> None:
        self._job = job
        self._random = Random(f"{job.seed}/{job.name}/{job.phase}/{job.incarnation}")
        self._done: Counter[tuple[str, str]] = Counter()
        played: dict[tuple[str, str], list[Played]] = defaultdict(list)
        reported: dict[tuple[str, str], set[str]] = defaultdict(set)
        folder = Path(job.folder)
        for record in journals.read(folder, job.name):
            key = (record.user, record.device)
            if isinstance(record, Did | Played):
                self._done[key] += 1
            if isinstance(record, Played):
                played[key].append(record)
            elif isinstance(record, Reported):
                reported[key].update(record.event_ids)
        self._journal = Journal(journals.path_of(folder, job.name, job.incarnation))
        self._wire = Wire(httpx.AsyncHTTPTransport(limits=httpx.Limits(max_connections=64)))
        self._devices = [
            Device(
                member,
                folder,
                self._journal,
                self._wire,
                Random(f"{job.seed}/{member.user}/{member.device}/{job.phase}/{job.incarnation}"),
                sync_url=job.sync_url,
                playback_url=job.playback_url,
                titles=job.titles,
                faulty=job.phase == "live",
                known=played[member.user, member.device],
                reported=reported[member.user, member.device],
            )
            for member in job.members
        ]

    async def run(self) -> None:
        try:
            match self._job.phase:
                case "live":
                    await self._live()
                case "flush":
                    await self._each(self._flush)
                case "show":
                    await self._show()
        finally:
            await self._wire.close()
            for device in self._devices:
                await device.close()
            self._journal.close()

    async def _live(self) -> None:
        """Turns in an order by chance, several at a time."""
        left = [device for device in self._devices if self._left(device) > 0]
        began, acted = time.monotonic(), 0

        async def lane() -> None:
            nonlocal acted
            while left:
                device = left.pop(self._random.randrange(len(left)))
                burst = min(self._random.randint(1, _BURST), self._left(device))
                for _ in range(burst):
                    device.act()
                self._done[device.member.user, device.member.device] += burst
                acted += burst
                if self._random.random() < _ONLINE:
                    await device.sync()
                if self._left(device) > 0:
                    left.append(device)
                await asyncio.sleep(max(began + acted / self._job.rate - time.monotonic(), 0))

        await asyncio.gather(*(lane() for _ in range(_LANES)))

    def _left(self, device: Device) -> int:
        return self._job.quota - self._done[device.member.user, device.member.device]

    async def _flush(self, device: Device) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not await device.sync():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{device.member.user}/{device.member.device} does not get rid of its queue")

    async def _show(self) -> None:
        shown: list[bytes] = []

        async def show(device: Device) -> None:
            shown.append(msgspec.json.encode(await device.show()))

        await self._each(show)
        (Path(self._job.folder) / f"{self._job.name}.shown").write_bytes(b"\n".join(shown))

    async def _each(self, work: Callable[[Device], Awaitable[None]]) -> None:
        left = list(self._devices)

        async def lane() -> None:
            while left:
                await work(left.pop())

        await asyncio.gather(*(lane() for _ in range(_LANES)))


def main() -> None:
    asyncio.run(Fleet(Job.read(Path(sys.argv[1]))).run())


if __name__ == "__main__":
    main()
