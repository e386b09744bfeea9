"""Positions that move together, and the fence between two owners of them."""

from collections.abc import Iterator

import psycopg
import pytest

from runtime.connections import positions, postgres
from streams.engine import fence
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance
from tests.support.backends import PostgresDatabase

CONSUMER = "fenced_v1"
EVERYTHING = [("a", 0), ("a", 1), ("b", 0)]


@pytest.fixture
def dsn(migrated: PostgresDatabase) -> Iterator[str]:
    yield migrated.dsn
    with psycopg.connect(migrated.dsn) as connection:
        connection.execute("DELETE FROM consumer_positions WHERE consumer = %s", [CONSUMER])


def moved(dsn: str, *moves: positions.Move) -> list[positions.Move]:
    with postgres.connect_writer(dsn, "test") as connection, connection.cursor() as cursor:
        return positions.advance(cursor, CONSUMER, moves)


def stored(dsn: str) -> dict[tuple[str, int], int]:
    with postgres.connect_writer(dsn, "test") as connection, connection.cursor() as cursor:
        return positions.read(cursor, CONSUMER, EVERYTHING)


def test_positions_move_together_and_new_ones_begin_at_zero(dsn: str) -> None:
    assert moved(dsn, ("a", 0, 0, 5), ("b", 0, 0, 2)) == []
    assert moved(dsn, ("a", 0, 5, 7), ("a", 1, 0, 1), ("b", 0, 2, 3)) == []
    assert stored(dsn) == {("a", 0): 7, ("a", 1): 1, ("b", 0): 3}


def test_those_that_another_owner_moved_are_told_and_stay(dsn: str) -> None:
    moved(dsn, ("a", 0, 0, 5), ("a", 1, 0, 5))
    assert moved(dsn, ("a", 0, 5, 6), ("a", 1, 4, 6), ("b", 0, 3, 4)) == [("a", 1, 4, 6), ("b", 0, 3, 4)]
    assert stored(dsn)["a", 1] == 5
    assert ("b", 0) not in stored(dsn), "only a position of 0 may be missing"


def test_one_position_that_is_elsewhere_holds_the_batch(dsn: str) -> None:
    moved(dsn, ("a", 0, 0, 5), ("a", 1, 0, 5))
    advances = [Advance("a", 1, 4, 9), Advance("a", 0, 5, 9)]
    with (
        pytest.raises(Fenced, match="fenced_v1 a:1 is not at 4"),
        postgres.connect_writer(dsn, "test") as connection,
        connection.transaction(),
        connection.cursor() as cursor,
    ):
        fence.advance(cursor, CONSUMER, advances)
    assert stored(dsn) == {("a", 0): 5, ("a", 1): 5}
