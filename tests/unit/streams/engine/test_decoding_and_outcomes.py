from datetime import UTC, datetime

import pytest

from schemas import codec
from schemas.envelope import Position
from streams.engine.decoding import decode
from streams.engine.outcome import FatalError, Fenced, InvalidEvent, TransientError
from tests.support import canonical_items

POSITION = Position("provider-items", 0, 7)


def test_a_message_becomes_an_event_with_where_it_stood() -> None:
    event = canonical_items.withdrawn("wikidata:Q1")
    value = codec.encode(event)
    found = decode(value, POSITION, b"key", 1_767_225_600_123, (("a", b"1"),))
    assert (found.event, found.position, found.key, found.value) == (event, POSITION, b"key", value)
    assert found.timestamp == datetime(2026, 1, 1, 0, 0, 0, 123_000, UTC)
    assert found.headers == (("a", b"1"),)


@pytest.mark.parametrize(
    "value",
    [b"", b"\0", b"{}", b"\0\x7f\xff\xff\xff", codec.encode(canonical_items.withdrawn("wikidata:Q1"))[:-3]],
)
def test_bytes_that_are_no_event_are_invalid_with_the_codecs_reason(value: bytes) -> None:
    with pytest.raises(codec.SchemaError) as expected:
        codec.decode(value)
    with pytest.raises(InvalidEvent) as caught:
        decode(value, POSITION, None, 0, ())
    assert (caught.value.reason, caught.value.detail) == (expected.value.reason, expected.value.detail)
    assert isinstance(caught.value.__cause__, codec.SchemaError)


def test_invalid_says_its_reason_and_where_there_is_one_the_detail() -> None:
    assert str(InvalidEvent("no_title")) == "no_title"
    assert str(InvalidEvent("no_title", "blank")) == "no_title: blank"


def test_no_outcome_is_caught_as_another() -> None:
    outcomes = [InvalidEvent, TransientError, FatalError, Fenced]
    assert all(not issubclass(one, other) for one in outcomes for other in outcomes if one is not other)
