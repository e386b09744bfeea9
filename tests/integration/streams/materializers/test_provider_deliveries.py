"""The read model of deliveries on a real server: any order, any repetition, any cut into batches, one result."""

import random
from collections.abc import Sequence

import psycopg
import pytest

from query_api.services.deliveries.reader import PageStart, PostgresDeliveriesReader
from runtime.connections import postgres
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.read_models.provider_deliveries import READ_MODEL
from schemas.types.catalog import CanonicalItem, ProviderItemNormalized, ProviderItemReceived
from streams.engine.dead_letter import DeadLettered
from streams.engine.spec import Advance, StoreContext
from streams.materializers.provider_deliveries.store import create
from streams.materializers.provider_deliveries.transform import ItemWrite, transform
from tests.support.backends import PostgresDatabase
from tests.support.deliveries import NOW
from tests.support.migrated import rows

pytestmark = pytest.mark.backends
ITEMS = 12


def received(delivery: int, ordinal: int) -> ProviderItemReceived:
    return ProviderItemReceived(
        event_id=f"r{delivery}-{ordinal}",
        occurred_at=NOW.replace(minute=delivery),
        provider="wikidata",
        native_id=f"Q{ordinal}",
        delivery_id=f"d{delivery}",
        ordinal=ordinal,
        action="upsert",
        source_time=NOW,
        body=b"{}",
    )


def normalized(delivery: int, ordinal: int) -> ProviderItemNormalized:
    return ProviderItemNormalized(
        event_id=f"n{delivery}-{ordinal}",
        occurred_at=NOW,
        provider="wikidata",
        native_id=f"Q{ordinal}",
        delivery_id=f"d{delivery}",
        source_time=NOW,
        item=CanonicalItem(kind="movie", name="M", content_hash="0"),
    )


def letter(
    consumer: str, offset: int, event: ProviderItemReceived | ProviderItemNormalized, reason: str
) -> DeadLettered:
    return DeadLettered(consumer, Position("catalog-deliveries", 0, offset), reason, f"detail {offset}", event)


def history() -> list[ItemWrite]:
    """Three deliveries of twelve items; of each: nothing yet for 0, refused for 1 (twice) and 2, refused and then
    normalized for 3, normalized and then refused by entity resolution for 4, normalized for the rest."""
    events: list[object] = []
    for delivery in range(3):
        events += [received(delivery, ordinal) for ordinal in range(ITEMS)]
        events += [
            letter("normalization", 1, received(delivery, 1), "bad_json"),
            letter("normalization", 20, received(delivery, 1), "missing_name"),
            letter("normalization", 2, received(delivery, 2), "too_deep"),
            letter("normalization", 3, received(delivery, 3), "bad_shape"),
            letter("entity_resolution", 4, normalized(delivery, 4), "unusable"),
        ]
        events += [normalized(delivery, ordinal) for ordinal in range(3, ITEMS)]
    return [write for event in events for write in transform(event, Position("t", 0, 0))]  # type: ignore[arg-type] # dead letters are not in the union


def apply(settings: Settings, batches: Sequence[Sequence[ItemWrite]]) -> None:
    store = create(StoreContext(settings, READ_MODEL))
    next_ = store.positions([("catalog-deliveries", 0)]).get(("catalog-deliveries", 0), 0)
    for batch in batches:
        store.apply(batch, [Advance("catalog-deliveries", 0, next_, next_ + 1)])
        next_ += 1
    store.close()


def state(dsn: str) -> list[tuple[object, ...]]:
    return [
        *rows(dsn, "SELECT * FROM provider_deliveries ORDER BY 1, 2"),
        *rows(dsn, "SELECT * FROM provider_delivery_items ORDER BY 1, 2, 3"),
    ]


@pytest.fixture
def clean(migrated: PostgresDatabase) -> PostgresDatabase:
    with psycopg.connect(migrated.dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE provider_deliveries_v1, provider_delivery_items_v1, consumer_positions")
    return migrated


def test_any_order_gives_the_same_rows(clean: PostgresDatabase, settings: Settings) -> None:
    writes = history()
    apply(settings, [writes])
    expected = state(clean.dsn)
    assert len(expected) == 3 + 3 * ITEMS
    for seed in range(5):
        chance = random.Random(seed)
        shuffled = [*writes, *chance.sample(writes, 40)]
        chance.shuffle(shuffled)
        with psycopg.connect(clean.dsn, autocommit=True) as connection:
            connection.execute("TRUNCATE provider_deliveries_v1, provider_delivery_items_v1")
        size = chance.randint(1, 30)
        apply(settings, [shuffled[at : at + size] for at in range(0, len(shuffled), size)])
        assert state(clean.dsn) == expected
    apply(settings, [writes])  # a replay
    assert state(clean.dsn) == expected


async def test_an_operator_sees_what_became_of_each_item(clean: PostgresDatabase, settings: Settings) -> None:
    apply(settings, [history()])
    pool = postgres.reader_pool(clean.reader_dsn, "mg-test", size=1)
    await pool.open()
    try:
        reader = PostgresDeliveriesReader(pool)
        first = await reader.page("wikidata", None, 2)
        assert [row.delivery_id for row in first] == ["d2", "d1"]
        row = first[0]
        assert (row.items, row.accepted, row.normalized, row.withdrawn, row.dead_lettered) == (12, 1, 8, 0, 3)
        rest = await reader.page("wikidata", PageStart(first[-1].accepted_at, first[-1].delivery_id), 2)
        assert [row.delivery_id for row in rest] == ["d0"]
        assert await reader.page("nobody", None, 2) == []
        refused = await reader.refused("wikidata", ["d2"])
        assert [(each.native_id, each.ordinal, each.consumer, each.reason) for each in refused] == [
            ("Q1", 1, "normalization", "missing_name"),
            ("Q2", 2, "normalization", "too_deep"),
            ("Q4", 4, "entity_resolution", "unusable"),
        ]
        newest = await reader.newest(("wikidata", "nobody"))
        assert newest == {"wikidata": first[0].accepted_at}
        assert await reader.positions() == {("catalog-deliveries", 0): 1}
        assert await reader.as_of() is not None
    finally:
        await pool.close()
