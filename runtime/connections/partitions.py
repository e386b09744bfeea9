"""Tables partitioned by month: a writer makes the partitions it is about to need, in the transaction that needs them.

A partition is made as a table of its own and then attached. That takes a lock which readers and writers of the table do
not meet (SHARE UPDATE EXCLUSIVE); `CREATE TABLE … PARTITION OF` would hold them all up until the transaction ends.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from psycopg import sql

from runtime.connections.postgres import Cursor
from runtime.sql import Statements

_SQL = Statements(Path(__file__).with_name("partitions.sql"))
_DECEMBER = 12

Month = tuple[int, int]
"""Year and month in UTC."""


def require_months(cursor: Cursor, table: str, moments: Iterable[datetime]) -> list[str]:
    """Makes the partitions of `table` (PARTITION BY RANGE over a timestamptz) that `moments` fall into, if they are not
    there; names of those it made. Call it before anything else in the transaction takes locks.

    Two makers take turns. They wait for each other's whole transaction, as long as the caller's lock_timeout allows.
    """
    months = sorted({_month(moment) for moment in moments})
    if not _missing(cursor, table, months):
        return []
    cursor.execute(_SQL["lock_partitions"], {"table": table})
    missing = _missing(cursor, table, months)  # another maker may have been first
    for month in missing:
        _make(cursor, table, month)
    return [partition(table, month) for month in missing]


def partition(table: str, month: Month) -> str:
    """`playback_history_v1_2026_03`."""
    return f"{table}_{month[0]:04}_{month[1]:02}"


def _month(moment: datetime) -> Month:
    there = moment.astimezone(UTC)
    return there.year, there.month


def _missing(cursor: Cursor, table: str, months: Sequence[Month]) -> list[Month]:
    names = {partition(table, month): month for month in months}
    cursor.execute(_SQL["present_partitions"], {"table": table, "names": list(names)})
    present = {str(row[0]) for row in cursor}
    return [month for name, month in names.items() if name not in present]


def _make(cursor: Cursor, table: str, month: Month) -> None:
    year, number = month
    begins = datetime(year, number, 1, tzinfo=UTC)
    ends = datetime(year + number // _DECEMBER, number % _DECEMBER + 1, 1, tzinfo=UTC)
    names = {"parent": sql.Identifier(table), "name": sql.Identifier(partition(table, month))}
    cursor.execute(sql.SQL("CREATE TABLE {name} (LIKE {parent} INCLUDING ALL)").format(**names))
    cursor.execute(
        sql.SQL("ALTER TABLE {parent} ATTACH PARTITION {name} FOR VALUES FROM ({begins}) TO ({ends})").format(
            **names, begins=sql.Literal(begins), ends=sql.Literal(ends)
        )
    )
