"""The positions table: how far a consumer has come, kept beside what it wrote, and the fence that guards it."""

from collections.abc import Sequence
from pathlib import Path

from runtime.connections.postgres import Cursor
from runtime.sql import Statements

Move = tuple[str, int, int, int]
"""Topic, partition, the offset expected there, the next one."""

_SQL = Statements(Path(__file__).with_name("positions.sql"))


def read(cursor: Cursor, consumer: str, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Next offset of each of `partitions` that has a row."""
    cursor.execute(_SQL["read_positions"], {"consumer": consumer})
    wanted = set(partitions)
    return {(topic, partition): next_ for topic, partition, next_ in cursor if (topic, partition) in wanted}


def advance(cursor: Cursor, consumer: str, moves: Sequence[Move]) -> list[Move]:
    """Moves positions inside the caller's transaction; returns those that were not at `expected`: another owner was
    here.

    A missing row counts as 0 and is created, so the first owner and a second one cannot both start.
    """
    columns = {
        "consumer": consumer,
        "topics": [topic for topic, _, _, _ in moves],
        "partitions": [partition for _, partition, _, _ in moves],
        "expected": [expected for _, _, expected, _ in moves],
        "next": [next_ for _, _, _, next_ in moves],
    }
    if 0 in columns["expected"]:
        cursor.execute(_SQL["create_positions"], columns)
    cursor.execute(_SQL["advance_positions"], columns)
    if cursor.rowcount == len(moves):
        return []
    moved = set(cursor.fetchall())
    return [move for move in moves if move[:2] not in moved]


def forget(cursor: Cursor, consumer: str) -> None:
    """Removes all positions of a consumer: it starts from the beginning (rebuilds)."""
    cursor.execute(_SQL["forget_positions"], {"consumer": consumer})
