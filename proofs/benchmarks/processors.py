"""Stateful processors on a backlog, one process each on a broker of the same machine.

`python -m proofs.benchmarks.processors [--json]` measures on the stack of MG_HOME, in topics of its own.
"""

import asyncio
import secrets
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
from confluent_kafka.admin import AdminClient

from bootstrap.flow import topic_specs
from devstack.stack import Stack
from proofs import figures
from proofs.figures import Figure
from runtime import interpreter
from runtime import settings as settings_module
from runtime.connections import topics
from runtime.connections.kafka import EventProducer, Message
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas import codec
from schemas.envelope import derived_id
from schemas.types.playback import PlaybackEventRecorded, PlaybackKind
from streams.engine.processor import Processor
from streams.engine.spec import ProcessorSpec
from streams.processors import playback_sessions, title_trends

EVENTS = 100_000
_BARS: dict[str, float] = {"playback_sessions": 3000, "title_trends": 8000}
_USERS, _TITLES, _REGIONS = 5000, 1500, ("US", "DE", "FR", "GB")
_SITTING: tuple[PlaybackKind, ...] = (
    "started", "progressed", "progressed", "progressed", "paused", "resumed", "progressed", "progressed", "progressed",
    "completed",
)  # fmt: skip
_BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
_SECONDS = 600


def run() -> list[Figure]:
    """On a stack of its own."""
    home = settings_module.home_from()
    stack = Stack(home / "bench", cache=home / "cache")
    stack.up()
    try:
        return measure(settings_module.load({**settings_module.environment(), "MG_HOME": str(home / "bench")}))
    finally:
        stack.down()


def measure(settings: Settings, count: int = EVENTS) -> list[Figure]:
    interpreter.tune()  # as `mg run` does
    prefix = f"bench-{secrets.token_hex(4)}-"
    settings = msgspec.structs.replace(settings, topic_prefix=prefix, group_prefix=f"{prefix}mg-")
    topics.apply(settings.kafka, topic_specs(), prefix)
    try:
        _fill(settings, count)
        return [asyncio.run(_rate(spec, settings, count)) for spec in (playback_sessions.SPEC, title_trends.SPEC)]
    finally:
        admin = AdminClient({"bootstrap.servers": settings.kafka})
        for deleted in admin.delete_topics([prefix + spec.name for spec in topic_specs()]).values():
            deleted.result(30)


def events(count: int) -> Iterator[PlaybackEventRecorded]:
    """Ten events a sitting, all users at once, 100 ms of their time from one event to the next."""
    sitting = len(_SITTING)
    for number in range(count):
        block, place = divmod(number, _USERS)
        session, step = divmod(block, sitting)
        at = _BEGAN + timedelta(milliseconds=100 * number)
        yield PlaybackEventRecorded(
            event_id=derived_id("bench", "processors", number),
            occurred_at=at,
            user_id=f"user-{place}",
            device_id=f"device-{place % 3}",
            session_id=f"session-{place}-{session}",
            title_id=f"title-{(place * 7 + session) % _TITLES}",
            kind=_SITTING[step],
            position_ms=step * 60_000,
            duration_ms=(sitting - 1) * 60_000,
            hlc=(number + 1) << 16,
            region=_REGIONS[place % len(_REGIONS)],
        )


def _fill(settings: Settings, count: int) -> None:
    producer = EventProducer(settings.kafka, "bench", timeout_seconds=60)
    try:
        waiting: list[Message] = []
        for event in events(count):
            topic = settings.topic_prefix + codec.topic_of(event)
            waiting.append(Message(topic, codec.key_of(event), codec.encode(event)))
            if len(waiting) == 10_000:
                producer.send_and_wait(waiting)
                waiting = []
        producer.send_and_wait(waiting)
    finally:
        producer.close()


async def _rate(spec: ProcessorSpec, settings: Settings, count: int) -> Figure:
    """From the end of the first batch to the end of the last one."""
    health = UnitHealth(f"processor:{spec.name}")
    producer = EventProducer(settings.kafka, "bench", timeout_seconds=60)
    processor = Processor(spec, settings, producer, health)
    await processor.start()
    began, before, deadline = 0.0, 0, time.monotonic() + _SECONDS
    try:
        while (done := health.status().events_total) < count:
            if done and not before:
                began, before = time.perf_counter(), done
            if processor.failed.done() or time.monotonic() > deadline:
                raise RuntimeError(f"{spec.name} did {done} of {count} events: {health.status().detail}")
            await asyncio.sleep(0.005)
        rate = (count - before) / (time.perf_counter() - began)
    finally:
        await processor.stop()
        await asyncio.to_thread(producer.close)
    return Figure.against(f"{spec.name}, one process", rate, "events/s", "≥", _BARS[spec.name], count - before)


if __name__ == "__main__":
    sys.exit(figures.report(measure(settings_module.load()), as_json="--json" in sys.argv[1:], title="processors"))
