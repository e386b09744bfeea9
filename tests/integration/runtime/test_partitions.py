"""Tables partitioned by month, and versions of a read model that is one."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import psycopg
import pytest

from runtime.connections import partitions, postgres, versions
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.read_models.playback_history import READ_MODEL, TABLES
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance, StoreContext
from streams.materializers.playback_history import SPEC
from tests.support.backends import PostgresDatabase
from tests.support.migrated import rows
from tests.support.personal import WHEN, began

POSITION = Position("playback-sessions", 0, 0)


@pytest.fixture
def table(migrated: PostgresDatabase) -> Iterator[str]:
    with psycopg.connect(migrated.dsn, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE visits (id int, at timestamptz NOT NULL CHECK (at > '1900-01-01'), PRIMARY KEY (id, at)) "
            "PARTITION BY RANGE (at)"
        )
        yield "visits"
        connection.execute("DROP TABLE visits")


def months(dsn: str, table: str) -> list[tuple[object, ...]]:
    return rows(
        dsn,
        f"SELECT c.relname FROM pg_inherits JOIN pg_class AS c ON c.oid = inhrelid "
        f"WHERE inhparent = '{table}'::regclass ORDER BY 1",
    )


def test_each_month_is_made_once(migrated: PostgresDatabase, table: str) -> None:
    with postgres.connect_writer(migrated.dsn, "test") as connection, connection.cursor() as cursor:
        assert partitions.require_months(cursor, table, []) == []
        first = [datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(2023, 12, 31, tzinfo=UTC)]
        assert partitions.require_months(cursor, table, first) == ["visits_2023_12", "visits_2024_02"]
        again = [*first, datetime(2024, 1, 31, 23, 30, tzinfo=timezone(-timedelta(hours=1)))]  # February in UTC
        assert partitions.require_months(cursor, table, again) == []
        cursor.execute("INSERT INTO visits SELECT 1, at FROM unnest(%s::timestamptz[]) AS at", [again])
        connection.rollback()
    assert months(migrated.dsn, table) == []


def test_whoever_is_second_finds_what_the_first_has_made(migrated: PostgresDatabase, table: str) -> None:
    with (
        postgres.connect_writer(migrated.dsn, "one") as one,
        postgres.connect_writer(migrated.dsn, "other") as other,
    ):
        partitions.require_months(one.cursor(), table, [WHEN])
        other.execute("SET LOCAL lock_timeout = 200")
        with pytest.raises(psycopg.errors.LockNotAvailable) as caught:
            partitions.require_months(other.cursor(), table, [WHEN])
        assert postgres.is_transient(caught.value), "the batch is tried again"
        other.rollback()
        one.commit()
        assert partitions.require_months(other.cursor(), table, [WHEN]) == []
    assert months(migrated.dsn, table) == [("visits_2026_03",)]


def test_a_detached_month_is_not_taken_for_one(migrated: PostgresDatabase, table: str) -> None:
    """Somebody archived it: better to end with its name than with rows that fit nowhere."""
    with postgres.connect_writer(migrated.dsn, "test") as connection, connection.cursor() as cursor:
        partitions.require_months(cursor, table, [WHEN])
        cursor.execute("ALTER TABLE visits DETACH PARTITION visits_2026_03")
        with pytest.raises(psycopg.errors.DuplicateTable, match="visits_2026_03"):
            partitions.require_months(cursor, table, [WHEN])
        connection.rollback()


@pytest.fixture
def version_one(migrated: PostgresDatabase) -> Iterator[None]:
    """The test starts and ends with an empty version 1."""
    yield
    for version in (1, 2):
        if not rows(migrated.dsn, f"SELECT FROM pg_class WHERE relname = 'playback_history_v{version}'"):
            versions.create_version(migrated.dsn, READ_MODEL, TABLES, version)
    versions.switch_version(migrated.dsn, READ_MODEL, TABLES, 1)
    versions.drop_version(migrated.dsn, READ_MODEL, TABLES, 2)


@pytest.mark.usefixtures("version_one")
def test_versions_are_partitioned_and_go_with_their_months(migrated: PostgresDatabase, settings: Settings) -> None:
    dsn = migrated.dsn
    live = SPEC.store(StoreContext(settings, READ_MODEL))
    live.positions([("playback-sessions", 0)])
    live.apply(SPEC.transform(began(), POSITION), [Advance("playback-sessions", 0, 0, 1)])
    versions.create_version(dsn, READ_MODEL, TABLES, 2)
    key = "SELECT pg_get_partkeydef('playback_history_v2'::regclass)"
    assert rows(dsn, key) == [("RANGE (started_at)",)]
    assert months(dsn, "playback_history_v2") == []
    filler = SPEC.store(StoreContext(settings, READ_MODEL, version=2))
    filler.positions([("playback-sessions", 0)])
    later = began(session="s2", started_at=WHEN + timedelta(days=40))
    filler.apply(
        [*SPEC.transform(began(), POSITION), *SPEC.transform(later, POSITION)],
        [Advance("playback-sessions", 0, 0, 2)],
    )
    assert months(dsn, "playback_history_v2") == [("playback_history_v2_2026_03",), ("playback_history_v2_2026_05",)]
    versions.create_version(dsn, READ_MODEL, TABLES, 2)  # an earlier try goes with its months
    assert months(dsn, "playback_history_v2") == []
    filler.positions([("playback-sessions", 0)])
    filler.apply(SPEC.transform(later, POSITION), [Advance("playback-sessions", 0, 0, 2)])
    versions.switch_version(dsn, READ_MODEL, TABLES, 2)
    assert rows(dsn, "SELECT session_id FROM playback_history") == [("s2",)]
    with pytest.raises(Fenced, match="now served from version 2"):
        live.apply(SPEC.transform(began(), POSITION), [Advance("playback-sessions", 0, 1, 2)])
    versions.drop_version(dsn, READ_MODEL, TABLES, 1)
    assert rows(dsn, "SELECT relname FROM pg_class WHERE relname LIKE 'playback\\_history\\_v1%'") == []
    assert rows(dsn, "SELECT FROM pg_stats WHERE tablename = 'playback_history_v2'"), "nobody else counts its rows"
    live.close()
    filler.close()
