"""What goes through the codec comes back as it was."""

import io
import json
import struct
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import fastavro
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings

from schemas import codec, examples, loader, registry
from schemas.codec import SchemaError
from schemas.types import AnyEvent, catalog
from tests.support.avro_data import events

VALID = [example for example in examples.examples() if example.valid]
INVALID = [example for example in examples.examples() if not example.valid]


def label(example: examples.Example) -> str:
    return f"{example.path.parent.name}-{example.name}"


@pytest.mark.parametrize("example", VALID, ids=label)
def test_example_comes_back(example: examples.Example) -> None:
    event = example.event()
    assert codec.decode(codec.encode(event)) == event


@pytest.mark.parametrize("example", INVALID, ids=label)
def test_invalid_example_is_refused(example: examples.Example) -> None:
    with pytest.raises(SchemaError) as caught:
        example.event()
    assert caught.value.reason == "bad_value"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(event=events())
def test_any_event_comes_back(event: AnyEvent) -> None:
    assert codec.decode(codec.encode(event)) == event


@pytest.mark.parametrize("example", VALID, ids=label)
def test_any_confluent_consumer_can_read_it(example: examples.Example) -> None:
    """Magic byte, big-endian id of the lock, and a body that the registered schema explains alone."""
    event = example.event()
    data = codec.encode(event)
    magic, schema_id = struct.unpack(">bI", data[:5])
    entry = next(entry for entry in registry.entries() if entry.id == schema_id)
    assert magic == 0
    assert entry == registry.latest()[event.RECORD]
    body = io.BytesIO(data[5:])
    value: Any = fastavro.schemaless_reader(body, fastavro.parse_schema(json.loads(entry.schema_text())))
    assert body.read() == b""
    assert value == with_lists(msgspec.to_builtins(event, builtin_types=(bytes, datetime)))


def with_lists(value: Any) -> Any:
    """Avro arrays are lists in Python; to_builtins keeps tuples."""
    if isinstance(value, dict):
        return {name: with_lists(part) for name, part in value.items()}
    return [with_lists(part) for part in value] if isinstance(value, tuple) else value


def retired(**changes: Any) -> catalog.TitleRetired:
    fields: dict[str, Any] = {
        "event_id": "e",
        "occurred_at": datetime(2026, 1, 1, tzinfo=UTC),
        "title_id": "t",
        "version": 1,
    }
    return catalog.TitleRetired(**(fields | changes))


def test_times_keep_their_moment_and_are_cut_to_milliseconds() -> None:
    berlin = datetime(2026, 7, 1, 14, 0, 0, 123_999, tzinfo=timezone(timedelta(hours=2)))
    decoded = codec.decode(codec.encode(retired(occurred_at=berlin)))
    assert decoded.occurred_at == datetime(2026, 7, 1, 12, 0, 0, 123_000, tzinfo=UTC)
    assert decoded.occurred_at.tzinfo is UTC


@pytest.mark.parametrize("moment", [datetime(1, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, 999_000, UTC)])
def test_times_before_the_epoch(moment: datetime) -> None:
    assert codec.decode(codec.encode(retired(occurred_at=moment))).occurred_at == moment


@pytest.mark.parametrize(
    "changes",
    [
        {"occurred_at": datetime(2026, 1, 1)},  # noqa: DTZ001 - a time without a zone is the fault under test
        {"title_id": None},
        {"title_id": 5},
        {"title_id": "\ud800"},
        {"version": "1"},
        {"version": 2**63},
        {"version": None},
        {"version": 1j},
    ],
    ids=repr,
)
def test_value_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(SchemaError, match="TitleRetired") as caught:
        codec.encode(retired(**changes))
    assert caught.value.reason == "bad_value"


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "film"},
        {"year": "1994"},
        {"year": 2**31},
        {"people": None},
        {"people": ("Ada",)},
        {"popularity": "high"},
        {"original_name": b"raw"},
    ],
    ids=repr,
)
def test_nested_value_that_does_not_fit_is_refused(changes: dict[str, Any]) -> None:
    title = examples.of("media_gateway.catalog.v1.TitleChanged")
    with pytest.raises(SchemaError):
        codec.encode(msgspec.structs.replace(title, **changes))


def test_topic_and_key_of_every_event() -> None:
    found = {
        record.rsplit(".", 1)[-1]: (codec.topic_of(examples.of(record)), codec.key_of(examples.of(record)))
        for record in loader.record_schemas()
    }
    title = b"0195506e-4c00-7a10-8b52-2f7d1b6c0a77"
    assert found == {
        "ProviderItemReceived": ("catalog-deliveries", b"netflix:nl-204"),
        "ProviderItemNormalized": ("provider-items", b"netflix:nl-204"),
        "ProviderItemWithdrawn": ("provider-items", b"netflix:nl-204"),
        "TitleChanged": ("titles", title),
        "TitleMerged": ("titles", title),
        "TitleRetired": ("titles", title),
        "MatchConfirmed": ("title-decisions", title),
        "MatchRejected": ("title-decisions", title),
        "MergeRequested": ("title-decisions", title),
        "SplitRequested": ("title-decisions", title),
        "DecisionUndone": ("title-decisions", title),
        "AvailabilityChanged": ("availability-changes", title),
        "OfferExpiring": ("availability-changes", title),
        "TitleEmbedded": ("title-embeddings", title),
        "PlaybackEventRecorded": ("playback-events", b"u-4711"),
        "PlaybackSessionStarted": ("playback-sessions", b"u-4711"),
        "PlaybackSessionEnded": ("playback-sessions", b"u-4711"),
        "ProgressSet": ("progress-changes", b"u-4711"),
        "WatchedMarked": ("progress-changes", b"u-4711"),
        "RatingGiven": ("ratings", b"u-4711"),
        "WatchlistItemAdded": ("watchlist-changes", b"u-4711"),
        "WatchlistItemRemoved": ("watchlist-changes", b"u-4711"),
        "WatchlistItemMoved": ("watchlist-changes", b"u-4711"),
        "DeviceRegistered": ("device-changes", b"u-4711"),
        "DeviceRemoved": ("device-changes", b"u-4711"),
        "DeviceCommandIssued": ("device-changes", b"u-4711"),
        "PreferenceSet": ("preference-changes", b"u-4711"),
        "TrendingUpdated": ("title-trends", b"DE"),
    }
