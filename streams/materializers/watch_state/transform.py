"""A playback event, a position set by hand or a watched mark becomes what it says about one person and one title."""

from datetime import datetime

from msgspec import Struct

from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.playback import PlaybackEventRecorded, ProgressSet, WatchedMarked
from streams.engine.outcome import InvalidEvent
from sync_laws.watching import Flag, Kind, Place

MOST_CHARACTERS = 256
"""Of an id: two of them have to fit into an index entry of 2,704 bytes."""


class Played(Struct, frozen=True, gc=False):
    """A player was at `place`."""

    user_id: str
    title_id: str
    event_at: datetime
    session_id: str
    kind: Kind
    place: Place


class PlaceSet(Struct, frozen=True, gc=False):
    """Somebody moved the resume position."""

    user_id: str
    title_id: str
    event_at: datetime
    place: Place


class Marked(Struct, frozen=True, gc=False):
    """Somebody said that they have, or have not, seen it."""

    user_id: str
    title_id: str
    event_at: datetime
    flag: Flag


WatchWrite = Played | PlaceSet | Marked


def transform(event: AnyEvent, _: Position) -> tuple[WatchWrite, ...]:
    if type(event) is PlaybackEventRecorded:
        _check(event.user_id, event.title_id, event.device_id, event.hlc)
        _check_id("session_id", event.session_id)
        if event.kind == "unknown":
            raise InvalidEvent("unknown_kind", "a kind of a newer contract")
        return (Played(event.user_id, event.title_id, event.occurred_at, event.session_id, event.kind, _place(event)),)
    if type(event) is ProgressSet:
        _check(event.user_id, event.title_id, event.device_id, event.hlc)
        return (PlaceSet(event.user_id, event.title_id, event.occurred_at, _place(event)),)
    if type(event) is WatchedMarked:
        _check(event.user_id, event.title_id, event.device_id, event.hlc)
        flag = Flag(event.hlc, event.device_id, event.watched)
        return (Marked(event.user_id, event.title_id, event.occurred_at, flag),)
    raise InvalidEvent("unexpected_event", type(event).__name__)


def _place(event: PlaybackEventRecorded | ProgressSet) -> Place:
    if event.position_ms < 0:
        raise InvalidEvent("negative_position", str(event.position_ms))
    if event.duration_ms is not None and event.duration_ms < 0:
        raise InvalidEvent("negative_duration", str(event.duration_ms))
    return Place(event.hlc, event.device_id, event.position_ms, event.duration_ms)


def _check(user_id: str, title_id: str, device_id: str, hlc: int) -> None:
    _check_id("user_id", user_id)
    _check_id("title_id", title_id)
    _check_id("device_id", device_id)
    if hlc < 0:
        raise InvalidEvent("negative_clock", str(hlc))


def _check_id(name: str, text: str) -> None:
    if not text:
        raise InvalidEvent("empty_id", name)
    if "\0" in text:
        raise InvalidEvent("nul_character", name)
    if len(text) > MOST_CHARACTERS:
        raise InvalidEvent("too_long", f"{name}: {len(text)} characters, at most {MOST_CHARACTERS}")
