"""Deciding in PostgreSQL and publishing: nothing lost between the two, nobody decides twice."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime

import psycopg
import pytest

from runtime.connections.kafka import Acknowledged, EventProducer, Message, ProduceError
from runtime.connections.postgres import Cursor
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas import codec
from schemas.envelope import Position
from streams.engine.outbox import Outbox
from streams.engine.outcome import Fenced, InvalidEvent, TransientError
from streams.engine.processor import Processor
from streams.engine.spec import Decision, ProcessorSpec, Received, Rejected
from tests.support import pipeline

NAME = "entity_resolution"
INPUT, OUTPUT, DEAD = "provider-items", "titles", "entity-resolution-dlq"


class Counting:
    """A lookup that counts each item in a table of its own: a plain counter shows every double decision."""

    def __init__(self, _settings: Settings | None = None) -> None:
        self.before_return: Callable[[], None] = lambda: None

    def decide(self, cursor: Cursor, batch: Sequence[Received]) -> Decision:
        decision = Decision()
        for received in batch:
            number = str(getattr(received.event, "native_id", ""))
            if number == "Q13":
                decision.rejected.append(Rejected(received, InvalidEvent("unlucky")))
                continue
            cursor.execute(
                "INSERT INTO counted VALUES (%s, 1) ON CONFLICT (item) DO UPDATE SET times = counted.times + 1",
                (number,),
            )
            decision.events.append(pipeline.retired(received.event, number))
        self.before_return()
        return decision


class BrokenProducer(EventProducer):
    def submit(self, messages: Sequence[Message]) -> "Future[list[Acknowledged]]":
        failed: Future[list[Acknowledged]] = Future()
        failed.set_exception(ProduceError("broken on purpose"))
        return failed


@pytest.fixture
def counted(settings: Settings) -> Callable[[], dict[str, int]]:
    pipeline.create_topics_of(settings, NAME, [INPUT], [OUTPUT])
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS counted")
        connection.execute("CREATE TABLE counted (item text PRIMARY KEY, times integer NOT NULL)")
        connection.execute("TRUNCATE consumer_positions, outbox")

    def read() -> dict[str, int]:
        with psycopg.connect(settings.postgres_dsn) as connection:
            return dict(connection.execute("SELECT item, times FROM counted").fetchall())

    return read


def batch(numbers: range) -> list[Received]:
    now = datetime.now(UTC)
    return [Received(pipeline.withdrawn(n), Position(INPUT, 0, n), b"", now) for n in numbers]


def no_letters(rejected: Sequence[Rejected]) -> None:
    assert not rejected


def titles(settings: Settings) -> list[str]:
    found = [codec.decode(record.value or b"") for record in pipeline.records(settings, OUTPUT)]
    return [str(getattr(event, "title_id", "")) for event in found]


def test_what_was_decided_before_a_kill_is_published_after_it(
    settings: Settings, counted: Callable[[], dict[str, int]]
) -> None:
    broken = BrokenProducer(settings.kafka, "broken")
    killed = Outbox(NAME, Counting(), settings, broken)
    assert killed.decide(batch(range(10)), no_letters) == 10
    with pytest.raises(TransientError):
        killed.relay()
    killed.close()  # the kill: committed, nothing published
    broken.close()
    assert titles(settings) == []
    producer = EventProducer(settings.kafka, "test")
    successor = Outbox(NAME, Counting(), settings, producer)
    assert successor.relay() == 10
    assert successor.decide(batch(range(12)), no_letters) == 2  # a replayed input at or behind the position is skipped
    assert successor.relay() == 2
    successor.close()
    producer.close()
    assert sorted(titles(settings)) == sorted(f"Q{n}" for n in range(12))
    assert counted() == {f"Q{n}": 1 for n in range(12)}


def test_records_that_are_no_events_are_done_with_too(
    settings: Settings, counted: Callable[[], dict[str, int]]
) -> None:
    """Else a consumer that met one last would look behind, and whoever waits for it would wait for ever."""
    producer = EventProducer(settings.kafka, "test")
    outbox = Outbox(NAME, Counting(), settings, producer)
    assert outbox.decide(batch(range(3)), no_letters, {(INPUT, 0): 5}) == 3
    assert outbox.positions() == {(INPUT, 0): 5}
    assert outbox.decide([], no_letters, {(INPUT, 0): 6, (INPUT, 1): 1}) == 0
    assert outbox.positions() == {(INPUT, 0): 6, (INPUT, 1): 1}
    assert outbox.decide([], no_letters, {(INPUT, 0): 4}) == 0  # a replay moves nothing back
    assert outbox.positions() == {(INPUT, 0): 6, (INPUT, 1): 1}
    assert len(counted()) == 3
    outbox.close()
    producer.close()


def test_a_dead_letter_that_is_not_confirmed_rolls_the_batch_back(
    settings: Settings, counted: Callable[[], dict[str, int]]
) -> None:
    producer = EventProducer(settings.kafka, "test")
    outbox = Outbox(NAME, Counting(), settings, producer)

    def refuse(_rejected: Sequence[Rejected]) -> None:
        raise TransientError("dead letters are not confirmed")

    with pytest.raises(TransientError):
        outbox.decide(batch(range(20)), refuse)
    assert counted() == {}
    assert outbox.decide(batch(range(20)), lambda rejected: None) == 20
    assert len(counted()) == 19
    outbox.close()
    producer.close()


def test_two_owners_of_one_partition_decide_each_input_once(
    settings: Settings, counted: Callable[[], dict[str, int]]
) -> None:
    producer = EventProducer(settings.kafka, "test")
    meeting = threading.Barrier(2, timeout=10)

    def work(_owner: int) -> int:
        outbox = Outbox(NAME, Counting(), settings, producer)
        done = 0
        meeting.wait()
        for start in range(20, 200, 20):
            for _ in range(5):
                try:
                    done += outbox.decide(batch(range(start, start + 20)), no_letters)
                    break
                except (Fenced, TransientError):
                    continue
            outbox.relay()
        outbox.close()
        return done

    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(work, range(2))) == 180
    producer.close()
    assert counted() == {f"Q{n}": 1 for n in range(20, 200)}
    assert sorted(titles(settings)) == sorted(f"Q{n}" for n in range(20, 200))


def test_a_frozen_owner_is_fenced_when_it_wakes(settings: Settings, counted: Callable[[], dict[str, int]]) -> None:
    """The server ends the sleeper's transaction (idle_in_transaction_session_timeout), so its successor can work."""
    producer = EventProducer(settings.kafka, "test")
    asleep, wake = threading.Event(), threading.Event()
    lookup = Counting()

    def sleep() -> None:
        asleep.set()
        wake.wait(30)

    lookup.before_return = sleep
    frozen = Outbox(NAME, lookup, settings, producer)
    with ThreadPoolExecutor(1) as pool:
        zombie = pool.submit(frozen.decide, batch(range(10)), no_letters)
        asleep.wait(10)
        rightful = Outbox(NAME, Counting(), settings, producer)
        for _ in range(10):
            try:
                assert rightful.decide(batch(range(10)), no_letters) == 10
                break
            except TransientError:  # the lock time-out is shorter than the sleeper's idle time-out
                continue
        wake.set()
        with pytest.raises(TransientError):
            zombie.result(20)
    assert counted() == {f"Q{n}": 1 for n in range(10)}
    rightful.close()
    producer.close()


async def run_until(settings: Settings, done: Callable[[], bool]) -> None:
    producer = EventProducer(settings.kafka, "test")
    spec = ProcessorSpec(NAME, lookup=Counting, max_batch=40)
    processor = Processor(spec, settings, producer, UnitHealth(f"processor:{NAME}"))
    await processor.start()
    await asyncio.to_thread(pipeline.until, done)
    await asyncio.sleep(1.5)  # Faust commits once a second
    await processor.stop()
    await asyncio.to_thread(producer.close)


async def test_after_restoring_an_older_database_nothing_is_left_out(
    settings: Settings, counted: Callable[[], dict[str, int]]
) -> None:
    sent = [pipeline.message(settings, pipeline.withdrawn(n)) for n in range(20, 80)]
    await asyncio.to_thread(pipeline.publish, settings, sent)
    await run_until(settings, lambda: len(counted()) == 60)
    with psycopg.connect(settings.postgres_dsn, autocommit=True) as connection:  # the backup was from before all this
        connection.execute("TRUNCATE consumer_positions, outbox, counted")
    await run_until(settings, lambda: len(counted()) == 60)
    assert counted() == {f"Q{n}": 1 for n in range(20, 80)}


async def test_the_whole_loop_decides_publishes_and_dead_letters(
    settings: Settings, counted: Callable[[], dict[str, int]]
) -> None:
    await asyncio.to_thread(
        pipeline.publish, settings, [pipeline.message(settings, pipeline.withdrawn(n)) for n in range(100)]
    )
    producer = EventProducer(settings.kafka, "test")
    spec = ProcessorSpec(NAME, lookup=Counting, max_batch=40)
    for _ in range(2):  # the second run finds everything done
        processor = Processor(spec, settings, producer, UnitHealth(f"processor:{NAME}"))
        await processor.start()
        for _ in range(200):
            if len(await asyncio.to_thread(titles, settings)) >= 99:
                break
            await asyncio.sleep(0.1)
        await processor.stop()
    await asyncio.to_thread(producer.close)
    assert sorted(titles(settings)) == sorted(f"Q{n}" for n in range(100) if n != 13)
    assert counted() == {f"Q{n}": 1 for n in range(100) if n != 13}
    (letter,) = pipeline.records(settings, DEAD)
    assert dict(letter.headers)["mg-reason"] == b"unlucky"
