"""The quick way to read plain records: what it accepts, fastavro reads the same; what it does not, fastavro judges."""

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import codec, registry
from schemas.types import RECORDS
from schemas.types.playback import PlaybackEventRecorded
from tests.support.avro_data import events_of

_HEADER = 5
FLAT = sorted(
    entry.subject
    for entry in registry.entries()
    if entry.subject in RECORDS and codec._readers()[entry.id].flat is not None
)
EVENTS = st.sampled_from(FLAT).flatmap(events_of)


def reader_of(data: bytes) -> codec._Reader:
    return codec._readers()[int.from_bytes(data[1:_HEADER])]


def quick(data: bytes) -> object:
    reader = reader_of(data)
    assert reader.flat is not None
    return reader.flat(data, _HEADER)


def test_the_events_there_are_most_of_are_read_the_quick_way() -> None:
    assert {RECORDS[name].__name__ for name in FLAT} >= {"PlaybackEventRecorded", "ProgressSet", "RatingGiven"}


@given(event=EVENTS)
def test_both_ways_lead_to_the_same_event(event: msgspec.Struct) -> None:
    data = codec.encode(event)  # type: ignore[arg-type]  # one of the union
    expected = codec._decoded(data, reader_of(data))
    found = quick(data)
    assert found is None or repr(found) == repr(expected)  # types too, and NaN is not itself
    assert repr(codec.decode(data)) == repr(expected)


@given(
    event=EVENTS,
    place=st.floats(0, 1),
    cut=st.integers(0, 12),
    put=st.binary(max_size=12) | st.sampled_from([b"\xff" * 9 + b"\x01", b"\xff" * 9 + b"\x03", b"\x80" * 9 + b"\x00"]),
)
def test_damaged_bytes_are_accepted_only_when_fastavro_accepts_them_too(
    event: msgspec.Struct, place: float, cut: int, put: bytes
) -> None:
    data = codec.encode(event)  # type: ignore[arg-type]  # one of the union
    at = _HEADER + int(place * (len(data) - _HEADER))
    damaged = data[:at] + put + data[at + cut :]
    found = quick(damaged)
    if found is not None:
        assert repr(found) == repr(codec._decoded(damaged, reader_of(data)))


@given(body=st.binary(max_size=80), record=st.sampled_from(FLAT))
@example(body=b"\x80" * 80, record=PlaybackEventRecorded.RECORD)
def test_any_bytes_at_all_are_accepted_only_when_fastavro_accepts_them_too(body: bytes, record: str) -> None:
    data = b"\0" + registry.latest()[record].id.to_bytes(4) + body
    found = quick(data)
    if found is not None:
        assert repr(found) == repr(codec._decoded(data, reader_of(data)))


@pytest.mark.parametrize("value", [0, -1, 1, 63, -64, 64, 2**31, -(2**31), 2**62, 2**63 - 1, -(2**63)])
def test_numbers_of_every_length(value: int) -> None:
    event = PlaybackEventRecorded(
        event_id="e", occurred_at=codec._EPOCH, user_id="u", device_id="d", session_id="s", title_id="t",
        kind="started", position_ms=value, duration_ms=value, hlc=value,
    )  # fmt: skip
    assert quick(codec.encode(event)) == event
