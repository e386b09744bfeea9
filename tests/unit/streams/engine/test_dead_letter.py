"""A dead letter keeps the record as it was and says what was wrong; reading it gives both back."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as trying
from hypothesis import strategies as st

from runtime import metrics
from schemas import codec
from schemas.envelope import Position
from streams.engine import dead_letter
from streams.engine.dead_letter import CONSUMER, DETAIL, OFFSET, PARTITION, REASON, TOPIC, InvalidRun, RawRecord
from streams.engine.outcome import FatalError, InvalidEvent
from streams.engine.spec import Headers
from tests.support import canonical_items

POSITION = Position("provider-items", 3, 42)
HEADERS: Headers = (("traceparent", b"00-a"), ("x", b"1"), ("x", b"2"))


def letter(error: InvalidEvent, value: bytes | None = b"\0bad", headers: Headers = HEADERS) -> Any:
    return dead_letter.to_message("entity_resolution", RawRecord(POSITION, b"key", value, headers), error, "test-")


def test_the_record_is_kept_as_it_was_beside_our_headers() -> None:
    message = letter(InvalidEvent("no_title", "the name is blank"))
    assert (message.topic, message.key, message.value) == ("test-entity-resolution-dlq", b"key", b"\0bad")
    assert message.headers[:3] == HEADERS
    assert dict(message.headers[3:]) == {
        CONSUMER: b"entity_resolution",
        TOPIC: b"provider-items",
        PARTITION: b"3",
        OFFSET: b"42",
        REASON: b"no_title",
        DETAIL: b"the name is blank",
    }


def test_what_does_not_decode_is_read_without_its_event() -> None:
    message = letter(InvalidEvent("unknown_schema", "id 99"))
    found = dead_letter.read(message.value, message.headers)
    assert found == dead_letter.DeadLettered("entity_resolution", POSITION, "unknown_schema", "id 99", None, "")


def test_what_decodes_is_read_with_its_event() -> None:
    event = canonical_items.upserted("wikidata:Q1", canonical_items.an_item())
    message = letter(InvalidEvent("no_title"), codec.encode(event))
    found = dead_letter.read(message.value, message.headers)
    assert (found.event, found.event_id, found.detail) == (event, event.event_id, "")


def test_a_tombstone_can_be_a_dead_letter() -> None:
    message = letter(InvalidEvent("empty"), None)
    assert message.value is None
    assert dead_letter.read(None, message.headers).event is None


@trying(max_examples=40)
@given(reason=st.text(min_size=1), detail=st.text(st.characters(exclude_categories=()), max_size=700))
def test_any_text_survives_cut_where_it_is_too_long(reason: str, detail: str) -> None:
    message = letter(InvalidEvent(reason, detail))
    found = dead_letter.read(message.value, message.headers)
    readable = detail[:500].encode("utf-8", "replace").decode()
    assert (found.reason, found.detail) == (reason, readable)


def test_a_second_dead_letter_replaces_the_history_of_the_first() -> None:
    first = letter(InvalidEvent("first", "once"))
    second = letter(InvalidEvent("second"), headers=first.headers)
    assert second.headers[:3] == HEADERS
    assert [name for name, _ in second.headers].count(REASON) == 1
    assert dead_letter.read(second.value, second.headers).reason == "second"


@pytest.mark.parametrize("missing", [CONSUMER, TOPIC, PARTITION, OFFSET, REASON])
def test_a_record_without_our_headers_is_no_dead_letter(missing: str) -> None:
    headers = tuple(one for one in letter(InvalidEvent("x")).headers if one[0] != missing)
    with pytest.raises(InvalidEvent) as caught:
        dead_letter.read(b"", headers)
    assert caught.value.reason == "not_a_dead_letter"


@pytest.mark.parametrize("offset", [b"", b"many", b"\xff", b"1.5"])
def test_headers_that_are_no_position_are_no_dead_letter(offset: bytes) -> None:
    headers = (*(one for one in letter(InvalidEvent("x")).headers if one[0] != OFFSET), (OFFSET, offset))
    with pytest.raises(InvalidEvent, match="not_a_dead_letter"):
        dead_letter.read(b"", headers)


def test_too_many_in_a_row_over_several_batches_are_our_fault() -> None:
    run = InvalidRun("test-run", most=5)
    run.saw(["a", "b"], good=0)
    run.saw([], good=0)
    run.saw(["a", "a"], good=0)
    with pytest.raises(FatalError, match="5 invalid events in a row, the last: c"):
        run.saw(["c"], good=0)


def test_one_good_event_begins_a_new_count() -> None:
    run = InvalidRun("test-run", most=3)
    for _ in range(10):
        run.saw(["a", "a"], good=0)
        run.saw(["a"] * 50, good=1)


def test_reasons_are_counted() -> None:
    def counted() -> float:
        found: float = metrics.DEAD_LETTERS.labels("test-counted", "a")._value.get()
        return found

    before = counted()
    InvalidRun("test-counted").saw(["a", "b", "a"], good=7)
    assert counted() == before + 2
