"""Items and decisions from their topics, which differ in partitions, through the real loop."""

import asyncio

import psycopg
import pytest

from migrations import runner
from runtime.connections.kafka import EventProducer
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas import codec
from schemas.types.catalog import TitleMerged
from streams.engine.processor import Processor
from streams.processors.entity_resolution import SPEC
from tests.support import pipeline
from tests.support.backends import Backends, PostgresDatabase
from tests.support.canonical_items import an_item, upserted
from tests.support.title_decisions import merge

pytestmark = pytest.mark.backends


@pytest.fixture
def settings(backends: Backends, postgres_database: PostgresDatabase, topic_prefix: str) -> Settings:
    runner.apply(postgres_database.dsn)
    return pipeline.settings_for(backends, postgres_database, topic_prefix)


async def test_a_decision_is_read_beside_the_items_and_published(settings: Settings) -> None:
    pipeline.create_topics(settings, ["provider-items", "titles"], partitions=3)
    pipeline.create_topics(settings, ["title-decisions", "entity-resolution-dlq"], partitions=1)
    items = [
        upserted("alpha:1", an_item("Amber Road by the Sea", 1999)),
        upserted("gamma:1", an_item("Birch Lane at Dawn", 1980)),
    ]
    pipeline.publish(settings, [pipeline.message(settings, event) for event in items])
    pipeline.publish(settings, [pipeline.message(settings, merge("d1", "alpha:1", "gamma:1"))])
    producer = EventProducer(settings.kafka, "test")
    processor = Processor(SPEC, settings, producer, UnitHealth("processor:entity_resolution"))
    await processor.start()
    try:
        await asyncio.to_thread(pipeline.until, lambda: len(titles_of(settings)) == 1, what="one title")
        await asyncio.to_thread(pipeline.until, lambda: positions(settings) == 3, what="both topics' positions")
    finally:
        await processor.stop()
        producer.close()
    assert not processor.failed.done()
    found = [codec.decode(record.value or b"") for record in pipeline.records(settings, "titles")]
    (survivor,) = titles_of(settings)
    newest = {event.title_id: event for event in found}  # type: ignore[union-attr] # all have one
    assert survivor in newest
    gone = [event for event in newest.values() if isinstance(event, TitleMerged)]
    assert all(event.successor_id == survivor for event in gone)


def titles_of(settings: Settings) -> set[str]:
    """Of the two items, once both are there and the decision is."""
    with psycopg.connect(settings.postgres_dsn) as connection:
        rows = connection.execute("SELECT title_id::text FROM provider_items").fetchall()
        decided = connection.execute("SELECT outcome FROM resolution_decisions").fetchall()
    return {row[0] for row in rows} if len(rows) == 2 and decided == [("applied",)] else set()


def positions(settings: Settings) -> int:
    """How many events are behind the stored positions."""
    with psycopg.connect(settings.postgres_dsn) as connection:
        (row,) = connection.execute(
            "SELECT sum(next) FROM consumer_positions WHERE consumer = 'entity_resolution'"
        ).fetchall()
    return int(row[0] or 0)
