"""The steps of one title's offers: pure. Times are milliseconds since 1970."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from runtime.clock import to_milliseconds
from schemas.types import AnyEvent
from schemas.types.catalog import Offer, OfferChange, TitleChanged, TitleMerged, TitleRetired
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Received
from streams.processors.offer_lifecycle.events import changed, expiring
from streams.processors.offer_lifecycle.state import Listing, Offered, Place, Terms
from streams.processors.offer_lifecycle.windows import DAY_MS, days_reached, in_force, next_moment

SKEW_MS: Final = 5 * 60 * 1000
"""Clocks of brokers and processors differ; a title is not looked at again earlier by so little. A look from further in
the future was a clock gone wrong, and time goes on from now."""
REMEMBERED_MS: Final = 30 * DAY_MS
"""So long after it was last looked at a title without offers is known: for what was told, should they come back."""
MOST_WARNED: Final = 16
"""Ends remembered a place; a provider that moves its end more often is told of again."""

MOST_SIZE: Final = 3_000_000
"""Bytes, about, of a title's offers. What is remembered of them is up to twice as much, and a message has 8 MB."""
_OFFER_SIZE: Final = 150

Windows = Mapping[Place, tuple[Terms, ...]]


def time_of(received: Received) -> int:
    return to_milliseconds(received.timestamp)


def title_of(received: Received) -> bytes:
    return _event(received).title_id.encode()


def step(state: Offered | None, received: Received, now: int) -> tuple[Offered | None, Sequence[AnyEvent]]:
    """A snapshot, or the end of a title: whatever its newest version says counts. Raises InvalidEvent."""
    event = _event(received)
    if state is not None and event.version <= state.version:
        return state, ()
    if isinstance(event, TitleChanged):
        windows, name, kind, successor = _by_place(event.offers), event.name, event.kind, None
    elif state is not None:
        successor = event.successor_id if isinstance(event, TitleMerged) else None
        windows, name, kind = {}, state.name, state.kind
    else:
        return None, ()
    if state is None and not windows:
        return None, ()
    known = {each.place: each for each in state.listings} if state is not None else {}
    at = _looked_at(state, now)
    title = Offered(event.title_id, event.version, name, kind, at, ())
    return _look(
        title,
        (
            _with_windows(known.get(place), place, windows.get(place, ()))
            for place in sorted(known.keys() | windows.keys())
        ),
        since=to_milliseconds(event.occurred_at),
        successor=successor,
    )


def tick(state: Offered, now: int) -> tuple[Offered | None, Sequence[AnyEvent]]:
    """Time has passed."""
    title = msgspec.structs.replace(state, at=_looked_at(state, now))
    looked, made = _look(title, state.listings)
    idle = not any(each.windows or each.told for each in looked.listings)
    return (None if idle and now >= state.at + REMEMBERED_MS else looked), made


def wakes_at(state: Offered) -> int | None:
    moments = (next_moment(each.windows, each.told, each.warned, state.at) for each in state.listings)
    first = min((moment for moment in moments if moment is not None), default=None)
    if first is None and not any(each.windows or each.told for each in state.listings):
        return state.at + REMEMBERED_MS
    return first


def _looked_at(state: Offered | None, now: int) -> int:
    return now if state is None or state.at > now + SKEW_MS else max(state.at, now)


def _by_place(offers: Sequence[Offer]) -> Windows:
    """Raises InvalidEvent for more than can be remembered."""
    if sum(_OFFER_SIZE + len(offer.link or "") for offer in offers) > MOST_SIZE:
        raise InvalidEvent("too_many_offers", f"{len(offers)} offers of one title")
    found: dict[Place, set[Terms]] = {}
    for offer in offers:
        terms = Terms(
            price=offer.price,
            currency=offer.currency,
            link=offer.link,
            starts_at=_milliseconds(offer.starts_at),
            ends_at=_milliseconds(offer.ends_at),
        )
        found.setdefault(Place(offer.region, offer.provider, offer.type, offer.quality), set()).add(terms)
    return {place: tuple(sorted(windows, key=msgspec.json.encode)) for place, windows in found.items()}


def _milliseconds(moment: datetime | None) -> int | None:
    return None if moment is None else to_milliseconds(moment)


def _with_windows(known: Listing | None, place: Place, windows: tuple[Terms, ...]) -> Listing:
    return Listing(place, windows) if known is None else msgspec.structs.replace(known, windows=windows)


def _look(
    title: Offered, listings: Iterable[Listing], *, since: int | None = None, successor: str | None = None
) -> tuple[Offered, list[AnyEvent]]:
    """Every listing as it is at `title.at`, and what there is to tell. `since`: when a snapshot said so; None when only
    time has passed."""
    made: list[AnyEvent] = []
    kept = []
    for listing in listings:
        now = in_force(listing.windows, title.at)
        change = _change(listing.told, now)
        if change is not None:
            made.append(changed(title, listing, now, change, since, successor))
        warned = dict(listing.warned)
        if now is not None and now.ends_at is not None:
            reached = days_reached(now.ends_at, title.at, warned.get(now.ends_at))
            if reached:
                made.append(expiring(title, listing.place, now, now.ends_at, reached, since))
                warned.pop(now.ends_at, None)
                warned[now.ends_at] = reached[-1]
                while len(warned) > MOST_WARNED:
                    del warned[next(iter(warned))]
        if listing.windows or now is not None or max(warned, default=0) > title.at - REMEMBERED_MS:
            kept.append(Listing(listing.place, listing.windows, now, warned))
    return msgspec.structs.replace(title, listings=tuple(kept)), made


def _change(before: Terms | None, after: Terms | None) -> OfferChange | None:
    if before is None or after is None:
        return None if before is after else "started" if before is None else "ended"
    if (before.price, before.currency) != (after.price, after.currency):
        return "price_changed"
    return "terms_changed" if (before.link, before.ends_at) != (after.link, after.ends_at) else None


def _event(received: Received) -> TitleChanged | TitleMerged | TitleRetired:
    if not isinstance(received.event, TitleChanged | TitleMerged | TitleRetired):
        raise InvalidEvent("unexpected_event", type(received.event).__name__)
    return received.event
