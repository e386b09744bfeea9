"""The events about one title's offers. Their ids follow from what they tell, so that telling it again is no news."""

from typing import Final

import msgspec

from runtime.clock import from_milliseconds
from schemas.envelope import derived_id
from schemas.types.catalog import AvailabilityChanged, OfferChange, OfferExpiring, OfferTerms
from streams.processors.offer_lifecycle.state import Listing, Offered, Place, Terms
from streams.processors.offer_lifecycle.windows import DAY_MS, began_at

NAME: Final = "offer_lifecycle"


def changed(
    title: Offered, listing: Listing, after: Terms | None, change: OfferChange, since: int | None, successor: str | None
) -> AvailabilityChanged:
    before, place = listing.told, listing.place
    moment = since if since is not None else began_at(listing.windows, after, title.at)
    cause = f"{title.title_id}/{title.version}/{'/'.join(msgspec.structs.astuple(place))}"
    return AvailabilityChanged(
        event_id=derived_id(cause, NAME, f"{change}/{'snapshot' if since is not None else moment}"),
        occurred_at=from_milliseconds(moment),
        title_id=title.title_id,
        title_version=title.version,
        title_name=title.name,
        title_kind=title.kind,
        provider=place.provider,
        region=place.region,
        type=place.type,
        quality=place.quality,
        change=change,
        before=_terms(before),
        after=_terms(after),
        successor_id=successor,
    )


def expiring(
    title: Offered, place: Place, terms: Terms, ends_at: int, reached: tuple[int, ...], since: int | None
) -> OfferExpiring:
    cause = f"{title.title_id}/{'/'.join(msgspec.structs.astuple(place))}/{ends_at}"
    days = reached[-1]
    return OfferExpiring(
        event_id=derived_id(cause, NAME, f"expiring/{days}"),
        occurred_at=from_milliseconds(max(ends_at - days * DAY_MS, since or 0)),
        title_id=title.title_id,
        title_version=title.version,
        title_name=title.name,
        title_kind=title.kind,
        provider=place.provider,
        region=place.region,
        type=place.type,
        quality=place.quality,
        terms=_terms(terms) or OfferTerms(),
        ends_at=from_milliseconds(ends_at),
        days=days,
        reached=reached,
    )


def _terms(terms: Terms | None) -> OfferTerms | None:
    if terms is None:
        return None
    return OfferTerms(
        price=terms.price,
        currency=terms.currency,
        link=terms.link,
        starts_at=None if terms.starts_at is None else from_milliseconds(terms.starts_at),
        ends_at=None if terms.ends_at is None else from_milliseconds(terms.ends_at),
    )
