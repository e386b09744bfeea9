"""availability_changes: what began, ended, changed or is about to end, in the order of the log.

Written by `materializer:availability_changes` from `availability-changes`; readers use the view of the same name. A row
is an event and never changes; its place in the log is its key and what cursors are made of. Each event is there once,
even if the log has it twice.
"""

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from schemas.types.catalog import Kind, OfferType, Quality

READ_MODEL: Final = "availability_changes"
TOPICS: Final = frozenset({"availability-changes"})
TABLES: Final = ("availability_changes",)
"""Views; the physical tables carry `_v{version}`."""
KEPT_DAYS: Final = 31
"""Older rows go, counted from when they were written. Cursors are good for a day less."""

Change = Literal["started", "ended", "price_changed", "terms_changed", "expiring"]


class Terms(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """What an offer says beside who makes it, where and how."""

    price: str | None = None
    """Decimal amount."""
    currency: str | None = None
    """ISO 4217."""
    link: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """First moment after it, and after those that follow it without a gap."""


class AvailabilityChange(Struct, frozen=True, kw_only=True, gc=False, rename="camel", omit_defaults=True):
    """What is told of one offer; kept as JSON in `document`, and what clients and subscribers get."""

    event_id: str
    occurred_at: datetime
    title_id: str
    title_version: int
    title_name: str
    title_kind: Kind
    provider: str
    region: str
    type: OfferType
    quality: Quality
    change: Change
    before: Terms | None = None
    after: Terms | None = None
    successor_id: str | None = None
    ends_at: datetime | None = None
    """Of expiring ones."""
    days: int | None = None
    """Of expiring ones: at most so many are left."""


class AvailabilityChangeRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `availability_changes`. The columns beside `document` are what readers select by."""

    partition: int
    log_offset: int
    event_id: str
    title_id: str
    provider: str
    region: str
    change: Change
    document: str
    written_at: datetime | None = None
    """By the database."""
