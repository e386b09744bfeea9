"""Several instances of one unit, and other threads that ask about one."""

import asyncio
import threading
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from runtime.connections.kafka import EventProducer
from runtime.connections.postgres import Cursor
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas import codec
from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.catalog import TitleRetired
from streams.engine.alignment import require_in_log
from streams.engine.materializer import Materializer
from streams.engine.outcome import FatalError
from streams.engine.processor import Processor
from streams.engine.spec import Advance, Decision, MaterializerSpec, ProcessorSpec, Received
from tests.support import pipeline

INPUT, OUTPUT = "provider-items", "titles"


class Retiring:
    """A lookup that retires whatever it sees."""

    def __init__(self, _settings: Settings) -> None: ...

    def decide(self, cursor: Cursor, batch: Sequence[Received]) -> Decision:
        numbers = [str(getattr(received.event, "native_id", "")) for received in batch]
        pairs = zip(batch, numbers, strict=True)
        return Decision(events=[pipeline.retired(received.event, number) for received, number in pairs])


class NoStore:
    """Takes everything, keeps nothing."""

    def positions(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {}

    def apply(self, writes: Sequence[Any], advances: Sequence[Advance]) -> None: ...

    def close(self) -> None: ...


def send(settings: Settings, numbers: range) -> None:
    pipeline.publish(settings, [pipeline.message(settings, pipeline.withdrawn(n)) for n in numbers])


def titles(settings: Settings) -> set[str]:
    events = [codec.decode(record.value or b"") for record in pipeline.records(settings, OUTPUT)]
    return {event.title_id for event in events if isinstance(event, TitleRetired)}


async def test_two_processors_with_a_lookup_share_the_partitions(settings: Settings) -> None:
    """Each sees the positions of all partitions in PostgreSQL, also of those that are the other's."""
    pipeline.create_topics_of(settings, "entity_resolution", [INPUT], [OUTPUT])
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
        connection.execute("TRUNCATE consumer_positions, outbox")
    spec = ProcessorSpec("entity_resolution", lookup=Retiring, max_batch=20)
    producer = EventProducer(settings.kafka, "test")
    one, other = (Processor(spec, settings, producer, UnitHealth(name)) for name in ("one", "other"))
    await one.start()
    await asyncio.to_thread(send, settings, range(100))
    await asyncio.to_thread(pipeline.until, lambda: len(titles(settings)) == 100)
    await other.start()
    for start in range(100, 500, 50):  # through the rebalance, and after it
        await asyncio.to_thread(send, settings, range(start, start + 50))
        await asyncio.sleep(0.5)
    await asyncio.to_thread(pipeline.until, lambda: len(titles(settings)) == 500)
    await other.stop()
    await asyncio.to_thread(send, settings, range(500, 550))
    await asyncio.to_thread(pipeline.until, lambda: len(titles(settings)) == 550)
    await one.stop()
    await asyncio.to_thread(producer.close)
    assert not one.failed.done()
    assert not other.failed.done()


def test_only_a_position_that_the_broker_does_not_know_is_fatal(settings: Settings) -> None:
    pipeline.create_topics_of(settings, "entity_resolution", [INPUT], [OUTPUT])
    send(settings, range(10))
    ends = {(record.topic, record.partition): record.offset + 1 for record in pipeline.records(settings, INPUT)}
    require_in_log(settings.kafka, "entity_resolution", settings.topic_prefix, ends)
    beyond = {place: end + 1 for place, end in ends.items()}
    with pytest.raises(FatalError, match="beyond the log's end"):
        require_in_log(settings.kafka, "entity_resolution", settings.topic_prefix, beyond)


def test_a_materializer_says_that_it_has_caught_up_while_it_polls(settings: Settings) -> None:
    """A rebuild waits for it in another thread."""
    pipeline.create_topics_of(settings, "provider_deliveries", ["catalog-deliveries", INPUT])
    pipeline.create_topics(settings, ["normalization-dlq"], partitions=1)
    send(settings, range(10))

    def nothing(_event: AnyEvent, _position: Position) -> tuple[Any, ...]:
        return ()

    def unused(*_: object) -> Any:
        raise AssertionError("the test hands its own store over")

    spec = MaterializerSpec("provider_deliveries", nothing, unused, unused, "none", "under test")
    producer = EventProducer(settings.kafka, "test")
    health = UnitHealth("materializer:provider_deliveries")
    materializer = Materializer(spec, NoStore(), settings, producer, health)
    thread = threading.Thread(target=materializer.run, daemon=True)
    thread.start()
    try:
        pipeline.until(lambda: health.status().events_total == 10)
        for _ in range(20):  # each of them must come back
            asked = threading.Thread(target=pipeline.until, args=(materializer.caught_up,), daemon=True)
            asked.start()
            asked.join(10)
            assert not asked.is_alive()
    finally:
        materializer.stop()
        thread.join(20)
        producer.close()
    assert not thread.is_alive()
