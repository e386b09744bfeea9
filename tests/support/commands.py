"""The command services `playback` and `sync` with in-memory stand-ins for what they talk to."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import httpx

from command_api.intake import Intake
from command_api.operation_ids import Claim, Claimed, Conflicting, InProgress, Limited, Once
from command_api.services import playback, sync
from command_api.services.playback.reports import Reports
from command_api.services.sync.queues import Queues
from command_api.services.sync.reader import KnownDevice, Listed
from runtime.clock import FrozenClock
from runtime.connections import redis
from runtime.http import problems
from runtime.http.positions import NextOffsets
from runtime.http.problems import Problem
from runtime.http.rate_limit import Decision, Quota
from runtime.http.service import Resources, ServiceSpec
from runtime.settings import Settings
from schemas import codec
from schemas.types import AnyEvent
from sync_laws import clock
from tests.support import tokens
from tests.support.apps import app_of
from tests.support.webhooks import NOW, MemoryLog, serving, settings

NOW_MS = int(NOW.timestamp() * 1000)
HLC = clock.pack(NOW_MS)
FIVE_MINUTES = clock.MAX_AHEAD_MS
QUOTA = Quota(rate_per_second=100, burst=500)


class MemoryOperationIds:
    """As RedisOperationIds, in a dictionary; passes the same suite. `left` more requests fit into the rate limit."""

    def __init__(
        self, *, left: int = 1_000_000, lease_seconds: float = 30, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._found: dict[tuple[bytes, bytes], dict[str, Any]] = {}
        self._lease = lease_seconds
        self.left = left
        self.away = False

    async def claim(self, user_id: str, quota: Quota, operations: Sequence[Once]) -> Claim:
        self._require()
        self.left -= 1
        decision = Decision(self.left >= 0, max(self.left, 0), 0.0 if self.left >= 0 else 1.2, 2.0)
        if not decision.allowed:
            return Limited(decision)
        receipt = user_id.encode()
        entries = [self._found.get((receipt, each.field)) for each in operations]
        found = list(zip(operations, entries, strict=True))
        others = tuple(i for i, (each, entry) in enumerate(found) if entry and entry["digest"] != each.digest)
        if others:
            return Conflicting(decision, others)
        if any(entry and "at" not in entry and entry["lease"] > self._monotonic() for entry in entries):
            return InProgress(decision)
        for each, entry in found:
            if entry is None or "at" not in entry:
                lease = self._monotonic() + self._lease
                self._found[receipt, each.field] = {"digest": each.digest, "lease": lease}
        return Claimed(decision, tuple(entry.get("at") if entry else None for entry in entries), receipt)

    def settle(self, receipt: bytes, positions: Mapping[Once, str | None]) -> None:
        if self.away:
            return
        for each, position in positions.items():
            entry: dict[str, Any] = {"digest": each.digest, "lease": 0.0}
            self._found[receipt, each.field] = entry | ({"at": position} if position else {})

    def _require(self) -> None:
        if self.away:
            raise redis.Error("Connection refused")


class MemoryReader:
    """`watchlists` and `devices` are what the read models hold."""

    def __init__(self) -> None:
        self.watchlists: dict[str, set[str]] = {}
        self.devices: dict[tuple[str, str], KnownDevice] = {}
        self.positions: dict[tuple[str, int], int] = {}
        self.asked = 0
        self.away = False

    async def listed(self, user_id: str, title_ids: Sequence[str]) -> Listed:
        self._require()
        held = self.watchlists.get(user_id, set())
        return Listed(len(held), frozenset(held & set(title_ids)))

    async def device(self, user_id: str, device_id: str) -> KnownDevice | None:
        self._require()
        return self.devices.get((user_id, device_id))

    async def device_positions(self) -> NextOffsets:
        self._require()
        return self.positions

    def _require(self) -> None:
        self.asked += 1
        if self.away:
            raise Problem(problems.UNAVAILABLE, "PostgreSQL does not answer.", retry_after_seconds=2)


class MemoryHeartbeats:
    def __init__(self) -> None:
        self.heard: dict[tuple[str, str], datetime] = {}

    async def beat(self, user_id: str, device_id: str, now: datetime) -> None:
        self.heard[user_id, device_id] = now

    async def is_online(self, user_id: str, device_id: str) -> bool:
        return (user_id, device_id) in self.heard


class CommandEdge:
    """Both services in one app, nothing real behind them."""

    def __init__(self, *, left: int = 1_000_000) -> None:
        self.log = MemoryLog()
        self.ids = MemoryOperationIds(left=left)
        self.reader = MemoryReader()
        self.heartbeats = MemoryHeartbeats()
        self.clock = FrozenClock(NOW)

    @property
    def events(self) -> list[AnyEvent]:
        return [codec.decode(message.value or b"") for message in self.log.messages]

    @asynccontextmanager
    async def client(self, tmp: Any) -> AsyncIterator[httpx.AsyncClient]:
        specs = [self._spec(playback.SPEC), self._spec(sync.SPEC)]
        async with serving(app_of("commands", specs, settings(tmp, identity=tokens.IDENTITY))) as client:
            client.headers.update(tokens.bearer("ann", "tv", region="DE"))
            yield client

    def _spec(self, real: ServiceSpec) -> ServiceSpec:
        intake = Intake(real.name, ids=self.ids, log=self.log, quota=QUOTA, topic_prefix="test-")
        dependencies: dict[str, object] = {
            "intake": intake,
            "reports": Reports(intake, self.clock),
            "queues": Queues(intake, self.reader, self.clock),
            "clock": self.clock,
            "sync_reader": self.reader,
            "heartbeats": self.heartbeats,
            "wait_seconds": 0.05,
        }

        @asynccontextmanager
        async def resources(_: Settings) -> AsyncIterator[Resources]:
            yield Resources({name: dependencies[name] for name in real.dependencies})

        return ServiceSpec(real.name, real.controllers, resources, real.dependencies, authenticated=True)


def problem(response: httpx.Response, status: int, slug: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["type"] == f"/problems/{slug}"
    return found


def pointers(response: httpx.Response) -> list[str]:
    return [error["pointer"] for error in response.json()["errors"]]


def played(**changes: Any) -> dict[str, Any]:
    """A playback event; None leaves a member out."""
    found = {
        "eventId": "e-1",
        "kind": "progressed",
        "sessionId": "s-1",
        "titleId": "t-1",
        "positionMs": 60_000,
        "durationMs": 600_000,
        "hlc": str(HLC),
        "occurredAt": "2026-03-01T12:00:00Z",
        **changes,
    }
    return {name: value for name, value in found.items() if value is not None}


def rated(**changes: Any) -> dict[str, Any]:
    found = {
        "eventId": "r-1", "titleId": "t-1", "rating": 4.5, "hlc": HLC, "occurredAt": "2026-03-01T12:00:00Z", **changes,
    }  # fmt: skip
    return {name: value for name, value in found.items() if value is not None}


def operation(op: str, **members: Any) -> dict[str, Any]:
    """An operation with an id and a clock; None leaves a member out."""
    found = {"op": op, "operationId": "o-1", "hlc": str(HLC), **members}
    return {name: value for name, value in found.items() if value is not None}
