"""A backlog: one batch is taken and decoded while the store applies another, and nothing else is different."""

import threading
from collections.abc import Sequence
from typing import Any

import pytest

from runtime.connections.kafka import Message
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.outcome import TransientError
from streams.engine.spec import Advance
from tests.support import pipeline
from tests.support.materializing import INPUTS, NAME, MemoryStore, running, send, spec


class SlowStore(MemoryStore):
    """Waits with the first full batch until it is told to go on."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting, self.goes_on = threading.Event(), threading.Event()

    def apply(self, writes: Sequence[Any], advances: Sequence[Advance]) -> None:
        if len(writes) >= spec().max_batch and not self.goes_on.is_set():
            self.waiting.set()
            assert self.goes_on.wait(20)
        super().apply(writes, advances)


def places(_event: AnyEvent, position: Position) -> tuple[Position, ...]:
    return (position,)


@pytest.fixture(autouse=True)
def topics(settings: Settings) -> None:
    pipeline.create_topics_of(settings, NAME, INPUTS)


def in_order(applied: Sequence[Position]) -> bool:
    reached: dict[int, int] = {}
    for place in applied:
        if place.offset <= reached.get(place.partition, -1):
            return False
        reached[place.partition] = place.offset
    return True


def test_the_next_batch_is_decoded_while_the_store_applies_one(settings: Settings) -> None:
    store = SlowStore()

    def note(event: AnyEvent, position: Position) -> tuple[Position, ...]:
        if store.waiting.is_set():
            store.goes_on.set()
        return places(event, position)

    send(settings, range(1500))
    with running(settings, store, spec(note)):
        pipeline.until(lambda: len(store.applied) == 1500)
    assert store.goes_on.is_set()
    assert in_order(store.applied)


def test_a_store_that_fails_now_and_then_is_told_everything_once_and_in_order(settings: Settings) -> None:
    class Failing(MemoryStore):
        batches = 0

        def apply(self, writes: Sequence[Any], advances: Sequence[Advance]) -> None:
            self.batches += 1
            if self.batches % 3 == 0:
                raise TransientError("away")
            super().apply(writes, advances)

    store = Failing()
    send(settings, range(2000))
    with running(settings, store, spec(places)):
        pipeline.until(lambda: len(store.applied) >= 2000)
    assert len(store.applied) == 2000
    assert in_order(store.applied)


def test_a_batch_behind_one_that_fails_leaves_no_dead_letter_twice(settings: Settings) -> None:
    """Its bad event is read again; what was decided about it the first time must not have gone out."""
    send(settings, range(1600))
    good = pipeline.message(settings, pipeline.withdrawn(1600))
    (bad,) = pipeline.publish(settings, [Message(good.topic, good.key, b"\x00\xff\xff\xff\xffnonsense", ())])

    class FailingShortlyBefore(MemoryStore):
        failed = False

        def apply(self, writes: Sequence[Any], advances: Sequence[Advance]) -> None:
            reached = max((move.next for move in advances if move.partition == bad.partition), default=0)
            if not self.failed and bad.offset - 250 < reached <= bad.offset:
                self.failed = True
                raise TransientError("away")
            super().apply(writes, advances)

    store = FailingShortlyBefore()
    with running(settings, store, spec(places)):
        pipeline.until(lambda: len(store.applied) == 1600)
        pipeline.until(lambda: sum(store.next.values()) == 1601)
    assert store.failed
    assert len(pipeline.records(settings, "provider-deliveries-dlq")) == 1


def test_a_stop_in_the_middle_leaves_nothing_half_done(settings: Settings) -> None:
    store = SlowStore()
    send(settings, range(2000))
    with running(settings, store, spec(places)) as (materializer, _):
        assert store.waiting.wait(40)
        materializer.stop()
        store.goes_on.set()
    stopped_at = len(store.applied)
    assert 0 < stopped_at == sum(store.next.values()) < 2000
    with running(settings, store, spec(places)):
        pipeline.until(lambda: len(store.applied) >= 2000)
    assert len(store.applied) == 2000
    assert in_order(store.applied)


def test_what_the_store_raises_in_its_thread_ends_the_unit(settings: Settings) -> None:
    class Broken(MemoryStore):
        batches = 0

        def apply(self, writes: Sequence[Any], advances: Sequence[Advance]) -> None:
            self.batches += 1
            if self.batches == 4:
                raise ZeroDivisionError
            super().apply(writes, advances)

    store = Broken()
    send(settings, range(2000))
    with running(settings, store, spec(places)) as (_, failures):
        pipeline.until(lambda: bool(failures))
    assert isinstance(failures[0], ZeroDivisionError)
    assert sum(store.next.values()) == len(store.applied)
