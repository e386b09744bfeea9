"""availability: where a title can be watched, region by region.

Written by `materializer:availability` from `titles`; readers use the views `availability` (one row an offer) and
`availability_titles` (one row a title ever seen, also those without an offer, with the version of the snapshot).
A merged or retired title has no offers. A title's offers are always those of one snapshot.
"""

from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from schemas.types.catalog import OfferType, Quality

READ_MODEL = "availability"
TABLES = ("availability", "availability_titles")
"""Views; the physical tables carry `_v{version}`."""


class OfferRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `availability`."""

    title_id: str
    ordinal: int
    """Place in the title's offers sorted by region, provider, type, quality, window, price and link; from 0."""
    region: str
    """ISO 3166-1 alpha-2."""
    provider: str
    type: OfferType
    quality: Quality
    price: Decimal | None = None
    currency: str | None = None
    """ISO 4217."""
    link: str | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    version: int
    """Of the title's snapshot."""


class AvailabilityTitleRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `availability_titles`: the version guard, and how fresh the offers are."""

    title_id: str
    version: int
    state: str
    offers: int
    event_at: datetime
    written_at: datetime
