"""One channel from its first message to its last: what is due next, whatever carries it.

The transport asks for a message, sends it, and only then asks for the next: a slow client slows nothing but itself.
"""

from collections.abc import AsyncGenerator
from typing import Final, NamedTuple

from query_api.services.live import responses
from query_api.services.live.connection import MOST_ROWS_A_MESSAGE, PING_SECONDS, Connection, End
from query_api.services.live.hub import Hub
from query_api.services.live.responses import (
    Expired,
    Hello,
    Kind,
    LiveMessage,
    Ping,
    Refetch,
    RefetchReason,
)
from query_api.user_changes.cursor import Cursor
from runtime import logging, metrics
from runtime.backoff import Backoff
from runtime.http import problems
from runtime.http.identity import Caller
from runtime.http.problems import Problem
from schemas.read_models.devices import DeviceCommandRow
from schemas.read_models.notices import LiveRow

log = logging.get(__name__)


class Outgoing(NamedTuple):
    """`cursor` is the message's own, for SSE's `id`; None in those that have none."""

    kind: Kind
    text: str
    cursor: str | None


class Encoded:
    """The last messages of each person: their devices mostly get the same, one right after the other."""

    MOST: Final = 64

    def __init__(self) -> None:
        self._texts: dict[tuple[str, tuple[int, ...]], str] = {}

    def changes(self, rows: tuple[LiveRow, ...], cursor: str) -> str:
        """A cursor is one person's, so the key needs no name."""
        key = cursor, tuple(row.revision for row in rows)
        found = self._texts.get(key)
        if found is None:
            found = responses.encode(responses.changes_of(rows, cursor))
            while len(self._texts) >= self.MOST:
                del self._texts[next(iter(self._texts))]
            self._texts[key] = found
        return found


class Stream:
    """`open` first, then `messages()` to the end, and `close()` whatever happened."""

    def __init__(self, hub: Hub, encoded: Encoded, user_id: str, caller: Caller, transport: str) -> None:
        self._hub = hub
        self._clock = hub.clock
        self._encoded = encoded
        self._transport = transport
        self._joined = False
        self._backoff = Backoff(first=0.5, most=5.0)
        ping_due = self._clock.monotonic() + PING_SECONDS
        self.connection = Connection(user_id, caller, ping_due)

    async def open(self, since: Cursor | None) -> None:
        """Listens from now on. Raises Problem: 429 for too many, 503 when "now" cannot be read."""
        connection = self.connection
        self._hub.join(connection)
        self._joined = True
        metrics.LIVE_CONNECTIONS.labels(self._transport).inc()
        if since is not None:
            connection.start_at(since)
            return
        connection.begin_read(self._hub.epoch)
        async with self._hub.reads:
            now = await self._hub.reader.now(connection.user_id, self._clock.now())
        connection.read((), now)
        self._end_read()

    def close(self) -> None:
        if not self._joined:
            return
        self._joined = False
        self._hub.leave(self.connection)
        metrics.LIVE_CONNECTIONS.labels(self._transport).dec()
        ending = self.connection.ending or End.CLIENT_GONE
        metrics.LIVE_ENDED.labels(self._transport, ending.value).inc()

    async def messages(self) -> AsyncGenerator[Outgoing, None]:
        """Ends after the last message, or without one when the client is gone or the process stops."""
        connection = self.connection
        yield self._with_cursor("hello", Hello)
        while connection.ending is None:
            connection.wake.clear()
            while (rows := connection.take(self._clock.now())) is not None:
                yield self._told(rows)
            if connection.must_read and connection.read_after <= self._clock.monotonic():
                await self._read_page()
            elif connection.ping(self._clock.monotonic()):
                yield self._with_cursor("ping", Ping)
            else:
                await connection.wake.wait()
        if connection.ending is End.REFETCH:
            reason = connection.reason or RefetchReason.TOO_SLOW
            metrics.LIVE_REFETCHES.labels(reason.value).inc()
            yield self._plain("refetch", Refetch(reason))
        elif connection.ending is End.EXPIRED:
            yield self._plain("expired", Expired())

    async def _read_page(self) -> None:
        """The next page of the delta; what notices bring meanwhile is held until the last one."""
        connection = self.connection
        if not connection.reading:
            connection.begin_read(self._hub.epoch)
        try:
            async with self._hub.reads:
                changes = await self._hub.reader.changes(
                    connection.user_id, connection.told(self._clock.now()), MOST_ROWS_A_MESSAGE, self._clock.now()
                )
        except Problem as problem:
            connection.abandon_read()
            if problem.type is problems.CURSOR_TOO_OLD:
                connection.end(End.REFETCH, RefetchReason.CURSOR_TOO_OLD)
            else:
                metrics.LIVE_READS.labels("failed").inc()
                connection.read_after = self._clock.monotonic() + self._backoff.next_delay()
            return
        self._backoff.reset()
        metrics.LIVE_READS.labels("done").inc()
        connection.read(changes.rows, changes.cursor)
        if not changes.more:
            self._end_read()

    def _end_read(self) -> None:
        self.connection.must_read = False
        self.connection.end_read()
        if self.connection.epoch != self._hub.epoch:
            self._hub.look_again()

    def _told(self, rows: tuple[LiveRow, ...] | DeviceCommandRow) -> Outgoing:
        cursor = self._cursor()
        if isinstance(rows, DeviceCommandRow):
            metrics.LIVE_MESSAGES.labels("command").inc()
            return Outgoing("command", responses.encode(responses.command_of(rows, cursor)), cursor)
        metrics.LIVE_MESSAGES.labels("changes").inc()
        self._observe_age(rows)
        return Outgoing("changes", self._encoded.changes(rows, cursor), cursor)

    def _observe_age(self, rows: tuple[LiveRow, ...]) -> None:
        times = [at for row in rows if (at := getattr(row, "event_at", None)) is not None]
        if times:
            metrics.LIVE_AGE.observe(max(0.0, (self._clock.now() - max(times)).total_seconds()))

    def _with_cursor(self, kind: Kind, type_: type[Hello] | type[Ping]) -> Outgoing:
        cursor = self._cursor()
        metrics.LIVE_MESSAGES.labels(kind).inc()
        return Outgoing(kind, responses.encode(type_(cursor)), cursor)

    def _plain(self, kind: Kind, message: LiveMessage) -> Outgoing:
        metrics.LIVE_MESSAGES.labels(kind).inc()
        return Outgoing(kind, responses.encode(message), None)

    def _cursor(self) -> str:
        return self.connection.cursor(self._clock.now()).encode(self.connection.user_id)
