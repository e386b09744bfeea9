"""What the outbox does around its SQL: waiting for the broker without sending twice, headers, partitions, errors."""

from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from psycopg import errors

from runtime.connections.kafka import Acknowledged, EventProducer, Message, ProduceError
from streams.engine import outbox as outbox_module
from streams.engine.outbox import Outbox, partition_of
from streams.engine.outcome import TransientError
from streams.engine.spec import Lookup
from tests.support import canonical_items, webhooks


class Producer:
    """Keeps what is submitted; a test answers."""

    def __init__(self) -> None:
        self.submitted: list[tuple[Sequence[Message], Future[list[Acknowledged]]]] = []

    def submit(self, messages: Sequence[Message]) -> "Future[list[Acknowledged]]":
        future: Future[list[Acknowledged]] = Future()
        self.submitted.append((messages, future))
        return future


@pytest.fixture
def producer() -> Producer:
    return Producer()


@pytest.fixture
def outbox(producer: Producer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outbox:
    monkeypatch.setattr(outbox_module, "_RELAY_SECONDS", 0.01)
    settings = webhooks.settings(tmp_path, topic_prefix="test-")
    return Outbox("entity_resolution", cast("Lookup", None), settings, cast("EventProducer", producer))


MESSAGES = [Message("titles", b"1", b"a")]


def test_rows_that_are_in_flight_are_waited_for_and_not_sent_again(outbox: Outbox, producer: Producer) -> None:
    for _ in range(3):
        with pytest.raises(TransientError, match="not confirmed"):
            outbox._confirm([1, 2], MESSAGES)
    assert len(producer.submitted) == 1
    producer.submitted[0][1].set_result([])
    outbox._confirm([1, 2], MESSAGES)
    assert len(producer.submitted) == 1


def test_confirmed_rows_are_forgotten(outbox: Outbox, producer: Producer) -> None:
    for turn in range(2):
        with pytest.raises(TransientError):
            outbox._confirm([1], MESSAGES)
        producer.submitted[turn][1].set_result([])
        outbox._confirm([1], MESSAGES)
    assert len(producer.submitted) == 2


def test_rows_that_failed_are_sent_again(outbox: Outbox, producer: Producer) -> None:
    with pytest.raises(TransientError):
        outbox._confirm([1], MESSAGES)
    producer.submitted[0][1].set_exception(ProduceError("away"))
    with pytest.raises(TransientError, match="away"):
        outbox._confirm([1], MESSAGES)
    with pytest.raises(TransientError, match="not confirmed"):
        outbox._confirm([1], MESSAGES)
    assert len(producer.submitted) == 2


def test_other_rows_are_another_send(outbox: Outbox, producer: Producer) -> None:
    with pytest.raises(TransientError):
        outbox._confirm([1], MESSAGES)
    with pytest.raises(TransientError):
        outbox._confirm([1, 2], MESSAGES * 2)
    assert [len(messages) for messages, _ in producer.submitted] == [1, 2]


def test_a_row_becomes_a_message_of_the_prefixed_topic(outbox: Outbox) -> None:
    found = outbox._message("titles", b"k", b"v", {"traceparent": "00-a"})
    assert found == Message("test-titles", b"k", b"v", (("traceparent", b"00-a"),))


@pytest.mark.parametrize(
    ("traceparent", "text"), [(None, "{}"), (b"", "{}"), (b"00-a", '{"traceparent":"00-a"}'), (b"\xff", None)]
)
def test_the_trace_of_the_cause_is_carried_on(traceparent: bytes | None, text: str | None) -> None:
    found = Outbox._headers(traceparent)
    assert found.encode()  # whatever came in, PostgreSQL gets valid text
    if text is not None:
        assert found == text


def test_errors_of_the_database_are_sorted_into_transient_and_bug(outbox: Outbox) -> None:
    away = outbox._sorted(errors.AdminShutdown("going down\n"))
    assert isinstance(away, TransientError)
    assert str(away) == "postgres: going down"
    bug = errors.UndefinedTable("no such table")
    assert outbox._sorted(bug) is bug


def test_an_unreachable_database_is_transient(outbox: Outbox) -> None:
    event = canonical_items.withdrawn("wikidata:Q1")
    batch = [canonical_items.received(event, 5, 2)]
    with pytest.raises(TransientError) as caught:
        outbox.decide(batch, _never)
    assert isinstance(caught.value.__cause__, psycopg.OperationalError)
    with pytest.raises(TransientError):
        outbox.relay()
    assert partition_of(batch[0]) == ("provider-items", 2)


def _never(rejected: Any) -> None:
    raise AssertionError(rejected)
