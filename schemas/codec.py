"""Events to bytes and back, in the Confluent wire format (magic byte 0, 4-byte schema id, Avro body).

Ids come from `registry.lock.json`: no registry is asked, ever. A message written with an older registered version is
resolved to today's record (Avro specification, "Schema Resolution").
"""

import io
import json
import struct
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, NamedTuple, cast

import fastavro
import msgspec

from schemas import flat_records, loader, registry
from schemas.types import RECORDS, AnyEvent

_HEADER = struct.Struct(">bI")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_BUILTIN = (bytes, datetime)

MAX_BYTES = 8_388_608
"""Longest message: `max.message.bytes` of our topics. It bounds the memory that hostile bytes can take when decoded,
since every array element costs at least one byte (a contract test forbids elements that cost none)."""

Reason = Literal["too_short", "too_long", "bad_magic", "unknown_schema", "bad_body", "bad_value", "trailing_bytes"]
"""Why bytes or values do not fit: shorter than a header; longer than MAX_BYTES; first byte not 0; id not in the lock;
the Avro body does not parse; a parsed value breaks the type; bytes are left over."""


class SchemaError(Exception):
    """Bytes or values do not fit the contract."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


def _to_milliseconds(moment: datetime | int, _schema: object = None) -> int:
    return (moment - _EPOCH) // _MILLISECOND if isinstance(moment, datetime) else moment


def _from_milliseconds(count: int, _writer: object = None, _reader: object = None) -> datetime:
    return _EPOCH + count * _MILLISECOND


# fastavro takes a datetime without a zone for local time, which would move it by the machine's offset; ours refuses
# it (TypeError, thus "bad_value") and is twice as fast. This is its documented way to handle logical types.
fastavro.write.LOGICAL_WRITERS["long-timestamp-millis"] = _to_milliseconds
fastavro.read.LOGICAL_READERS["long-timestamp-millis"] = _from_milliseconds


class _Writer(NamedTuple):
    header: bytes
    schema: Any
    flat: flat_records.Write | None  # the quick way, for plain fields


class _Reader(NamedTuple):
    writer_schema: Any
    reader_schema: Any  # None when the writer wrote today's shape: fastavro's fast path
    type: type[AnyEvent]
    flat: flat_records.Read | None  # the quick way, for today's shape of plain fields


@cache
def _parsed(record: str) -> Any:
    return fastavro.parse_schema(loader.record_schemas()[record])


@cache
def _writer(record: str) -> _Writer:
    entry = registry.latest()[record]
    header = _HEADER.pack(0, entry.id)
    return _Writer(header, _parsed(record), flat_records.writer_of(loader.record_schemas()[record], header))


@cache
def _readers() -> dict[int, _Reader]:
    found = {}
    for entry in registry.entries():
        if entry.subject not in RECORDS:
            continue
        is_newest = entry == registry.latest()[entry.subject]
        writer = _parsed(entry.subject) if is_newest else fastavro.parse_schema(json.loads(entry.schema_text()))
        kind = RECORDS[entry.subject]
        if is_newest:
            flat = flat_records.reader_of(loader.record_schemas()[entry.subject], kind)
            found[entry.id] = _Reader(writer, None, kind, flat)
        else:
            found[entry.id] = _Reader(writer, _parsed(entry.subject), kind, None)
    return found


@cache
def _flat_readers() -> dict[bytes, flat_records.Read]:
    """By the header that such records begin with."""
    return {_HEADER.pack(0, id_): reader.flat for id_, reader in _readers().items() if reader.flat is not None}


def encode(event: AnyEvent) -> bytes:
    """Times are cut to milliseconds. Raises SchemaError "bad_value" (a value does not fit its field) or "too_long"."""
    writer = _writer(event.RECORD)
    if writer.flat is not None and (data := writer.flat(event)) is not None:
        return data
    return _encoded(event, writer)


def _encoded(event: AnyEvent, writer: _Writer) -> bytes:
    """Any record, by fastavro."""
    buffer = io.BytesIO()
    buffer.write(writer.header)
    try:
        fastavro.schemaless_writer(buffer, writer.schema, msgspec.to_builtins(event, builtin_types=_BUILTIN))
    except (ValueError, TypeError, OverflowError, KeyError, AttributeError) as error:
        raise SchemaError("bad_value", f"{type(event).__name__}: {error}") from error
    if buffer.tell() > MAX_BYTES:
        raise SchemaError("too_long", f"{type(event).__name__}: {buffer.tell()} bytes, at most {MAX_BYTES}")
    return buffer.getvalue()


def decode(data: bytes) -> AnyEvent:
    """Raises SchemaError; never anything else, whatever the bytes."""
    flat = _flat_readers().get(data[: _HEADER.size])
    if flat is not None and (event := flat(data, _HEADER.size)) is not None:
        return cast("AnyEvent", event)
    if len(data) < _HEADER.size:
        raise SchemaError("too_short", f"{len(data)} bytes")
    if len(data) > MAX_BYTES:
        raise SchemaError("too_long", f"{len(data)} bytes, at most {MAX_BYTES}")
    magic, schema_id = _HEADER.unpack_from(data)
    if magic != 0:
        raise SchemaError("bad_magic", f"first byte is {magic}")
    reader = _readers().get(schema_id)
    if reader is None:
        raise SchemaError("unknown_schema", f"schema id {schema_id} is not in registry.lock.json")
    return _decoded(data, reader)


def _decoded(data: bytes, reader: _Reader) -> AnyEvent:
    """Any record, by fastavro."""
    buffer = io.BytesIO(data)
    buffer.seek(_HEADER.size)
    try:
        value = fastavro.schemaless_reader(buffer, reader.writer_schema, reader.reader_schema)
    except Exception as error:  # fastavro raises EOFError, IndexError, struct and Unicode errors alike
        raise SchemaError("bad_body", f"{reader.type.__name__}: {error!r}") from error
    if buffer.tell() != len(data):
        raise SchemaError(
            "trailing_bytes", f"{reader.type.__name__}: {len(data) - buffer.tell()} bytes after the record"
        )
    try:
        return msgspec.convert(value, reader.type, builtin_types=_BUILTIN)
    except msgspec.ValidationError as error:
        raise SchemaError("bad_value", f"{reader.type.__name__}: {error}") from error


def topic_of(event: AnyEvent) -> str:
    return loader.topic_of_record(event.RECORD).topic


def key_of(event: AnyEvent) -> bytes:
    """The Kafka key: the key fields of the event's topic, joined by ':'."""
    return ":".join(str(getattr(event, name)) for name in loader.topic_of_record(event.RECORD).key).encode()
