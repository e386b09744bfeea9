"""Events about offers for tests: small by default, every field can be given."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.envelope import derived_id
from schemas.types.catalog import AvailabilityChanged, OfferExpiring, OfferTerms

WHEN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def offer_changed(number: int = 0, title_id: str = "t", **fields: Any) -> AvailabilityChanged:
    """`number` makes id and time."""
    given = _about(number, title_id) | {"change": "started", "after": OfferTerms()}
    return AvailabilityChanged(**(given | fields))


def offer_expiring(number: int = 0, title_id: str = "t", **fields: Any) -> OfferExpiring:
    ends_at = WHEN + timedelta(days=3)
    given = _about(number, title_id) | {
        "terms": OfferTerms(ends_at=ends_at),
        "ends_at": ends_at,
        "days": 3,
        "reached": (7, 3),
    }
    return OfferExpiring(**(given | fields))


def _about(number: int, title_id: str) -> dict[str, Any]:
    return {
        "event_id": derived_id(title_id, "offers", number),
        "occurred_at": WHEN + timedelta(minutes=number),
        "title_id": title_id,
        "title_version": 1,
        "title_name": f"Title {title_id}",
        "title_kind": "movie",
        "provider": "netflix",
        "region": "DE",
        "type": "subscription",
        "quality": "hd",
    }
