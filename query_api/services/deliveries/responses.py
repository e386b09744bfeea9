"""What an operator sees of deliveries."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from schemas.read_models.provider_deliveries import DeliveryRow, RefusedItemRow


class RefusedItem(msgspec.Struct, frozen=True, rename="camel"):
    """An item that a processor refused, why, and its place in the delivery."""

    id: str
    ordinal: int | None
    consumer: str
    reason: str
    detail: str


class Delivery(msgspec.Struct, frozen=True, rename="camel"):
    """One delivery. The four counts add up to `items`; `refused` shows the first 20 dead-lettered ones."""

    delivery_id: str
    accepted_at: datetime
    items: int
    accepted: int
    normalized: int
    withdrawn: int
    dead_lettered: int
    refused: tuple[RefusedItem, ...] = ()


class ProviderStanding(msgspec.Struct, frozen=True, rename="camel"):
    """Both are null for one that never delivered, which is stale too."""

    provider: str
    last_delivery_at: datetime | None
    silent_seconds: float | None
    stale: bool


class ProviderList(msgspec.Struct, frozen=True, rename="camel"):
    """Every configured provider, by name."""

    providers: tuple[ProviderStanding, ...]
    as_of: datetime | None

    @classmethod
    def of(
        cls,
        names: Iterable[str],
        newest: Mapping[str, datetime],
        now: datetime,
        stale_after: timedelta,
        as_of: datetime | None,
    ) -> "ProviderList":
        found = []
        for name in sorted(names):
            at = newest.get(name)
            silence = None if at is None else max(now - at, timedelta())
            stale = silence is None or silence > stale_after
            found.append(ProviderStanding(name, at, None if silence is None else silence.total_seconds(), stale))
        return cls(tuple(found), as_of)


class DeliveryPage(msgspec.Struct, frozen=True, rename="camel"):
    """`asOf`: when the read model last moved; null before it ever did."""

    deliveries: tuple[Delivery, ...]
    as_of: datetime | None
    next_cursor: str | None = None

    @classmethod
    def of(
        cls,
        rows: Sequence[DeliveryRow],
        refused: Sequence[RefusedItemRow],
        *,
        as_of: datetime | None,
        next_cursor: str | None,
    ) -> "DeliveryPage":
        by_delivery: dict[str, list[RefusedItem]] = {}
        for item in refused:
            found = RefusedItem(item.native_id, item.ordinal, item.consumer, item.reason, item.detail)
            by_delivery.setdefault(item.delivery_id, []).append(found)
        deliveries = tuple(
            Delivery(
                delivery_id=row.delivery_id,
                accepted_at=row.accepted_at,
                items=row.items,
                accepted=row.accepted,
                normalized=row.normalized,
                withdrawn=row.withdrawn,
                dead_lettered=row.dead_lettered,
                refused=tuple(by_delivery.get(row.delivery_id, ())),
            )
            for row in rows
        )
        return cls(deliveries, as_of, next_cursor)
