"""One test a step of the materializer loop, on a real broker."""

from functools import partial

import pytest

from runtime.connections.kafka import Message
from runtime.settings import Settings
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.dead_letter import OFFSET, REASON, InvalidRun
from streams.engine.outcome import FatalError, InvalidEvent, TransientError
from tests.support import pipeline
from tests.support.materializing import INPUTS, NAME, TOPIC, FailingProducer, MemoryStore, running, send, spec


@pytest.fixture
def topics(settings: Settings) -> None:
    pipeline.create_topics_of(settings, NAME, INPUTS)


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
def test_bad_events_that_are_read_again_because_the_store_was_away_count_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.engine.materializer.InvalidRun", partial(InvalidRun, most=60))
    store = MemoryStore()
    store.trouble = [TransientError("away")] * 4
    good = pipeline.message(settings, pipeline.withdrawn(1))
    bad = Message(good.topic, good.key, b"nonsense", ())
    pipeline.publish(settings, [bad] * 40)
    with running(settings, store, spec()) as (_, failures):
        pipeline.until(lambda: bool(failures) or sum(store.next.values()) == 40)
    assert failures == []


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
