"""SIGKILL in mid batch, again and again: state, events and trends are those of an undisturbed run."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bootstrap.log_reader import LogReader
from runtime import settings as settings_module
from runtime.settings import Settings
from schemas.types.discovery import TrendingTitle
from streams.processors import playback_sessions, title_trends
from streams.processors.title_trends.trends import Trends
from tests.support import pipeline
from tests.support.backends import Backends, PostgresDatabase
from tests.support.pipeline import apply_engine_tables, settings_for
from tests.support.stateful import Log
from tests.support.stateful_run import (
    create_topics,
    events_of,
    hours_ago,
    outputs,
    restored,
    states_of,
    story,
    tell,
    undisturbed,
)

SESSIONS, TRENDS = playback_sessions.SPEC, title_trends.SPEC
KILLS = 3
Tops = dict[tuple[str, str], tuple[datetime, tuple[TrendingTitle, ...]]]


@pytest.fixture
def settings(backends: Backends, postgres_database: PostgresDatabase, topic_prefix: str) -> Settings:
    apply_engine_tables(postgres_database.dsn)
    return settings_for(backends, postgres_database, topic_prefix)


@contextmanager
def child(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`mg run` with both processors."""
    environment = settings_module.environment() | {
        "MG_KAFKA_BOOTSTRAP": settings.kafka,
        "MG_POSTGRES_DSN": settings.postgres_dsn,
        "MG_POSTGRES_READER_DSN": settings.postgres_reader_dsn,
        "MG_REDIS_URL": settings.redis_url,
        "MG_QDRANT_URL": settings.qdrant_url,
        "MG_TOPIC_PREFIX": settings.topic_prefix,
        "MG_GROUP_PREFIX": settings.group_prefix,
        "MG_HOME": str(settings.home),
        "MG_TRENDING_SECONDS": "0.5",
    }
    command = [sys.executable, "-m", "bootstrap.cli", "run", *(f"processor:{spec.name}" for spec in (SESSIONS, TRENDS))]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait(30)


def written(settings: Settings) -> int:
    reader = LogReader(settings)
    try:
        topics = (SESSIONS.state_topic, TRENDS.state_topic, "playback-sessions")
        return sum(high for topic in topics for _, high in reader.ends(topic).values())
    finally:
        reader.close()


def tops_of(logs: dict[int, Log]) -> Tops:
    """What an undisturbed run publishes last."""
    trends = Trends()
    for number, log in logs.items():
        for key, state in log.state()["plays"].items():
            trends.saw("plays", number, key, state)
    made = trends.publish(max(log.partition.now for log in logs.values()))
    return {(one.region, one.window): (one.window_end, one.titles) for one in made}


def tops(settings: Settings) -> Tops:
    found = outputs(settings, "title-trends")
    return {(one.region, one.window): (one.window_end, one.titles) for one in found}


def test_kills_in_mid_batch(settings: Settings) -> None:
    create_topics(settings, SESSIONS, TRENDS)
    told = story(5000, 4, hours_ago(8))
    # It ended four minutes ago: its last sessions are open until all of it is processed, then they time out.
    shift = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=4) - told[-1][1]
    moved: list[Any] = [(_later(what, shift), recorded + shift) for what, recorded in told]
    tell(settings, moved)
    dice = random.Random(5)
    for _ in range(KILLS):
        with child(settings) as process:
            before = written(settings)
            pipeline.until(lambda before=before: written(settings) > before, 90, "the child works")  # type: ignore[misc]
            time.sleep(dice.random())
            process.send_signal(signal.SIGKILL)
            process.wait(30)
    sessions, trends = undisturbed(settings, SESSIONS), undisturbed(settings, TRENDS)
    end = max(log.partition.now for log in sessions.values())
    with child(settings):
        for log in sessions.values():
            log.tick(end + 180_000)
        expected = {one.event_id for one in events_of(sessions)}
        pipeline.until(
            lambda: {one.event_id for one in outputs(settings, "playback-sessions")} >= expected, 400, "all sessions"
        )
        pipeline.until(lambda: tops(settings) == tops_of(trends), 90, "all trends")
    assert set(outputs(settings, "playback-sessions")) == events_of(sessions)
    assert restored(settings, SESSIONS, sorted(sessions)) == states_of(sessions)
    assert restored(settings, TRENDS, sorted(trends)) == states_of(trends)


def _later(what: Any, shift: timedelta) -> Any:
    return type(what)(
        **{name: getattr(what, name) for name in what.__struct_fields__} | {"occurred_at": what.occurred_at + shift}
    )
