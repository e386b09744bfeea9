"""A small pipeline for engine tests: settings on real backends, topics of this test, events, and reading them back."""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from bootstrap.log_reader import LogReader, Record
from runtime import settings as settings_module
from runtime.connections.kafka import Acknowledged, EventProducer, Message
from runtime.settings import Settings
from schemas import codec, loader
from schemas.envelope import derived_id
from schemas.types import AnyEvent
from schemas.types.catalog import ProviderItemWithdrawn, TitleRetired
from tests.support.backends import Backends, PostgresDatabase

MIGRATIONS = Path(__file__).parents[2] / "migrations" / "postgres"
WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def settings_for(backends: Backends, database: PostgresDatabase, prefix: str) -> Settings:
    return settings_module.load(
        {
            "MG_KAFKA_BOOTSTRAP": backends.kafka,
            "MG_POSTGRES_DSN": database.dsn,
            "MG_POSTGRES_READER_DSN": database.reader_dsn,
            "MG_REDIS_URL": backends.redis_url,
            "MG_QDRANT_URL": backends.qdrant_url,
            "MG_TOPIC_PREFIX": prefix,
            "MG_GROUP_PREFIX": f"{prefix}mg-",
            "MG_HOME": backends.home or "/tmp/mg-test-home",  # noqa: S108 - only names a folder for Faust
        }
    )


def apply_engine_tables(dsn: str) -> None:
    """Positions, versions and outbox: all that the engines themselves need."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        found = connection.execute("SELECT to_regclass('consumer_positions')").fetchone()
        if found is None or found[0] is None:
            connection.execute((MIGRATIONS / "0001_pre_positions.sql").read_bytes())


def create_topics(settings: Settings, names: Sequence[str], partitions: int = 2) -> None:
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    topics = [NewTopic(settings.topic_prefix + name, partitions, 1) for name in names]
    for future in admin.create_topics(topics).values():
        future.result(20)


def create_topics_of(settings: Settings, consumer: str, inputs: Sequence[str], outputs: Sequence[str] = ()) -> None:
    create_topics(settings, [*inputs, *outputs])
    create_topics(settings, [loader.dead_letter_topic(consumer)], partitions=1)


def withdrawn(number: int) -> ProviderItemWithdrawn:
    return ProviderItemWithdrawn(
        event_id=derived_id("test", "withdrawn", number),
        occurred_at=WHEN,
        provider="wikidata",
        native_id=f"Q{number}",
        delivery_id="msg_1",
        source_time=WHEN,
    )


def retired(cause: AnyEvent, title_id: str, version: int = 1) -> TitleRetired:
    return TitleRetired(
        event_id=derived_id(cause.event_id, "test"), occurred_at=cause.occurred_at, title_id=title_id, version=version
    )


def message(settings: Settings, event: AnyEvent, **headers: str) -> Message:
    return Message(
        settings.topic_prefix + codec.topic_of(event),
        codec.key_of(event),
        codec.encode(event),
        tuple((name, text.encode()) for name, text in headers.items()),
    )


def publish(settings: Settings, messages: Sequence[Message]) -> list[Acknowledged]:
    producer = EventProducer(settings.kafka, "test")
    try:
        return producer.send_and_wait(messages)
    finally:
        producer.close()


def records(settings: Settings, topic: str) -> list[Record]:
    reader = LogReader(settings)
    try:
        return list(reader.read([topic], "earliest", follow=False))
    finally:
        reader.close()


def until(condition: Callable[[], bool], seconds: float = 40.0, what: str = "the condition") -> None:
    """Polls; raises AssertionError after the deadline."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.05)
