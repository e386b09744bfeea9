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
    match event:
        case PlaybackEventRecorded():
            _check(event.user_id, event.title_id, event.device_id, event.session_id, event.hlc)
            if event.kind == "unknown":
                raise InvalidEvent("unknown_kind", "of a newer contract, or none")
            place = _place(event)
            return (Played(event.user_id, event.title_id, event.occurred_at, event.session_id, event.kind, place),)
        case ProgressSet():
            _check(event.user_id, event.title_id, event.device_id, "-", event.hlc)
            return (PlaceSet(event.user_id, event.title_id, event.occurred_at, _place(event)),)
        case WatchedMarked():
            _check(event.user_id, event.title_id, event.device_id, "-", event.hlc)
            flag = Flag(event.hlc, event.device_id, event.watched)
            return (Marked(event.user_id, event.title_id, event.occurred_at, flag),)
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def _place(event: PlaybackEventRecorded | ProgressSet) -> Place:
    position_ms, duration_ms = event.position_ms, event.duration_ms
    if position_ms < 0:
        raise InvalidEvent("negative_position", str(position_ms))
    if duration_ms is not None and duration_ms < 0:
        raise InvalidEvent("negative_duration", str(duration_ms))
    return Place(event.hlc, event.device_id, position_ms, duration_ms)


def _check(user_id: str, title_id: str, device_id: str, session_id: str, hlc: int) -> None:
    """One expression, because it is run for every event of a backlog."""
    if not (
        0 < len(user_id) <= MOST_CHARACTERS
        and 0 < len(title_id) <= MOST_CHARACTERS
        and 0 < len(device_id) <= MOST_CHARACTERS
        and 0 < len(session_id) <= MOST_CHARACTERS
        and "\0" not in user_id
        and "\0" not in title_id
        and "\0" not in device_id
        and "\0" not in session_id
        and hlc >= 0
    ):
        raise _fault(user_id=user_id, title_id=title_id, device_id=device_id, session_id=session_id, hlc=hlc)


def _fault(*, hlc: int, **ids: str) -> InvalidEvent:
    for name, text in ids.items():
        if not text:
            return InvalidEvent("empty_id", name)
        if "\0" in text:
            return InvalidEvent("nul_character", name)
        if len(text) > MOST_CHARACTERS:
            return InvalidEvent("too_long", f"{name}: {len(text)} characters, at most {MOST_CHARACTERS}")
    return InvalidEvent("negative_clock", str(hlc))
