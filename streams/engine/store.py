"""The PostgreSQL half of a materializer: writes and positions in one transaction, fenced.

In order, in `apply`:
1. connect if need be; begin;
2. look up which physical version is serving; when it is no longer the one held, a rebuild switched: Fenced;
3. of an exclusive read model, wait until no other owner is in the middle of the same partitions;
4. let the read model write its rows, guarded by versions, or by what it read of them once the others were out;
5. move the positions from where this owner believes they are; one that is not there means another owner: Fenced;
6. commit. Until then nothing happened; after it everything did;
7. of a live read model, tell listeners what moved and which rows changed: after the commit, and in the order of
   commits, because one thread does both. What is not told (killed in between, Redis away) shows as a gap: the next
   batch's stretch, or that of the next owner in `positions`, does not begin where the last one told of ended.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from runtime import metrics
from runtime.connections import positions, postgres, versions
from runtime.connections.postgres import Connection, Cursor
from runtime.sql import Statements, beside
from schemas.read_models.notices import LiveRow
from streams.engine import fence
from streams.engine.notices import Announcer
from streams.engine.outcome import Fenced, TransientError
from streams.engine.spec import Advance, StoreContext

Write = Callable[[Cursor, Statements, Sequence[Any]], Sequence[LiveRow] | None]
"""Writes a batch through the cursor with the statements of its `queries.sql` (at the version being written).

Of a live read model it returns the rows that really changed, as they are now, or None when they are more than
`notices.MOST_ROWS`. Of others what it returns is ignored."""

_SQL = beside(__file__)


class PostgresStore:
    """A `Store` over PostgreSQL. `queries` is the read model's `queries.sql`, `live` whether it has listeners.

    A rebuild tells nobody: its rows are not the ones that are served.

    `exclusive` is for a `write` that reads rows, changes them and writes them back. The fence alone does not protect
    it: a frozen owner may wake up and commit one topic's batch between the read and the write of its successor, which
    moves positions of another topic only. So owners take turns, by the numbers of the batch's partitions: whoever
    writes a row has a partition of the same number, whatever the topic. What a transaction reads after that was
    committed by all the owners before it, and what they left unfinished the server has rolled back.
    """

    def __init__(
        self, context: StoreContext, write: Write, queries: Path, *, live: bool = False, exclusive: bool = False
    ) -> None:
        self._context = context
        self._write = write
        self._queries = queries
        self._exclusive = exclusive
        self._connection: Connection | None = None
        self._version = context.version or 0
        self._statements: Statements | None = None
        self._announcer: Announcer | None = None
        if live and context.version is None:
            self._announcer = Announcer(context.settings, context.read_model)

    @property
    def consumer(self) -> str:
        """The name its positions are stored under: one per physical version."""
        return versions.consumer(self._context.read_model, self._version)

    def positions(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        try:
            with self._open().transaction(), self._open().cursor() as cursor:
                self._hold(self._context.version or serving_version(cursor, self._context.read_model))
                found = positions.read(cursor, self.consumer, partitions)
        except postgres.Error as error:
            raise self._sorted(error) from error
        if self._announcer is not None:
            self._announcer.found(found)
        return found

    def apply(self, writes: Sequence[Any], advances: Sequence[Advance]) -> None:
        changed: Sequence[LiveRow] | None = ()
        try:
            connection = self._open()
            with connection.transaction(), connection.cursor() as cursor:
                self._check_version(cursor)
                if self._exclusive:
                    self._take_turns(cursor, advances)
                if writes and self._statements is not None:
                    changed = self._write(cursor, self._statements, writes)
                fence.advance(cursor, self.consumer, advances)
        except postgres.Error as error:
            raise self._sorted(error) from error
        if self._announcer is not None:
            self._announcer.applied(advances, changed)

    def close(self) -> None:
        self._disconnect()
        if self._announcer is not None:
            self._announcer.close()

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = postgres.connect_writer(
                self._context.settings.postgres_dsn, f"mg-materializer-{self._context.read_model}"
            )
        return self._connection

    def _hold(self, version: int) -> None:
        if version != self._version or self._statements is None:
            self._version = version
            self._statements = Statements(self._queries, version)

    def _check_version(self, cursor: Cursor) -> None:
        if self._context.version is None:
            serving = serving_version(cursor, self._context.read_model)
            if serving != self._version:
                raise Fenced(f"{self._context.read_model} is now served from version {serving}")

    def _take_turns(self, cursor: Cursor, advances: Sequence[Advance]) -> None:
        """In ascending order, so that two owners never wait for each other. The locks end with the transaction."""
        for partition in sorted({move.partition for move in advances}):
            cursor.execute(_SQL["lock_partition"], {"consumer": self.consumer, "partition": partition})

    def _sorted(self, error: postgres.Error) -> Exception:
        """Connection trouble is transient; anything else is a bug of ours and ends the process with its traceback."""
        self._disconnect()
        if postgres.is_transient(error):
            metrics.BATCHES_RETRIED.labels(self._context.read_model, "postgres").inc()
            return TransientError(f"postgres: {error}".strip())
        return error


def serving_version(cursor: Cursor, read_model: str) -> int:
    """The physical version readers see; 1 until the first rebuild."""
    cursor.execute(_SQL["serving_version"], {"read_model": read_model})
    row = cursor.fetchone()
    return int(row[0]) if row else 1
