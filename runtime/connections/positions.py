"""The positions table: how far a consumer has come, kept beside what it wrote, and the fence that guards it."""

from collections.abc import Sequence
from pathlib import Path

from runtime.connections.postgres import Cursor
from runtime.sql import Statements

_SQL = Statements(Path(__file__).with_name("positions.sql"))


def read(cursor: Cursor, consumer: str, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
    """Next offset of each of `partitions` that has a row."""
    cursor.execute(_SQL["read_positions"], {"consumer": consumer})
    wanted = set(partitions)
    return {(topic, partition): next_ for topic, partition, next_ in cursor if (topic, partition) in wanted}


def advance(cursor: Cursor, consumer: str, topic: str, partition: int, expected: int, next_offset: int) -> bool:
    """Moves one position inside the caller's transaction; False when it was not at `expected`: another owner was here.

    A missing row counts as 0 and is created, so the first owner and a second one cannot both start.
    """
    parameters = {
        "consumer": consumer,
        "topic": topic,
        "partition": partition,
        "expected": expected,
        "next": next_offset,
    }
    if expected == 0:
        cursor.execute(_SQL["create_position"], parameters)
    cursor.execute(_SQL["advance_position"], parameters)
    return cursor.rowcount == 1


def forget(cursor: Cursor, consumer: str) -> None:
    """Removes all positions of a consumer: it starts from the beginning (rebuilds)."""
    cursor.execute(_SQL["forget_positions"], {"consumer": consumer})
