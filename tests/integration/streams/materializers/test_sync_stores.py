"""watch_state and watchlist on a real server: whatever the order, batches, repetitions and owners, the same rows."""

import threading
from collections.abc import Sequence
from typing import Any, cast

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from runtime.connections.postgres import Cursor
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.read_models.notices import MOST_ROWS
from schemas.types import AnyEvent
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance, MaterializerSpec, Store, StoreContext
from streams.engine.store import PostgresStore
from streams.materializers import watch_state, watchlist
from streams.materializers.watch_state import store as watch_state_store
from sync_laws.watchlist import Item
from tests.support.backends import PostgresDatabase
from tests.support.migrated import rows
from tests.support.pipeline import until
from tests.support.viewing import added, marked, moved, played, progress, removed, writes_of

pytestmark = pytest.mark.backends
BOTH = pytest.mark.parametrize("spec", [watch_state.SPEC, watchlist.SPEC], ids=lambda spec: str(spec.name))
COLUMNS = {
    "watch_state": """user_id, title_id, document, position_ms, duration_ms, position_hlc, position_device, watched,
        watched_hlc, watched_device, finished, event_at""",
    "watchlist": "user_id, title_id, document, present, rank, event_at",
}
PLAYBACK, PROGRESS = "playback-events", "progress-changes"

_WHO: dict[str, st.SearchStrategy[Any]] = {
    "user_id": st.sampled_from(("u1", "u2")),
    "title_id": st.sampled_from(("t1", "t2")),
    "device_id": st.sampled_from(("d1", "d2")),
    "hlc": st.integers(1, 40),
}
_POSITIONS = st.integers(0, 100_000)
_KINDS = st.sampled_from(("started", "progressed", "paused", "resumed", "seeked", "stopped", "completed"))
_TAGS = st.sampled_from(("a", "b", "c"))
_RANKS = st.sampled_from(("a0", "a1", "a1V", "Zz"))
_OBSERVED = st.lists(_TAGS, max_size=2, unique=True).map(tuple)
WATCHING = st.lists(
    st.builds(played, **_WHO, session_id=st.sampled_from(("s1", "s2", "s3")), kind=_KINDS, position_ms=_POSITIONS)
    | st.builds(progress, **_WHO, position_ms=_POSITIONS)
    | st.builds(marked, **_WHO, watched=st.booleans()),
    min_size=1,
    max_size=20,
)
# No blind removals: what they take away is what stands before them, so their order counts.
LISTS = st.lists(
    st.builds(added, _TAGS, **_WHO, rank=_RANKS, observed=_OBSERVED)
    | st.builds(moved, **_WHO, rank=_RANKS)
    | st.builds(lambda observed, **who: removed(*observed, **who), _OBSERVED, **_WHO),
    min_size=1,
    max_size=20,
)
HISTORIES: dict[str, st.SearchStrategy[list[Any]]] = {"watch_state": WATCHING, "watchlist": LISTS}


@pytest.fixture(scope="module", autouse=True)
def quick(migrated: PostgresDatabase) -> None:
    """Thousands of small commits: what they mean is tested here, not that they outlive a power cut."""
    with psycopg.connect(migrated.dsn) as connection:
        connection.execute(f"ALTER DATABASE {migrated.name} SET synchronous_commit = off".encode())


@pytest.fixture(autouse=True)
def empty(migrated: PostgresDatabase) -> None:
    wipe(migrated.dsn)


def wipe(dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("DELETE FROM watch_state_v1")
        connection.execute("DELETE FROM watchlist_v1")
        connection.execute("DELETE FROM consumer_positions")


def opened(spec: MaterializerSpec, settings: Settings, version: int | None = None) -> Store:
    store = spec.store(StoreContext(settings, spec.name, version))
    store.positions([])
    return store


def apply(spec: MaterializerSpec, settings: Settings, *batches: Sequence[AnyEvent], version: int | None = None) -> None:
    store = opened(spec, settings, version)
    for batch in batches:
        store.apply(writes_of(spec.transform, batch), ())
    store.close()


def table(dsn: str, spec: MaterializerSpec, view: str = "") -> list[tuple[object, ...]]:
    """Documents of lists as readers decode them: the places of tags in the log are another log's here."""
    found = rows(dsn, f"SELECT {COLUMNS[spec.name]} FROM {view or spec.name} ORDER BY user_id, title_id")
    if spec is not watchlist.SPEC:
        return found
    return [(*row[:2], msgspec.msgpack.decode(cast("bytes", row[2]), type=Item), *row[3:]) for row in found]


def revisions(dsn: str, spec: MaterializerSpec) -> list[Any]:
    return rows(dsn, f"SELECT user_id, title_id, revision, xmin::text FROM {spec.name}_v1 ORDER BY 1, 2")


def some(spec: MaterializerSpec, users: int = 3) -> list[Any]:
    names = [f"u{number:05}" for number in range(users)]
    if spec is watchlist.SPEC:
        return [added(f"tag-{name}", user_id=name) for name in names]
    return [played(user_id=name) for name in names]


def last_revision(dsn: str) -> object:
    return rows(dsn, "SELECT last_value FROM change_revisions")[0][0]


@BOTH
@tries(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_with_repetition_gives_the_same_rows(
    migrated: PostgresDatabase, settings: Settings, spec: MaterializerSpec, data: st.DataObject
) -> None:
    history = data.draw(HISTORIES[spec.name])
    wipe(migrated.dsn)
    apply(spec, settings, *([event] for event in history))  # in order, one by one: the undisturbed run
    expected = table(migrated.dsn, spec)
    repeated = history + data.draw(st.lists(st.sampled_from(history), max_size=5))
    shuffled = data.draw(st.permutations(repeated))
    cut = data.draw(st.integers(0, len(shuffled)))
    wipe(migrated.dsn)
    apply(spec, settings, shuffled[:cut], shuffled[cut:])
    assert table(migrated.dsn, spec) == expected


@BOTH
@tries(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_replay_touches_no_row_and_takes_no_revision(
    migrated: PostgresDatabase, settings: Settings, spec: MaterializerSpec, data: st.DataObject
) -> None:
    history = data.draw(HISTORIES[spec.name])
    wipe(migrated.dsn)
    apply(spec, settings, history)
    before, last = revisions(migrated.dsn, spec), last_revision(migrated.dsn)
    apply(spec, settings, history, *([event] for event in history))
    assert revisions(migrated.dsn, spec) == before
    assert last_revision(migrated.dsn) == last


@BOTH
def test_only_rows_that_changed_get_a_new_and_higher_revision(
    migrated: PostgresDatabase, settings: Settings, spec: MaterializerSpec
) -> None:
    first = some(spec)
    apply(spec, settings, first)
    before = revisions(migrated.dsn, spec)
    newer = msgspec.structs.replace(first[1], hlc=99, event_id="newer")
    apply(spec, settings, [*first, newer])
    after = revisions(migrated.dsn, spec)
    assert [after[0], after[2]] == [before[0], before[2]]
    assert after[1][2] > max(row[2] for row in before)


@BOTH
def test_a_large_batch_goes_in_whole(migrated: PostgresDatabase, settings: Settings, spec: MaterializerSpec) -> None:
    many = some(spec, users=MOST_ROWS * 4)
    apply(spec, settings, many, many[::-1])
    found = rows(migrated.dsn, f"SELECT count(*), count(DISTINCT revision) FROM {spec.name}")
    assert found == [(len(many), len(many))]


@BOTH
def test_the_second_owner_is_fenced_and_nothing_of_it_stays(
    migrated: PostgresDatabase, settings: Settings, spec: MaterializerSpec
) -> None:
    topic = spec.inputs[0]
    events = some(spec)
    writes = writes_of(spec.transform, events)
    frozen, successor = opened(spec, settings), opened(spec, settings)
    successor.apply(writes[:2], [Advance(topic, 0, 0, 2)])
    before = revisions(migrated.dsn, spec)
    with pytest.raises(Fenced):
        frozen.apply(writes, [Advance(topic, 0, 0, 3)])
    assert revisions(migrated.dsn, spec) == before
    assert frozen.positions([(topic, 0)]) == {(topic, 0): 2}
    frozen.apply(writes[2:], [Advance(topic, 0, 2, 3)])
    result = table(migrated.dsn, spec)
    frozen.close()
    successor.close()
    wipe(migrated.dsn)
    apply(spec, settings, events)
    assert table(migrated.dsn, spec) == result


def test_an_owner_that_wakes_up_on_another_topic_takes_its_turn(migrated: PostgresDatabase, settings: Settings) -> None:
    """Its batch is of one topic, its successor's of the other, so no position stands in between: only the locks do."""
    wrote, go_on = threading.Event(), threading.Event()

    def slow(cursor: Cursor, statements: Statements, writes: Sequence[Any]) -> Any:
        told = watch_state_store.write(cursor, statements, writes)
        wrote.set()
        assert go_on.wait(60)
        return told

    context = StoreContext(settings, "watch_state")
    queries = watch_state_store._QUERIES
    frozen = PostgresStore(context, slow, queries, live=True, exclusive=True)
    frozen.positions([])
    successor = opened(watch_state.SPEC, settings)
    first = threading.Thread(
        target=frozen.apply, args=(writes_of(watch_state.SPEC.transform, [played()]), [Advance(PLAYBACK, 0, 0, 1)])
    )
    second = threading.Thread(
        target=successor.apply,
        args=(writes_of(watch_state.SPEC.transform, [marked(hlc=5)]), [Advance(PROGRESS, 0, 0, 1)]),
    )
    elsewhere = opened(watch_state.SPEC, settings)
    first.start()
    assert wrote.wait(60)
    second.start()
    try:
        waiting = f"""SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database
            WHERE datname = '{migrated.name}' AND locktype = 'advisory' AND NOT granted"""
        until(lambda: rows(migrated.dsn, waiting) == [(1,)], what="the successor waits")
        # Partitions of other numbers do not wait.
        other = writes_of(watch_state.SPEC.transform, [played(user_id="u9")])
        elsewhere.apply(other, [Advance(PLAYBACK, 1, 0, 1)])
        assert rows(migrated.dsn, "SELECT user_id FROM watch_state") == [("u9",)]
    finally:
        go_on.set()
        first.join(60)
        second.join(60)
    for store in (frozen, successor, elsewhere):
        store.close()
    found = rows(migrated.dsn, "SELECT position_ms, watched FROM watch_state WHERE user_id = 'u1'")
    assert found == [(1000, True)]


@BOTH
@tries(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_rebuild_equals_the_original_but_for_revisions(
    migrated: PostgresDatabase, settings: Settings, spec: MaterializerSpec, data: st.DataObject
) -> None:
    history = data.draw(HISTORIES[spec.name])
    wipe(migrated.dsn)
    apply(spec, settings, *([event] for event in history))
    versions = spec.versions(settings)
    versions.create(2)
    apply(spec, settings, history, version=2)
    assert table(migrated.dsn, spec, f"{spec.name}_v2") == table(migrated.dsn, spec)
    versions.drop(2)


def test_a_blind_removal_takes_what_the_log_holds_before_it(migrated: PostgresDatabase, settings: Settings) -> None:
    shown = "SELECT present FROM watchlist"
    apply(watchlist.SPEC, settings, [added("a"), added("b", hlc=99)], [removed(blind=True)])
    assert rows(migrated.dsn, shown) == [(False,)]
    apply(watchlist.SPEC, settings, [added("c", hlc=1)])
    assert rows(migrated.dsn, shown) == [(True,)]
    apply(watchlist.SPEC, settings, [removed(blind=True), added("d", hlc=1)])
    assert rows(migrated.dsn, shown) == [(True,)]


def test_a_list_of_ten_thousand_titles(migrated: PostgresDatabase, settings: Settings) -> None:
    apply(watchlist.SPEC, settings, [added(f"tag{n}", title_id=f"t{n}") for n in range(10_000)])
    assert rows(migrated.dsn, "SELECT count(*) FROM watchlist WHERE user_id = 'u1' AND present") == [(10_000,)]


def test_the_largest_numbers_and_the_strangest_names_come_back(migrated: PostgresDatabase, settings: Settings) -> None:
    most, name = 2**63 - 1, "t\t\\N{},\"' ✓ 🎬 שלום"
    apply(watch_state.SPEC, settings, [played(title_id=name, position_ms=most, duration_ms=None, hlc=most)])
    found = rows(migrated.dsn, "SELECT title_id, position_ms, position_hlc, finished FROM watch_state")
    assert found == [(name, most, most, False)]
    longest = "🎬" * 256
    apply(watch_state.SPEC, settings, [played(user_id=longest, title_id=longest)])
    apply(watchlist.SPEC, settings, [added(user_id=longest, title_id=longest)])
    assert rows(migrated.dsn, "SELECT count(*) FROM watchlist") == [(1,)]
