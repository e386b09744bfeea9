"""An edit of a watchlist becomes what it says about one person and one title."""

from datetime import datetime

from msgspec import Struct

from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.watchlist import WatchlistItemAdded, WatchlistItemMoved, WatchlistItemRemoved
from streams.engine.outcome import InvalidEvent
from sync_laws.rank import is_rank

MOST_CHARACTERS = 256
"""Of an id: two of them have to fit into an index entry of 2,704 bytes."""
MOST_TAGS = 1000
"""Observed by one edit: a title is not added a thousand times between two looks at it."""


class Added(Struct, frozen=True, kw_only=True, gc=False):
    """`offset` is that of the event, here and below: one person's edits are in one partition."""

    user_id: str
    title_id: str
    event_at: datetime
    hlc: int
    device_id: str
    tag: str
    offset: int
    rank: str
    observed: tuple[str, ...] = ()


class Moved(Struct, frozen=True, kw_only=True, gc=False):
    user_id: str
    title_id: str
    event_at: datetime
    hlc: int
    device_id: str
    rank: str


class Removed(Struct, frozen=True, kw_only=True, gc=False):
    """`observed` None takes away all that the log has before `offset`."""

    user_id: str
    title_id: str
    event_at: datetime
    hlc: int
    offset: int
    observed: tuple[str, ...] | None


ListWrite = Added | Moved | Removed


def transform(event: AnyEvent, position: Position) -> tuple[ListWrite, ...]:
    match event:
        case WatchlistItemAdded():
            _check(event)
            return (
                Added(
                    user_id=event.user_id,
                    title_id=event.title_id,
                    event_at=event.occurred_at,
                    hlc=event.hlc,
                    device_id=event.device_id,
                    tag=_id("event_id", event.event_id),
                    offset=position.offset,
                    rank=_rank(event.rank),
                    observed=_tags(event.observed),
                ),
            )
        case WatchlistItemMoved():
            _check(event)
            return (
                Moved(
                    user_id=event.user_id,
                    title_id=event.title_id,
                    event_at=event.occurred_at,
                    hlc=event.hlc,
                    device_id=event.device_id,
                    rank=_rank(event.rank),
                ),
            )
        case WatchlistItemRemoved():
            _check(event)
            return (
                Removed(
                    user_id=event.user_id,
                    title_id=event.title_id,
                    event_at=event.occurred_at,
                    hlc=event.hlc,
                    offset=position.offset,
                    observed=None if event.blind else _tags(event.observed),
                ),
            )
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def _check(event: WatchlistItemAdded | WatchlistItemMoved | WatchlistItemRemoved) -> None:
    for name in ("user_id", "title_id", "device_id"):
        _id(name, getattr(event, name))
    if event.hlc < 0:
        raise InvalidEvent("negative_clock", str(event.hlc))


def _rank(rank: str) -> str:
    if not is_rank(rank):
        raise InvalidEvent("invalid_rank", rank[:50])
    return rank


def _tags(tags: tuple[str, ...]) -> tuple[str, ...]:
    if len(tags) > MOST_TAGS:
        raise InvalidEvent("too_many_tags", f"{len(tags)} observed, at most {MOST_TAGS}")
    return tuple(_id("observed", tag) for tag in tags)


def _id(name: str, text: str) -> str:
    if not text:
        raise InvalidEvent("empty_id", name)
    if "\0" in text:
        raise InvalidEvent("nul_character", name)
    if len(text) > MOST_CHARACTERS:
        raise InvalidEvent("too_long", f"{name}: {len(text)} characters, at most {MOST_CHARACTERS}")
    return text
