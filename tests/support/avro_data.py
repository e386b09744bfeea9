"""Hypothesis strategies for events, made from the Avro files."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from hypothesis import strategies as st

from schemas import evolution, loader
from schemas.types import RECORDS, AnyEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST = (datetime(1, 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_LAST = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
_PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "null": st.none(),
    "string": st.text(st.characters(codec="utf-8"), max_size=20),
    "bytes": st.binary(max_size=20),
    "int": st.integers(-(2**31), 2**31 - 1),
    "long": st.integers(-(2**63), 2**63 - 1),
    "float": st.floats(width=32, allow_nan=False),
    "double": st.floats(allow_nan=False),
    "boolean": st.booleans(),
}
_MOMENTS = st.integers(_FIRST, _LAST).map(lambda count: _EPOCH + timedelta(milliseconds=count))


def values(schema: Any, names: dict[str, loader.JSON]) -> st.SearchStrategy[Any]:
    """What Python holds for an Avro type: dicts for records, datetimes for timestamp-millis."""
    if isinstance(schema, list):
        return st.one_of([values(branch, names) for branch in schema])
    if isinstance(schema, str):
        return _PRIMITIVES[schema] if schema in _PRIMITIVES else values(names[schema], names)
    if schema.get("logicalType") == "timestamp-millis":
        return _MOMENTS
    match schema["type"]:
        case "record":
            fields = {field["name"]: values(field["type"], names) for field in schema["fields"]}
            return st.fixed_dictionaries(fields)
        case "enum":
            return st.sampled_from(schema["symbols"])
        case "array":
            return st.lists(values(schema["items"], names), max_size=3)
        case kind:
            return _PRIMITIVES[kind]


def events_of(record: str) -> st.SearchStrategy[AnyEvent]:
    """Events of one record (full name)."""
    schema = loader.record_schemas()[record]
    return values(schema, dict(evolution.named_types(schema))).map(
        lambda value: msgspec.convert(value, RECORDS[record], builtin_types=(bytes, datetime))
    )


def events() -> st.SearchStrategy[AnyEvent]:
    """Events of any record."""
    return st.one_of([events_of(record) for record in sorted(loader.record_schemas())])
