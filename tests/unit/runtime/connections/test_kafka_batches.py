"""Delivery reports: a batch is acknowledged when every message is, and a caller that leaves disturbs nobody."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka import Message as Delivered

from runtime import metrics
from runtime.connections import kafka
from runtime.connections.kafka import Acknowledged, EventProducer, Message, ProduceError

Report = Callable[[KafkaError | None, Delivered], None]
TIMED_OUT = KafkaError(KafkaError._MSG_TIMED_OUT)


def count(metric: Any, client: str) -> float:
    found: float = metric.labels(client)._value.get()
    return found


class Place:
    """What a delivery report carries."""

    def __init__(self, offset: int) -> None:
        self._offset = offset

    def topic(self) -> str:
        return "titles"

    def partition(self) -> int:
        return 3

    def offset(self) -> int:
        return self._offset


def place(offset: int) -> Delivered:
    return cast("Delivered", Place(offset))


class FakeProducer:
    """librdkafka's producer: keeps the callbacks, so that a test decides when and how they are called."""

    def __init__(self, config: dict[str, Any], **_: Any) -> None:
        self.config = config
        self.reports: list[Report] = []
        self.headers: list[Any] = []
        self.refuse_at: int | None = None
        self.refusal: Exception = BufferError("Local: Queue full")
        self.flushed = False

    def produce(self, topic: str, *, key: Any, value: Any, headers: Any, partition: int, on_delivery: Report) -> None:
        if self.refuse_at == len(self.reports):
            raise self.refusal
        self.headers.append(headers)
        self.reports.append(on_delivery)

    def poll(self, seconds: float) -> int:
        time.sleep(min(seconds, 0.005))
        return 0

    def flush(self, seconds: float) -> int:
        self.flushed = True
        return 0


@pytest.fixture
def producer(monkeypatch: pytest.MonkeyPatch) -> Iterator[EventProducer]:
    monkeypatch.setattr(kafka, "Producer", FakeProducer)
    made = EventProducer("127.0.0.1:1", "unit-test", timeout_seconds=7)
    yield made
    made.close()


def inner(producer: EventProducer) -> FakeProducer:
    return cast("FakeProducer", producer._producer)


def messages(number: int) -> list[Message]:
    return [Message("titles", b"k%d" % index, b"v") for index in range(number)]


def report(reports: Sequence[Report], errors: dict[int, KafkaError], order: Sequence[int]) -> None:
    for index in order:
        reports[index](errors.get(index), place(100 + index))


def test_positions_are_in_the_order_of_the_messages_however_reports_arrive(producer: EventProducer) -> None:
    before = count(metrics.PRODUCED, "unit-test")
    future = producer.submit(messages(3))
    reports = inner(producer).reports
    report(reports, {}, [2, 0])
    assert not future.done(), "two of three is not all"
    report(reports, {}, [1])
    assert future.result(0) == [Acknowledged("titles", 3, 100 + index) for index in range(3)]
    assert count(metrics.PRODUCED, "unit-test") == before + 3
    assert str(future.result(0)[0]) == "titles:3:100"


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_one_failure_fails_the_batch_once_all_reports_are_in(producer: EventProducer, failing: int) -> None:
    before = count(metrics.PRODUCED, "unit-test"), count(metrics.PRODUCE_FAILED, "unit-test")
    future = producer.submit(messages(3))
    reports = inner(producer).reports
    report(reports, {failing: TIMED_OUT}, [0, 1])
    assert not future.done(), "the others may still arrive; nobody may produce them again before"
    report(reports, {failing: TIMED_OUT}, [2])
    with pytest.raises(ProduceError, match="unit-test: Local: Message timed out"):
        future.result(0)
    assert (count(metrics.PRODUCED, "unit-test"), count(metrics.PRODUCE_FAILED, "unit-test")) == (
        before[0],
        before[1] + 1,
    )


def test_an_empty_batch_is_done_at_once(producer: EventProducer) -> None:
    assert producer.send_and_wait([]) == []


@pytest.mark.parametrize("refusal", [BufferError("full"), KafkaException(TIMED_OUT), ValueError("x"), TypeError("x")])
def test_a_message_that_cannot_be_queued_fails_the_batch(producer: EventProducer, refusal: Exception) -> None:
    inner(producer).refuse_at, inner(producer).refusal = 1, refusal
    future = producer.submit(messages(3))
    with pytest.raises(ProduceError, match="unit-test"):
        future.result(0)
    report(inner(producer).reports, {}, [0])  # the one that was queued is reported later: no second result


async def test_a_caller_that_is_cancelled_does_not_break_the_reports(producer: EventProducer) -> None:
    waiting = asyncio.create_task(producer.send(messages(1)))
    other = asyncio.create_task(producer.send(messages(1)))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    report(inner(producer).reports, {}, [0, 1])
    assert await other == [Acknowledged("titles", 3, 101)]


def test_a_batch_in_flight_cannot_be_cancelled_by_one_of_its_waiters(producer: EventProducer) -> None:
    future = producer.submit(messages(1))
    assert not future.cancel()
    report(inner(producer).reports, {}, [0])
    assert len(future.result(0)) == 1


def test_headers_are_passed_in_order_and_absent_when_there_are_none(producer: EventProducer) -> None:
    headers = (("b", b"1"), ("a", b"2"), ("b", b"3"))
    producer.submit([Message("titles", b"k", b"v", headers), Message("titles", b"k", b"v")])
    assert inner(producer).headers == [list(headers), None]


def test_every_send_is_idempotent_and_acknowledged_by_all(producer: EventProducer) -> None:
    config = inner(producer).config
    assert (config["acks"], config["enable.idempotence"], config["delivery.timeout.ms"]) == ("all", True, 7000)


def test_closing_flushes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka, "Producer", FakeProducer)
    producer = EventProducer("127.0.0.1:1", "unit-test")
    producer.close()
    assert inner(producer).flushed


def test_consumers_never_commit_by_themselves_and_take_overrides(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    monkeypatch.setattr(kafka, "Consumer", lambda config, **_: seen.update(config))
    kafka.consumer("127.0.0.1:1", "group", "client", session_timeout_ms=6000)
    assert (seen["enable.auto.commit"], seen["enable.auto.offset.store"]) == (False, False)
    assert (seen["session.timeout.ms"], seen["group.id"], seen["client.id"]) == (6000, "group", "client")
