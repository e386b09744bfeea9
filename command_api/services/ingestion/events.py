"""Delivered items as events. Pure: a repeated delivery makes the same ids, so one that slips through is no news."""

from collections.abc import Sequence
from datetime import datetime

from command_api.services.ingestion.requests import DeliveredItem
from schemas.envelope import derived_id
from schemas.types.catalog import ProviderItemReceived

_PRODUCER = "ingestion"


def to_events(
    provider: str, delivery_id: str, items: Sequence[DeliveredItem], accepted_at: datetime
) -> tuple[ProviderItemReceived, ...]:
    """One event an item, in the order of the delivery."""
    origin = f"{provider}/{delivery_id}"
    return tuple(
        ProviderItemReceived(
            event_id=derived_id(origin, _PRODUCER, ordinal),
            occurred_at=accepted_at,
            provider=provider,
            native_id=item.native_id,
            delivery_id=delivery_id,
            ordinal=ordinal,
            action=item.action,
            source_time=item.source_time,
            body=item.body,
        )
        for ordinal, item in enumerate(items)
    )
