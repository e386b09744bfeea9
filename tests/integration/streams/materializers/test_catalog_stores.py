"""title_catalog and availability on a real server: whatever the order, batches and repetitions, the same tables."""

from collections.abc import Sequence
from decimal import Decimal

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as tries
from hypothesis import strategies as st

from runtime.settings import Settings
from schemas.read_models import availability as availability_model
from schemas.read_models import title_catalog as title_catalog_model
from schemas.read_models.text import name_key
from schemas.types.catalog import ExternalId, Offer, TitleChanged, TitleMerged, TitleRetired
from streams.engine.outcome import Fenced
from streams.engine.spec import Advance, MaterializerSpec, Store, StoreContext
from streams.materializers import availability, title_catalog
from tests.support.backends import PostgresDatabase
from tests.support.migrated import rows
from tests.support.titles import POSITION, changed, merged, retired

TitleEvent = TitleChanged | TitleMerged | TitleRetired
Tables = list[list[tuple[object, ...]]]
QUERIES = (
    """SELECT title_id, version, state, successor_id, kind, name, name_key, name_keys, year, popularity, document::text,
        created_at, event_at FROM title_catalog ORDER BY title_id""",
    "SELECT title_id, source, value FROM title_catalog_external_ids ORDER BY 1, 2, 3",
    "SELECT * FROM availability ORDER BY title_id, ordinal",
    "SELECT title_id, version, state, offers, event_at FROM availability_titles ORDER BY title_id",
)


@pytest.fixture(scope="module", autouse=True)
def quick(migrated: PostgresDatabase) -> None:
    """Thousands of small commits: what they mean is tested here, not that they outlive a power cut."""
    with psycopg.connect(migrated.dsn) as connection:
        connection.execute(f"ALTER DATABASE {migrated.name} SET synchronous_commit = off".encode())


@pytest.fixture(autouse=True)
def empty(migrated: PostgresDatabase) -> None:
    wipe(migrated.dsn)


def wipe(dsn: str) -> None:
    """DELETE: a TRUNCATE of a few rows takes ten times as long."""
    with psycopg.connect(dsn) as connection:
        for table in (*title_catalog_model.TABLES, *availability_model.TABLES):
            connection.execute(f"DELETE FROM {table}_v1".encode())
        connection.execute("DELETE FROM consumer_positions")


def tables(dsn: str) -> Tables:
    return [rows(dsn, query) for query in QUERIES]


def opened(spec: MaterializerSpec, settings: Settings) -> Store:
    store = spec.store(StoreContext(settings, spec.name))
    store.positions([("titles", 0)])
    return store


class Both:
    """Both stores, fed the same batches."""

    def __init__(self, settings: Settings) -> None:
        self.specs = (title_catalog.SPEC, availability.SPEC)
        self.stores = [opened(spec, settings) for spec in self.specs]

    def apply(self, *batches: Sequence[TitleEvent]) -> None:
        for batch in batches:
            for spec, store in zip(self.specs, self.stores, strict=True):
                store.apply([write for event in batch for write in spec.transform(event, POSITION)], ())

    def close(self) -> None:
        for store in self.stores:
            store.close()


def offers(*providers: str, region: str = "US") -> tuple[Offer, ...]:
    return tuple(Offer(provider=provider, region=region, type="subscription") for provider in providers)


@st.composite
def histories(draw: st.DrawFn) -> list[TitleEvent]:
    """A few titles with versions of their own; each version is one event."""
    events: list[TitleEvent] = []
    for title_id in ("a", "b", "c"):
        for version in range(1, draw(st.integers(1, 4)) + 1):
            kind = draw(st.sampled_from(("changed", "changed", "merged", "retired")))
            if kind == "merged":
                events.append(merged(title_id, version, "z"))
            elif kind == "retired":
                events.append(retired(title_id, version))
            else:
                ids = draw(st.lists(st.sampled_from(("imdb", "tmdb", "eidr")), max_size=3))
                events.append(
                    changed(
                        title_id,
                        version,
                        external_ids=tuple(ExternalId(source=source, value=f"{title_id}{version}") for source in ids),
                        offers=offers(*draw(st.lists(st.sampled_from("nhd"), max_size=4))),
                    )
                )
    return events


@tries(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories(), data=st.data())
def test_any_order_with_repetition_gives_the_same_tables(
    migrated: PostgresDatabase, settings: Settings, history: list[TitleEvent], data: st.DataObject
) -> None:
    stores = Both(settings)
    wipe(migrated.dsn)
    stores.apply(*([event] for event in history))  # in order, one by one: the undisturbed run
    expected = tables(migrated.dsn)
    repeated = history + data.draw(st.lists(st.sampled_from(history), max_size=5))
    shuffled = data.draw(st.permutations(repeated))
    cut = data.draw(st.integers(0, len(shuffled)))
    wipe(migrated.dsn)
    stores.apply(shuffled[:cut], shuffled[cut:])
    assert tables(migrated.dsn) == expected
    stores.close()


@tries(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=histories())
def test_the_newest_event_alone_gives_the_same_tables_as_all(
    migrated: PostgresDatabase, settings: Settings, history: list[TitleEvent]
) -> None:
    """What a reader of the compacted topic sees."""
    stores = Both(settings)
    wipe(migrated.dsn)
    stores.apply(history)
    expected = tables(migrated.dsn)
    wipe(migrated.dsn)
    stores.apply(list({event.title_id: event for event in history}.values()))
    assert tables(migrated.dsn) == expected
    stores.close()


def test_a_replay_does_not_touch_a_row(migrated: PostgresDatabase, settings: Settings) -> None:
    stores = Both(settings)
    stores.apply([changed("a", 1), changed("b", 1)])
    touched = "SELECT title_id, xmin::text, written_at FROM {} ORDER BY title_id"
    physical = ("title_catalog_v1", "availability_titles_v1")
    before = [rows(migrated.dsn, touched.format(table)) for table in physical]
    stores.apply([changed("b", 1), changed("a", 1)])
    assert [rows(migrated.dsn, touched.format(table)) for table in physical] == before
    stores.close()


def test_offers_and_ids_are_replaced_as_sets(migrated: PostgresDatabase, settings: Settings) -> None:
    stores = Both(settings)
    ids = (ExternalId(source="imdb", value="tt1"), ExternalId(source="tmdb", value="1"))
    stores.apply([changed("a", 1, offers=offers("netflix", "hulu", "max"), external_ids=ids)])
    stores.apply([changed("a", 3, offers=offers("disney"), external_ids=ids[1:])])
    stores.apply([changed("a", 2, offers=offers("late", "later"), external_ids=ids[:1])])
    assert rows(migrated.dsn, "SELECT provider, version FROM availability") == [("disney", 3)]
    assert rows(migrated.dsn, QUERIES[1]) == [("a", "tmdb", "1")]
    stores.apply([retired("a", 4)])
    assert rows(migrated.dsn, "SELECT count(*) FROM availability") == [(0,)]
    assert rows(migrated.dsn, QUERIES[1]) == []
    assert rows(migrated.dsn, "SELECT version, state, offers FROM availability_titles") == [(4, "retired", 0)]
    stores.apply([changed("a", 5, offers=offers("back"))])
    assert rows(migrated.dsn, "SELECT provider FROM availability") == [("back",)]
    stores.close()


def test_values_come_back_as_they_went_in(migrated: PostgresDatabase, settings: Settings) -> None:
    stores = Both(settings)
    others = ("{a,b}", '"', "\\")
    name = 'Ti"tle {with}, \\ all, sorts \t of ✓ 🎬 שלום'
    offer = Offer(
        provider="x", region="GB", type="buy", price="3.990", currency="GBP", starts_at=changed("a").created_at
    )
    stores.apply([changed("a", name=name, alternate_names=others, offers=(offer,), year=9999)])
    ((_, _, _, _, _, read_name, _, keys, year, *_),) = rows(migrated.dsn, QUERIES[0])
    assert (read_name, year) == (name, 9999)
    assert keys == list(dict.fromkeys(name_key(each) for each in (name, *others)))
    assert rows(migrated.dsn, "SELECT price, currency, starts_at, ends_at FROM availability") == [
        (Decimal("3.990"), "GBP", offer.starts_at, None)
    ]
    stores.close()


def test_a_large_batch_goes_in_whole(migrated: PostgresDatabase, settings: Settings) -> None:
    stores = Both(settings)
    stores.apply([changed(f"{number:05}", version) for version in (1, 2) for number in range(3000)])
    assert rows(migrated.dsn, "SELECT count(*), min(version), max(version) FROM title_catalog") == [(3000, 2, 2)]
    assert rows(migrated.dsn, "SELECT count(*), min(version) FROM availability") == [(3000, 2)]
    stores.close()


@pytest.mark.parametrize("spec", [title_catalog.SPEC, availability.SPEC], ids=lambda spec: str(spec.name))
def test_a_fenced_batch_leaves_nothing_and_the_next_one_works(
    migrated: PostgresDatabase, settings: Settings, spec: MaterializerSpec
) -> None:
    store = opened(spec, settings)
    writes = list(spec.transform(changed("a", 1), POSITION))
    with pytest.raises(Fenced):
        store.apply(writes, [Advance("titles", 0, expected=7, next=8)])
    assert tables(migrated.dsn) == [[], [], [], []]
    store.apply(writes, [Advance("titles", 0, expected=0, next=1)])
    assert rows(
        migrated.dsn, f"SELECT version FROM {'title_catalog' if spec is title_catalog.SPEC else 'availability'}"
    ) == [(1,)]
    assert store.positions([("titles", 0)]) == {("titles", 0): 1}
    store.close()


def test_names_are_found_by_key_and_by_prefix(migrated: PostgresDatabase, settings: Settings) -> None:
    """The indexes are there for these questions, also with many titles."""
    stores = Both(settings)
    stores.apply(
        [changed(f"{number:05}", name=f"Film {number}", alternate_names=(f"Kino {number}",)) for number in range(3000)]
    )
    with psycopg.connect(migrated.dsn, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE title_catalog_v1")
        for condition, index in (
            ("name_key = 'film 17'", "title_catalog_v1_name_key"),
            ("name_key LIKE 'film 299%'", "title_catalog_v1_name_key"),
            ("name_keys @> ARRAY['kino 17']", "title_catalog_v1_name_keys"),
        ):
            plan = connection.execute(
                f"EXPLAIN SELECT title_id FROM title_catalog WHERE {condition}".encode()
            ).fetchall()
            assert index in str(plan)
            assert connection.execute(f"SELECT title_id FROM title_catalog WHERE {condition}".encode()).fetchall()
        plan = connection.execute(
            """EXPLAIN SELECT title_id FROM title_catalog WHERE state = 'live'
            ORDER BY popularity DESC, title_id LIMIT 20"""
        ).fetchall()
        assert "title_catalog_v1_popularity" in str(plan)
    stores.close()
