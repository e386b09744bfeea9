"""All open channels of a process, and the one subscription that feeds them.

Notices go straight to whom they concern. Wherever one may have been missed (stretches that do not join up, a new
connection to Redis, a notice without rows, a stored position nobody told of) the hub's epoch moves on: from then on no
channel believes a notice before it was held against the database, all of them at once with one statement; only those
with news read their delta. So the usual case costs the database nothing and the worst case one read a channel.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Final, Protocol

from query_api.services.live.chains import Chains, Standing
from query_api.services.live.connection import Connection, End
from query_api.services.live.reader import LiveReader
from query_api.user_changes.cursor import READ_MODEL_OF
from runtime import logging, metrics
from runtime.backoff import Backoff
from runtime.clock import Clock
from runtime.http import problems
from runtime.http.problems import Problem
from schemas.read_models.notices import LiveRow, Notice

Heard = tuple[Notice, tuple[LiveRow, ...]]

TICK_SECONDS: Final = 1.0
SWEEP_SECONDS: Final = 10.0
MOST_OF_ONE_USER: Final = 64
SETTLE_SECONDS: Final = 1.0
"""A notice comes this soon after its commit, or not at all."""
_GATHER_SECONDS: Final = 0.1
"""Gaps that follow each other (a backlog is told without rows) are looked after together."""
_MOST_AT_ONCE: Final = 500
_READS_AT_ONCE: Final = 4

log = logging.get(__name__)


class Listening(Protocol):
    """runtime.connections.notices.Subscriber of notices, or a test's."""

    def notices(self) -> AsyncIterator[Heard | None]:
        """None: something may have been missed before this."""
        ...


class Hub:
    """Made before the event loop's first connection; `running()` does the work. One loop, no locks."""

    def __init__(self, reader: LiveReader, listening: Listening, clock: Clock) -> None:
        self.reader = reader
        self.clock = clock
        self.epoch = 0
        self.reads = asyncio.Semaphore(_READS_AT_ONCE)
        self.stopping = False
        self._listening = listening
        self._chains = Chains()
        self._users: dict[str, set[Connection]] = {}
        self._doubt = asyncio.Event()
        self._sweep_now = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        loops = (self._listen, self._reassure, self._sweep, self._tick)
        tasks = [asyncio.create_task(self._keep(loop), name=f"live-{loop.__name__.strip('_')}") for loop in loops]
        try:
            yield
        finally:
            self.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def stop(self) -> None:
        """Ends every channel; clients come back to whoever serves then."""
        self.stopping = True
        for connection in self._connections():
            connection.end(End.RESTARTING)

    # Channels.

    def join(self, connection: Connection) -> None:
        """From now on it is offered what notices bring. Raises Problem (429) beyond MOST_OF_ONE_USER."""
        group = self._users.setdefault(connection.user_id, set())
        if len(group) >= MOST_OF_ONE_USER:
            raise Problem(
                problems.RATE_LIMITED,
                f"{MOST_OF_ONE_USER} channels of this user are open already.",
                retry_after_seconds=30,
            )
        group.add(connection)
        if self.stopping:
            connection.end(End.RESTARTING)

    def leave(self, connection: Connection) -> None:
        group = self._users.get(connection.user_id, set())
        group.discard(connection)
        if not group:
            self._users.pop(connection.user_id, None)

    def __len__(self) -> int:
        return sum(map(len, self._users.values()))

    def _connections(self) -> list[Connection]:
        return [connection for group in self._users.values() for connection in group]

    # What comes in.

    def heard(self, heard: Heard | None) -> None:
        """One notice, or None when listening began anew."""
        if heard is None:
            self._chains.forget()
            self.distrust("listening")
            self._sweep_now.set()
            return
        notice, rows = heard
        if not self._chains.follow(notice.read_model, notice.moved):
            self.distrust("chain")
        elif notice.rows is None:
            self.distrust("rows")
        else:
            for user_id, mine in _by_user(rows).items():
                for connection in self._users.get(user_id, ()):
                    connection.offer(mine, self.epoch)

    def distrust(self, cause: str) -> None:
        """Something may have been missed."""
        metrics.LIVE_GAPS.labels(cause).inc()
        self.epoch += 1
        self._doubt.set()

    def look_again(self) -> None:
        """A channel's own read was overtaken by a gap."""
        self._doubt.set()

    async def reassure(self) -> None:
        """Holds every channel that is in doubt against the database. Raises Problem when that is away."""
        doubtful = [
            each
            for each in self._connections()
            if each.epoch != self.epoch and not each.reading and not each.must_read and each.ending is None
        ]
        for start in range(0, len(doubtful), _MOST_AT_ONCE):
            await self._compare(doubtful[start : start + _MOST_AT_ONCE])

    def sweep(self, standing: Standing) -> None:
        """Holds what was told against what was stored SETTLE_SECONDS ago: a lost last notice has no successor."""
        missing = self._chains.missing(standing)
        cause = "sweep" if self._chains.known else "listening"
        self._chains.learn(standing)
        if missing:
            self.distrust(cause)

    async def _compare(self, connections: list[Connection]) -> None:
        for each in connections:
            each.begin_read(self.epoch)
        now = self.clock.now()
        told = [each.told(now) for each in connections]
        try:
            versions = (await self.reader.standing()).versions
            above = await self.reader.above(
                [(each.user_id, cursor) for each, cursor in zip(connections, told, strict=True)], versions, now
            )
        except BaseException:
            for each in connections:
                each.abandon_read()
            raise
        for place, each in enumerate(connections):
            same = all(mark.version == versions.get(READ_MODEL_OF[kind]) for kind, mark in told[place].marks.items())
            if same and place not in above:
                each.end_read()
            else:
                each.abandon_read()
                each.must_read = True
                each.wake.set()

    def tick(self) -> None:
        """Pings, tokens that expire, reads to try again."""
        now, monotonic = self.clock.now(), self.clock.monotonic()
        for connection in self._connections():
            connection.tick(now, monotonic)

    # The loops.

    async def _keep(self, loop: Callable[[], Awaitable[None]]) -> None:
        """Begins again whatever ends it: without the loops channels would be silent and look alive."""
        while True:
            try:
                await loop()
            except Exception as error:
                log.error("live_loop_failed", loop=loop.__name__, exc_info=error)
            self.distrust("failure")
            await asyncio.sleep(TICK_SECONDS)

    async def _listen(self) -> None:
        async for heard in self._listening.notices():
            self.heard(heard)

    async def _reassure(self) -> None:
        async def once() -> None:
            await self._doubt.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            self._doubt.clear()
            try:
                await self.reassure()
            except Problem:
                self._doubt.set()
                raise

        await _again_and_again(once, "live_comparison_failed")

    async def _sweep(self) -> None:
        async def once() -> None:
            standing = await self.reader.standing()
            await asyncio.sleep(SETTLE_SECONDS)
            self.sweep(standing)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._sweep_now.wait(), SWEEP_SECONDS - SETTLE_SECONDS)
            self._sweep_now.clear()

        await _again_and_again(once, "live_sweep_failed")

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            self.tick()


async def _again_and_again(once: Callable[[], Awaitable[None]], failure: str) -> None:
    backoff = Backoff(first=0.5, most=5.0)
    while True:
        try:
            await once()
            backoff.reset()
        except Problem as problem:
            if not backoff.attempts:
                log.warning(failure, error=str(problem))
            await asyncio.sleep(backoff.next_delay())


def _by_user(rows: Iterable[LiveRow]) -> dict[str, list[LiveRow]]:
    found: dict[str, list[LiveRow]] = {}
    for row in rows:
        found.setdefault(row.user_id, []).append(row)
    return found
