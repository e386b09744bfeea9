"""From when an event is due until its row is committed: one processor, one materializer, a topic before each.

Every event opens a session of another person: `playback_sessions` publishes its begin at once, and `playback_history`
makes a row of it that nothing changes for minutes (so long a session may be silent). So the row's transaction is the
one that it came with. Events leave when they are due, whatever became of the earlier ones.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from typing import Final

import psycopg
from msgspec import Struct
from psycopg import sql

from proofs.benchmarks import commit_times
from proofs.benchmarks.load import percentile
from proofs.figures import Figure
from proofs.system import System, SystemFailed, fresh
from runtime import settings as settings_module
from runtime.connections.kafka import Acknowledged, EventProducer, Message
from runtime.connections.versions import physical
from schemas import codec
from schemas.read_models.playback_history import READ_MODEL
from schemas.types.playback import PlaybackEventRecorded, PlaybackSessionStarted
from streams.engine.changelog import Reader
from sync_laws import clock

RATE: Final = 500
WARM_SECONDS: Final = 10
SECONDS: Final = 60
MOST_MS: Final = 30.0
UNITS: Final = ("processor:playback_sessions", "materializer:playback_history")
_PUBLISHED: Final = "playback-sessions"
_ROWS: Final = sql.Identifier(physical(READ_MODEL, 1))
_LEAD_SECONDS: Final = 3.0
_PATIENCE_SECONDS: Final = 30.0
_LENGTH_MS: Final = 7_200_000


class Passage(Struct, frozen=True):
    """One event on its way; seconds since 1970."""

    due: float
    published: float
    committed: float


def flow() -> list[Figure]:
    """On a system of its own, each unit in a process of its own."""
    home = settings_module.home_from()
    with fresh(home / "bench", home, only=UNITS) as system:
        commit_times.stamp(system)
        return measure(system, RATE, WARM_SECONDS, SECONDS)


def measure(system: System, rate: int, warm_seconds: int, seconds: int) -> list[Figure]:
    """What comes in the first `warm_seconds` counts as nothing but missing rows."""
    warm, count = rate * warm_seconds, rate * (warm_seconds + seconds)
    began = time.time() + _LEAD_SECONDS
    messages = [_message(number, began + number / rate) for number in range(count)]
    before = _spent(system)
    late = _send(system, messages, began, rate)
    _await_rows(system, count)
    spent = {unit: now - before[unit] for unit, now in _spent(system).items()}
    published, committed = _published(system), _committed(system)
    arrived = [number for number in range(count) if number in published and number in committed]
    passages = [Passage(began + n / rate, published[n], committed[n]) for n in arrived if n >= warm]
    return [
        *figures_of(passages, count - len(arrived), count),
        Figure.information("sent later than due, p99", 1000 * percentile(late[warm:], 0.99), "ms", len(late) - warm),
        _flush(system),
        *(Figure.information(f"CPU of {unit}", 1e3 * cpu / count, "ms/event", count) for unit, cpu in spent.items()),
    ]


def figures_of(passages: Sequence[Passage], missing: int, sent: int) -> list[Figure]:
    count = len(passages)
    whole = [1000 * (one.committed - one.due) for one in passages]
    first = [1000 * (one.published - one.due) for one in passages]
    second = [1000 * (one.committed - one.published) for one in passages]
    commits = [one.committed for one in passages]
    taken = max(commits, default=0.0) - min(commits, default=0.0)
    return [
        Figure.information("event due → row committed, p50", percentile(whole, 0.5), "ms", count),
        Figure.against("event due → row committed, p95", percentile(whole, 0.95), "ms", "≤", MOST_MS, count),
        Figure.information("event due → row committed, p99", percentile(whole, 0.99), "ms", count),
        Figure.information("event due → row committed, most", max(whole, default=float("nan")), "ms", count),
        Figure.information("event due → published by the processor, p50", percentile(first, 0.5), "ms", count),
        Figure.information("event due → published by the processor, p95", percentile(first, 0.95), "ms", count),
        Figure.information("published → row committed, p50", percentile(second, 0.5), "ms", count),
        Figure.information("published → row committed, p95", percentile(second, 0.95), "ms", count),
        Figure.information("rows a second", (count - 1) / taken if taken else float("nan"), "/s", count),
        Figure.against("rows missing", missing, "rows", "≤", 0, sent),
    ]


def _message(number: int, due: float) -> Message:
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(due * 1000))
    event = PlaybackEventRecorded(
        event_id=f"00000000-0000-7000-8000-{number:012x}",
        occurred_at=at,
        user_id=f"person-{number}",
        device_id="tv",
        session_id=str(number),
        title_id=f"00000000-0000-5000-8000-{number:012x}",
        kind="started",
        position_ms=0,
        duration_ms=_LENGTH_MS,
        hlc=clock.pack(int(due * 1000)),
        region="DE",
    )
    return Message(codec.topic_of(event), codec.key_of(event), codec.encode(event))


def _send(system: System, messages: Sequence[Message], began: float, rate: int) -> list[float]:
    """How many seconds after it was due each was handed over."""
    late: list[float] = []
    waiting: list[Future[list[Acknowledged]]] = []
    producer = EventProducer(system.settings.kafka, "bench", timeout_seconds=60)
    try:
        for number, message in enumerate(messages):
            due = began + number / rate
            time.sleep(max(due - time.time(), 0))
            waiting.append(producer.submit([message]))
            late.append(time.time() - due)
        for one in waiting:
            one.result(60)
    finally:
        producer.close()
    return late


def _spent(system: System) -> dict[str, float]:
    """Seconds of CPU of each unit until now."""
    return {unit: sum(system.processes()[unit].cpu_times()[:2]) for unit in UNITS}


def _await_rows(system: System, count: int) -> None:
    """Or until no more come in time: what is missing is a figure."""
    question = sql.SQL("SELECT count(*) FROM {}").format(_ROWS)
    with psycopg.connect(system.settings.postgres_dsn, autocommit=True) as connection:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            row = connection.execute(question).fetchone()
            if row is not None and row[0] >= count:
                return
            time.sleep(0.5)


def _published(system: System) -> Mapping[int, float]:
    """When the processor handed each session's begin to its producer: the record's time."""
    found: dict[int, float] = {}
    with Reader(system.settings.kafka, system.settings.topic_prefix + _PUBLISHED, None) as reader:
        while not reader.at_end:
            for record in reader.poll(1.0):
                event = codec.decode(record.value() or b"")
                if isinstance(event, PlaybackSessionStarted):
                    found.setdefault(int(event.session_id), record.timestamp()[1] / 1000)
    return found


def _committed(system: System) -> Mapping[int, float]:
    """Of rows that are as they came; one that was changed would tell of another transaction, and counts as missing."""
    question = sql.SQL(
        "SELECT session_id::int, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float8 FROM {}"
        " WHERE ended_at IS NULL"
    ).format(_ROWS)
    with psycopg.connect(system.settings.postgres_dsn, autocommit=True) as connection:
        return {int(number): float(at) for number, at in connection.execute(question)}


def _flush(system: System) -> Figure:
    """A commit's time is taken just before it is flushed to disk: this much later it is answered."""
    question = "SELECT sum(fsyncs)::bigint, sum(fsync_time)::float8 FROM pg_stat_io WHERE object = 'wal'"
    with psycopg.connect(system.settings.postgres_dsn, autocommit=True) as connection:
        row = connection.execute(question).fetchone()
    if row is None or not row[0]:
        raise SystemFailed("PostgreSQL does not tell how long it flushed")
    return Figure.information("a flush of PostgreSQL's log, mean", row[1] / row[0], "ms", row[0])
