"""The service's answers as this package reads them. Members it does not know are ignored, so the API can grow."""

from collections.abc import Iterator
from typing import Any, Final

import msgspec
from msgspec import Struct

from sync_client.operations import Kind, Subject
from sync_laws.watching import BY_HAND, Flag, Place, Sitting, Watching
from sync_laws.watchlist import Item

Hlc = int
"""Strings of digits on the wire; decoded leniently."""


class _Register(Struct, frozen=True, rename="camel"):
    hlc: Hlc
    device_id: str


class Position(_Register, frozen=True):
    position_ms: int
    duration_ms: int | None = None


class Watched(_Register, frozen=True):
    value: bool


class Rank(_Register, frozen=True):
    value: str


class WatchState(Struct, frozen=True, rename="camel"):
    title_id: str
    revision: int
    position: Position | None = None
    watched: Watched | None = None

    def watching(self) -> Watching:
        """In terms of the laws. Which sitting the position is of no longer matters: the service has decided."""
        found = Watching()
        if self.position is not None:
            at = self.position
            place = Place(at.hlc, at.device_id, at.position_ms, at.duration_ms)
            found.sittings[BY_HAND] = Sitting(at.hlc, place)
        if self.watched is not None:
            found.flag = Flag(self.watched.hlc, self.watched.device_id, self.watched.value)
        return found

    @property
    def newest_hlc(self) -> int:
        return max(0 if part is None else part.hlc for part in (self.position, self.watched))


class WatchlistItem(Struct, frozen=True, rename="camel"):
    title_id: str
    revision: int
    rank: Rank
    added: dict[str, Hlc]
    removed: dict[str, Hlc] = {}

    def item(self) -> Item:
        return Item(dict(self.added), dict(self.removed), self.rank.value, self.rank.hlc, self.rank.device_id)

    @property
    def newest_hlc(self) -> int:
        return max(self.rank.hlc, *self.added.values(), *self.removed.values(), 0)


class Preference(_Register, frozen=True):
    """`value` None: taken back."""

    name: str
    revision: int
    value: Any = None

    @property
    def newest_hlc(self) -> int:
        return self.hlc


class Rating(_Register, frozen=True):
    title_id: str
    rating: float
    revision: int

    @property
    def newest_hlc(self) -> int:
        return self.hlc


class Device(_Register, frozen=True):
    name: str
    kind: str
    revision: int
    capabilities: tuple[str, ...] = ()
    removed: bool = False

    @property
    def newest_hlc(self) -> int:
        return self.hlc


class DeviceCommand(Struct, frozen=True, rename="camel"):
    """What `device_id` asks this device to do; not after `expires_at` (RFC 3339)."""

    command_id: str
    device_id: str
    target_device_id: str
    command: str
    expires_at: str
    revision: int
    title_id: str | None = None
    position_ms: int | None = None

    @property
    def newest_hlc(self) -> int:
        return 0


Row = WatchState | WatchlistItem | Preference | Rating | Device | DeviceCommand
KINDS: Final[dict[Kind, type[Row]]] = {
    Kind.WATCHLIST: WatchlistItem,
    Kind.WATCH_STATES: WatchState,
    Kind.PREFERENCES: Preference,
    Kind.RATINGS: Rating,
    Kind.DEVICES: Device,
    Kind.COMMANDS: DeviceCommand,
}


class Rows(Struct, frozen=True, rename="camel"):
    """The lists that an answer of `changes` and a message of the live channel have in common."""

    watchlist: tuple[WatchlistItem, ...] = ()
    watch_states: tuple[WatchState, ...] = ()
    preferences: tuple[Preference, ...] = ()
    ratings: tuple[Rating, ...] = ()
    devices: tuple[Device, ...] = ()
    commands: tuple[DeviceCommand, ...] = ()

    def __iter__(self) -> Iterator[Row]:
        for field in Rows.__struct_fields__:
            yield from getattr(self, field)


class ChangesAnswer(Rows, frozen=True, kw_only=True):
    cursor: str
    more: bool


class LiveMessage(Rows, frozen=True, kw_only=True):
    """Any message of the live channel; those of a type that is not known are ignored."""

    type: str
    cursor: str | None = None


class Accepted(Struct, frozen=True, rename="camel"):
    """`event_id` is the tag where the operation was an addition to the watchlist."""

    operation_id: str
    event_id: str
    position: str


class MutationsAnswer(Struct, frozen=True, rename="camel"):
    operations: tuple[Accepted, ...]


class FieldError(Struct, frozen=True):
    detail: str = ""
    pointer: str | None = None


class ProblemAnswer(Struct, frozen=True, rename="camel"):
    """RFC 9457."""

    type: str = "about:blank"
    title: str = ""
    detail: str = ""
    errors: tuple[FieldError, ...] = ()

    @property
    def reason(self) -> str:
        return self.detail or self.title or self.type


def subject_of(row: Row) -> Subject:
    match row:
        case WatchlistItem():
            return Kind.WATCHLIST, row.title_id
        case WatchState():
            return Kind.WATCH_STATES, row.title_id
        case Preference():
            return Kind.PREFERENCES, row.name
        case Rating():
            return Kind.RATINGS, row.title_id
        case Device():
            return Kind.DEVICES, row.device_id
        case DeviceCommand():
            return Kind.COMMANDS, row.command_id


def decode_row(kind: Kind, text: str) -> Row:
    row: Row = msgspec.json.decode(text, type=KINDS[kind], strict=False)
    return row
