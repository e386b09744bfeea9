"""playback_history makes the months it needs, also when another owner does, and readers never wait for that."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from runtime.connections import postgres
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.envelope import Position
from schemas.read_models.playback_history import SessionRow
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance, Store, StoreContext
from streams.materializers.playback_history import SPEC
from streams.materializers.playback_history import store as store_module
from tests.support.backends import PostgresDatabase
from tests.support.migrated import rows
from tests.support.personal import WHEN, began, ended

PARTITIONS = (
    "SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid "
    "WHERE inhparent = 'playback_history_v1'::regclass ORDER BY 1"
)


@pytest.fixture(autouse=True)
def no_months(migrated: PostgresDatabase) -> Iterator[None]:
    yield
    with psycopg.connect(migrated.dsn) as connection:
        for (name,) in connection.execute(PARTITIONS).fetchall():
            connection.execute(f"DROP TABLE {name}".encode())
        connection.execute("DELETE FROM consumer_positions")


def opened(settings: Settings) -> Store:
    store = SPEC.store(StoreContext(settings, SPEC.name))
    store.positions([("playback-sessions", 0)])
    return store


def at(*moments: datetime) -> list[SessionRow]:
    """Writes of one session begun at each moment."""
    position = Position("playback-sessions", 0, 0)
    return [
        write
        for number, moment in enumerate(moments)
        for write in SPEC.transform(began(session=f"s{number}", started_at=moment), position)
    ]


def test_months_are_made_when_their_first_session_comes(migrated: PostgresDatabase, settings: Settings) -> None:
    store = opened(settings)
    moments = [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1997, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
        WHEN,
        WHEN + timedelta(seconds=1),
        datetime(2100, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    ]
    store.apply(at(*moments), ())
    assert rows(migrated.dsn, "SELECT started_at, tableoid::regclass::text FROM playback_history_v1 ORDER BY 1") == [
        (moment, f"playback_history_v1_{month}")
        for moment, month in zip(moments, ("1970_01", "1997_12", "2026_03", "2026_04", "2100_12"), strict=True)
    ]
    assert rows(migrated.dsn, "SELECT count(*) FROM playback_history") == [(5,)]
    store.apply(at(*moments), ())
    assert len(rows(migrated.dsn, PARTITIONS)) == 5
    store.close()


def test_months_are_those_of_utc_whatever_the_server_s_zone(migrated: PostgresDatabase, settings: Settings) -> None:
    with psycopg.connect(migrated.dsn, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {migrated.name} SET timezone = 'Pacific/Kiritimati'".encode())
    store = opened(settings)
    try:
        store.apply(at(WHEN, WHEN + timedelta(seconds=1)), ())
        assert rows(migrated.dsn, "SELECT tableoid::regclass::text FROM playback_history_v1 ORDER BY started_at") == [
            ("playback_history_v1_2026_03",),
            ("playback_history_v1_2026_04",),
        ]
    finally:
        store.close()
        with psycopg.connect(migrated.dsn, autocommit=True) as connection:
            connection.execute(f"ALTER DATABASE {migrated.name} RESET timezone".encode())


def test_a_partition_has_what_its_table_has(migrated: PostgresDatabase, settings: Settings) -> None:
    store = opened(settings)
    store.apply(at(WHEN), ())
    store.close()
    indexes = "SELECT regexp_replace(indexdef, '.* USING ', '') FROM pg_indexes WHERE tablename = '{}' ORDER BY 1"
    constraints = """SELECT contype::text, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE conrelid = '{}'::regclass AND contype <> 'n' ORDER BY 1"""
    for query in (indexes, constraints):
        table = rows(migrated.dsn, query.format("playback_history_v1"))
        assert table
        assert rows(migrated.dsn, query.format("playback_history_v1_2026_03")) == table
    attached = "SELECT count(*) FROM pg_inherits WHERE inhparent IN (SELECT indexrelid FROM pg_index WHERE indrelid = "
    assert rows(migrated.dsn, f"{attached}'playback_history_v1'::regclass)") == [(3,)], "no index is there twice"


def test_a_fenced_batch_leaves_no_month(migrated: PostgresDatabase, settings: Settings) -> None:
    store = opened(settings)
    with pytest.raises(Fenced):
        store.apply(at(WHEN), [Advance("playback-sessions", 0, 5, 6)])
    assert rows(migrated.dsn, PARTITIONS) == []
    store.apply(at(WHEN), [Advance("playback-sessions", 0, 0, 1)])
    assert rows(migrated.dsn, PARTITIONS) == [("playback_history_v1_2026_03",)]
    store.close()


def test_two_owners_may_need_the_same_months_at_once(migrated: PostgresDatabase, settings: Settings) -> None:
    months = [datetime(2020 + number // 12, number % 12 + 1, 15, tzinfo=UTC) for number in range(24)]
    failures: list[Exception] = []
    together = threading.Barrier(4)

    def own(partition: int) -> None:
        store = opened(settings)
        try:
            for number, month in enumerate(months):
                together.wait(30)
                event = began(f"u{partition}", started_at=month)
                writes = SPEC.transform(event, Position("playback-sessions", partition, number))
                store.apply(writes, [Advance("playback-sessions", partition, number, number + 1)])
        except Exception as error:  # noqa: BLE001 - shown by the test
            failures.append(error)
            together.abort()
        finally:
            store.close()

    owners = [threading.Thread(target=own, args=(partition,)) for partition in range(4)]
    for owner in owners:
        owner.start()
    for owner in owners:
        owner.join(120)
    assert failures == []
    assert rows(migrated.dsn, "SELECT count(*), count(DISTINCT user_id) FROM playback_history") == [(96, 4)]
    assert len(rows(migrated.dsn, PARTITIONS)) == 24


def test_neither_readers_nor_other_writers_wait_for_a_new_month(migrated: PostgresDatabase, settings: Settings) -> None:
    store = opened(settings)
    store.apply(at(WHEN), ())
    with postgres.connect_writer(migrated.dsn, "test-slow") as slow, slow.cursor() as cursor:
        store_module.write(
            cursor, Statements(store_module._QUERIES, 1), at(WHEN + timedelta(days=60))
        )  # and stays in its transaction
        with psycopg.connect(migrated.reader_dsn, options="-c lock_timeout=2000") as reader:
            assert reader.execute("SELECT count(*) FROM playback_history").fetchone() == (1,)
        position = Position("playback-sessions", 1, 0)
        store.apply(SPEC.transform(ended(session="s0"), position), ())
        assert rows(migrated.dsn, "SELECT reason FROM playback_history") == [("stopped",)]
        slow.commit()
    assert rows(migrated.dsn, "SELECT count(*) FROM playback_history") == [(2,)]
    store.close()


def test_the_reader_sees_new_months_through_the_view(migrated: PostgresDatabase, settings: Settings) -> None:
    store = opened(settings)
    store.apply(at(WHEN), ())
    store.close()
    with psycopg.connect(migrated.reader_dsn) as reader:
        assert reader.execute("SELECT count(*) FROM playback_history").fetchone() == (1,)
        assert reader.execute("SELECT count(*) FROM playback_history_v1").fetchone() == (1,)
