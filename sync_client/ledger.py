"""The queue, the clock and the view of one device, always changed together and on the disk first.

Every method is one transaction. What raises SyncStoreError has changed nothing, in the file or in memory.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from sync_client.errors import QueueFull
from sync_client.local_view import LocalView
from sync_client.operations import Operation, ProgressSet, Queued, State, checked
from sync_client.rows import DeviceCommand, Row
from sync_client.service import milliseconds
from sync_client.store import Store
from sync_laws.clock import MAX_AHEAD_MS, ClockAhead, HybridClock, is_ahead

MOST_OPERATIONS: Final = 10_000
_CURSOR, _HLC, _SKEW, _POSITIONS = "cursor", "hlc", "skew_ms", "positions"
_WRITTEN_MS: Final = 1_764_547_200_000
"""When this was written, 2025-12-01: a wall clock that shows an earlier time was never set."""
_TOLERATED_MS: Final = MAX_AHEAD_MS // 2
"""A wall clock that differs more from the service's is corrected: its stamps would soon be refused, or never win."""


def system_ms() -> int:
    return time.time_ns() // 1_000_000


class Ledger:
    """Raises SyncStoreError when the file cannot be used."""

    def __init__(
        self,
        path: Path,
        user_id: str,
        device_id: str,
        *,
        limit: int = MOST_OPERATIONS,
        wall_ms: Callable[[], int] = system_ms,
    ) -> None:
        self._store = Store(path, user_id, device_id)
        try:
            meta = self._store.meta()
            queue = self._store.operations()
            self.view = LocalView(user_id, device_id, self._store.rows(), queue)
        except BaseException:
            self._store.close()
            raise
        self._limit = limit
        self._local_ms = wall_ms
        self._skew_ms = int(meta.get(_SKEW, 0))
        self._clock = HybridClock(self._wall_ms, int(meta.get(_HLC, 0)))
        self._cursor = meta.get(_CURSOR) or None
        self._positions: dict[str, int] = json.loads(meta.get(_POSITIONS, "{}"))

    def close(self) -> None:
        self._store.close()

    @property
    def cursor(self) -> str | None:
        """Up to where changes were pulled; None before the first pull."""
        return self._cursor

    @property
    def hlc(self) -> int:
        """The newest stamp made or seen."""
        return self._clock.last

    @property
    def after(self) -> str:
        """MG-After: the newest position of each partition that took something in."""
        return ", ".join(f"{place}:{offset}" for place, offset in sorted(self._positions.items()))

    @property
    def needs_time(self) -> bool:
        """The wall clock was never set: what is queued would lose against everything there is. Ask before sending."""
        return self._wall_ms() < _WRITTEN_MS

    def in_state(self, *states: State) -> list[Queued]:
        return [queued for queued in self.view.queue.values() if queued.state in states]

    # What the app does.

    def append(self, operations: Sequence[Operation]) -> list[str]:
        """All or nothing; their ids in order. Raises InvalidOperation, QueueFull, SyncStoreError."""
        needless: list[Queued] = []
        for operation in map(checked, operations):
            if isinstance(operation, ProgressSet):
                needless += self.view.needless_beside(operation)
        self._require_room(len(operations) - len(needless))
        added: list[Queued] = []
        with self._store.transaction():
            for queued in needless:
                self._store.delete(queued.seq)
            for operation in operations:
                hlc, wall_ms = self._clock.next(), self._wall_ms()
                added.append(self._store.append(str(uuid.uuid4()), operation, hlc, wall_ms))
            self._store.set_meta(_HLC, self._clock.last)
        for queued in needless:
            self.view.drop(queued.operation_id)
        for queued in added:
            self.view.append(queued)
        return [queued.operation_id for queued in added]

    def dismiss(self, operation_id: str) -> bool:
        """Forgets a rejected operation; False when there is none of that id."""
        queued = self.view.queue.get(operation_id)
        if queued is None or queued.state is not State.REJECTED:
            return False
        with self._store.transaction():
            self._store.delete(queued.seq)
        self.view.drop(operation_id)
        return True

    # What sending does.

    def take(self, count: int) -> list[Queued]:
        """The oldest that are not accepted, marked as sent: from now on they are what they are."""
        batch = self.in_state(State.PENDING, State.SENT)[:count]
        self._set_states([queued for queued in batch if queued.state is State.PENDING], State.SENT)
        return batch

    def accept(self, batch: Iterable[Queued], positions: Iterable[str]) -> None:
        """The log has them; `positions` as in MG-Position."""
        newest = dict(self._positions)
        for text in positions:
            place, _, offset = text.strip().rpartition(":")
            if place and offset.isdecimal():
                newest[place] = max(int(offset), newest.get(place, -1))
        batch = list(batch)
        with self._store.transaction():
            for queued in batch:
                self._store.set_state(queued.seq, State.ACCEPTED)
            self._store.set_meta(_POSITIONS, json.dumps(newest))
        self._positions = newest
        for queued in batch:
            queued.state = State.ACCEPTED

    def reject(self, reasons: Sequence[tuple[Queued, str]]) -> None:
        with self._store.transaction():
            for queued, reason in reasons:
                self._store.set_state(queued.seq, State.REJECTED, reason)
        for queued, reason in reasons:
            queued.state, queued.reason = State.REJECTED, reason
            self.view.changed(queued)

    def set_by(self, server_time: datetime) -> bool:
        """Corrects the wall clock where it is far from the service's, and gives new stamps to operations that it cannot
        have accepted: those from its future, and those not sent yet from before the clock was set. True when any got
        one."""
        server_ms = milliseconds(server_time)
        if abs(self._local_ms() - server_ms) <= _TOLERATED_MS:
            skew_ms = 0
        elif abs(self._wall_ms() - server_ms) <= _TOLERATED_MS:
            skew_ms = self._skew_ms
        else:
            skew_ms = server_ms - self._local_ms()
        wrong = [
            queued
            for queued in self.in_state(State.PENDING, State.SENT)
            if is_ahead(queued.hlc, server_ms) or (queued.state is State.PENDING and queued.occurred_ms < _WRITTEN_MS)
        ]
        if skew_ms == self._skew_ms and not wrong and not is_ahead(self._clock.last, server_ms):
            return False
        last = self._clock.last
        if is_ahead(last, server_ms):
            stamps = [queued.hlc for queued in self.view.queue.values()] + self.view.newest_hlcs
            last = max([0, *(hlc for hlc in stamps if not is_ahead(hlc, server_ms))])
        clock = HybridClock(lambda: self._local_ms() + skew_ms, last)
        anew = [(queued, clock.next(), _within(queued.occurred_ms, server_ms)) for queued in wrong]
        with self._store.transaction():
            for queued, hlc, occurred_ms in anew:
                self._store.stamp(queued.seq, hlc, occurred_ms)
            self._store.set_meta(_HLC, clock.last)
            self._store.set_meta(_SKEW, skew_ms)
        self._skew_ms = skew_ms
        self._clock = HybridClock(self._wall_ms, clock.last)
        for queued, hlc, occurred_ms in anew:
            queued.hlc, queued.occurred_ms = hlc, occurred_ms
            self.view.changed(queued)
        return bool(anew)

    # What pulling does.

    def take_in(self, rows: Sequence[Row], cursor: str | None) -> list[DeviceCommand]:
        """Newer rows replace the ones known. The commands among them that are new."""
        with self._store.transaction():
            fresh = [row for row in rows if self._store.put_row(row)]
            self._observe(rows)
            if cursor is not None:
                self._store.set_meta(_CURSOR, cursor)
        self._cursor = cursor or self._cursor
        for row in fresh:
            self.view.put_row(row)
        return [row for row in fresh if isinstance(row, DeviceCommand)]

    def replace(self, rows: Sequence[Row], cursor: str) -> list[DeviceCommand]:
        """After everything was fetched anew: what the service no longer tells is gone."""
        known = self.view.command_ids
        with self._store.transaction():
            self._store.replace_rows(rows)
            self._observe(rows)
            self._store.set_meta(_CURSOR, cursor)
        self._cursor = cursor
        self.view.replace_rows(rows)
        return [row for row in rows if isinstance(row, DeviceCommand) and row.command_id not in known]

    def settle(self, accepted: Sequence[Queued]) -> None:
        """A pull has brought the effects of these."""
        if not accepted:
            return
        with self._store.transaction():
            for queued in accepted:
                self._store.delete(queued.seq)
        for queued in accepted:
            self.view.drop(queued.operation_id)

    def forget_positions(self) -> None:
        """The service does not know them (another log)."""
        with self._store.transaction():
            self._store.set_meta(_POSITIONS, "{}")
        self._positions = {}

    def _observe(self, rows: Iterable[Row]) -> None:
        for row in rows:
            try:
                self._clock.observe(row.newest_hlc)
            except ClockAhead:
                continue  # our clock is behind; `set_by` mends that with the next answer's time
        self._store.set_meta(_HLC, self._clock.last)

    def _set_states(self, batch: Sequence[Queued], state: State) -> None:
        if not batch:
            return
        with self._store.transaction():
            for queued in batch:
                self._store.set_state(queued.seq, state)
        for queued in batch:
            queued.state = state

    def _require_room(self, more: int) -> None:
        held = len(self.view.queue)
        if more <= 0 or held + more <= self._limit:
            return
        rejected = len(self.in_state(State.REJECTED))
        hint = f"; {rejected} of them were rejected by the service and wait to be dismissed" if rejected else ""
        raise QueueFull(
            f"{held} operations wait to be synced, at most {self._limit} may{hint}. This one was not queued: go online "
            "and try again"
        )

    def _wall_ms(self) -> int:
        return self._local_ms() + self._skew_ms


def _within(occurred_ms: int, server_ms: int) -> int:
    """When it happened, as far as can be said: not after now, and now if the clock was not set."""
    return server_ms if occurred_ms < _WRITTEN_MS else min(occurred_ms, server_ms)


def to_wire(batch: Iterable[Queued]) -> bytes:
    """The body of POST …/sync/mutations."""
    encoded = []
    for queued in batch:
        body = msgspec.to_builtins(queued.operation)
        occurred_at = datetime.fromtimestamp(queued.occurred_ms / 1000, UTC)
        body |= {"operationId": queued.operation_id, "hlc": str(queued.hlc), "occurredAt": occurred_at}
        encoded.append(body)
    return msgspec.json.encode({"operations": encoded})
