"""Rows of one person as JSON: the same in queries and on the live channel.

Clocks (`hlc`) are strings of decimal digits, because they have more bits than a browser's numbers.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar, cast

import msgspec
from msgspec import Meta, Struct

from query_api.user_changes.reader import Changes
from schemas.read_models.devices import DeviceCommandRow, DeviceRow
from schemas.read_models.notices import LiveRow
from schemas.read_models.playback_history import SessionRow
from schemas.read_models.preferences import PreferenceRow
from schemas.read_models.ratings import RatingRow
from schemas.read_models.watch_state import WatchStateRow
from schemas.read_models.watchlist import WatchlistRow

R = TypeVar("R")
Hlc = Annotated[str, Meta(description="Hybrid logical clock, decimal digits.", examples=["115640302141440000"])]
TitleId = Annotated[str, Meta(description="Stable id of the title.", examples=["0199aa00-0000-7000-8000-000000000001"])]
Revision = Annotated[int, Meta(description="Grows with every change of this person's rows of this kind.")]


class Position(Struct, frozen=True, rename="camel", kw_only=True):
    """Where to resume: a register that the newest (hlc, device) wins."""

    position_ms: int
    duration_ms: int | None
    hlc: Hlc
    device_id: str


class Watched(Struct, frozen=True, rename="camel", kw_only=True):
    """Whether it was seen: a register of its own."""

    value: bool
    hlc: Hlc
    device_id: str


class WatchState(Struct, frozen=True, rename="camel", kw_only=True):
    """One title of one person. `finished`: there is nothing to continue."""

    title_id: TitleId
    position: Position | None
    watched: Watched | None
    finished: bool
    updated_at: datetime
    revision: Revision

    @classmethod
    def of(cls, row: WatchStateRow) -> "WatchState":
        return cls(
            title_id=row.title_id,
            position=position_of(row),
            watched=None
            if row.watched_hlc is None
            else Watched(value=row.watched, hlc=str(row.watched_hlc), device_id=row.watched_device or ""),
            finished=row.finished,
            updated_at=row.event_at,
            revision=row.revision,
        )


def position_of(row: WatchStateRow) -> Position | None:
    if row.position_ms is None or row.position_hlc is None:
        return None
    return Position(
        position_ms=row.position_ms,
        duration_ms=row.duration_ms,
        hlc=str(row.position_hlc),
        device_id=row.position_device or "",
    )


class Rank(Struct, frozen=True, rename="camel", kw_only=True):
    """The title's place: lists sort by `value` (bytewise), then title id."""

    value: str
    hlc: Hlc
    device_id: str


class WatchlistItem(Struct, frozen=True, rename="camel", kw_only=True):
    """One title of a watchlist. `added` and `removed`: live and dead tags, each with its clock."""

    title_id: TitleId
    present: bool
    rank: Rank
    added: dict[str, Hlc]
    removed: dict[str, Hlc]
    updated_at: datetime
    revision: Revision

    @classmethod
    def of(cls, row: WatchlistRow) -> "WatchlistItem":
        return cls(
            title_id=row.title_id,
            present=row.present,
            rank=rank_of(row),
            added=clocks(row.added),
            removed=clocks(row.removed),
            updated_at=row.event_at,
            revision=row.revision,
        )


def rank_of(row: WatchlistRow) -> Rank:
    return Rank(value=row.rank, hlc=str(row.rank_hlc), device_id=row.rank_device)


def clocks(tags: Mapping[str, int]) -> dict[str, str]:
    return {tag: str(hlc) for tag, hlc in tags.items()}


class Rating(Struct, frozen=True, rename="camel", kw_only=True):
    title_id: TitleId
    rating: Annotated[float, Meta(description="From 0.5 to 5 in halves.")]
    hlc: Hlc
    device_id: str
    rated_at: datetime
    revision: Revision

    @classmethod
    def of(cls, row: RatingRow) -> "Rating":
        return cls(
            title_id=row.title_id,
            rating=row.rating,
            hlc=str(row.hlc),
            device_id=row.device_id,
            rated_at=row.rated_at,
            revision=row.revision,
        )


class Preference(Struct, frozen=True, rename="camel", kw_only=True):
    """`present` false: it was taken back; `value` is null then."""

    name: str
    present: bool
    value: Annotated[Any, Meta(description="Any JSON.")]
    hlc: Hlc
    device_id: str
    updated_at: datetime
    revision: Revision

    @classmethod
    def of(cls, row: PreferenceRow) -> "Preference":
        return cls(
            name=row.name,
            present=row.value is not None,
            value=None if row.value is None else _json(row.value),
            hlc=str(row.hlc),
            device_id=row.device_id,
            updated_at=row.event_at,
            revision=row.revision,
        )


class Device(Struct, frozen=True, rename="camel", kw_only=True):
    device_id: str
    name: str
    kind: str
    capabilities: tuple[str, ...]
    removed: bool
    hlc: Hlc
    updated_at: datetime
    revision: Revision

    @classmethod
    def of(cls, row: DeviceRow) -> "Device":
        return cls(
            device_id=row.device_id,
            name=row.name,
            kind=row.kind,
            capabilities=row.capabilities,
            removed=row.removed,
            hlc=str(row.hlc),
            updated_at=row.event_at,
            revision=row.revision,
        )


class DeviceCommand(Struct, frozen=True, rename="camel", kw_only=True):
    """What `deviceId` asks of `targetDeviceId`; not to be carried out after `expiresAt`."""

    command_id: str
    device_id: str
    target_device_id: str
    command: Annotated[str, Meta(description="play, pause, seek, load or hand_off.")]
    title_id: str | None
    position_ms: int | None
    issued_at: datetime
    expires_at: datetime
    revision: Revision

    @classmethod
    def of(cls, row: DeviceCommandRow) -> "DeviceCommand":
        return cls(
            command_id=row.command_id,
            device_id=row.device_id,
            target_device_id=row.target_device_id,
            command=row.command,
            title_id=row.title_id,
            position_ms=row.position_ms,
            issued_at=row.issued_at,
            expires_at=row.expires_at,
            revision=row.revision,
        )


class Session(Struct, frozen=True, rename="camel", kw_only=True):
    """One sitting. `endedAt` and `reason` are null while it is open; `watchedMs` leaves out pauses and jumps."""

    session_id: str
    title_id: TitleId
    device_id: str
    region: str
    started_at: datetime
    ended_at: datetime | None
    reason: Annotated[str | None, Meta(description="completed, stopped or timed_out.")]
    position_ms: int
    duration_ms: int | None
    watched_ms: int
    hlc: Hlc
    revision: Revision

    @classmethod
    def of(cls, row: SessionRow) -> "Session":
        return cls(
            session_id=row.session_id,
            title_id=row.title_id,
            device_id=row.device_id,
            region=row.region,
            started_at=row.started_at,
            ended_at=row.ended_at,
            reason=row.reason,
            position_ms=row.position_ms,
            duration_ms=row.duration_ms,
            watched_ms=row.watched_ms,
            hlc=str(row.hlc),
            revision=row.revision,
        )


LiveResponse = WatchState | WatchlistItem | Rating | Preference | Device | DeviceCommand | Session

_RESPONSE_OF: Final[Mapping[type, Callable[[Any], LiveResponse]]] = {
    WatchStateRow: WatchState.of,
    WatchlistRow: WatchlistItem.of,
    RatingRow: Rating.of,
    PreferenceRow: Preference.of,
    DeviceRow: Device.of,
    DeviceCommandRow: DeviceCommand.of,
    SessionRow: Session.of,
}

LIST_OF: Final[Mapping[type, str]] = {
    WatchState: "watchStates",
    WatchlistItem: "watchlist",
    Rating: "ratings",
    Preference: "preferences",
    Device: "devices",
    DeviceCommand: "commands",
    Session: "sessions",
}
"""Name of the member of ChangesResponse that lists it."""


def to_response(row: LiveRow) -> LiveResponse:
    return _RESPONSE_OF[type(row)](row)


class ChangesResponse(Struct, frozen=True, rename="camel", kw_only=True):
    """What changed since the cursor: each list by revision, lowest first. `more`: ask again at once with `cursor`."""

    watch_states: tuple[WatchState, ...]
    watchlist: tuple[WatchlistItem, ...]
    ratings: tuple[Rating, ...]
    preferences: tuple[Preference, ...]
    devices: tuple[Device, ...]
    commands: tuple[DeviceCommand, ...]
    sessions: tuple[Session, ...]
    cursor: Annotated[str, Meta(description="The next `since`.")]
    more: bool
    as_of: datetime | None

    @classmethod
    def of(cls, user_id: str, changes: Changes) -> "ChangesResponse":
        found = [to_response(row) for row in changes.rows]
        return cls(
            watch_states=_only(found, WatchState),
            watchlist=_only(found, WatchlistItem),
            ratings=_only(found, Rating),
            preferences=_only(found, Preference),
            devices=_only(found, Device),
            commands=_only(found, DeviceCommand),
            sessions=_only(found, Session),
            cursor=changes.cursor.encode(user_id),
            more=changes.more,
            as_of=changes.as_of,
        )


def _only(found: Iterable[LiveResponse], type_: type[R]) -> tuple[R, ...]:
    return cast("tuple[R, ...]", tuple(each for each in found if type(each) is type_))


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:  # whoever wrote it did not check: shown as it is
        return text
