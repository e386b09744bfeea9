"""A backlog of playback events into watch_state: one process of ours, on one core, PostgreSQL and Kafka beside it."""

import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import get_args

import psutil
import psycopg

from proofs.figures import Figure
from proofs.system import System, SystemFailed, fresh
from runtime import settings as settings_module
from runtime.connections.kafka import EventProducer, Message
from schemas import codec
from schemas.types.playback import PlaybackEventRecorded, PlaybackKind
from sync_laws import clock

EVENTS = 1_000_000
_USERS, _TITLES = 20_000, 500
_UNIT = "materializer:watch_state"
_BEGAN = datetime(2026, 1, 1, 12, tzinfo=UTC)
_STEP = timedelta(milliseconds=40)
_LENGTH_MS = 7_200_000
_CHUNK = 10_000
_PATIENCE_SECONDS = 600.0
_KINDS: tuple[PlaybackKind, ...] = tuple(kind for kind in get_args(PlaybackKind) if kind != "unknown")


def backlog() -> list[Figure]:
    """1,000,000 events, zipf over 20,000 people and 500 titles, written before the unit starts."""
    home = settings_module.home_from()
    # `service:sync` only because a system wants a unit; nobody asks it anything.
    with fresh(home / "bench", home, only=("service:sync",)) as system:
        return measure(system, EVENTS)


def measure(system: System, count: int) -> list[Figure]:
    fill(system, count)
    with (system.home / "logs" / "backlog.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bootstrap.cli", "run", _UNIT],
            env=system.environment,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    try:
        rate, memory, cpu = _watch(system, psutil.Process(process.pid), count)
    finally:
        process.terminate()
        process.wait(60)
    return [
        Figure.against("playback events into watch_state, backlog", rate, "events/s", "≥", 30_000, count),
        Figure.against("memory of the process, most", memory, "MB", "≤", 200, 1),
        Figure.information("CPU of the process", cpu, "µs/event", count),
    ]


def fill(system: System, count: int) -> None:
    producer = EventProducer(system.settings.kafka, "bench", linger_ms=20, timeout_seconds=60)
    try:
        made = events(count)
        while chunk := list(islice(made, _CHUNK)):
            producer.send_and_wait(
                [Message(codec.topic_of(event), codec.key_of(event), codec.encode(event)) for event in chunk]
            )
    finally:
        producer.close()


def events(count: int) -> Iterator[PlaybackEventRecorded]:
    dice = random.Random(7)
    people, titles = _zipf(_USERS), _zipf(_TITLES)
    for number in range(count):
        person = dice.choices(range(_USERS), cum_weights=people)[0]
        title = dice.choices(range(_TITLES), cum_weights=titles)[0]
        at = _BEGAN + number * _STEP
        yield PlaybackEventRecorded(
            event_id=f"00000000-0000-7000-8000-{number:012x}",
            occurred_at=at,
            user_id=f"person-{person:05d}",
            device_id=f"person-{person:05d}-{dice.randrange(3)}",
            session_id=f"{person:05d}-{title:03d}-{dice.randrange(4)}",
            title_id=f"00000000-0000-5000-8000-{title:012x}",
            kind=dice.choice(_KINDS),
            position_ms=dice.randrange(_LENGTH_MS),
            duration_ms=_LENGTH_MS,
            hlc=clock.pack(int(at.timestamp() * 1000)),
            region="DE",
        )


def _zipf(size: int) -> Sequence[float]:
    return list(accumulate(1 / rank for rank in range(1, size + 1)))


def _watch(system: System, process: psutil.Process, count: int) -> tuple[float, float, float]:
    """Events a second between the first and the last that were committed, most megabytes, microseconds of CPU each."""
    first: tuple[float, int, float] | None = None
    most = 0
    deadline = time.monotonic() + _PATIENCE_SECONDS
    with psycopg.connect(system.settings.postgres_dsn, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(
                "SELECT coalesce(sum(next), 0)::bigint FROM consumer_positions"
                " WHERE consumer LIKE 'watch_state_v%' AND topic = 'playback-events'"
            ).fetchone()
            done, now, spent = int(row[0]) if row else 0, time.monotonic(), sum(process.cpu_times()[:2])
            most = max(most, process.memory_info().rss)
            if done and first is None:
                first = (now, done, spent)
            if first is not None and done >= count:
                events = done - first[1]
                return events / (now - first[0]), most / 1_048_576, (spent - first[2]) / events * 1_000_000
            time.sleep(0.1)
    raise SystemFailed(f"watch_state did not get through {count} events in {_PATIENCE_SECONDS:.0f} s")
