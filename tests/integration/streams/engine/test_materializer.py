"""One test a step of the materializer loop, on a real broker."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from runtime.connections.kafka import Acknowledged, EventProducer, Message, ProduceError
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.dead_letter import OFFSET, REASON
from streams.engine.materializer import Materializer
from streams.engine.outcome import FatalError, Fenced, InvalidEvent, TransientError
from streams.engine.spec import Advance, MaterializerSpec
from tests.support import pipeline

NAME = "provider_deliveries"
TOPIC = "provider-items"
INPUTS = ("catalog-deliveries", TOPIC)


class MemoryStore:
    """A Store that counts applications; shared by several owners, fenced like the real one."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.next: dict[tuple[str, int], int] = {}
        self.applied: list[Any] = []
        self.trouble: list[Exception] = []

    def positions(self, partitions: Sequence[tuple[str, int]]) -> dict[tuple[str, int], int]:
        return {partition: self.next[partition] for partition in partitions if partition in self.next}

    def apply(self, writes: Sequence[Any], advances: Sequence[Advance]) -> None:
        with self.lock:
            if self.trouble:
                raise self.trouble.pop(0)
            for move in advances:
                if self.next.get((move.topic, move.partition), 0) != move.expected:
                    raise Fenced("another owner")
            for move in advances:
                self.next[move.topic, move.partition] = move.next
            self.applied.extend(writes)

    def close(self) -> None: ...


class FailingProducer(EventProducer):
    """Fails the first sends, then works."""

    failures = 0

    def send_and_wait(self, messages: Sequence[Message]) -> list[Acknowledged]:
        if self.failures > 0:
            self.failures -= 1
            raise ProduceError("broken on purpose")
        return super().send_and_wait(messages)


def keys(event: AnyEvent, _position: Position) -> tuple[str, ...]:
    return (str(getattr(event, "native_id", "")),)


def spec(transform: Callable[[AnyEvent, Position], tuple[Any, ...]] = keys) -> MaterializerSpec:
    def unused(*_: object) -> Any:
        raise AssertionError("the test hands its own store over")

    return MaterializerSpec(NAME, transform, unused, unused, "memory", "under test", max_batch=50)


@contextmanager
def running(
    settings: Settings, store: MemoryStore, made: MaterializerSpec, producer: EventProducer | None = None
) -> Iterator[tuple[Materializer, list[BaseException]]]:
    producer = producer or EventProducer(settings.kafka, "test-dlq")
    materializer = Materializer(made, store, settings, producer, UnitHealth(f"materializer:{NAME}"))
    failures: list[BaseException] = []

    def body() -> None:
        try:
            materializer.run()
        except BaseException as error:  # noqa: BLE001 - asserted on by the tests
            failures.append(error)

    thread = threading.Thread(target=body, daemon=True)
    thread.start()
    try:
        yield materializer, failures
    finally:
        materializer.stop()
        thread.join(20)
        producer.close()
    assert not thread.is_alive()


@pytest.fixture
def topics(settings: Settings) -> None:
    pipeline.create_topics_of(settings, NAME, INPUTS)


def send(settings: Settings, numbers: range) -> list[str]:
    pipeline.publish(settings, [pipeline.message(settings, pipeline.withdrawn(n)) for n in numbers])
    return [f"Q{n}" for n in numbers]


@pytest.mark.usefixtures("topics")
def test_a_restart_goes_on_behind_the_stored_position(settings: Settings) -> None:
    store = MemoryStore()
    first = send(settings, range(120))
    with running(settings, store, spec()):
        pipeline.until(lambda: len(store.applied) == 120)
    second = send(settings, range(120, 200))
    with running(settings, store, spec()):
        pipeline.until(lambda: len(store.applied) >= 200)
    assert sorted(store.applied) == sorted(first + second)


@pytest.mark.usefixtures("topics")
def test_kafkas_committed_offsets_do_not_matter(settings: Settings) -> None:
    store = MemoryStore()
    sent = send(settings, range(60))
    with running(settings, store, spec()):
        pipeline.until(lambda: len(store.applied) == 60)
    store.next.clear()  # the database was restored from nothing; the group's offsets are at the end
    with running(settings, store, spec()):
        pipeline.until(lambda: len(store.applied) == 120)
    assert sorted(store.applied) == sorted(sent * 2)


@pytest.mark.usefixtures("topics")
def test_undecodable_bytes_become_a_confirmed_dead_letter_and_the_rest_goes_on(settings: Settings) -> None:
    store = MemoryStore()
    good = pipeline.message(settings, pipeline.withdrawn(1))
    bad = Message(good.topic, good.key, b"\x00\xff\xff\xff\xffnonsense", (("kept", b"yes"),))
    pipeline.publish(settings, [bad, good])
    with running(settings, store, spec()):
        pipeline.until(lambda: store.applied == ["Q1"])
    (letter,) = pipeline.records(settings, "provider-deliveries-dlq")
    headers = dict(letter.headers)
    assert letter.value == bad.value
    assert (headers[REASON], headers["kept"], headers[OFFSET]) == (b"unknown_schema", b"yes", b"0")


@pytest.mark.usefixtures("topics")
def test_no_position_moves_before_the_dead_letter_is_confirmed(settings: Settings) -> None:
    store = MemoryStore()
    producer = FailingProducer(settings.kafka, "test-dlq")
    producer.failures = 3
    moved_early: list[bool] = []

    def refuse(event: AnyEvent, _position: Position) -> tuple[str, ...]:
        moved_early.append(bool(store.next))
        raise InvalidEvent("refused", str(event.event_id))

    send(settings, range(1))
    with running(settings, store, spec(refuse), producer):
        pipeline.until(lambda: sum(store.next.values()) == 1)
    assert producer.failures == 0
    assert moved_early == [False]
    assert len(pipeline.records(settings, "provider-deliveries-dlq")) == 1


@pytest.mark.usefixtures("topics")
def test_a_transient_error_skips_nothing(settings: Settings) -> None:
    store = MemoryStore()
    store.trouble = [TransientError("away")] * 4
    sent = send(settings, range(80))
    with running(settings, store, spec()):
        pipeline.until(lambda: len(store.applied) == 80)
    assert sorted(store.applied) == sorted(sent)


@pytest.mark.usefixtures("topics")
def test_a_fenced_owner_goes_on_from_the_stored_position(settings: Settings) -> None:
    store = MemoryStore()
    with running(settings, store, spec()):
        send(settings, range(40))
        pipeline.until(lambda: len(store.applied) == 40)
        with store.lock:  # another owner takes the next two of each partition
            for partition in store.next:
                store.next[partition] += 2
        later = send(settings, range(40, 100))
        pipeline.until(lambda: sum(store.next.values()) == 100)
    assert len(store.applied) == 100 - 2 * len([p for p in store.next if p[0] == TOPIC])
    assert set(store.applied[40:]) < set(later)


@pytest.mark.usefixtures("topics")
def test_a_bug_ends_the_unit_without_moving_the_position(settings: Settings) -> None:
    store = MemoryStore()

    def broken(_event: AnyEvent, _position: Position) -> tuple[str, ...]:
        raise ZeroDivisionError

    send(settings, range(5))
    with running(settings, store, spec(broken)) as (_, failures):
        pipeline.until(lambda: bool(failures))
    assert isinstance(failures[0], ZeroDivisionError)
    assert store.next == {}
    with running(settings, store, spec()):
        pipeline.until(lambda: len(store.applied) == 5)


@pytest.mark.usefixtures("topics")
def test_a_position_beyond_the_log_is_refused_and_not_skipped_over(settings: Settings) -> None:
    store = MemoryStore()
    store.next = {(TOPIC, 0): 1000, (TOPIC, 1): 1000}
    send(settings, range(5))
    with running(settings, store, spec()) as (_, failures):
        pipeline.until(lambda: bool(failures))
    assert isinstance(failures[0], FatalError)
    assert "beyond the log's end" in str(failures[0])
    assert store.applied == []


@pytest.mark.usefixtures("topics")
def test_two_owners_that_come_and_go_apply_everything_once(settings: Settings) -> None:
    store = MemoryStore()
    with running(settings, store, spec()):
        sent = send(settings, range(300))
        with running(settings, store, spec()):
            sent += send(settings, range(300, 600))
            pipeline.until(lambda: len(store.applied) > 300)
        sent += send(settings, range(600, 700))
        pipeline.until(lambda: len(store.applied) >= 700)
    assert sorted(store.applied) == sorted(sent)
