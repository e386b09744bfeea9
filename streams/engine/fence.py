"""A batch's positions move from where its owner believes they are, or the batch is not applied."""

from collections.abc import Iterable

from runtime.connections import positions
from runtime.connections.postgres import Cursor
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance


def advance(cursor: Cursor, consumer: str, advances: Iterable[Advance]) -> None:
    """Inside the caller's transaction, which must end when this raises Fenced."""
    # In one order for all, so that two owners never wait for each other.
    moves = sorted((move.topic, move.partition, move.expected, move.next) for move in advances)
    if moves and (held := positions.advance(cursor, consumer, moves)):
        raise Fenced(", ".join(f"{consumer} {topic}:{partition} is not at {at}" for topic, partition, at, _ in held))
