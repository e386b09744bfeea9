"""GENERATED from schemas/avro/playback by `make schemas`; do not edit."""

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct


PlaybackKind = Literal["unknown", "started", "progressed", "paused", "resumed", "seeked", "stopped", "completed"]
"""What the player did."""


class PlaybackEventRecorded(Struct, frozen=True, kw_only=True, gc=False):
    """A player reported what it did."""

    RECORD: ClassVar[str] = "media_gateway.playback.v1.PlaybackEventRecorded"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    session_id: str
    """One sitting in front of one title, named by the device."""
    title_id: str
    """The title; may be one the catalog does not know yet."""
    kind: PlaybackKind
    """What happened."""
    position_ms: int
    """Place in the title in milliseconds, from 0."""
    duration_ms: int | None = None
    """Length of the title in milliseconds, where the device knows it."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""
    region: str = "ZZ"
    """ISO 3166-1 alpha-2 of the viewer; ZZ when nobody said."""


SessionEnd = Literal["unknown", "completed", "stopped", "timed_out"]
"""Why a session ended."""


class PlaybackSessionEnded(Struct, frozen=True, kw_only=True, gc=False):
    """A session is over: completed, stopped, or not heard of for three minutes."""

    RECORD: ClassVar[str] = "media_gateway.playback.v1.PlaybackSessionEnded"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    session_id: str
    """One sitting in front of one title, named by the device."""
    title_id: str
    """The title; may be one the catalog does not know yet."""
    reason: SessionEnd
    """Why it ended."""
    started_at: datetime
    """Time of its first event to arrive."""
    ended_at: datetime
    """Time of its last event."""
    position_ms: int
    """Place in the title in milliseconds, from 0."""
    duration_ms: int | None = None
    """Length of the title in milliseconds, where the device knows it."""
    watched_ms: int
    """Milliseconds actually watched: neither pauses nor what was jumped over."""
    events: int
    """Events of the session."""
    hlc: int
    """Newest clock of its events; a session that goes on after a time-out ends again, with a newer one."""
    region: str = "ZZ"
    """ISO 3166-1 alpha-2 of the viewer; ZZ when nobody said."""


class PlaybackSessionStarted(Struct, frozen=True, kw_only=True, gc=False):
    """A session's first event arrived."""

    RECORD: ClassVar[str] = "media_gateway.playback.v1.PlaybackSessionStarted"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    user_id: str
    """Whose it is: the subject of the access token."""
    device_id: str
    """The device that did it; breaks ties between equal clocks."""
    session_id: str
    """One sitting in front of one title, named by the device."""
    title_id: str
    """The title; may be one the catalog does not know yet."""
    started_at: datetime
    """Time of that event; the same in every event about this session."""
    position_ms: int
    """Place in the title in milliseconds, from 0."""
    duration_ms: int | None = None
    """Length of the title in milliseconds, where the device knows it."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""
    region: str = "ZZ"
    """ISO 3166-1 alpha-2 of the viewer; ZZ when nobody said."""


class ProgressSet(Struct, frozen=True, kw_only=True, gc=False):
    """A device set the resume position without playing."""

    RECORD: ClassVar[str] = "media_gateway.playback.v1.ProgressSet"

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
    position_ms: int
    """Place in the title in milliseconds, from 0."""
    duration_ms: int | None = None
    """Length of the title in milliseconds, where the device knows it."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""


class RatingGiven(Struct, frozen=True, kw_only=True, gc=False):
    """A person rated a title."""

    RECORD: ClassVar[str] = "media_gateway.playback.v1.RatingGiven"

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
    rating: float
    """From 0.5 to 5 in halves."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""


class WatchedMarked(Struct, frozen=True, kw_only=True, gc=False):
    """A person marked a title as watched or as not watched."""

    RECORD: ClassVar[str] = "media_gateway.playback.v1.WatchedMarked"

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
    watched: bool
    """Watched or not."""
    hlc: int
    """Hybrid logical clock of the device: 48 bits of milliseconds since 1970, then 16 bits of counter."""
