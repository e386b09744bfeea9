"""A stateful processor on real Kafka against what it must come to: the same log through the tables in memory."""

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Producer

from bootstrap.flow import topic_specs
from runtime.clock import Clock, to_milliseconds
from runtime.connections import topics
from runtime.connections.kafka import EventProducer
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas import codec
from schemas.envelope import Position
from schemas.types.playback import PlaybackEventRecorded
from streams.engine.changelog import Changelog
from streams.engine.processor import Processor
from streams.engine.spec import Counted, ProcessorSpec, Received, StateSpec
from tests.support import pipeline
from tests.support.stateful import Log, event, kinds

INPUT = "playback-events"


def state_of(spec: ProcessorSpec) -> StateSpec:
    assert spec.state is not None
    return spec.state


def create_topics(settings: Settings, *specs: ProcessorSpec) -> None:
    wanted = {INPUT}
    for spec in specs:
        wanted |= {*spec.outputs, spec.state_topic, spec.state_topic.replace("-state", "-dlq")}
    topics.apply(settings.kafka, [one for one in topic_specs() if one.name in wanted], settings.topic_prefix)


def story(count: int, seed: int, began: datetime) -> list[tuple[PlaybackEventRecorded, datetime]]:
    """Events of 40 users over some hours, in the order of the log, and when they are recorded: silent for long now and
    then, repeated, reordered, late by up to 90 minutes."""
    dice = random.Random(seed)
    found: list[tuple[PlaybackEventRecorded, datetime]] = []
    now = 0
    for number in range(count):
        now += dice.choice((0, 1000, 3000)) if dice.random() > 0.02 else 200_000
        user, session = dice.randrange(40), dice.randrange(3)
        late = dice.randrange(90 * 60_000) if dice.random() < 0.1 else 0
        made = event(
            number,
            kind=dice.choice(("started", "progressed", "progressed", *kinds())),
            user_id=f"user-{user}",
            session_id=f"s-{user}-{session}-{number // 500}",
            title_id=f"title-{(user + session) % 7}",
            position_ms=dice.randrange(100 * 60_000),
            region=("DE", "FR", "US")[user % 3],
            hlc=(number + 1 - dice.randrange(20) * (dice.random() < 0.1) << 16),
        )
        recorded = began + timedelta(milliseconds=now)
        made = replaced(made, occurred_at=recorded - timedelta(milliseconds=late))
        found.append((made, recorded))
        if dice.random() < 0.05:
            found.append((made, recorded))
    return found


def replaced(what: PlaybackEventRecorded, **changes: Any) -> PlaybackEventRecorded:
    given = {name: getattr(what, name) for name in what.__struct_fields__}
    return PlaybackEventRecorded(**(given | changes))


def tell(settings: Settings, told: Sequence[tuple[PlaybackEventRecorded, datetime]]) -> None:
    """Writes a story with its record times."""
    producer = Producer({"bootstrap.servers": settings.kafka, "linger.ms": 5})
    for what, recorded in told:
        producer.produce(
            settings.topic_prefix + INPUT, codec.encode(what), codec.key_of(what), timestamp=to_milliseconds(recorded)
        )
        producer.poll(0)
    assert producer.flush(30) == 0


def undisturbed(settings: Settings, spec: ProcessorSpec, now: datetime | None = None) -> dict[int, Log]:
    """Each partition through the tables, in one go; then timers until `now`."""
    logs: dict[int, Log] = {}
    for record in pipeline.records(settings, INPUT):
        position = Position(INPUT, record.partition, record.offset)
        what = Received(codec.decode(record.value or b""), position, record.key, record.at)
        logs.setdefault(record.partition, Log(state_of(spec))).batch([what])
    if now is not None:
        for log in logs.values():
            log.tick(to_milliseconds(now))
    return logs


def restored(settings: Settings, spec: ProcessorSpec, numbers: Sequence[int]) -> dict[int, dict[str, dict[bytes, Any]]]:
    """The state as a new owner would find it."""
    found = Changelog(spec, state_of(spec), settings).restore(numbers)
    return {
        number: {
            name: {key: entry.state for key, entry in table.entries.items()} for name, table in partition.tables.items()
        }
        for number, (partition, _) in found.items()
    }


def outputs(settings: Settings, topic: str) -> list[Any]:
    return [codec.decode(record.value or b"") for record in pipeline.records(settings, topic)]


def events_of(logs: dict[int, Log]) -> set[Any]:
    return {one for log in logs.values() for one in log.outputs if not isinstance(one, Counted | Exception)}


def states_of(logs: dict[int, Log]) -> dict[int, dict[str, dict[bytes, Any]]]:
    return {number: log.state() for number, log in logs.items()}


@asynccontextmanager
async def running(
    settings: Settings, spec: ProcessorSpec, producer: EventProducer | None = None, clock: Clock | None = None
) -> AsyncIterator[Processor]:
    producer = producer or EventProducer(settings.kafka, "test")
    processor = Processor(spec, settings, producer, UnitHealth(f"processor:{spec.name}"), clock)
    await processor.start()
    try:
        yield processor
    finally:
        await processor.stop()
        await asyncio.to_thread(producer.close)


async def eventually(condition: Any, what: str, seconds: float = 120.0) -> None:
    await asyncio.to_thread(pipeline.until, condition, seconds, what)


def hours_ago(hours: float) -> datetime:
    """A while ago, in whole milliseconds."""
    now = datetime.now(UTC) - timedelta(hours=hours)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)
