"""The live channel without I/O: a store in memory, notices by hand, clients that check what they are told."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from query_api.services.live.chains import Standing
from query_api.services.live.hub import Heard, Hub
from query_api.services.live.stream import Encoded, Stream
from query_api.user_changes.cursor import READ_MODEL_OF, Cursor, Mark, kind_of
from query_api.user_changes.reader import Changes
from runtime.clock import FrozenClock
from runtime.http import problems
from runtime.http.identity import Caller
from runtime.http.problems import Problem
from schemas.read_models import notices
from schemas.read_models.devices import DeviceCommandRow
from schemas.read_models.notices import LiveRow, Moved
from schemas.read_models.watch_state import WatchStateRow

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
VERSIONS = dict.fromkeys(READ_MODEL_OF.values(), 1)


def state(user: str, title: str, revision: int, position_ms: int = 0) -> WatchStateRow:
    return WatchStateRow(
        user_id=user,
        title_id=title,
        position_ms=position_ms,
        position_hlc=revision,
        position_device="tv",
        finished=False,
        event_at=NOW,
        revision=revision,
    )


def command(user: str, command_id: str, revision: int, target: str = "tv", seconds: float = 60.0) -> DeviceCommandRow:
    return DeviceCommandRow(
        user_id=user,
        command_id=command_id,
        device_id="phone",
        target_device_id=target,
        command="pause",
        issued_at=NOW,
        expires_at=NOW + timedelta(seconds=seconds),
        revision=revision,
    )


def caller(user: str = "ann", device: str = "tv", seconds: float = 600.0) -> Caller:
    return Caller(user, device, frozenset(), "DE", NOW + timedelta(seconds=seconds))


class MemoryReader:
    """`commit` is what a materializer does; whether anybody is told is the test's affair."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], LiveRow] = {}
        self.ends: dict[tuple[str, str, int], int] = {}
        self.versions = dict(VERSIONS)
        self.revision = 0
        self.away = False
        self.reads = 0
        self.comparisons = 0

    def commit(self, row: LiveRow) -> Moved:
        """The row at the next revision; the stretch of the log it came from."""
        kind = kind_of(row)
        topic = f"{READ_MODEL_OF[kind]}-topic"
        first = self.ends.get((READ_MODEL_OF[kind], topic, 0), 0)
        self.ends[READ_MODEL_OF[kind], topic, 0] = first + 1
        self.revision = max(self.revision, row.revision)
        name = row.command_id if isinstance(row, DeviceCommandRow) else getattr(row, "title_id", "")
        self.rows[f"{row.user_id} {kind}", name or ""] = row
        return Moved(topic, 0, first, first + 1)

    def of(self, user: str) -> dict[str, int]:
        """The revision of each title's state."""
        return {name: row.revision for (key, name), row in self.rows.items() if key == f"{user} watch_state"}

    async def standing(self) -> Standing:
        await self._answer()
        return Standing(dict(self.versions), dict(self.ends))

    async def now(self, user_id: str, at: datetime) -> Cursor:
        await self._answer()
        return Cursor(int(at.timestamp()), {kind: Mark(1, self._newest(user_id, kind)) for kind in READ_MODEL_OF})

    async def above(self, told: Sequence[tuple[str, Cursor]], versions: Mapping[str, int], at: datetime) -> set[int]:
        self.comparisons += 1
        await self._answer()
        return {
            place
            for place, (user, cursor) in enumerate(told)
            if any(
                self._newest(user, kind) > cursor.seen(kind, versions[READ_MODEL_OF[kind]]) for kind in READ_MODEL_OF
            )
        }

    async def changes(self, user_id: str, since: Cursor, limit: int, at: datetime) -> Changes:
        self.reads += 1
        await self._answer()
        since.check(at, self.revision)
        versions = {kind: self.versions[model] for kind, model in READ_MODEL_OF.items()}
        mine = [row for (key, _), row in self.rows.items() if key == f"{user_id} {kind_of(row)}"]
        news = sorted(
            (row for row in mine if row.revision > since.seen(kind_of(row), versions[kind_of(row)])),
            key=lambda row: row.revision,
        )
        marks = {kind: Mark(version, since.seen(kind, version)) for kind, version in versions.items()}
        for row in news[:limit]:
            marks[kind_of(row)] = Mark(versions[kind_of(row)], row.revision)
        return Changes(tuple(news[:limit]), Cursor(int(at.timestamp()), marks), len(news) > limit, {}, None)

    def _newest(self, user: str, kind: str) -> int:
        return max((row.revision for (key, _), row in self.rows.items() if key == f"{user} {kind}"), default=0)

    async def _answer(self) -> None:
        """Others may run before there is one."""
        await asyncio.sleep(0)
        if self.away:
            raise Problem(problems.UNAVAILABLE)


class Silence:
    """Nobody tells anything; tests call `Hub.heard` themselves."""

    async def notices(self) -> AsyncIterator[Heard | None]:
        await asyncio.Event().wait()
        yield None


def notice(moved: Moved, *rows: LiveRow, read_model: str = "watch_state", told: bool = True) -> Heard:
    """As it comes out of Redis; `told` false: without its rows."""
    return notices.decode(notices.encode(read_model, (moved,), rows if told else None))


class Device:
    """A client that keeps the last cursor and the newest state of each title, and finds fault with going back."""

    def __init__(self, hub: Hub, user: str = "ann", device: str = "tv") -> None:
        self.hub = hub
        self.user = user
        self.device = device
        self.titles: dict[str, int] = {}
        self.commands: list[str] = []
        self.messages: list[dict[str, Any]] = []
        self.cursor: str | None = None
        self.faults: list[str] = []
        self.stream: Stream | None = None
        self.may_read = asyncio.Event()
        self.may_read.set()
        self._task: asyncio.Task[None] | None = None

    async def connect(self, encoded: Encoded | None = None, **changes: Any) -> None:
        known = msgspec.structs.replace(caller(self.user, self.device), **changes)
        self.stream = Stream(self.hub, encoded or Encoded(), self.user, known, "websocket")
        since = None if self.cursor is None else Cursor.decode(self.user, self.cursor)
        await self.stream.open(since)
        self._task = asyncio.create_task(self._follow(self.stream))

    async def disconnect(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._task = self.stream = None

    @property
    def ended(self) -> bool:
        return self._task is None or self._task.done()

    async def _follow(self, stream: Stream) -> None:
        try:
            async with aclosing(stream.messages()) as messages:
                async for message in messages:
                    await self.may_read.wait()
                    self._hear(json.loads(message.text))
        finally:
            stream.close()

    def _hear(self, message: dict[str, Any]) -> None:
        self.messages.append(message)
        self.cursor = message.get("cursor", self.cursor)
        for found in message.get("watchStates", ()):
            if found["revision"] < self.titles.get(found["titleId"], 0):
                self.faults.append(f"{found} after {self.titles}")
            self.titles[found["titleId"]] = found["revision"]
        if message["type"] == "command":
            self.commands.append(message["commandId"])


def hub_over(reader: MemoryReader, clock: FrozenClock | None = None) -> Hub:
    return Hub(reader, Silence(), clock or FrozenClock(NOW))


async def settle(steps: int = 50) -> None:
    for _ in range(steps):
        await asyncio.sleep(0)
