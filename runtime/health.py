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

    def owns(self, partitions: set[tuple[str, int]]) -> None:
        """Forgets partitions that went to another owner."""
        with self._lock:
            for known in (self._next, self._high):
                for partition in [p for p in known if p not in partitions]:
                    del known[partition]

    def status(self) -> UnitStatus:
        with self._lock:
            lag = sum(self._high[partition] - self._next.get(partition, 0) for partition in self._high)
            waiting = time.time() - self._last_record_at if lag and self._last_record_at else 0.0
            return UnitStatus(self.unit, self._state, self._detail, self._events, lag, round(max(waiting, 0.0), 3))
