"""GENERATED from schemas/avro/watchlist by `make schemas`; do not edit."""

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct


class WatchlistItemAdded(Struct, frozen=True, kw_only=True, gc=False):
    """A device put a title on the watchlist. The event id is the tag of this addition."""

    RECORD: ClassVar[str] = "media_gateway.watchlist.v1.WatchlistItemAdded"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    title_id: str
    """The title; may be one the catalog does not know yet."""
    rank: str
    """Fractional index of its place; lists sort by rank, then title id."""
    observed: tuple[str, ...] = ()
    """Tags of earlier additions of this title that the device saw; this addition replaces them."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""


class WatchlistItemMoved(Struct, frozen=True, kw_only=True, gc=False):
    """A device gave a title another place on the watchlist."""

    RECORD: ClassVar[str] = "media_gateway.watchlist.v1.WatchlistItemMoved"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    title_id: str
    """The title; may be one the catalog does not know yet."""
    rank: str
    """Fractional index of its new place."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""


class WatchlistItemRemoved(Struct, frozen=True, kw_only=True, gc=False):
    """A device took a title off the watchlist: the additions it had seen, no others."""

    RECORD: ClassVar[str] = "media_gateway.watchlist.v1.WatchlistItemRemoved"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    title_id: str
    """The title; may be one the catalog does not know yet."""
    observed: tuple[str, ...] = ()
    """Tags of the additions that the device saw."""
    blind: bool = False
    """True for a caller without a replica of its own: takes away every addition the log holds before this event."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""
