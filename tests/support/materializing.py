"""A materializer over a store in memory, on a real broker."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from runtime.connections.kafka import Acknowledged, EventProducer, Message, ProduceError
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.materializer import Materializer
from streams.engine.outcome import Fenced
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


def send(settings: Settings, numbers: range) -> list[str]:
    pipeline.publish(settings, [pipeline.message(settings, pipeline.withdrawn(n)) for n in numbers])
    return [f"Q{n}" for n in numbers]
