"""Operations of a queue as events. Pure: a repeated operation makes the same event, id and all."""

from collections.abc import Iterable
from typing import Final

from command_api.intake import Proposed, digest_of
from command_api.services.sync.requests import (
    AddToWatchlist,
    MarkWatched,
    MoveOnWatchlist,
    Queued,
    RemoveFromWatchlist,
    SetPreference,
    SetProgress,
    UnmarkWatched,
)
from schemas.types import AnyEvent
from schemas.types.identity import PreferenceSet
from schemas.types.playback import ProgressSet, WatchedMarked
from schemas.types.watchlist import WatchlistItemAdded, WatchlistItemMoved, WatchlistItemRemoved
from sync_laws.rank import DIGITS
from sync_laws.tags import tag_of

_HLC_DIGITS: Final = 11  # 62^11 is above 2^63
_HEAD: Final = chr(ord("a") + _HLC_DIGITS - 1)


def to_events(user_id: str, device_id: str, queue: Iterable[Queued]) -> list[Proposed]:
    """In the order of the queue."""
    found = []
    for queued in queue:
        event = _event(user_id, device_id, queued)
        found.append(Proposed(event, queued.pointer, digest_of(event)))
    return found


def rank_at_end(hlc: int) -> str:
    """The rank of an addition that came without one: `k` and the clock in eleven digits of base 62.

    To sync_laws.rank it is an integer of eleven digits. So it sorts behind every shorter integer, which is what lists
    filled by `between` have, additions sort among each other by their clocks, and there is room behind and between.
    """
    digits = []
    for _ in range(_HLC_DIGITS):
        hlc, digit = divmod(hlc, len(DIGITS))
        digits.append(DIGITS[digit])
    return _HEAD + "".join(reversed(digits))


def _event(user_id: str, device_id: str, queued: Queued) -> AnyEvent:
    operation, hlc = queued.operation, queued.hlc
    event_id, occurred_at = tag_of(user_id, device_id, operation.operation_id), queued.occurred_at
    match operation:
        case AddToWatchlist():
            return WatchlistItemAdded(
                event_id=event_id,
                occurred_at=occurred_at,
                user_id=user_id,
                device_id=device_id,
                title_id=operation.title_id,
                rank=operation.rank or rank_at_end(hlc),
                observed=operation.observed,
                hlc=hlc,
            )
        case RemoveFromWatchlist():
            return WatchlistItemRemoved(
                event_id=event_id,
                occurred_at=occurred_at,
                user_id=user_id,
                device_id=device_id,
                title_id=operation.title_id,
                observed=operation.observed or (),
                blind=operation.observed is None,
                hlc=hlc,
            )
        case MoveOnWatchlist():
            return WatchlistItemMoved(
                event_id=event_id,
                occurred_at=occurred_at,
                user_id=user_id,
                device_id=device_id,
                title_id=operation.title_id,
                rank=operation.rank,
                hlc=hlc,
            )
        case SetProgress():
            return ProgressSet(
                event_id=event_id,
                occurred_at=occurred_at,
                user_id=user_id,
                device_id=device_id,
                title_id=operation.title_id,
                position_ms=operation.position_ms,
                duration_ms=operation.duration_ms,
                hlc=hlc,
            )
        case MarkWatched() | UnmarkWatched():
            return WatchedMarked(
                event_id=event_id,
                occurred_at=occurred_at,
                user_id=user_id,
                device_id=device_id,
                title_id=operation.title_id,
                watched=isinstance(operation, MarkWatched),
                hlc=hlc,
            )
        case SetPreference():
            return PreferenceSet(
                event_id=event_id,
                occurred_at=occurred_at,
                user_id=user_id,
                device_id=device_id,
                name=operation.name,
                value=queued.value,
                hlc=hlc,
            )
