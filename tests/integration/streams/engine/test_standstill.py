"""A consumer that fetches nothing while events wait ends its processor; one that has nothing to do stays."""

import asyncio
from typing import Any

import pytest

from runtime.connections.kafka import EventProducer
from runtime.health import UnitHealth
from runtime.settings import Settings
from streams.engine import processor as processor_module
from streams.engine.consuming import QuickConsumer
from streams.engine.outcome import FatalError
from streams.engine.processor import Processor
from streams.engine.spec import ProcessorSpec
from streams.engine.standstill import Standstill
from tests.integration.streams.engine.test_processor import INPUT, NAME, OUTPUT, passing, send
from tests.support import pipeline

_PLACES = frozenset({(INPUT, 0), (INPUT, 1)})


class Time:
    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time(settings: Settings) -> Time:
    pipeline.create_topics_of(settings, NAME, [INPUT], [OUTPUT])
    return Time()


def standstill(settings: Settings, time: Time) -> Standstill:
    return Standstill(settings.kafka, f"{settings.group_prefix}still", settings.topic_prefix, now=time)


async def test_a_unit_with_nothing_to_do_stays(settings: Settings, time: Time) -> None:
    still = standstill(settings, time)
    for _ in range(3):
        time.seconds += 100
        still.look(_PLACES)


async def test_the_second_look_that_finds_the_same_events_waiting_ends_it(settings: Settings, time: Time) -> None:
    await send(settings, range(20))
    still = standstill(settings, time)
    still.look(_PLACES)
    still.look(_PLACES)  # too early to say anything
    time.seconds += 61
    still.look(_PLACES)  # what it finds may have been written a moment ago
    with pytest.raises(FatalError, match=rf"61 s although events wait \(.*{INPUT}:\d from 0"):
        still.look(_PLACES)


async def test_partitions_of_others_do_not_count(settings: Settings, time: Time) -> None:
    await send(settings, range(20))
    still = standstill(settings, time)
    time.seconds += 61
    for _ in range(3):
        still.look(frozenset())


async def test_a_batch_in_hand_is_no_standstill_and_one_that_is_done_begins_anew(
    settings: Settings, time: Time
) -> None:
    await send(settings, range(20))
    still = standstill(settings, time)
    still.holds()
    time.seconds += 1_000
    for _ in range(3):
        still.look(_PLACES)
    still.moved()
    time.seconds += 61
    still.look(_PLACES)
    still.moved()
    time.seconds += 61
    still.look(_PLACES)


async def test_a_broker_that_does_not_answer_says_nothing(
    settings: Settings, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.engine.standstill.ANSWER_SECONDS", 0.3)
    still = Standstill("127.0.0.1:1", "still", settings.topic_prefix, now=time)
    time.seconds += 61
    for _ in range(3):
        still.look(_PLACES)


@pytest.mark.usefixtures("time")
async def test_a_consumer_that_fetches_no_more_ends_its_processor(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(_self: QuickConsumer, active_partitions: Any, timeout: float) -> dict[Any, Any]:  # noqa: ASYNC109 - Faust's signature
        await asyncio.sleep(timeout)
        return {}

    monkeypatch.setattr(processor_module, "LOOK_EVERY_SECONDS", 0.3)
    monkeypatch.setattr(QuickConsumer, "_getmany", nothing)
    await send(settings, range(20))
    producer = EventProducer(settings.kafka, "test")
    health = UnitHealth(f"processor:{NAME}")
    processor = Processor(ProcessorSpec(NAME, passing), settings, producer, health)
    monkeypatch.setattr(processor, "_standstill", _impatient(settings, processor))
    await processor.start()
    try:
        error = await asyncio.wait_for(asyncio.shield(processor.failed), 40)
    finally:
        await processor.stop()
        await asyncio.to_thread(producer.close)
    assert isinstance(error, FatalError)
    assert "the consumer stands still" in str(error)


def _impatient(settings: Settings, processor: Processor) -> Standstill:
    return Standstill(settings.kafka, processor._app.conf.id, settings.topic_prefix, patience_seconds=1)
