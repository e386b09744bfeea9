"""What holds at a moment, of windows that may overlap, follow each other or leave gaps. Pure; in ms since 1970."""

from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from streams.processors.offer_lifecycle.state import Terms

DAY_MS: Final = 86_400_000
WARNINGS: Final = (7, 3, 1)
"""Days before an end at which it is told."""
_NEVER: Final = 2**63 - 1
_UNPRICED: Final = Decimal(0)


def in_force(windows: Sequence[Terms], at: int) -> Terms | None:
    """The cheapest of those that hold, with the end of the row that it begins: windows that follow without a gap."""
    holding = [each for each in windows if _begins(each) <= at < _ends(each)]
    if not holding:
        return None
    best = min(holding, key=lambda each: (_price(each), -_ends(each), each.link or "", each.currency or ""))
    until = _ends(best)
    while True:
        further = max((_ends(each) for each in windows if _begins(each) <= until < _ends(each)), default=until)
        if further == until:
            break
        until = further
    return msgspec.structs.replace(best, ends_at=None if until == _NEVER else until)


def began_at(windows: Sequence[Terms], now: Terms | None, at: int) -> int:
    """Since when that has been in force which is at `at`: the same whenever it is asked while it goes on."""
    moments = {moment for each in windows for moment in (each.starts_at, each.ends_at) if moment is not None}
    began = at
    for moment in sorted((moment for moment in moments if moment <= at), reverse=True):
        if in_force(windows, moment) != now:
            break
        began = moment
    return began


def days_reached(until: int, at: int, told: int | None) -> tuple[int, ...]:
    """Numbers of days that are left at most and below those that were told, greatest first."""
    return tuple(days for days in WARNINGS if until - at <= days * DAY_MS and (told is None or days < told))


def next_moment(windows: Iterable[Terms], told: Terms | None, warned: dict[int, int], at: int) -> int | None:
    """The first moment after `at` at which something can begin, end or be told."""
    moments = [moment for each in windows for moment in (each.starts_at, each.ends_at) if moment is not None]
    if told is not None and told.ends_at is not None:
        least = warned.get(told.ends_at, _NEVER)
        moments += [told.ends_at - days * DAY_MS for days in WARNINGS if days < least]
        moments.append(told.ends_at)
    return min((moment for moment in moments if moment > at), default=None)


def _begins(window: Terms) -> int:
    return -_NEVER if window.starts_at is None else window.starts_at


def _ends(window: Terms) -> int:
    return _NEVER if window.ends_at is None else window.ends_at


def _price(window: Terms) -> Decimal:
    """What is no number is told all the same, and comes last."""
    if window.price is None:
        return _UNPRICED
    try:
        price = Decimal(window.price)
    except InvalidOperation:
        return Decimal("Infinity")
    return price if price.is_finite() else Decimal("Infinity")
