"""Items and events of the provider-items topic, made up here."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec

from schemas.envelope import Position, derived_id
from schemas.types.catalog import (
    CanonicalItem,
    ExternalId,
    Kind,
    Person,
    ProviderItemNormalized,
    ProviderItemWithdrawn,
)
from streams.engine.spec import Received

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)


def ids(*texts: str) -> tuple[ExternalId, ...]:
    """`imdb:tt1` and so on."""
    return tuple(ExternalId(source=text.partition(":")[0], value=text.partition(":")[2]) for text in texts)


def people(*names: str, director: str | None = None) -> tuple[Person, ...]:
    cast = tuple(Person(name=name, role="actor") for name in names)
    return (*((Person(name=director, role="director"),) if director else ()), *cast)


def an_item(
    name: str = "The Amber Road", year: int | None = 1999, kind: Kind = "movie", **fields: Any
) -> CanonicalItem:
    """The content hash covers all fields, as that of normalization does."""
    item = CanonicalItem(kind=kind, name=name, year=year, content_hash="", **fields)
    return msgspec.structs.replace(item, content_hash=sha256(msgspec.msgpack.encode(item)).hexdigest())


def upserted(key: str, item: CanonicalItem, at: int = 0) -> ProviderItemNormalized:
    """`key` is provider:native_id; `at` the provider's time in seconds."""
    provider, _, native_id = key.partition(":")
    return ProviderItemNormalized(
        event_id=derived_id(f"{key}/{at}", "test", item.content_hash),
        occurred_at=MOMENT + timedelta(seconds=at),
        provider=provider,
        native_id=native_id,
        delivery_id="delivery",
        source_time=MOMENT + timedelta(seconds=at),
        item=item,
    )


def withdrawn(key: str, at: int = 0) -> ProviderItemWithdrawn:
    provider, _, native_id = key.partition(":")
    return ProviderItemWithdrawn(
        event_id=derived_id(f"{key}/{at}", "test", "withdrawn"),
        occurred_at=MOMENT + timedelta(seconds=at),
        provider=provider,
        native_id=native_id,
        delivery_id="delivery",
        source_time=MOMENT + timedelta(seconds=at),
    )


def received(event: ProviderItemNormalized | ProviderItemWithdrawn, offset: int, partition: int = 0) -> Received:
    return Received(event, Position("provider-items", partition, offset), None, event.occurred_at)
