"""The identity registry in a real PostgreSQL: equal to the resolver in memory, whatever the batches and the workers."""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import migrations
from runtime.connections.postgres import Connection, connect_plain, connect_writer, is_transient
from schemas import codec
from schemas.types import AnyEvent
from schemas.types.catalog import CanonicalItem, TitleChanged, TitleMerged, TitleRetired
from streams.engine.outcome import TransientError
from streams.engine.spec import Decision, Received
from streams.processors.entity_resolution import SPEC
from streams.processors.entity_resolution.chosen import chosen
from streams.processors.entity_resolution.lookup import EntityResolution
from streams.processors.entity_resolution.workspace import Workspace
from tests.support.backends import Backends, PostgresDatabase
from tests.support.canonical_items import an_item, ids, people, received, upserted, withdrawn
from tests.support.pipeline import settings_for
from tests.support.resolving import Event, histories, resolved

TABLES = (
    "titles, provider_items, title_external_ids, title_blocks, title_redirects, resolution_log, resolution_reviews, "
    "resolution_decisions, resolution_constraints"
)


@pytest.fixture(scope="module")
def dsn(postgres_database: PostgresDatabase) -> str:
    folder = Path(migrations.__file__).with_name("postgres")
    with connect_plain(postgres_database.dsn, "test") as connection:
        for path in sorted(folder.glob("*_pre_title_[di]*.sql")):
            connection.execute(path.read_text())
    return postgres_database.dsn


@pytest.fixture(scope="module")
def lookup(backends: Backends, postgres_database: PostgresDatabase) -> EntityResolution:
    return EntityResolution(settings_for(backends, postgres_database, ""))


@pytest.fixture(scope="module")
def shared(dsn: str) -> Iterator[Connection]:
    with connect_writer(dsn, "test") as connection:
        yield connection


@pytest.fixture
def connection(shared: Connection) -> Connection:
    return emptied(shared)


def emptied(connection: Connection) -> Connection:
    connection.rollback()
    connection.execute(f"TRUNCATE {TABLES} RESTART IDENTITY")
    connection.commit()
    return connection


def decide(lookup: EntityResolution, connection: Connection, batch: Sequence[Received]) -> Decision:
    with connection.transaction(), connection.cursor() as cursor:
        return lookup.decide(cursor, batch)


def in_batches(history: Sequence[Event], cuts: Sequence[int]) -> list[list[Received]]:
    """The history as one partition, cut at the given places."""
    every = [received(event, offset) for offset, event in enumerate(history)]
    edges = sorted({0, len(every), *(cut % (len(every) + 1) for cut in cuts)})
    return [every[start:end] for start, end in pairwise(edges)]


def rows(connection: Connection, query: str) -> list[Any]:
    with connection.transaction():
        return connection.execute(query).fetchall()


def stored(connection: Connection) -> dict[str, list[Any]]:
    return {
        "titles": rows(connection, "SELECT title_id::text, version, status, kind FROM titles ORDER BY 1"),
        "items": rows(
            connection, "SELECT provider, native_id, title_id::text, active, reason FROM provider_items ORDER BY 1, 2"
        ),
        "ids": rows(connection, "SELECT source, value, kind, title_id::text FROM title_external_ids ORDER BY 1, 2, 3"),
        "blocks": rows(connection, "SELECT block, year, title_id::text FROM title_blocks ORDER BY 1, 2, 3"),
        "redirects": rows(connection, "SELECT title_id::text, successor_id::text FROM title_redirects ORDER BY 1"),
    }


def expected(space: Workspace) -> dict[str, list[Any]]:
    def successor(title_id: str) -> str:
        title = space.titles[title_id]
        return successor(title.successor) if title.status == "merged" and title.successor else title_id

    titles = space.titles.values()
    return {
        "titles": sorted((t.title_id, t.version, t.status, t.kind) for t in titles),
        "items": sorted((m.provider, m.native_id, m.title_id, m.active, m.reason) for m in space.members.values()),
        "ids": sorted((*key, owner) for key, owner in space.id_owners.items()),
        "blocks": sorted((*entry, t.title_id) for t in titles for entry in space.registered(t)[1]),
        "redirects": sorted((t.title_id, successor(t.title_id)) for t in titles if t.status == "merged"),
    }


def test_the_spec_is_a_lookup_between_its_topics() -> None:
    assert SPEC.inputs == ("provider-items", "title-decisions")
    assert SPEC.outputs == ("titles",)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), cuts=st.lists(st.integers(0, 30), max_size=6))
def test_the_database_equals_the_resolver_in_memory_whatever_the_batches(
    lookup: EntityResolution, connection: Connection, history: Sequence[Event], cuts: Sequence[int]
) -> None:
    emptied(connection)
    published: list[AnyEvent] = []
    for batch in in_batches(history, cuts):
        published += decide(lookup, connection, batch).events
    space = resolved(history)
    assert stored(connection) == expected(space)
    newest: dict[str, int] = {}
    for event in published:
        assert isinstance(event, TitleChanged | TitleMerged | TitleRetired)
        assert event.version > newest.get(event.title_id, 0)
        newest[event.title_id] = event.version
        assert codec.decode(codec.encode(event)) == event
    assert newest == {title.title_id: title.version for title in space.titles.values()}
    replayed = decide(lookup, connection, [received(event, offset) for offset, event in enumerate(history)])
    assert replayed.events == []


def test_the_same_batch_after_a_rollback_gives_the_same_events(
    lookup: EntityResolution, connection: Connection
) -> None:
    batch = [received(upserted("alpha:1", an_item()), 0), received(upserted("beta:1", an_item()), 1)]
    with connection.cursor() as cursor:
        first = lookup.decide(cursor, batch)
    connection.rollback()
    assert decide(lookup, connection, batch).events == first.events


def test_what_can_never_be_processed_is_refused_and_the_rest_goes_on(
    lookup: EntityResolution, connection: Connection
) -> None:
    batch = [
        received(upserted("alpha:1", an_item(kind="unknown")), 0),
        received(upserted("alpha:2", an_item(external_ids=ids("imdb:tt\0"))), 1),
        received(upserted("alpha:3", an_item(" ")), 2),
        received(upserted("alpha:4", an_item("🎬\0", overview="a\0b")), 3),
    ]
    decision = decide(lookup, connection, batch)
    assert [(refused.received, refused.error.reason) for refused in decision.rejected] == [
        (batch[0], "unknown_kind"),
        (batch[1], "nul_in_id"),
        (batch[2], "empty_name"),
    ]
    (event,) = decision.events
    assert isinstance(event, TitleChanged)
    assert event.name == "🎬\0"


def test_history_and_reviews_explain_the_score(lookup: EntityResolution, connection: Connection) -> None:
    decide(
        lookup,
        connection,
        [
            received(upserted("alpha:1", an_item("Amber Road", 1999), at=1), 0),
            received(upserted("beta:1", an_item("Amber Coast", 1999), at=2), 1),
            received(upserted("beta:2", an_item("Amber Road", 1999), at=3), 2),
            received(upserted("gamma:1", an_item("Cedar", 2000), at=4), 3),
            received(upserted("beta:3", an_item("Cedar", 2001), at=5), 4),
        ],
    )
    log = rows(connection, "SELECT provider, native_id, action, reason, evidence FROM resolution_log ORDER BY id")
    assert [row[:4] for row in log] == [
        ("alpha", "1", "founded", "new"),
        ("beta", "1", "founded", "new"),
        ("beta", "2", "joined", "match"),
        ("gamma", "1", "founded", "new"),
        ("beta", "3", "founded", "new"),
    ]
    assert [item["field"] for item in log[2][4]] == ["name", "year"]
    assert {item["weights"] for item in log[2][4]} == {chosen().version}, "by which weights it was decided"
    reviews = rows(connection, "SELECT provider, native_id, reason, score, evidence, status FROM resolution_reviews")
    assert [(row[0], row[1], row[2], row[5]) for row in reviews] == [("beta", "3", "band", "open")]
    assert reviews[0][3] == pytest.approx(0.8, abs=0.15)


def test_redirects_collapse_over_batches(lookup: EntityResolution, connection: Connection) -> None:
    history = [
        upserted("alpha:1", an_item("Amber", external_ids=ids("imdb:tt1")), at=1),
        upserted("alpha:2", an_item("Birch", external_ids=ids("tmdb:1")), at=2),
        upserted("beta:1", an_item("Cedar", external_ids=ids("wikidata:Q1")), at=3),
        upserted("beta:2", an_item("Cedar", external_ids=ids("wikidata:Q1")), at=4),
        upserted("beta:3", an_item("Cedar", external_ids=ids("wikidata:Q1")), at=5),
        upserted("beta:4", an_item("Cedar", external_ids=ids("wikidata:Q1")), at=6),
        upserted("gamma:1", an_item("Delta", external_ids=ids("imdb:tt1", "tmdb:1")), at=7),
        upserted("gamma:2", an_item("Ember", external_ids=ids("imdb:tt1", "wikidata:Q1")), at=8),
    ]
    for offset, event in enumerate(history):
        decide(lookup, connection, [received(event, offset)])
    redirects = rows(connection, "SELECT DISTINCT successor_id FROM title_redirects")
    alive = rows(connection, "SELECT title_id FROM titles WHERE status = 'active'")
    assert redirects == alive
    assert rows(connection, "SELECT count(*) FROM title_redirects") == [(2,)]


def works(count: int, chance: random.Random) -> list[tuple[str, list[CanonicalItem]]]:
    """Works with three descriptions each: two that match by name, one that only its ids bring in."""
    found = []
    for number in range(count):
        name = f"Work {chance.choice(['Amber', 'Birch', 'Cedar'])} {number:04d} Road"
        director = people(director=f"Director {number}")
        found.append(
            (
                str(number),
                [
                    an_item(name, 1950 + number % 60, people=director, external_ids=ids(f"imdb:tt{number}")),
                    an_item(name.upper(), 1950 + number % 60, people=director, external_ids=ids(f"tmdb:{number}")),
                    an_item(f"Título {number}", None, external_ids=ids(f"imdb:tt{number}", f"tmdb:{number}")),
                ],
            )
        )
    return found


@pytest.mark.parametrize("seed", range(4))
def test_workers_at_the_same_time_never_make_two_titles_of_one_work(
    dsn: str, lookup: EntityResolution, connection: Connection, seed: int
) -> None:
    chance = random.Random(seed)
    every = works(120, chance)
    partitions: list[list[Received]] = [[], [], []]
    for provider, partition in enumerate(partitions):
        events: list[Event] = [upserted(f"p{provider}:{key}", descriptions[provider]) for key, descriptions in every]
        if provider == 1:
            events += [withdrawn(f"p1:{key}", at=1) for key, _ in every[::7]]
        chance.shuffle(events)
        events.sort(key=lambda event: event.source_time)
        partition += [received(event, offset, provider) for offset, event in enumerate(events)]
    published: list[list[AnyEvent]] = [[], [], []]
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(partitions))

    def work(at: int) -> None:
        dice = random.Random(seed * 10 + at)
        try:
            with connect_writer(dsn, f"worker {at}") as mine:
                barrier.wait()
                left = partitions[at]
                while left:
                    size = dice.randint(1, 12)
                    try:
                        published[at] += decide(lookup, mine, left[:size]).events
                    except (TransientError, psycopg.Error) as error:
                        # Workers may wait for each other and try again, but must never deadlock.
                        is_deadlock = isinstance(error, psycopg.errors.DeadlockDetected)
                        if is_deadlock or (isinstance(error, psycopg.Error) and not is_transient(error)):
                            raise
                        continue
                    left = left[size:]
        except BaseException as error:  # noqa: BLE001 - shown by the assertion below, in the test's own thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(partitions))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert errors == []
    groups: dict[str, set[str]] = defaultdict(set)
    for native_id, title_id in rows(connection, "SELECT native_id, title_id::text FROM provider_items"):
        groups[native_id].add(title_id)
    assert len(groups) == 120
    assert {len(found) for found in groups.values()} == {1}
    assert rows(connection, "SELECT count(*) FROM titles WHERE status <> 'merged'") == [(120,)]
    lost = rows(
        connection,
        "SELECT count(*) FROM titles t WHERE status = 'merged' AND NOT EXISTS"
        " (SELECT FROM title_redirects r JOIN titles s ON s.title_id = r.successor_id AND s.status = 'active'"
        " WHERE r.title_id = t.title_id)",
    )
    assert lost == [(0,)]
    newest: dict[str, int] = {}
    for event in (event for events in published for event in events):
        assert isinstance(event, TitleChanged | TitleMerged | TitleRetired)
        newest[event.title_id] = max(newest.get(event.title_id, 0), event.version)
    assert newest == dict(rows(connection, "SELECT title_id::text, version FROM titles"))


def test_a_title_merged_away_while_waiting_for_it_is_tried_again(
    dsn: str, lookup: EntityResolution, connection: Connection
) -> None:
    """The waiting worker found the title by its name; the merging one came by ids, so they share no stripe."""
    known = [
        upserted("alpha:1", an_item("Amber Road", 1999, external_ids=ids("imdb:tt1")), at=1),
        upserted("alpha:2", an_item("Birch Lane", 1950, external_ids=ids("tmdb:1")), at=2),
        upserted("beta:2", an_item("Birch Lane", 1950, external_ids=ids("tmdb:1")), at=3),
    ]
    decide(lookup, connection, [received(event, offset) for offset, event in enumerate(known)])
    late = [received(upserted("delta:1", an_item("Amber Road", 1999), at=5), 0, 1)]
    outcome: list[BaseException | Decision] = []

    def wait_for_the_row() -> None:
        with connect_writer(dsn, "waiting worker") as mine:
            try:
                outcome.append(decide(lookup, mine, late))
            except TransientError as error:
                outcome.append(error)

    thread = threading.Thread(target=wait_for_the_row)
    with connection.transaction(), connection.cursor() as cursor:
        bridge = upserted("gamma:1", an_item("Cedar", 1970, external_ids=ids("imdb:tt1", "tmdb:1")), at=4)
        lookup.decide(cursor, [received(bridge, 4)])
        thread.start()
        with connect_plain(dsn, "test") as observer:
            query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock'"
            deadline = time.monotonic() + 5
            while observer.execute(query, ["waiting worker"]).fetchone() != (1,):
                assert time.monotonic() < deadline, "the second worker should wait for the title's row"
                time.sleep(0.01)
    thread.join(20)
    assert [type(found) for found in outcome] == [TransientError]
    (event,) = decide(lookup, connection, late).events
    assert isinstance(event, TitleChanged)
    assert rows(connection, "SELECT count(*) FROM titles WHERE status = 'active'") == [(1,)]
    assert {source.native_id for source in event.sources} == {"1", "2"}
