"""ratings, preferences, devices and playback_history on a real server: whatever the order, batches and repetitions, the
same rows; a revision for each real change; and the rows told of are those of the table."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from types import ModuleType
from typing import Any

import msgspec
import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st
from psycopg.rows import dict_row

from runtime.connections import postgres
from runtime.settings import Settings
from runtime.sql import Statements
from schemas.envelope import Position
from schemas.read_models import notices
from schemas.read_models.notices import LiveRow
from schemas.types import AnyEvent
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance, Store, StoreContext
from streams.materializers import devices, playback_history, preferences, ratings
from streams.materializers.devices import store as devices_store
from streams.materializers.playback_history import store as playback_history_store
from streams.materializers.preferences import store as preferences_store
from streams.materializers.ratings import store as ratings_store
from tests.support.backends import PostgresDatabase
from tests.support.migrated import rows
from tests.support.personal import WHEN, began, commanded, ended, prefers, rated, registered, removed

UNITS: dict[str, tuple[ModuleType, ModuleType]] = {
    "ratings": (ratings, ratings_store),
    "preferences": (preferences, preferences_store),
    "devices": (devices, devices_store),
    "playback_history": (playback_history, playback_history_store),
}
VIEWS = {
    "ratings": {"ratings": notices.TYPES["RatingRow"]},
    "preferences": {"preferences": notices.TYPES["PreferenceRow"]},
    "devices": {"devices": notices.TYPES["DeviceRow"], "device_commands": notices.TYPES["DeviceCommandRow"]},
    "playback_history": {"playback_history": notices.TYPES["SessionRow"]},
}
USERS, THINGS = st.sampled_from("uv"), st.sampled_from("ab")
CLOCKS, DEVICES = st.integers(0, 3), st.sampled_from(("é", "z", "𝄞", "Z"))
LATER = st.integers(0, 1).map(lambda seconds: WHEN + timedelta(seconds=seconds))
EVENTS: dict[str, st.SearchStrategy[AnyEvent]] = {
    "ratings": st.builds(
        rated, USERS, THINGS, st.sampled_from((0.5, 5.0)), CLOCKS, device_id=DEVICES, occurred_at=LATER
    ),
    "preferences": st.builds(
        prefers,
        USERS,
        THINGS,
        st.sampled_from((None, '""', '"a"', '"Ä"')),
        CLOCKS,
        device_id=DEVICES,
        occurred_at=LATER,
    ),
    "devices": st.one_of(
        st.builds(
            registered,
            USERS,
            THINGS,
            CLOCKS,
            name=DEVICES,
            kind=DEVICES,
            capabilities=st.lists(DEVICES, max_size=2).map(tuple),
            occurred_at=LATER,
        ),
        st.builds(removed, USERS, THINGS, CLOCKS, occurred_at=LATER),
        st.builds(commanded, USERS, st.integers(1, 3)),
    ),
    "playback_history": st.one_of(
        st.builds(began, USERS, THINGS, CLOCKS, position_ms=CLOCKS, duration_ms=st.none() | CLOCKS, region=DEVICES),
        st.builds(
            ended,
            USERS,
            THINGS,
            CLOCKS,
            position_ms=CLOCKS,
            duration_ms=st.none() | CLOCKS,
            watched_ms=CLOCKS,
            reason=st.sampled_from(("stopped", "timed_out", "completed")),
            ended_at=LATER,
            title_id=DEVICES,
        ),
    ),
}


@pytest.fixture(scope="module", autouse=True)
def quick(migrated: PostgresDatabase) -> None:
    """Thousands of small commits: what they mean is tested here, not that they outlive a power cut."""
    with psycopg.connect(migrated.dsn) as connection:
        connection.execute(f"ALTER DATABASE {migrated.name} SET synchronous_commit = off".encode())


@pytest.fixture(autouse=True)
def empty(migrated: PostgresDatabase) -> None:
    for name in UNITS:
        wipe(migrated.dsn, name)


def wipe(dsn: str, name: str) -> None:
    with psycopg.connect(dsn) as connection:
        for view in VIEWS[name]:
            connection.execute(f"DELETE FROM {view}_v1".encode())
        connection.execute("DELETE FROM consumer_positions")


def writes_of(name: str, events: Sequence[AnyEvent]) -> list[Any]:
    return [write for event in events for write in UNITS[name][0].SPEC.transform(event, Position(name, 0, 0))]


def table(dsn: str, name: str) -> list[LiveRow]:
    """All rows as readers see them, by revision."""
    found: list[LiveRow] = []
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        for view, kind in VIEWS[name].items():
            columns = ", ".join(kind.__struct_fields__)
            found += msgspec.convert(
                connection.execute(f"SELECT {columns} FROM {view}".encode()).fetchall(),
                list[kind],  # type: ignore[valid-type]
            )
    return sorted(found, key=lambda row: row.revision)


def facts(dsn: str, name: str) -> list[LiveRow]:
    """The rows without their revisions."""
    return sorted((msgspec.structs.replace(row, revision=0) for row in table(dsn, name)), key=repr)


def apply(connection: psycopg.Connection[Any], name: str, events: Sequence[AnyEvent]) -> Sequence[LiveRow] | None:
    """One batch through the unit's own `write`; what it tells."""
    store = UNITS[name][1]
    with connection.transaction(), connection.cursor() as cursor:
        told: Sequence[LiveRow] | None = store.write(cursor, Statements(store._QUERIES, 1), writes_of(name, events))
    return told


def opened(settings: Settings, name: str) -> Store:
    store: Store = UNITS[name][0].SPEC.store(StoreContext(settings, name))
    store.positions([(name, 0)])
    return store


@pytest.mark.parametrize("name", UNITS)
@tries(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_order_with_repetition_gives_the_same_rows(
    migrated: PostgresDatabase, name: str, data: st.DataObject
) -> None:
    history = data.draw(st.lists(EVENTS[name], min_size=1, max_size=12))
    with postgres.connect_writer(migrated.dsn, "test") as connection:
        wipe(migrated.dsn, name)
        for event in history:  # in order, one by one: the undisturbed run
            apply(connection, name, [event])
        expected = facts(migrated.dsn, name)
        shuffled = data.draw(st.permutations(history + data.draw(st.lists(st.sampled_from(history), max_size=5))))
        cut = data.draw(st.integers(1, len(shuffled)))
        wipe(migrated.dsn, name)
        for batch in (shuffled[:cut], shuffled[cut:]):
            if batch:
                apply(connection, name, batch)
        assert facts(migrated.dsn, name) == expected


@pytest.mark.parametrize("name", UNITS)
@tries(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_rows_told_are_those_that_changed_as_they_are_now(
    migrated: PostgresDatabase, name: str, data: st.DataObject
) -> None:
    batches = data.draw(st.lists(st.lists(EVENTS[name], min_size=1, max_size=5), min_size=1, max_size=4))
    with postgres.connect_writer(migrated.dsn, "test") as connection:
        wipe(migrated.dsn, name)
        for batch in batches:
            before = table(migrated.dsn, name)
            newest = max((row.revision for row in before), default=0)
            told = apply(connection, name, batch)
            after = table(migrated.dsn, name)
            assert told is not None
            assert sorted(told, key=lambda row: row.revision) == [row for row in after if row not in before]
            assert all(row.revision > newest for row in told)
            facts_before = {msgspec.structs.replace(row, revision=0) for row in before}
            assert not facts_before & {msgspec.structs.replace(row, revision=0) for row in told}, "nothing new"
            notice = notices.encode(name, (), told)
            assert sorted(notices.decode(notice)[1], key=lambda row: row.revision) == sorted(
                told, key=lambda row: row.revision
            )


STORIES: dict[str, list[AnyEvent]] = {
    "ratings": [rated("u", "t", 3.0, 1), rated("u", "t", 4.0, 2), rated("v", "t", 1.0, 1)],
    "preferences": [prefers("u", "audio", '"de"', 1), prefers("u", "audio", None, 2), prefers("v", "audio", "1", 1)],
    "devices": [registered(hlc=1), removed(hlc=2), registered("v", hlc=3), commanded("u", 1), commanded("v", 2)],
    "playback_history": [began(hlc=1), ended(hlc=2), began("v", "s2", 1)],
}


@pytest.mark.parametrize("name", UNITS)
def test_a_replay_does_not_touch_a_row_and_draws_no_revision(
    migrated: PostgresDatabase, settings: Settings, name: str
) -> None:
    store = opened(settings, name)
    store.apply(writes_of(name, STORIES[name]), ())
    touched = [
        f"SELECT t.tableoid::regclass::text, t.xmin::text, t.ctid::text, t.revision, t.written_at "
        f"FROM {view}_v1 AS t ORDER BY t.revision"
        for view in VIEWS[name]
    ]
    drawn = "SELECT last_value FROM change_revisions"
    before = [rows(migrated.dsn, query) for query in (*touched, drawn)]
    store.apply(writes_of(name, STORIES[name]), ())
    store.apply(writes_of(name, STORIES[name][::-1]), ())
    for event in STORIES[name]:
        store.apply(writes_of(name, [event]), ())
    assert [rows(migrated.dsn, query) for query in (*touched, drawn)] == before
    store.close()


@pytest.mark.parametrize("name", UNITS)
def test_a_fenced_batch_leaves_nothing_and_the_next_one_works(
    migrated: PostgresDatabase, settings: Settings, name: str
) -> None:
    store = opened(settings, name)
    writes = writes_of(name, STORIES[name])
    with pytest.raises(Fenced):
        store.apply(writes, [Advance(name, 0, expected=7, next=8)])
    assert table(migrated.dsn, name) == []
    store.apply(writes, [Advance(name, 0, expected=0, next=3)])
    assert table(migrated.dsn, name)
    assert store.positions([(name, 0)]) == {(name, 0): 3}
    store.close()


MANY: dict[str, list[AnyEvent]] = {
    "ratings": [rated(f"u{number}") for number in range(notices.MOST_ROWS + 1)],
    "preferences": [prefers(f"u{number}") for number in range(notices.MOST_ROWS + 1)],
    "devices": [registered(f"u{number}") for number in range(notices.MOST_ROWS + 1)],
    "playback_history": [began(f"u{number}") for number in range(notices.MOST_ROWS + 1)],
}


@pytest.mark.parametrize("name", UNITS)
def test_too_many_changes_are_not_told_one_by_one(migrated: PostgresDatabase, name: str) -> None:
    events = MANY[name]
    with postgres.connect_writer(migrated.dsn, "test") as connection:
        assert apply(connection, name, events) is None
        assert len(table(migrated.dsn, name)) == notices.MOST_ROWS + 1
        assert apply(connection, name, events) == [], "a replay of many changes nothing, and says so"
    with postgres.connect_writer(migrated.dsn, "test") as connection:
        wipe(migrated.dsn, name)
        told = apply(connection, name, events[:-1])
        assert told is not None
        assert len(told) == notices.MOST_ROWS


@pytest.mark.parametrize("name", UNITS)
def test_two_owners_at_once_leave_what_one_would(migrated: PostgresDatabase, name: str) -> None:
    """They should not be there together; when they are, guards hold, and nobody waits for nobody."""
    batches = [STORIES[name], STORIES[name][::-1], MANY[name][:50], MANY[name][:50][::-1]] * 3
    with postgres.connect_writer(migrated.dsn, "test") as connection:
        for batch in batches:
            apply(connection, name, batch)
    expected = facts(migrated.dsn, name)
    wipe(migrated.dsn, name)
    failures: list[Exception] = []

    def own(share: Sequence[Sequence[AnyEvent]]) -> None:
        try:
            with postgres.connect_writer(migrated.dsn, "test") as connection:
                for batch in share:
                    apply(connection, name, batch)
        except Exception as error:  # noqa: BLE001 - shown by the test
            failures.append(error)

    owners = [threading.Thread(target=own, args=(batches[start:] + batches[:start],)) for start in range(4)]
    for owner in owners:
        owner.start()
    for owner in owners:
        owner.join(60)
    assert failures == []
    assert facts(migrated.dsn, name) == expected


def test_values_come_back_as_they_went_in(migrated: PostgresDatabase) -> None:
    words = ('{a,"b"}', "\\N", "NULL", "", "ti\tle ✓ 🎬 שלום")
    with postgres.connect_writer(migrated.dsn, "test") as connection:
        apply(connection, "devices", [registered(name=words[-1], capabilities=words), commanded(position_ms=2**63 - 1)])
        apply(connection, "ratings", [rated("u", "t", 0.5, 2**63 - 1)])
        apply(connection, "preferences", [prefers(value='"\\u0000 \\\\N"')])
    device, command = table(migrated.dsn, "devices")
    assert (device.name, device.capabilities) == (words[-1], tuple(sorted(words)))  # type: ignore[union-attr] # a device
    assert command.position_ms == 2**63 - 1  # type: ignore[union-attr] # a command
    assert rows(migrated.dsn, "SELECT rating, hlc FROM ratings") == [(0.5, 2**63 - 1)]
    assert rows(migrated.dsn, "SELECT value FROM preferences") == [('"\\u0000 \\\\N"',)]
