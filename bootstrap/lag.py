"""Lag from the stores' own positions: what a read model has, not what its process says about itself."""

from datetime import UTC, datetime

import msgspec
from confluent_kafka import TopicPartition

from bootstrap.log_reader import LogReader
from runtime.connections import kafka, postgres
from runtime.connections.versions import consumer as consumer_of
from runtime.settings import Settings
from runtime.sql import beside
from streams.engine.outcome import TransientError
from streams.engine.spec import MaterializerSpec, ProcessorSpec, StoreContext
from streams.engine.store import serving_version
from streams.topology import MATERIALIZERS, PIPELINE

_SQL = beside(__file__)


class Lag(msgspec.Struct, frozen=True):
    """One consumer on one topic. `seconds`: age of the oldest record it has not done, when asked; 0 when it has all."""

    consumer: str
    topic: str
    events: int
    seconds: float
    position: int
    end: int


def consumers(settings: Settings) -> list[Lag]:
    """Positions first, and the ends of the log after them: when nobody is behind, nothing is on its way between two.

    That takes a second or two. What arrives meanwhile is among the `events`, but has not waited.
    """
    asked_at = datetime.now(UTC)
    reader = LogReader(settings)
    try:
        stored = _stored(settings)
        found = []
        for spec in PIPELINE:
            for topic in topics_of(spec):
                if isinstance(spec, ProcessorSpec) and spec.lookup is None:
                    places = _committed(settings, spec, topic, reader.partitions(topic))
                elif isinstance(spec, MaterializerSpec) and spec.store_kind == "redis":
                    places = _in_own_store(settings, spec, topic, reader.partitions(topic))
                else:
                    places = {p: next_ for (name, t, p), next_ in stored.items() if (name, t) == (spec.name, topic)}
                found.append(_lag(reader, spec.name, topic, places, asked_at))
        return found
    finally:
        reader.close()


def topics_of(spec: ProcessorSpec | MaterializerSpec) -> tuple[str, ...]:
    """Every topic a unit reads."""
    return (*spec.inputs, *spec.dead_letter_inputs) if isinstance(spec, MaterializerSpec) else spec.inputs


def _lag(reader: LogReader, consumer: str, topic: str, places: dict[int, int], asked_at: datetime) -> Lag:
    events, oldest, total, end = 0, None, 0, 0
    for partition, (low, high) in reader.ends(topic).items():
        at = max(places.get(partition, 0), low)
        events += max(high - at, 0)
        total, end = total + at, end + high
        if high > at:
            waiting = reader.record(topic, partition, at)
            if waiting is not None:
                oldest = min(oldest or waiting.at, waiting.at)
    seconds = (asked_at - oldest).total_seconds() if oldest else 0.0
    return Lag(consumer, topic, events, round(max(seconds, 0.0), 3), total, end)


def _stored(settings: Settings) -> dict[tuple[str, str, int], int]:
    """Positions of everything that keeps them in PostgreSQL, under the unit's name at its serving version."""
    found: dict[tuple[str, str, int], int] = {}
    with postgres.connect_writer(settings.postgres_dsn, "mg-lag") as connection, connection.cursor() as cursor:
        versions = {spec.name: serving_version(cursor, spec.name) for spec in MATERIALIZERS}
        cursor.execute(_SQL["all_positions"])
        names = {consumer_of(name, version): name for name, version in versions.items()}
        for consumer, topic, partition, next_ in cursor:
            found[names.get(str(consumer), str(consumer)), topic, partition] = next_
    return found


def _in_own_store(settings: Settings, spec: MaterializerSpec, topic: str, partitions: list[int]) -> dict[int, int]:
    """Of a read model that keeps its positions beside its rows, outside PostgreSQL."""
    store = spec.store(StoreContext(settings, spec.name))
    try:
        return {p: next_ for (_, p), next_ in store.positions([(topic, p) for p in partitions]).items()}
    except TransientError as error:
        raise ConnectionError(f"{spec.store_kind} does not answer: {error}") from error
    finally:
        store.close()


def _committed(settings: Settings, spec: ProcessorSpec, topic: str, partitions: list[int]) -> dict[int, int]:
    """What a Faust app committed to Kafka."""
    group = f"{settings.group_prefix}{spec.name.replace('_', '-')}"
    wanted = [TopicPartition(settings.topic_prefix + topic, partition) for partition in partitions]
    found = kafka.committed(settings.kafka, group, wanted, 10)
    return {place.partition: max(place.offset, 0) for place in found}
