"""One open channel: what its client has been told, what waits to be sent, and how it ends. No I/O.

Rows that wait are kept by key, the newest revision of each, so a client that reads slowly costs no more than the rows
that really changed; beyond MOST_WAITING it is told to refetch.
"""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime
from enum import Enum
from typing import Final

from query_api.services.live.responses import RefetchReason
from query_api.user_changes.cursor import Cursor, Mark, kind_of
from runtime.http.identity import Caller
from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from schemas.read_models.notices import LiveRow
from schemas.read_models.playback_history import SessionRow
from schemas.read_models.preferences import PreferenceRow

MOST_WAITING: Final = 1_000
"""Rows that wait for one client."""
MOST_ROWS_A_MESSAGE: Final = 200
PING_SECONDS: Final = 15.0

_NEVER: Final = -1


class End(Enum):
    """Why a channel ends."""

    CLIENT_GONE = "client_gone"
    EXPIRED = "expired"
    REFETCH = "refetch"
    RESTARTING = "restarting"


class Connection:
    """`epoch` is the hub's when the last complete read began: while they are equal, notices continue what was read."""

    __slots__ = (
        "_held",
        "_marks",
        "_reading",
        "_since",
        "_versions",
        "_waiting",
        "caller",
        "ending",
        "epoch",
        "must_read",
        "ping_due",
        "read_after",
        "reason",
        "user_id",
        "wake",
    )

    def __init__(self, user_id: str, caller: Caller, ping_due: float = PING_SECONDS) -> None:
        self.user_id = user_id
        self.caller = caller
        self.wake = asyncio.Event()
        self.ending: End | None = None
        self.reason: RefetchReason | None = None
        self.ping_due = ping_due
        self.epoch = _NEVER
        self.must_read = True
        self.read_after = 0.0
        """Not before this monotonic time: the database was away."""
        self._reading = _NEVER
        self._waiting: dict[tuple[type, str], LiveRow] = {}
        self._held: dict[tuple[type, str], LiveRow] = {}
        self._marks: dict[str, int] = {}
        self._versions: dict[str, int] = {}
        self._since: int | None = 0

    # What has been told.

    def cursor(self, now: datetime) -> Cursor:
        """Where the client can go on when it has received everything taken so far."""
        lowest: dict[str, int] = {}
        for row in self._waiting.values():
            kind = kind_of(row)
            lowest[kind] = min(row.revision, lowest.get(kind, row.revision))
        marks = {
            kind: Mark(self._versions[kind], lowest[kind] - 1 if kind in lowest else mark)
            for kind, mark in self._marks.items()
        }
        return Cursor(self._issued(now), marks)

    def told(self, now: datetime) -> Cursor:
        """Past everything offered, whether it was taken or waits: news is above this."""
        marks = {kind: Mark(self._versions[kind], mark) for kind, mark in self._marks.items()}
        return Cursor(self._issued(now), marks)

    def start_at(self, since: Cursor) -> None:
        """The client knows everything up to here; the rest has to be read."""
        self._since = since.issued
        self._stand_at(since)

    # What comes in.

    def offer(self, rows: Iterable[LiveRow], epoch: int) -> None:
        """Rows of a notice of this person, at the hub's `epoch`. What a coming read will bring is left to it."""
        if self.ending is not None:
            return
        if self._reading == epoch:
            for row in rows:
                _keep_newest(self._held, row)
            if len(self._held) > MOST_WAITING:
                self._held.clear()
                self._reading = _NEVER
        elif self.epoch == epoch:
            self._take_in(rows)

    def begin_read(self, epoch: int) -> None:
        """What notices bring from now on is held until `end_read`."""
        self._reading = epoch
        self._held.clear()

    @property
    def reading(self) -> bool:
        return self._reading != _NEVER

    def read(self, rows: Iterable[LiveRow], cursor: Cursor) -> None:
        """One page of a read that began at `told`; complete up to `cursor`."""
        for row in rows:
            if self._wants(row):
                _keep_newest(self._waiting, row)
        self._stand_at(cursor)
        self._changed()

    def end_read(self) -> None:
        """The read was complete: what was held continues it. With a read that was overtaken nothing is sure."""
        self.epoch, self._reading = self._reading, _NEVER
        self._since = None
        held, self._held = self._held.values(), {}
        if self.epoch != _NEVER:
            self._take_in(held)

    def abandon_read(self) -> None:
        self.epoch = self._reading = _NEVER
        self._held = {}

    # What goes out.

    def take(self, now: datetime) -> tuple[LiveRow, ...] | DeviceCommandRow | None:
        """The rows of the next message: changes with the lowest revisions first, then one command. None for nothing."""
        changes = [row for row in self._waiting.values() if type(row) is not DeviceCommandRow]
        if changes:
            changes.sort(key=_revision)
            taken = tuple(changes[:MOST_ROWS_A_MESSAGE])
            for row in taken:
                del self._waiting[_key(row)]
            return taken
        for row in sorted(self._waiting.values(), key=_revision):
            del self._waiting[_key(row)]
            if isinstance(row, DeviceCommandRow) and row.expires_at > now:
                return row
        return None

    @property
    def waiting(self) -> int:
        return len(self._waiting) + len(self._held)

    # How it ends.

    def end(self, ending: End, reason: RefetchReason | None = None) -> None:
        """The first ending counts."""
        if self.ending is None:
            self.ending, self.reason = ending, reason
            self._waiting.clear()
            self._held.clear()
        self.wake.set()

    def tick(self, now: datetime, monotonic: float) -> None:
        """Called about once a second: expiry, pings, reads to try again."""
        if self.caller.expires_at <= now:
            self.end(End.EXPIRED)
        elif self.ping_due <= monotonic or (self.must_read and self.read_after <= monotonic):
            self.wake.set()

    def ping(self, monotonic: float) -> bool:
        """Whether one is due; the next one is then PING_SECONDS later."""
        if self.ping_due > monotonic:
            return False
        self.ping_due = monotonic + PING_SECONDS
        return True

    def _take_in(self, rows: Iterable[LiveRow]) -> None:
        """In any order: a notice lists its rows as the database gave them."""
        news = False
        marks = dict(self._marks)
        for row in rows:
            kind = kind_of(row)
            if row.revision <= self._marks.get(kind, _NEVER):
                continue
            marks[kind] = max(row.revision, marks.get(kind, _NEVER))
            if self._wants(row):
                _keep_newest(self._waiting, row)
                news = True
        self._marks = marks
        if news:
            self._changed()

    def _changed(self) -> None:
        if len(self._waiting) > MOST_WAITING:
            self.end(End.REFETCH, RefetchReason.TOO_SLOW)
        elif self._waiting:
            self.wake.set()

    def _wants(self, row: LiveRow) -> bool:
        """A command is for its target alone."""
        if type(row) is not DeviceCommandRow:
            return True
        return row.target_device_id == self.caller.device_id and row.user_id == self.caller.user_id

    def _issued(self, now: datetime) -> int:
        """As long as the first read is not complete the client knows no more than its own cursor said."""
        return int(now.timestamp()) if self._since is None else self._since

    def _stand_at(self, cursor: Cursor) -> None:
        self._marks = {kind: mark.revision for kind, mark in cursor.marks.items()}
        self._versions = {kind: mark.version for kind, mark in cursor.marks.items()}


def _keep_newest(rows: dict[tuple[type, str], LiveRow], row: LiveRow) -> None:
    key = _key(row)
    known = rows.get(key)
    if known is None or known.revision < row.revision:
        rows[key] = row


def _key(row: LiveRow) -> tuple[type, str]:
    """Of a row among those of one person."""
    return type(row), _ID_OF.get(type(row), _title_id)(row)


def _revision(row: LiveRow) -> int:
    return row.revision


def _title_id(row: LiveRow) -> str:
    found: str = row.title_id  # type: ignore[union-attr,assignment]  # those without one are in _ID_OF
    return found


_ID_OF: Final[dict[type, Callable[[LiveRow], str]]] = {
    SessionRow: lambda row: row.session_id,  # type: ignore[union-attr]  # the key says which
    DeviceRow: lambda row: row.device_id,  # type: ignore[union-attr]  # same
    DeviceCommandRow: lambda row: row.command_id,  # type: ignore[union-attr]  # same
    PreferenceRow: lambda row: row.name,  # type: ignore[union-attr]  # same
}
