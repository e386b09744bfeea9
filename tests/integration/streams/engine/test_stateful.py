"""State on real Kafka: deaths at every stage, owners in turn, timers, a lost or spoilt state topic."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from confluent_kafka.admin import AdminClient

from runtime.clock import FrozenClock
from runtime.connections.kafka import Acknowledged, EventProducer, Message
from runtime.settings import Settings
from schemas.types.playback import PlaybackSessionEnded
from streams.engine.changelog import Changelog
from streams.engine.processor import Processor
from streams.engine.spec import ProcessorSpec
from streams.engine.table import Partition
from streams.processors import playback_sessions
from tests.support import pipeline
from tests.support.stateful import event
from tests.support.stateful_run import (
    create_topics,
    events_of,
    eventually,
    hours_ago,
    outputs,
    replaced,
    restored,
    running,
    state_of,
    states_of,
    story,
    tell,
    undisturbed,
)

SPEC = playback_sessions.SPEC
OUTPUT = "playback-sessions"


class Dying(Exception):
    """The process would be gone here."""


class DyingProducer(EventProducer):
    """Sends the first `most` messages of the send with this number, and then there is nobody left to hear of it."""

    at, most, sends = 10**9, 0, 0

    async def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        self.sends += 1
        if self.sends > self.at:
            raise Dying
        if self.sends == self.at:
            await super().send(messages[: self.most])
            raise Dying
        return await super().send(messages)


@pytest.fixture(autouse=True)
def topics(settings: Settings) -> None:
    create_topics(settings, SPEC)


def is_done(settings: Settings, spec: ProcessorSpec, logs: object) -> bool:
    """The state topic says that every partition is where its input ends."""
    assert isinstance(logs, dict)
    found = Changelog(spec, state_of(spec), settings).restore(sorted(logs))
    return all(partition.next >= logs[number].partition.next for number, (partition, _) in found.items())


async def test_deaths_at_every_stage_change_nothing(settings: Settings) -> None:
    """Outputs and state of the keys are one send each, the position is the last: a death before, in and behind each."""
    await asyncio.to_thread(tell, settings, story(900, 1, hours_ago(3)))
    for at, most in ((1, 0), (1, 7), (2, 0), (2, 5), (3, 0), (4, 3), (5, 2), (3, 1)):
        producer = DyingProducer(settings.kafka, "test")
        producer.at, producer.most = at, most
        async with running(settings, small(SPEC), producer) as processor:
            error = await asyncio.wait_for(processor.failed, 90)
        assert isinstance(error, Dying)
    now = datetime.now(UTC)
    logs = undisturbed(settings, SPEC, now)
    async with running(settings, SPEC, clock=FrozenClock(now + timedelta(seconds=2))):
        await eventually(lambda: {e.event_id for e in outputs(settings, OUTPUT)} >= ids(logs), "all outputs")
    assert set(outputs(settings, OUTPUT)) == events_of(logs)
    assert restored(settings, SPEC, sorted(logs)) == states_of(logs)


async def test_owners_in_turn_and_at_once(settings: Settings) -> None:
    told = story(1500, 2, hours_ago(3))
    now = datetime.now(UTC)
    clock = FrozenClock(now + timedelta(seconds=2))
    async with running(settings, small(SPEC), clock=FrozenClock(hours_ago(3))) as one:
        await asyncio.to_thread(tell, settings, told[:500])
        async with running(settings, small(SPEC), clock=FrozenClock(hours_ago(3))) as other:
            for start in range(500, 1000, 50):  # through the rebalance
                await asyncio.to_thread(tell, settings, told[start : start + 50])
                await asyncio.sleep(0.3)
            await eventually(lambda: partitions_of(one) and partitions_of(other), "both own something")
        await asyncio.to_thread(tell, settings, told[1000:])
        logs = undisturbed(settings, SPEC)
        await eventually(lambda: is_done(settings, SPEC, logs), "all of the input")
        assert not one.failed.done()
        assert not other.failed.done()
    async with running(settings, SPEC, clock=clock):
        logs = undisturbed(settings, SPEC, now)
        await eventually(lambda: {e.event_id for e in outputs(settings, OUTPUT)} >= ids(logs), "the rest times out")
    assert set(outputs(settings, OUTPUT)) == events_of(logs)
    assert restored(settings, SPEC, sorted(logs)) == states_of(logs)


async def test_timers_go_by_the_given_clock_and_survive_a_restart(settings: Settings) -> None:
    began = hours_ago(0)
    clock = FrozenClock(began)
    await asyncio.to_thread(tell, settings, [(replaced(event(kind="started"), occurred_at=began), began)])
    async with running(settings, SPEC, clock=clock):
        await eventually(lambda: len(outputs(settings, OUTPUT)) == 1, "the start")
        clock.advance(180)
        await asyncio.sleep(2.5)
        assert len(outputs(settings, OUTPUT)) == 1  # a record may still be on its way
    async with running(settings, SPEC, clock=clock):
        await asyncio.sleep(2.5)
        assert len(outputs(settings, OUTPUT)) == 1
        clock.advance(3)
        await eventually(lambda: len(outputs(settings, OUTPUT)) == 2, "the time-out")
    [ended] = [one for one in outputs(settings, OUTPUT) if isinstance(one, PlaybackSessionEnded)]
    assert (ended.reason, ended.occurred_at) == ("timed_out", began + timedelta(minutes=3))


async def test_a_backlog_comes_before_timers(settings: Settings) -> None:
    """Events of hours ago, minutes apart: the clock says that all is over, the log says that it went on."""
    began = hours_ago(5)
    beats = [
        (replaced(event(n, kind="progressed"), occurred_at=when), when)
        for n, when in ((n, began + timedelta(minutes=2 * n)) for n in range(100))
    ]
    await asyncio.to_thread(tell, settings, beats)
    async with running(settings, small(SPEC, 5)):
        await eventually(lambda: len(outputs(settings, OUTPUT)) == 2, "start and end")
    ended = outputs(settings, OUTPUT)[1]
    assert (ended.reason, ended.events, ended.hlc) == ("timed_out", 100, 100 << 16)


async def test_a_lost_state_topic_is_filled_again_from_the_input(settings: Settings) -> None:
    await asyncio.to_thread(tell, settings, story(300, 3, hours_ago(3)))
    logs = undisturbed(settings, SPEC)
    async with running(settings, SPEC, clock=FrozenClock(hours_ago(3))):
        await eventually(lambda: is_done(settings, SPEC, logs), "all of the input")
        await asyncio.sleep(2.5)  # Faust commits every second
    admin = AdminClient({"bootstrap.servers": settings.kafka})
    name = settings.topic_prefix + SPEC.state_topic
    admin.delete_topics([name])[name].result(30)
    await eventually(lambda: name not in admin.list_topics(timeout=10).topics, "the topic is gone")
    create_topics(settings, SPEC)
    async with running(settings, SPEC, clock=FrozenClock(hours_ago(3))):
        await eventually(lambda: is_done(settings, SPEC, logs), "all of the input again")
    assert restored(settings, SPEC, sorted(logs)) == states_of(logs)
    assert set(outputs(settings, OUTPUT)) == events_of(logs)


async def test_state_that_a_frozen_owner_wrote_late_is_put_right(settings: Settings) -> None:
    """By whoever writes to the partition next, about whatever key: a later owner must not find old state at the end."""
    began = hours_ago(1)

    async def happens(second: int, user: str) -> None:
        when = began + timedelta(seconds=second)
        made = replaced(event(second, user_id=user, kind="started" if not second else "progressed"), occurred_at=when)
        await asyncio.to_thread(tell, settings, [(made, when)])
        await eventually(lambda: is_done(settings, SPEC, undisturbed(settings, SPEC)), "what happened")

    log = Changelog(SPEC, state_of(SPEC), settings)
    async with running(settings, SPEC, clock=FrozenClock(began)):
        await happens(0, "ann")
        [number] = undisturbed(settings, SPEC)
        old = log.restore([number])[number][0].tables["viewers"].entries[b"ann"]
        await happens(1, "ann")
        stale = Partition(state_of(SPEC))
        stale.tables["viewers"].load(b"ann", old.next, old.turn, old.state)
        stale.tables["viewers"].load(b"ann", old.next, old.turn - 1, None)  # makes the one above a change
        await asyncio.to_thread(pipeline.publish, settings, log.steps(number, stale)[0])
        assert last_version(log, number) == (old.next, old.turn)
        other = [name for name in map(str, range(20)) if await lands_in(settings, name, number)][0]  # noqa: RUF015 - async
        for second in range(2, 4):
            await happens(second, other)
        assert last_version(log, number) > (old.next, old.turn)
    assert restored(settings, SPEC, [number])[number] == states_of(undisturbed(settings, SPEC))[number]


async def lands_in(settings: Settings, user: str, number: int) -> bool:
    """Asks the broker's own partitioner."""
    producer = EventProducer(settings.kafka, "test")
    try:
        [place] = await producer.send([Message(settings.topic_prefix + OUTPUT, user.encode(), None)])
    finally:
        await asyncio.to_thread(producer.close)
    return place.partition == number


def last_version(log: Changelog, number: int) -> tuple[int, int]:
    """Of what stands last about Ann."""
    found = (0, 0)
    with log.read_all() as reader:
        while not reader.at_end:
            for record in map(log.decode, reader.poll(1.0)):
                if (record.partition, record.key) == (number, b"ann"):
                    found = (record.next, record.turn)
    return found


def ids(logs: object) -> set[str]:
    assert isinstance(logs, dict)
    return {one.event_id for one in events_of(logs)}


def partitions_of(processor: Processor) -> int:
    return len(processor._stateful.owned) if processor._stateful else 0


def small(spec: ProcessorSpec, most: int = 60) -> ProcessorSpec:
    """The same with small batches."""
    return ProcessorSpec(spec.name, state=spec.state, max_batch=most, gather_seconds=0.05)
