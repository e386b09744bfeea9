"""An event about an offer becomes a row at the event's place in the log."""

import msgspec

from schemas.envelope import Position
from schemas.read_models.availability_changes import AvailabilityChange, AvailabilityChangeRow, Change, Terms
from schemas.types import AnyEvent
from schemas.types.catalog import AvailabilityChanged, OfferExpiring, OfferTerms
from streams.engine import checks
from streams.engine.outcome import InvalidEvent

_IDS = ("event_id", "title_id", "provider", "region")
_ENCODER = msgspec.json.Encoder()


def transform(event: AnyEvent, position: Position) -> tuple[AvailabilityChangeRow, ...]:
    match event:
        case AvailabilityChanged():
            told = _changed(event)
        case OfferExpiring():
            told = _expiring(event)
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)
    checks.require_ids(event, *_IDS)
    return (
        AvailabilityChangeRow(
            partition=position.partition,
            log_offset=position.offset,
            event_id=told.event_id,
            title_id=told.title_id,
            provider=told.provider,
            region=told.region,
            change=told.change,
            document=_ENCODER.encode(told).decode(),
        ),
    )


def _changed(event: AvailabilityChanged) -> AvailabilityChange:
    if event.change == "unknown":
        raise InvalidEvent("unknown_change", "a newer writer's word: read it again with a newer version")
    return msgspec.structs.replace(
        _about(event, event.change),
        before=_terms(event.before),
        after=_terms(event.after),
        successor_id=event.successor_id,
    )


def _expiring(event: OfferExpiring) -> AvailabilityChange:
    return msgspec.structs.replace(
        _about(event, "expiring"), after=_terms(event.terms), ends_at=event.ends_at, days=event.days
    )


def _about(event: AvailabilityChanged | OfferExpiring, change: Change) -> AvailabilityChange:
    """What both kinds of events say alike."""
    return AvailabilityChange(
        event_id=event.event_id,
        occurred_at=event.occurred_at,
        title_id=event.title_id,
        title_version=event.title_version,
        title_name=event.title_name,
        title_kind=event.title_kind,
        provider=event.provider,
        region=event.region,
        type=event.type,
        quality=event.quality,
        change=change,
    )


def _terms(terms: OfferTerms | None) -> Terms | None:
    if terms is None:
        return None
    return Terms(
        price=terms.price,
        currency=terms.currency,
        link=terms.link,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
    )
