"""Events to bytes and back, in the Confluent wire format (magic byte 0, 4-byte schema id, Avro body).

Ids come from `registry.lock.json`: no registry is asked, ever. A message written with an older registered version is
resolved to today's record (Avro specification, "Schema Resolution").
"""

import io
import json
import struct
from datetime import datetime
from functools import cache
from typing import Any, Literal, NamedTuple

import fastavro
import msgspec

from schemas import loader, registry
from schemas.types import RECORDS, AnyEvent

_HEADER = struct.Struct(">bI")

Reason = Literal["too_short", "bad_magic", "unknown_schema", "bad_body", "bad_value", "trailing_bytes"]
"""Why bytes or values do not fit: shorter than a header; first byte not 0; id not in the lock; the Avro body does not
parse; a parsed value breaks the type; bytes are left over."""


class SchemaError(Exception):
    """Bytes or values do not fit the contract."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason
        self.detail = detail


class _Writer(NamedTuple):
    header: bytes
    schema: Any


class _Reader(NamedTuple):
    writer_schema: Any
    reader_schema: Any  # None when the writer wrote today's shape: fastavro's fast path
    type: type[AnyEvent]


@cache
def _parsed(record: str) -> Any:
    return fastavro.parse_schema(loader.record_schemas()[record])


@cache
def _writer(record: str) -> _Writer:
    entry = registry.latest()[record]
    return _Writer(_HEADER.pack(0, entry.id), _parsed(record))


@cache
def _readers() -> dict[int, _Reader]:
    found = {}
    for entry in registry.entries():
        if entry.subject not in RECORDS:
            continue
        is_newest = entry == registry.latest()[entry.subject]
        writer = _parsed(entry.subject) if is_newest else fastavro.parse_schema(json.loads(entry.schema_text()))
        found[entry.id] = _Reader(writer, None if is_newest else _parsed(entry.subject), RECORDS[entry.subject])
    return found


def encode(event: AnyEvent) -> bytes:
    """Raises SchemaError("bad_value") when a value does not fit its field."""
    writer = _writer(event.RECORD)
    buffer = io.BytesIO()
    buffer.write(writer.header)
    try:
        fastavro.schemaless_writer(buffer, writer.schema, msgspec.to_builtins(event, builtin_types=(bytes, datetime)))
    except (ValueError, TypeError, OverflowError, KeyError, AttributeError) as error:
        raise SchemaError("bad_value", f"{type(event).__name__}: {error}") from error
    return buffer.getvalue()


def decode(data: bytes) -> AnyEvent:
    """Raises SchemaError; never anything else, whatever the bytes."""
    if len(data) < _HEADER.size:
        raise SchemaError("too_short", f"{len(data)} bytes")
    magic, schema_id = _HEADER.unpack_from(data)
    if magic != 0:
        raise SchemaError("bad_magic", f"first byte is {magic}")
    reader = _readers().get(schema_id)
    if reader is None:
        raise SchemaError("unknown_schema", f"schema id {schema_id} is not in registry.lock.json")
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
        return msgspec.convert(value, reader.type, builtin_types=(bytes, datetime))
    except msgspec.ValidationError as error:
        raise SchemaError("bad_value", f"{reader.type.__name__}: {error}") from error


def topic_of(event: AnyEvent) -> str:
    return loader.topic_of_record(event.RECORD).topic


def key_of(event: AnyEvent) -> bytes:
    """The Kafka key: the key fields of the event's topic, joined by ':'."""
    return ":".join(str(getattr(event, name)) for name in loader.topic_of_record(event.RECORD).key).encode()
