"""Stateful processors without Kafka: a log of one partition, a state topic in memory, and deaths in between."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.envelope import Position, derived_id
from schemas.types.playback import PlaybackEventRecorded, PlaybackKind
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Received, StateSpec
from streams.engine.table import Partition

WHEN = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = 60_000


def event(number: int = 0, at_ms: int = 0, **changes: Any) -> PlaybackEventRecorded:
    """`number` makes id and clock, `at_ms` the time after WHEN."""
    given: dict[str, Any] = {
        "user_id": "ann",
        "device_id": "tv",
        "session_id": "s1",
        "title_id": "film",
        "kind": "progressed",
        "position_ms": 0,
        "duration_ms": 100 * MINUTE,
        "hlc": (number + 1) << 16,
        "region": "DE",
    }
    return PlaybackEventRecorded(
        event_id=derived_id("test", "playback", number),
        occurred_at=WHEN + timedelta(milliseconds=at_ms),
        **given | changes,
    )


def received(what: PlaybackEventRecorded, offset: int = 0, recorded_ms: int | None = None) -> Received:
    """Recorded when it happened, or so long after WHEN."""
    at = what.occurred_at if recorded_ms is None else WHEN + timedelta(milliseconds=recorded_ms)
    return Received(what, Position("playback-events", 0, offset), what.user_id.encode(), at)


def kinds() -> tuple[PlaybackKind, ...]:
    return ("unknown", "started", "progressed", "paused", "resumed", "seeked", "stopped", "completed")


def at(milliseconds: int) -> int:
    """Milliseconds since 1970 of a time after WHEN."""
    return int(WHEN.timestamp() * 1000) + milliseconds


@dataclass
class Log:
    """What the engine does with one partition, step by step: outputs, then state table by table, then the position.

    `died` forgets what is in memory and loads what was written; a test stops `write` after any number of records.
    """

    spec: StateSpec
    outputs: list[Any] = field(default_factory=list)
    records: list[tuple[str, bytes, int, int, Any]] = field(default_factory=list)
    partition: Partition = field(init=False)

    def __post_init__(self) -> None:
        self.partition = Partition(self.spec)
        self.partition.loaded()

    def batch(self, inputs: Iterable[Received], most: int | None = None, grace_ms: int = 2000) -> bool:
        """False when it died after `most` records."""
        made: list[Any] = []
        for one in inputs:
            try:
                made += self.partition.apply(one)
            except InvalidEvent as error:
                made.append(error)
        made += self.partition.tick(self.partition.now - grace_ms)
        return self.write(made, most)

    def tick(self, now: int, most: int | None = None) -> bool:
        return self.write(self.partition.tick(now), most)

    def write(self, made: Sequence[Any], most: int | None = None) -> bool:
        writes: list[tuple[bool, Any]] = [(True, one) for one in made]
        for name, table in reversed(self.partition.tables.items()):
            writes += [(False, (name, c.key, c.next, c.turn, c.state)) for c in table.changes()]
        writes.append((False, ("", b"", self.partition.next, self.partition.now, None)))
        for is_output, one in writes[:most]:
            (self.outputs if is_output else self.records).append(one)
        return most is None or most >= len(writes)

    def died(self) -> None:
        self.partition = Partition(self.spec)
        for name, key, next_, turn, state in self.records:
            if name:
                self.partition.tables[name].load(key, next_, turn, state)
            else:
                self.partition.next = max(self.partition.next, next_)
                self.partition.now = max(self.partition.now, turn)
        self.partition.loaded()

    def state(self) -> dict[str, dict[bytes, Any]]:
        return {
            name: {key: entry.state for key, entry in table.entries.items()}
            for name, table in self.partition.tables.items()
        }
