"""What goes over the channel: JSON objects, told apart by `type`. The lists are those of GET …/changes."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from query_api.user_changes.responses import (
    LIST_OF,
    Device,
    DeviceCommand,
    Preference,
    Rating,
    Session,
    WatchlistItem,
    WatchState,
    to_response,
)
from schemas.read_models.devices import DeviceCommandRow
from schemas.read_models.notices import LiveRow

Cursor = Annotated[str, Meta(description="Where to go on: the next `since` or `Last-Event-ID`.")]


class RefetchReason(StrEnum):
    TOO_SLOW = "too_slow"
    CURSOR_TOO_OLD = "cursor_too_old"


class Hello(Struct, frozen=True, rename="camel", tag_field="type", tag="hello"):
    """The first message."""

    cursor: Cursor


class LiveChanges(Struct, frozen=True, rename="camel", tag_field="type", tag="changes", omit_defaults=True):
    """Rows as they are now, each list by revision, lowest first; empty lists are left out."""

    cursor: Cursor
    watch_states: tuple[WatchState, ...] = ()
    watchlist: tuple[WatchlistItem, ...] = ()
    ratings: tuple[Rating, ...] = ()
    preferences: tuple[Preference, ...] = ()
    devices: tuple[Device, ...] = ()
    sessions: tuple[Session, ...] = ()


class Command(Struct, frozen=True, rename="camel", tag_field="type", tag="command"):
    """Only the target device gets it, not after `expiresAt`; it may come twice: carry each `commandId` out once."""

    cursor: Cursor
    command_id: str
    device_id: str
    target_device_id: str
    command: Annotated[str, Meta(description="play, pause, seek, load or hand_off.")]
    title_id: str | None
    position_ms: int | None
    issued_at: datetime
    expires_at: datetime
    revision: int


class Ping(Struct, frozen=True, rename="camel", tag_field="type", tag="ping"):
    """Every 15 seconds."""

    cursor: Cursor


class Refetch(Struct, frozen=True, rename="camel", tag_field="type", tag="refetch"):
    """The last message: fetch everything anew, then connect again without `since`."""

    reason: RefetchReason


class Expired(Struct, frozen=True, rename="camel", tag_field="type", tag="expired"):
    """The last message: connect again with a new token and the last cursor."""


LiveMessage = Hello | LiveChanges | Command | Ping | Refetch | Expired
Kind = Literal["hello", "changes", "command", "ping", "refetch", "expired"]

_JSON: Final = msgspec.json.Encoder()


def encode(message: LiveMessage) -> str:
    return _JSON.encode(message).decode()


def changes_of(rows: Sequence[LiveRow], cursor: str) -> LiveChanges:
    """Of rows that are no commands, in the order given."""
    lists: dict[str, list[Any]] = {}
    for row in rows:
        found = to_response(row)
        lists.setdefault(_FIELD_OF[type(found)], []).append(found)
    return LiveChanges(cursor, **{name: tuple(group) for name, group in lists.items()})


def command_of(row: DeviceCommandRow, cursor: str) -> Command:
    return Command(cursor=cursor, **msgspec.structs.asdict(DeviceCommand.of(row)))


_MEMBERS = {field.encode_name: field.name for field in msgspec.structs.fields(LiveChanges)}
_FIELD_OF: Final = {kind: _MEMBERS[name] for kind, name in LIST_OF.items() if kind is not DeviceCommand}
