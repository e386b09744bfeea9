"""A title event becomes the title's whole set of offers; a merge or a retirement becomes the empty set.

Which of two sets wins is decided by (version, state) alone, never by arrival.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from msgspec import Struct

from schemas.envelope import Position
from schemas.read_models.availability import OfferRow
from schemas.read_models.title_catalog import TitleState
from schemas.types import AnyEvent
from schemas.types.catalog import Offer, TitleChanged, TitleMerged, TitleRetired
from streams.engine.outcome import InvalidEvent

_ALWAYS = datetime.min.replace(tzinfo=UTC)
_MOST_PRICE = Decimal("1e12")
_MOST_DECIMALS = 6


class OffersWrite(Struct, frozen=True, kw_only=True, gc=False):
    """All offers of one title as of `version`; rows sorted, each once."""

    title_id: str
    version: int
    state: TitleState
    event_at: datetime
    offers: tuple[OfferRow, ...] = ()


def transform(event: AnyEvent, _: Position) -> tuple[OffersWrite, ...]:
    match event:
        case TitleChanged():
            return (_write(event, "live", _rows(event)),)
        case TitleMerged():
            return (_write(event, "merged"),)
        case TitleRetired():
            return (_write(event, "retired"),)
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def _write(
    event: TitleChanged | TitleMerged | TitleRetired, state: TitleState, offers: tuple[OfferRow, ...] = ()
) -> OffersWrite:
    if "\0" in event.title_id:
        raise InvalidEvent("nul_character", "title_id")
    return OffersWrite(
        title_id=event.title_id, version=event.version, state=state, event_at=event.occurred_at, offers=offers
    )


def _rows(event: TitleChanged) -> tuple[OfferRow, ...]:
    offers = sorted(dict.fromkeys(event.offers), key=_order)
    return tuple(
        OfferRow(
            title_id=event.title_id,
            ordinal=ordinal,
            region=offer.region,
            provider=offer.provider,
            type=offer.type,
            quality=offer.quality,
            price=_price(offer),
            currency=offer.currency,
            link=offer.link,
            starts_at=offer.starts_at,
            ends_at=offer.ends_at,
            version=event.version,
        )
        for ordinal, offer in enumerate(offers)
    )


def _order(offer: Offer) -> tuple[str, str, str, str, datetime, datetime, str, str, str]:
    """Every field takes part, so that the order does not depend on the order of the event."""
    texts = (offer.region, offer.provider, offer.type, offer.quality, offer.price, offer.currency, offer.link)
    if any(text is not None and "\0" in text for text in texts):
        raise InvalidEvent("nul_character", "PostgreSQL cannot hold U+0000 in a text")
    return (
        offer.region,
        offer.provider,
        offer.type,
        offer.quality,
        offer.starts_at or _ALWAYS,
        offer.ends_at or _ALWAYS,
        offer.price or "",
        offer.currency or "",
        offer.link or "",
    )


def _price(offer: Offer) -> Decimal | None:
    """Raises InvalidEvent for what is not an amount of money, such as 'free', 'NaN' or '1e900'."""
    if offer.price is None:
        return None
    try:
        price = Decimal(offer.price)
    except InvalidOperation:
        raise InvalidEvent("invalid_price", offer.price) from None
    exponent = price.as_tuple().exponent
    if not isinstance(exponent, int) or exponent < -_MOST_DECIMALS or not 0 <= price < _MOST_PRICE:
        raise InvalidEvent("invalid_price", offer.price)
    return price
