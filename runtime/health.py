"""What each unit of this process says about itself; read by /health, `mg up` and `mg lag`."""

import threading
import time
from typing import Literal

import msgspec

State = Literal["starting", "ready", "degraded", "stopped", "failed"]


class UnitStatus(msgspec.Struct, frozen=True, rename="camel"):
    """`lag_events` counts what is in the log and not yet done; `lag_seconds` how long the oldest of it has waited."""

    unit: str
    state: State
    detail: str
    events_total: int
    lag_events: int
    lag_seconds: float


class UnitHealth:
    """Written by one unit, read by anyone."""

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self._lock = threading.Lock()
        self._state: State = "starting"
        self._detail = ""
        self._events = 0
        self._next: dict[tuple[str, int], int] = {}
        self._high: dict[tuple[str, int], int] = {}
        self._last_record_at = 0.0
        self._started_at = time.time()
        self._caught_up_at = 0.0

    def becomes(self, state: State, detail: str = "") -> None:
        with self._lock:
            self._state, self._detail = state, detail

    def progressed(self, events: int, last_record_at: float) -> None:
        """`last_record_at` is the record time (epoch seconds) of the newest finished event."""
        with self._lock:
            self._events += events
            self._last_record_at = max(self._last_record_at, last_record_at)
            self._state, self._detail = "ready", ""

    def at(self, partition: tuple[str, int], next_offset: int, high: int) -> None:
        with self._lock:
            self._next[partition] = next_offset
            self._high[partition] = max(high, next_offset)
            if not self._lag():
                self._caught_up_at = time.time()

    def owns(self, partitions: set[tuple[str, int]]) -> None:
        """Forgets partitions that went to another owner."""
        with self._lock:
            for known in (self._next, self._high):
                for partition in [p for p in known if p not in partitions]:
                    del known[partition]

    def status(self) -> UnitStatus:
        with self._lock:
            lag = self._lag()
            # What waits was written after the last moment at which nothing did; a unit that never finished anything
            # is behind for as long as it runs.
            since = max(self._last_record_at, self._caught_up_at) or self._started_at
            waiting = max(time.time() - since, 0.0) if lag else 0.0
            return UnitStatus(self.unit, self._state, self._detail, self._events, lag, round(waiting, 3))

    def _lag(self) -> int:
        return sum(high - self._next[partition] for partition, high in self._high.items())
