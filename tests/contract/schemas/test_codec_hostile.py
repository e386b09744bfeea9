"""Bytes nobody should send: the codec raises SchemaError and nothing else, quickly, and takes little memory."""

import struct
import time
import tracemalloc

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from schemas import codec, examples, registry
from schemas.codec import SchemaError
from schemas.types import AnyEvent
from tests.support.avro_data import events

TITLE = "media_gateway.catalog.v1.TitleChanged"
IDS = st.sampled_from([entry.id for entry in registry.entries()])


def reason(data: bytes) -> str:
    with pytest.raises(SchemaError) as caught:
        codec.decode(data)
    return caught.value.reason


def header(record: str) -> bytes:
    return struct.pack(">bI", 0, registry.latest()[record].id)


def number(value: int) -> bytes:
    """Avro's zig-zag variable-length long."""
    value = (value << 1) ^ (value >> 63)
    value &= 2**64 - 1
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def text(value: str) -> bytes:
    return number(len(value.encode())) + value.encode()


# A title as far as the count of its alternate names: id, time, title id, version, kind, name, no original name.
UP_TO_ARRAY = header(TITLE) + text("e") + number(0) + text("t") + number(1) + number(1) + text("n") + number(0)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0\0"])
def test_shorter_than_a_header(data: bytes) -> None:
    assert reason(data) == "too_short"


def test_longer_than_any_message() -> None:
    assert reason(header(TITLE) + bytes(codec.MAX_BYTES)) == "too_long"


def test_event_that_would_be_too_long_is_not_encoded() -> None:
    event = msgspec.structs.replace(examples.of(TITLE), overview="x" * codec.MAX_BYTES)
    with pytest.raises(SchemaError) as caught:
        codec.encode(event)
    assert caught.value.reason == "too_long"


def test_another_magic_byte() -> None:
    assert reason(b"\1" + codec.encode(examples.of(TITLE))[1:]) == "bad_magic"


def test_json_instead_of_avro() -> None:
    assert reason(b'{"title": 1}') == "bad_magic"


@pytest.mark.parametrize("schema_id", [0, 999_999, 2**32 - 1])
def test_unknown_schema(schema_id: int) -> None:
    assert reason(struct.pack(">bI", 0, schema_id) + b"abc") == "unknown_schema"


def test_every_truncation() -> None:
    data = codec.encode(examples.of(TITLE))
    for length in range(5, len(data)):
        assert reason(data[:length]) == "bad_body", length


def test_trailing_bytes() -> None:
    assert reason(codec.encode(examples.of(TITLE)) + b"\0") == "trailing_bytes"


@pytest.mark.parametrize(
    "rest",
    [
        number(2**40),
        number(2**40) + b"\0" * 1000,
        number(-(2**40)) + number(8),
        number(-(2**63)) + number(8) + b"\0" * 20,
        number(1) + number(2**40) + b"name",
        number(1) + number(-5) + b"name",
        number(1) + number(-(2**63)) + b"name",
        number(1) + text("n") * 3,
        b"\xff" * 100_000,
        number(1) + number(2) + b"\xc3\x28" + number(0),
    ],
    ids=[
        "array of 2^40",
        "array of 2^40 with bytes for some",
        "block of negative count",
        "block of the least count",
        "string of 2^40 bytes",
        "string of negative length",
        "string of least length",
        "no end of the array",
        "number without end",
        "not UTF-8",
    ],
)
def test_bombs_neither_hang_nor_eat_memory(rest: bytes) -> None:
    tracemalloc.start()
    started = time.perf_counter()
    try:
        assert reason(UP_TO_ARRAY + rest) in ("bad_body", "bad_value", "trailing_bytes")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert time.perf_counter() - started < 1.0
    assert peak < 4_000_000


def test_enum_index_out_of_range() -> None:
    before_kind = header(TITLE) + text("e") + number(0) + text("t") + number(1)
    for index in (99, -1, 2**40):
        assert reason(before_kind + number(index) + text("n") + number(0)) == "bad_body"


def test_union_branch_out_of_range() -> None:
    for index in (2, -1, 2**40):
        assert reason(UP_TO_ARRAY[:-1] + number(index) + text("n")) == "bad_body"


@pytest.mark.parametrize("count", [2**62, -(2**62), 253_402_300_800_000])
def test_time_outside_the_calendar(count: int) -> None:
    assert reason(header(TITLE) + text("e") + number(count) + text("t")) == "bad_body"


@settings(max_examples=500, deadline=None)
@given(data=st.binary(max_size=200))
@example(data=b"\0\0\0\0\4")
def test_arbitrary_bytes(data: bytes) -> None:
    _decode_or_schema_error(data)


@settings(max_examples=500, deadline=None)
@given(schema_id=IDS, body=st.binary(max_size=200))
def test_arbitrary_body_of_a_known_schema(schema_id: int, body: bytes) -> None:
    _decode_or_schema_error(struct.pack(">bI", 0, schema_id) + body)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(event=events(), where=st.integers(0, 10_000), byte=st.integers(0, 255), cut=st.integers(0, 3))
def test_mutated_message(event: AnyEvent, where: int, byte: int, cut: int) -> None:
    data = bytearray(codec.encode(event))
    data[where % len(data)] = byte
    _decode_or_schema_error(bytes(data[: len(data) - cut]))


def _decode_or_schema_error(data: bytes) -> None:
    """Whatever decodes must be an event that could have been written."""
    try:
        event = codec.decode(data)
    except SchemaError:
        return
    # By text, since a NaN is unequal to itself.
    assert repr(codec.decode(codec.encode(event))) == repr(event)
