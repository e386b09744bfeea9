"""The quick way for plain records: what it accepts, fastavro reads and writes the same; of the rest fastavro judges."""

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


def writer_of(event: msgspec.Struct) -> codec._Writer:
    return codec._writer(event.RECORD)  # type: ignore[attr-defined]  # one of the union


def written(event: msgspec.Struct) -> bytes | str:
    try:
        return codec._encoded(event, writer_of(event))  # type: ignore[arg-type]  # one of the union
    except codec.SchemaError as error:
        return error.reason


@given(event=EVENTS)
def test_both_ways_write_the_same_bytes(event: msgspec.Struct) -> None:
    flat = writer_of(event).flat
    assert flat is not None
    assert flat(event) in (None, written(event))


_TEXTS = ("", "x" * 64, "\ud800", "started", "no such symbol")
_NUMBERS = (0, True, 2**63, -(2**63), -(2**63) - 1, 0.5, float("nan"))
_OTHERS: tuple[object, ...] = (None, b"x", (), {}, codec._EPOCH, codec._EPOCH.replace(tzinfo=None))
_ODD: st.SearchStrategy[object] = st.sampled_from([*_TEXTS, *_NUMBERS, *_OTHERS])


@given(event=EVENTS, value=_ODD, data=st.data())
def test_a_value_of_any_kind_is_written_only_as_fastavro_writes_it(
    event: msgspec.Struct, value: object, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(event.__struct_fields__))
    odd = type(event)(**(msgspec.structs.asdict(event) | {name: value}))
    flat = writer_of(odd).flat
    assert flat is not None
    assert flat(odd) in (None, written(odd))


def test_what_there_is_most_of_is_written_the_quick_way() -> None:
    event = PlaybackEventRecorded(
        event_id="e" * 36, occurred_at=codec._EPOCH, user_id="u", device_id="d", session_id="s", title_id="t",
        kind="started", position_ms=1, hlc=2**57,
    )  # fmt: skip
    flat = writer_of(event).flat
    assert flat is not None
    assert flat(event) == codec.encode(event) == written(event)
