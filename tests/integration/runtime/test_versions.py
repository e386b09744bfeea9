"""Making, serving and dropping versions of a read model while it is read and written."""

import threading
import time
from collections.abc import Callable, Iterator

import psycopg
import pytest

from runtime.connections import postgres, versions
from runtime.settings import Settings
from schemas.read_models import (
    availability,
    availability_changes,
    devices,
    playback_history,
    preferences,
    provider_deliveries,
    ratings,
    title_catalog,
    watch_state,
    watchlist,
)
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance, StoreContext
from streams.engine.store import serving_version
from streams.engine.versions import PostgresVersions
from streams.materializers.title_catalog import SPEC
from tests.support.backends import PostgresDatabase
from tests.support.migrated import rows
from tests.support.titles import POSITION, changed

NAME, TABLES = title_catalog.READ_MODEL, title_catalog.TABLES
MODELS = [
    title_catalog,
    availability,
    availability_changes,
    provider_deliveries,
    watch_state,
    watchlist,
    playback_history,
    ratings,
    devices,
    preferences,
]


@pytest.fixture(autouse=True)
def version_one(migrated: PostgresDatabase) -> Iterator[None]:
    """Every test starts and ends with an empty version 1."""
    yield
    dsn = migrated.dsn
    if not rows(dsn, "SELECT FROM pg_class WHERE relname = 'title_catalog_v1'"):
        versions.create_version(dsn, NAME, TABLES, 1)
    versions.switch_version(dsn, NAME, TABLES, 1)
    for version in (2, 3):
        versions.drop_version(dsn, NAME, TABLES, version)
    with psycopg.connect(dsn) as connection:
        connection.execute("TRUNCATE title_catalog_v1, title_catalog_external_ids_v1, consumer_positions")


def shape(dsn: str, table: str) -> list[tuple[object, ...]]:
    return rows(
        dsn,
        f"""SELECT attname, format_type(atttypid, atttypmod), attnotnull, attcollation FROM pg_attribute
        WHERE attrelid = '{table}'::regclass AND attnum > 0 ORDER BY attnum""",
    )


def index_shapes(dsn: str, table: str) -> list[str]:
    found = rows(dsn, f"SELECT indexdef FROM pg_indexes WHERE tablename = '{table}'")
    return sorted(str(row[0]).split(" USING ")[1] for row in found)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: str(model.READ_MODEL))
def test_every_read_model_can_be_rebuilt(migrated: PostgresDatabase, settings: Settings, model: object) -> None:
    name, tables = model.READ_MODEL, model.TABLES  # type: ignore[attr-defined] # a module of schemas.read_models
    mine = PostgresVersions(settings, name, tables)
    assert mine.serving() == 1
    mine.create(2)
    for table in tables:
        assert shape(migrated.dsn, f"{table}_v2") == shape(migrated.dsn, f"{table}_v1")
        assert index_shapes(migrated.dsn, f"{table}_v2") == index_shapes(migrated.dsn, f"{table}_v1")
    view_shapes = [shape(migrated.dsn, table) for table in tables]
    mine.switch(2)
    assert mine.serving() == 2
    mine.drop(1)
    assert [shape(migrated.dsn, table) for table in tables] == view_shapes
    mine.create(1)  # and back, so that the next test finds what it expects
    mine.switch(1)
    mine.drop(2)


def test_the_serving_version_is_safe(migrated: PostgresDatabase) -> None:
    for forbidden in (versions.create_version, versions.drop_version):
        with pytest.raises(versions.VersionError, match="version 1 is the one being served"):
            forbidden(migrated.dsn, NAME, TABLES, 1)


def test_a_version_that_was_never_made_cannot_be_served(migrated: PostgresDatabase) -> None:
    with pytest.raises(versions.VersionError, match="there is no title_catalog_v3: make the version first"):
        versions.switch_version(migrated.dsn, NAME, TABLES, 3)


def test_making_a_version_again_forgets_the_earlier_try(migrated: PostgresDatabase, settings: Settings) -> None:
    versions.create_version(migrated.dsn, NAME, TABLES, 2)
    store = SPEC.store(StoreContext(settings, NAME, version=2))
    store.positions([("titles", 0)])
    store.apply(SPEC.transform(changed("a"), POSITION), [Advance("titles", 0, 0, 5)])
    assert rows(migrated.dsn, "SELECT count(*) FROM title_catalog_v2") == [(1,)]
    versions.create_version(migrated.dsn, NAME, TABLES, 2)
    assert rows(migrated.dsn, "SELECT count(*) FROM title_catalog_v2") == [(0,)]
    assert store.positions([("titles", 0)]) == {}
    store.close()


def test_the_live_writer_is_held_back_while_the_next_version_is_asked_whether_it_is_complete(
    migrated: PostgresDatabase, settings: Settings
) -> None:
    live = SPEC.store(StoreContext(settings, NAME))
    live.positions([("titles", 0)])
    versions.create_version(migrated.dsn, NAME, TABLES, 2)
    asked: list[int] = []

    def complete() -> bool:
        with psycopg.connect(migrated.dsn) as connection, connection.cursor() as cursor:
            asked.append(versions.serving_version(cursor, NAME))
            connection.execute("SET lock_timeout = 50")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                serving_version(cursor, NAME)  # as writers do
        return len(asked) > 1

    versions.switch_version(migrated.dsn, NAME, TABLES, 2, complete)
    assert asked == [1, 1]
    with pytest.raises(Fenced, match="now served from version 2"):
        live.apply(SPEC.transform(changed("a", 2), POSITION), [Advance("titles", 0, 0, 1)])
    live.close()


def test_the_live_writer_is_fenced_and_goes_on_in_the_new_version(
    migrated: PostgresDatabase, settings: Settings
) -> None:
    live = SPEC.store(StoreContext(settings, NAME))
    live.positions([("titles", 0)])
    live.apply(SPEC.transform(changed("a", 1), POSITION), [Advance("titles", 0, 0, 1)])
    versions.create_version(migrated.dsn, NAME, TABLES, 2)
    filler = SPEC.store(StoreContext(settings, NAME, version=2))
    filler.positions([("titles", 0)])
    filler.apply(SPEC.transform(changed("a", 1), POSITION), [Advance("titles", 0, 0, 1)])
    versions.switch_version(migrated.dsn, NAME, TABLES, 2)
    with pytest.raises(Fenced, match="now served from version 2"):
        live.apply(SPEC.transform(changed("a", 2), POSITION), [Advance("titles", 0, 1, 2)])
    assert live.positions([("titles", 0)]) == {("titles", 0): 1}
    live.apply(SPEC.transform(changed("a", 2), POSITION), [Advance("titles", 0, 1, 2)])
    assert rows(migrated.dsn, "SELECT version FROM title_catalog") == [(2,)]
    live.close()
    filler.close()


class Load(threading.Thread):
    """Calls `work` until told to stop; keeps how often, the longest call, and the first thing that went wrong."""

    def __init__(self, work: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.work = work
        self.halt = threading.Event()
        self.calls = 0
        self.longest = 0.0
        self.failure: Exception | None = None

    def run(self) -> None:
        while not self.halt.is_set():
            started = time.monotonic()
            try:
                self.work()
            except Exception as error:  # noqa: BLE001 - shown by the test
                self.failure = error
                return
            self.calls += 1
            self.longest = max(self.longest, time.monotonic() - started)


def test_readers_and_the_writer_see_no_gap_while_versions_switch(
    migrated: PostgresDatabase, settings: Settings
) -> None:
    titles = 50
    store = SPEC.store(StoreContext(settings, NAME))
    everything = [write for number in range(titles) for write in SPEC.transform(changed(f"{number:03}"), POSITION)]
    store.positions([("titles", 0)])
    store.apply(everything, ())

    def write() -> None:
        """A materializer in small: fenced by a switch, it reads the positions again and goes on."""
        try:
            store.apply(everything, ())
        except Fenced:
            store.positions([("titles", 0)])

    connections = [postgres.connect_plain(migrated.reader_dsn, "test-reader") for _ in range(3)]

    def reader(connection: postgres.Connection) -> Callable[[], None]:
        def read() -> None:
            row = connection.execute(
                "SELECT count(DISTINCT t.title_id), count(*) FROM title_catalog AS t "
                "JOIN title_catalog_external_ids AS e USING (title_id)"
            ).fetchone()
            assert row == (titles, titles)

        return read

    loads = [Load(reader(connection)) for connection in connections]
    writer = Load(write)
    for load in (*loads, writer):
        load.start()
    serving = 1
    for version in (2, 3, 2, 3):
        versions.create_version(migrated.dsn, NAME, TABLES, version)
        filler = SPEC.store(StoreContext(settings, NAME, version=version))
        filler.positions([("titles", 0)])
        filler.apply(everything, ())
        filler.close()
        versions.switch_version(migrated.dsn, NAME, TABLES, version)
        time.sleep(0.2)
        versions.drop_version(migrated.dsn, NAME, TABLES, serving)
        serving = version
    for load in (*loads, writer):
        load.halt.set()
    for load in (*loads, writer):
        load.join(20)
    assert [load.failure for load in (*loads, writer)] == [None] * 4
    assert all(load.calls > 20 for load in (*loads, writer))
    assert all(load.longest < 5 for load in loads), "a reader waited as long as its statement time-out"
    for connection in connections:
        connection.close()
    store.close()


def test_a_reader_who_never_ends_does_not_block_the_others(
    migrated: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(versions, "_PATIENCE_SECONDS", 1.5)
    versions.create_version(migrated.dsn, NAME, TABLES, 2)
    with psycopg.connect(migrated.dsn) as sleeper, psycopg.connect(migrated.dsn, autocommit=True) as reader:
        sleeper.execute("SELECT * FROM title_catalog")  # and stays in its transaction
        failure: list[Exception] = []

        def switch() -> None:
            try:
                versions.switch_version(migrated.dsn, NAME, TABLES, 2)
            except psycopg.errors.LockNotAvailable as error:
                failure.append(error)

        thread = threading.Thread(target=switch)
        thread.start()
        longest = 0.0
        while thread.is_alive():
            started = time.monotonic()
            reader.execute("SELECT count(*) FROM title_catalog")
            longest = max(longest, time.monotonic() - started)
        assert len(failure) == 1
        assert longest < 1.0
    with psycopg.connect(migrated.dsn) as connection, connection.cursor() as cursor:
        assert versions.serving_version(cursor, NAME) == 1
