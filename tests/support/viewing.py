"""Events of watching and of watchlists with short defaults."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from typing import Any

from schemas.envelope import Position
from schemas.types.playback import PlaybackEventRecorded, ProgressSet, WatchedMarked
from schemas.types.watchlist import WatchlistItemAdded, WatchlistItemMoved, WatchlistItemRemoved

WHEN = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
POSITION = Position("t", 0, 0)
_OFFSETS = count()


def played(**given: Any) -> PlaybackEventRecorded:
    return PlaybackEventRecorded(
        **{
            **_who(), "session_id": "s1", "kind": "progressed", "position_ms": 1000, "duration_ms": 100_000, "hlc": 10,
        }
        | given
    )  # fmt: skip


def progress(**given: Any) -> ProgressSet:
    return ProgressSet(**{**_who(), "position_ms": 1000, "duration_ms": 100_000, "hlc": 10} | given)


def marked(**given: Any) -> WatchedMarked:
    return WatchedMarked(**{**_who(), "watched": True, "hlc": 10} | given)


def added(tag: str = "tag1", **given: Any) -> WatchlistItemAdded:
    return WatchlistItemAdded(**{**_who(), "event_id": tag, "rank": "a0", "hlc": 10} | given)


def moved(**given: Any) -> WatchlistItemMoved:
    return WatchlistItemMoved(**{**_who(), "rank": "a1", "hlc": 11} | given)


def removed(*observed: str, **given: Any) -> WatchlistItemRemoved:
    return WatchlistItemRemoved(**{**_who(), "observed": tuple(observed), "hlc": 12} | given)


def writes_of(transform: Any, events: Sequence[Any]) -> list[Any]:
    """Each event behind all that were asked for before."""
    return [write for event in events for write in transform(event, Position("t", 0, next(_OFFSETS)))]


def _who() -> dict[str, Any]:
    return {"event_id": "e1", "occurred_at": WHEN, "user_id": "u1", "device_id": "d1", "title_id": "t1"}
