"""Processors that decide in PostgreSQL and must also publish, without the dual-write trap.

In order:
1. One transaction: lock this consumer's positions (a second owner waits here), drop inputs behind them, let the lookup
   decide, write outgoing events to the outbox, move the positions. Dead letters are confirmed before the commit.
2. After the commit, the relay: under an advisory lock (one relay at a time, so a title's versions keep their order in
   the log) read the oldest outbox rows, produce them, wait for every confirmation, delete them, commit.
3. A kill between 1 and 2 loses nothing: whoever relays next sends what is left; a kill inside 2 sends some of them
   again, with the same event ids.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout

import msgspec

from runtime import metrics
from runtime.connections import postgres
from runtime.connections.kafka import Acknowledged, EventProducer, Message, ProduceError
from runtime.connections.postgres import Connection, Cursor
from runtime.settings import Settings
from runtime.sql import beside
from schemas import codec
from streams.engine import fence
from streams.engine.outcome import TransientError
from streams.engine.spec import Advance, Decision, Lookup, Received, Rejected

_SQL = beside(__file__)
_MOST = 2000  # rows a relay round; bounds memory, not throughput
# Below the server's idle_in_transaction_session_timeout of 8 s, so that a slow broker rolls us back in good order.
_RELAY_SECONDS = 6.0

DeadLetters = Callable[[Sequence[Rejected]], None]


class Outbox:
    """The transactional side of one lookup processor. Called from one thread at a time; keeps one connection."""

    def __init__(self, name: str, lookup: Lookup, settings: Settings, producer: EventProducer) -> None:
        self._name = name
        self._lookup = lookup
        self._dsn = settings.postgres_dsn
        self._prefix = settings.topic_prefix
        self._producer = producer
        self._connection: Connection | None = None
        self._in_flight: tuple[list[int], Future[list[Acknowledged]]] | None = None
        self.stored: dict[tuple[str, int], int] = {}
        """Positions as the last batch found them."""

    def decide(
        self, batch: Sequence[Received], dead_letters: DeadLetters, passed: Mapping[tuple[str, int], int] | None = None
    ) -> int:
        """Step 1 for one batch; returns how many of it were new. Raises TransientError or a bug.

        `passed` are next offsets by partition where they lie behind the last event of the batch: records that were no
        events (and are dead letters by now) are done too, else this consumer would look behind until the next event.
        """
        try:
            connection = self._open()
            with connection.transaction(), connection.cursor() as cursor:
                self.stored = stored = self._lock_positions(cursor)
                fresh = [r for r in batch if r.position.offset >= stored.get(partition_of(r), 0)]
                if fresh:
                    decision = self._lookup.decide(cursor, fresh)
                    self._add(cursor, decision)
                    if decision.rejected:
                        dead_letters(decision.rejected)
                self._advance(cursor, stored, _reached(batch, passed or {}))
            return len(fresh)
        except postgres.Error as error:
            raise self._sorted(error) from error

    def relay(self) -> int:
        """Step 2 until the outbox is empty; returns how many rows went out."""
        sent = 0
        while True:
            try:
                found = self._relay_once()
            except postgres.Error as error:
                raise self._sorted(error) from error
            sent += found
            if found < _MOST:
                return sent

    def positions(self) -> dict[tuple[str, int], int]:
        """Where this processor's inputs stand. Raises TransientError."""
        try:
            with self._open().transaction(), self._open().cursor() as cursor:
                return self._lock_positions(cursor)
        except postgres.Error as error:
            raise self._sorted(error) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _relay_once(self) -> int:
        connection = self._open()
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_SQL["lock_outbox"], {"processor": self._name})
            cursor.execute(_SQL["read_outbox"], {"processor": self._name, "most": _MOST}, binary=True)
            rows = cursor.fetchall()
            metrics.OUTBOX_PENDING.labels(self._name).set(len(rows))
            if not rows:
                return 0
            ids = [row[0] for row in rows]
            self._confirm(ids, [self._message(*row[1:]) for row in rows])
            cursor.execute(_SQL["delete_outbox"], {"ids": ids})
        metrics.OUTBOX_PENDING.labels(self._name).set(0)
        return len(rows)

    def _confirm(self, ids: list[int], messages: Sequence[Message]) -> None:
        """Waits for the broker. While it is away the same rows are not queued again: we wait for the first copy."""
        if self._in_flight is None or self._in_flight[0] != ids:
            self._in_flight = (ids, self._producer.submit(messages))
        try:
            self._in_flight[1].result(_RELAY_SECONDS)
        except FutureTimeout as error:
            raise TransientError("kafka has not confirmed the outbox yet") from error
        except ProduceError as error:
            self._in_flight = None
            raise TransientError(str(error)) from error
        self._in_flight = None

    def _message(self, topic: str, key: bytes, value: bytes, headers: dict[str, str]) -> Message:
        return Message(self._prefix + topic, key, value, tuple((name, text.encode()) for name, text in headers.items()))

    def _lock_positions(self, cursor: Cursor) -> dict[tuple[str, int], int]:
        cursor.execute(_SQL["lock_positions"], {"consumer": self._name})
        return {(topic, partition): next_ for topic, partition, next_ in cursor}

    def _add(self, cursor: Cursor, decision: Decision) -> None:
        events = decision.events
        if events:
            cursor.execute(
                _SQL["add_to_outbox"],
                {
                    "processor": self._name,
                    "topics": [codec.topic_of(event) for event in events],
                    "keys": [codec.key_of(event) for event in events],
                    "values": [codec.encode(event) for event in events],
                    "headers": [self._headers(decision.traceparents.get(event.event_id)) for event in events],
                },
            )

    @staticmethod
    def _headers(traceparent: bytes | None) -> str:
        found = {"traceparent": traceparent.decode("ascii", "replace")} if traceparent else {}
        return msgspec.json.encode(found).decode()

    def _advance(
        self, cursor: Cursor, stored: dict[tuple[str, int], int], reached: Mapping[tuple[str, int], int]
    ) -> None:
        moves = (Advance(*place, stored.get(place, 0), next_) for place, next_ in reached.items())
        fence.advance(cursor, self._name, (move for move in moves if move.next > move.expected))

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = postgres.connect_writer(self._dsn, f"mg-processor-{self._name}")
        return self._connection

    def _sorted(self, error: postgres.Error) -> Exception:
        self.close()
        return TransientError(f"postgres: {error}".strip()) if postgres.is_transient(error) else error


def _reached(batch: Sequence[Received], passed: Mapping[tuple[str, int], int]) -> dict[tuple[str, int], int]:
    found = dict(passed)
    for received in batch:
        at = partition_of(received)
        found[at] = max(found.get(at, 0), received.position.offset + 1)
    return found


def partition_of(received: Received) -> tuple[str, int]:
    return received.position.topic, received.position.partition
