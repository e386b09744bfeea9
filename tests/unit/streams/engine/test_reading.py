"""What of a consumer's messages becomes writes, and where the batch ends."""

from collections.abc import Sequence
from typing import Any

import pytest

from schemas import codec
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.outcome import InvalidEvent
from streams.engine.reading import Reader
from streams.engine.spec import MaterializerSpec
from tests.support.pipeline import withdrawn

TOPIC = "provider-items"
PREFIX = "test-"


class Message:
    """As much of librdkafka's as the reader asks for."""

    def __init__(self, partition: int, offset: int, value: bytes | None, **more: Any) -> None:
        self._partition, self._offset, self._value = partition, offset, value
        self._topic: str = more.get("topic", TOPIC)
        self._headers: Sequence[tuple[str, bytes | None]] | None = more.get("headers")
        self._timestamp: int = more.get("timestamp", 1_000)

    def topic(self) -> str:
        return PREFIX + self._topic

    def partition(self) -> int:
        return self._partition

    def offset(self) -> int:
        return self._offset

    def key(self) -> bytes:
        return b"key"

    def value(self) -> bytes | None:
        return self._value

    def headers(self) -> Sequence[tuple[str, bytes | None]] | None:
        return self._headers

    def timestamp(self) -> tuple[int, int]:
        return 1, self._timestamp


def reader(**more: Any) -> Reader:
    def places(_: AnyEvent, position: Position) -> tuple[Position, ...]:
        return (position,)

    made = {"transform": places, "store": None, "versions": None, "store_kind": "memory", "description": ""}
    return Reader(MaterializerSpec("provider_deliveries", **(made | more)), PREFIX)


def event(number: int) -> bytes:
    return codec.encode(withdrawn(number))


def test_what_is_behind_the_position_or_of_no_partition_of_ours_is_dropped() -> None:
    messages: Any = [Message(0, 4, event(1)), Message(0, 5, event(2)), Message(1, 0, event(3)), Message(0, 6, event(4))]
    taken = reader().read(messages, {(TOPIC, 0): 5})
    assert taken.writes == [Position(TOPIC, 0, 5), Position(TOPIC, 0, 6)]
    assert taken.reached == {(TOPIC, 0): 7}
    assert taken.good == 2


def test_a_record_that_comes_twice_in_one_batch_counts_once() -> None:
    messages: Any = [Message(0, 0, event(1)), Message(0, 1, event(2)), Message(0, 1, event(2))]
    assert len(reader().read(messages, {(TOPIC, 0): 0}).writes) == 2


def test_a_tombstone_is_passed() -> None:
    messages: Any = [Message(0, 0, None, timestamp=9_000)]
    taken = reader().read(messages, {(TOPIC, 0): 0})
    assert (taken.writes, taken.rejected, taken.reached, taken.newest) == ([], [], {(TOPIC, 0): 1}, 9.0)


def test_nothing_of_ours_reaches_nowhere() -> None:
    messages: Any = [Message(0, 0, event(1))]
    taken = reader().read(messages, {})
    assert (taken.writes, taken.reached, taken.newest) == ([], {}, 0.0)


@pytest.mark.parametrize("value", [b"", b"\x00\xff\xff\xff\xffnonsense", event(1)[:-3]])
def test_what_does_not_decode_is_rejected_with_all_it_came_with(value: bytes) -> None:
    messages: Any = [Message(0, 0, value, headers=[("kept", b"yes"), ("empty", None)]), Message(0, 1, event(2))]
    made = reader()
    taken = made.read(messages, {(TOPIC, 0): 0})
    ((record, error),) = taken.rejected
    assert (record.position, record.key, record.value) == (Position(TOPIC, 0, 0), b"key", value)
    assert record.headers == (("kept", b"yes"), ("empty", b""))
    assert isinstance(error, InvalidEvent)
    assert taken.writes == [Position(TOPIC, 0, 1)]
    (letter,) = made.letters(taken.rejected)
    assert letter.topic == f"{PREFIX}provider-deliveries-dlq"


def test_a_dead_letter_does_not_die_twice() -> None:
    made = reader(dead_letters=True)
    topic = made._spec.dead_letter_inputs[0]
    messages: Any = [Message(0, 0, b"what could not be read", topic=topic)]  # without the headers that say why
    taken = made.read(messages, {(topic, 0): 0})
    assert taken.reached == {(topic, 0): 1}
    assert made.letters(taken.rejected) == []
