"""Deliveries of raw items, and what normalization makes of them."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from schemas.envelope import Position
from schemas.types.catalog import CanonicalItem, DeliveryAction, ProviderItemNormalized, ProviderItemReceived
from streams.processors.normalization.transform import transform

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
POSITION = Position("catalog-deliveries", 0, 7)


def a_delivery(
    provider: str,
    body: object = b"",
    *,
    native_id: str = "n1",
    action: DeliveryAction = "upsert",
    source_time: datetime = NOW,
) -> ProviderItemReceived:
    """`body` is sent as it is when it is bytes, as JSON otherwise."""
    return ProviderItemReceived(
        event_id="0195b0a0-0000-7000-8000-000000000001",
        occurred_at=NOW,
        provider=provider,
        native_id=native_id,
        delivery_id="delivery-1",
        ordinal=3,
        action=action,
        source_time=source_time,
        body=body if isinstance(body, bytes) else msgspec.json.encode(body),
    )


def canonical(provider: str, raw: dict[str, Any], native_id: str = "n1") -> CanonicalItem:
    """The whole way through `transform`."""
    (event,) = transform(a_delivery(provider, raw, native_id=native_id), POSITION)
    assert isinstance(event, ProviderItemNormalized)
    return event.item
