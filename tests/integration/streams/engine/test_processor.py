"""One test a step of the processor loop, on a real broker."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from runtime.connections.kafka import Acknowledged, EventProducer, Message, ProduceError
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas import codec
from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.catalog import ProviderItemReceived, ProviderItemWithdrawn
from streams.engine.dead_letter import CONSUMER, REASON
from streams.engine.outcome import InvalidEvent
from streams.engine.processor import Processor
from streams.engine.spec import ProcessorSpec
from tests.support import pipeline

NAME = "normalization"
INPUT, OUTPUT, DEAD = "catalog-deliveries", "provider-items", "normalization-dlq"


class FailingProducer(EventProducer):
    failures = 0
    attempts = 0

    async def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        self.attempts += 1
        if self.failures > 0:
            self.failures -= 1
            raise ProduceError("broken on purpose")
        return await super().send(messages)


def received(number: int) -> ProviderItemReceived:
    made = pipeline.withdrawn(number)
    return ProviderItemReceived(
        event_id=made.event_id,
        occurred_at=made.occurred_at,
        provider=made.provider,
        native_id=made.native_id,
        delivery_id="msg_1",
        ordinal=number,
        action="withdraw",
        source_time=made.source_time,
    )


def passing(event: AnyEvent, _position: Position) -> tuple[AnyEvent, ...]:
    assert isinstance(event, ProviderItemReceived)
    return (pipeline.withdrawn(event.ordinal),)


@asynccontextmanager
async def running(
    settings: Settings,
    transform: Callable[[AnyEvent, Position], tuple[Any, ...]] = passing,
    producer: EventProducer | None = None,
) -> AsyncIterator[Processor]:
    producer = producer or EventProducer(settings.kafka, "test")
    processor = Processor(
        ProcessorSpec(NAME, transform, max_batch=100), settings, producer, UnitHealth(f"processor:{NAME}")
    )
    await processor.start()
    try:
        yield processor
    finally:
        await processor.stop()
        await asyncio.to_thread(producer.close)


async def send(settings: Settings, numbers: range, **headers: str) -> None:
    messages = [pipeline.message(settings, received(number), **headers) for number in numbers]
    await asyncio.to_thread(pipeline.publish, settings, messages)


async def outputs(settings: Settings, at_least: int, topic: str = OUTPUT) -> list[Any]:
    """Waits until so many different records stand in the topic."""
    for _ in range(150):
        found = await asyncio.to_thread(pipeline.records, settings, topic)
        if len({record.value for record in found}) >= at_least:
            return found
        await asyncio.sleep(0.1)
    raise AssertionError(f"only {len(found)} of {at_least} records in {topic}")


@pytest.fixture
def topics(settings: Settings) -> None:
    pipeline.create_topics_of(settings, NAME, [INPUT], [OUTPUT])


@pytest.mark.usefixtures("topics")
async def test_events_go_through_once_and_carry_their_trace(settings: Settings) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    await send(settings, range(250), traceparent=parent)
    async with running(settings):
        found = await outputs(settings, 250)
    assert len(found) == 250
    assert {dict(record.headers)["traceparent"] for record in found} == {parent.encode()}


@pytest.mark.usefixtures("topics")
async def test_a_raising_transform_loses_nothing(settings: Settings) -> None:
    def broken(event: AnyEvent, position: Position) -> tuple[AnyEvent, ...]:
        if getattr(event, "ordinal", -1) == 77:
            raise ZeroDivisionError
        return passing(event, position)

    await send(settings, range(150))
    async with running(settings, broken) as processor:
        error = await asyncio.wait_for(processor.failed, 30)
    assert isinstance(error, ZeroDivisionError)
    async with running(settings):
        found = await outputs(settings, 150)
    assert len({record.key for record in found}) == 150


@pytest.mark.usefixtures("topics")
async def test_undecodable_bytes_and_invalid_events_become_dead_letters(settings: Settings) -> None:
    def choosy(event: AnyEvent, position: Position) -> tuple[AnyEvent, ...]:
        if getattr(event, "ordinal", -1) == 3:
            raise InvalidEvent("refused", "three")
        return passing(event, position)

    await asyncio.to_thread(
        pipeline.publish, settings, [Message(settings.topic_prefix + INPUT, b"wikidata:Q3", b"\x07garbage")]
    )
    await send(settings, range(10))
    async with running(settings, choosy):
        found = await outputs(settings, 9)
        letters = await outputs(settings, 2, DEAD)
    assert len(found) == 9
    assert {dict(letter.headers)[REASON] for letter in letters} == {b"bad_magic", b"refused"}
    assert {dict(letter.headers)[CONSUMER] for letter in letters} == {NAME.encode()}
    assert b"\x07garbage" in {letter.value for letter in letters}


@pytest.mark.usefixtures("topics")
async def test_an_unconfirmed_output_is_tried_again_and_not_acknowledged(settings: Settings) -> None:
    producer = FailingProducer(settings.kafka, "test")
    producer.failures = 4
    await send(settings, range(30))
    async with running(settings, producer=producer):
        found = await outputs(settings, 30)
    assert producer.failures == 0
    assert len(found) == 30


@pytest.mark.usefixtures("topics")
async def test_a_failing_dead_letter_holds_the_batch_back(settings: Settings) -> None:
    def refuse(_event: AnyEvent, _position: Position) -> tuple[AnyEvent, ...]:
        raise InvalidEvent("refused")

    stuck = FailingProducer(settings.kafka, "test")
    stuck.failures = 10**6
    await send(settings, range(5))
    async with running(settings, refuse, stuck):
        await asyncio.to_thread(pipeline.until, lambda: stuck.attempts >= 3)
    async with running(settings):  # the next owner gets all of them: nothing was acknowledged
        assert len(await outputs(settings, 5)) == 5


@pytest.mark.usefixtures("topics")
async def test_stopping_in_mid_batch_acknowledges_nothing_of_it(settings: Settings) -> None:
    slow = FailingProducer(settings.kafka, "test")
    slow.failures = 10**6
    await send(settings, range(200))
    async with running(settings, producer=slow):
        await asyncio.to_thread(pipeline.until, lambda: slow.attempts > 0)
    async with running(settings):
        found = await outputs(settings, 200)
    assert len({record.key for record in found}) == 200


@pytest.mark.usefixtures("topics")
async def test_two_apps_share_the_partitions(settings: Settings) -> None:
    async with running(settings):
        await send(settings, range(100))
        async with running(settings):
            await send(settings, range(100, 400))
            found = await outputs(settings, 400)
    assert {record.key for record in found} == {f"wikidata:Q{n}".encode() for n in range(400)}
    assert all(isinstance(codec.decode(record.value), ProviderItemWithdrawn) for record in found)
