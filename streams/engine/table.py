"""State of one partition of a stateful processor, in memory. No I/O, no clock: everything comes in by arguments.

Each key carries the offset behind the last input that was applied to it, so that an input that is read again changes
nothing and makes nothing. The partition carries its own offset too, for keys that were forgotten meanwhile.

With several tables an input goes through them one after another. What follows from an input becomes durable before what
it followed from: events, then the last table, …, then the first, then the partition's offset. So a key that has applied
an input vouches for everything behind it.
"""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.engine.spec import Counted, Received, StateSpec, TableSpec


@dataclass(slots=True)
class Entry:
    """A key. `next` is the offset behind the last input applied, `turn` counts writes; together they order versions."""

    next: int
    turn: int
    state: Any
    wakes_at: int | None = None
    scheduled: int | None = None


@dataclass(slots=True)
class Change:
    """What is to be written about a key; `state` None forgets it."""

    key: bytes
    next: int
    turn: int
    state: Any


class Table:
    def __init__(self, spec: TableSpec) -> None:
        self.spec = spec
        self.entries: dict[bytes, Entry] = {}
        self._changed: dict[bytes, Entry] = {}
        self._timers: list[tuple[int, bytes]] = []
        self._forgotten: dict[bytes, Entry] = {}

    def take(self, inputs: Sequence[Any], offset: int, now: int) -> list[Any]:
        """Applies what follows from the input at `offset`. Raises InvalidEvent before anything has changed."""
        made: list[Any] = []
        for what in inputs:
            if isinstance(what, Counted):
                made.append(what)
                continue
            key = self.spec.key_of(what)
            entry = self.entries.get(key)
            if entry is not None and offset < entry.next:
                continue
            before = entry.state if entry is not None else None
            state, more = self.spec.step(before, what, now)
            made += more
            if state is before:
                continue
            if entry is None:
                forgotten = self._changed.get(key)
                entry = self.entries[key] = Entry(0, forgotten.turn if forgotten else 0, state)
            self._set(key, entry, offset + 1, state)
        return made

    def tick(self, now: int) -> list[Any]:
        """Wakes every key whose time has come, earliest first."""
        made: list[Any] = []
        while self._timers and self._timers[0][0] <= now:
            when, key = heapq.heappop(self._timers)
            entry = self.entries.get(key)
            if entry is None or entry.scheduled != when:
                continue
            entry.scheduled = None
            if entry.wakes_at is None or entry.wakes_at > now:
                self._schedule(key, entry)
                continue
            state, more = self.spec.tick(entry.state, now)
            made += more
            if state is None:
                del self.entries[key]
                entry.state, entry.turn = None, entry.turn + 1
                self._changed[key] = entry
            else:
                self._set(key, entry, entry.next, state)
        return made

    def due(self, now: int) -> bool:
        return bool(self._timers) and self._timers[0][0] <= now

    def changes(self) -> list[Change]:
        """What changed since the last call, in the order in which keys first did."""
        found = [Change(key, entry.next, entry.turn, entry.state) for key, entry in self._changed.items()]
        self._changed = {}
        return found

    def load(self, key: bytes, next_: int, turn: int, state: Any) -> None:
        """A record of the state topic, in the order of the log.

        The newest version counts, wherever it stands: an owner that was frozen may have written after its successor.
        A winner that does not stand last is written again.
        """
        known = self.entries.get(key) or self._forgotten.get(key)
        if known is not None and (known.next, known.turn) > (next_, turn):
            self._changed[key] = known
            return
        self._changed.pop(key, None)
        entry = Entry(next_, turn, state)
        if state is None:
            self.entries.pop(key, None)
            self._forgotten[key] = entry
        else:
            self._forgotten.pop(key, None)
            self.entries[key] = entry

    def loaded(self) -> None:
        """Everything that there was has been loaded."""
        self._forgotten = {}
        for key, entry in self.entries.items():
            entry.wakes_at = self.spec.wakes_at(entry.state)
            self._schedule(key, entry)

    def _set(self, key: bytes, entry: Entry, next_: int, state: Any) -> None:
        entry.next, entry.turn, entry.state = next_, entry.turn + 1, state
        entry.wakes_at = self.spec.wakes_at(state)
        self._changed[key] = entry
        self._schedule(key, entry)

    def _schedule(self, key: bytes, entry: Entry) -> None:
        """One timer a key at most counts; one that comes too early is set again, so a heartbeat costs none."""
        if entry.wakes_at is not None and (entry.scheduled is None or entry.wakes_at < entry.scheduled):
            entry.scheduled = entry.wakes_at
            heapq.heappush(self._timers, (entry.wakes_at, key))


class Partition:
    """The tables of one input partition, and how far they are."""

    def __init__(self, spec: StateSpec) -> None:
        self._spec = spec
        self.tables = {table.name: Table(table) for table in spec.tables}
        self.next = 0
        """Offset behind the last input that is done."""
        self.now = 0
        """The newest time in the input so far."""
        self.saved = 0
        """`next` as last written."""

    def apply(self, received: Received) -> list[Any]:
        """Events and Counted that one input leads to; nothing when it was applied before. Raises InvalidEvent."""
        offset = received.position.offset
        if offset < self.next:
            return []
        self.next = offset + 1
        self.now = max(self.now, self._spec.time_of(received))
        made: list[Any] = [received]
        for table in self.tables.values():
            made = table.take(made, offset, self.now)
        return made

    def tick(self, now: int) -> list[Any]:
        return [event for table in self.tables.values() for event in table.tick(now)]

    def due(self, now: int) -> bool:
        return any(table.due(now) for table in self.tables.values())

    def loaded(self) -> None:
        for table in self.tables.values():
            table.loaded()

    def __len__(self) -> int:
        return sum(len(table.entries) for table in self.tables.values())
