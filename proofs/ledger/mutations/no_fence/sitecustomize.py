"""A materializer's position is set to where this owner is, whoever moved it meanwhile."""

import sys
from collections.abc import Sequence

# Python imports this first in every process that has the folder on its PYTHONPATH; only materializers are broken.
if any(word.startswith("materializer:") for word in sys.orig_argv):
    from runtime.connections import positions
    from runtime.connections.postgres import Cursor

    _SET = """
        INSERT INTO consumer_positions (consumer, topic, partition, next) VALUES (%s, %s, %s, %s)
        ON CONFLICT (consumer, topic, partition) DO UPDATE SET next = excluded.next, updated_at = now()
    """

    def _advance(cursor: Cursor, consumer: str, moves: Sequence[positions.Move]) -> list[positions.Move]:
        for topic, partition, _, next_offset in moves:
            cursor.execute(_SET, (consumer, topic, partition, next_offset))
        return []

    setattr(positions, "advance", _advance)  # noqa: B010 - replacing it is what a type checker is there to prevent
