"""Title events for tests: small by default, every field can be given."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.envelope import Position, derived_id
from schemas.types.catalog import ExternalId, Offer, TitleChanged, TitleMerged, TitleRetired

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
POSITION = Position("titles", 0, 0)


def changed(title_id: str, version: int = 1, **fields: Any) -> TitleChanged:
    given: dict[str, Any] = {
        "event_id": derived_id(title_id, "test", version),
        "occurred_at": WHEN + timedelta(seconds=version),
        "title_id": title_id,
        "version": version,
        "kind": "movie",
        "name": f"Title {title_id} at {version}",
        "external_ids": (ExternalId(source="imdb", value=f"tt{title_id}"),),
        "offers": (Offer(provider="netflix", region="US", type="subscription"),),
        "created_at": WHEN,
    }
    return TitleChanged(**(given | fields))


def merged(title_id: str, version: int, successor_id: str) -> TitleMerged:
    return TitleMerged(
        event_id=derived_id(title_id, "test", version),
        occurred_at=WHEN + timedelta(seconds=version),
        title_id=title_id,
        version=version,
        successor_id=successor_id,
    )


def retired(title_id: str, version: int) -> TitleRetired:
    return TitleRetired(
        event_id=derived_id(title_id, "test", version),
        occurred_at=WHEN + timedelta(seconds=version),
        title_id=title_id,
        version=version,
    )
