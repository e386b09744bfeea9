"""What is remembered of a user: sessions that are open, and for a while those that have ended.

Kept in the state topic as arrays: a new field goes to the end and has a default.
"""

from typing import Literal

from msgspec import Struct

End = Literal["", "completed", "stopped", "timed_out"]


class Session(Struct, frozen=True, array_like=True):
    """One session, as of the newest event (by clock) that has arrived. Times are milliseconds since 1970."""

    title_id: str
    device_id: str
    region: str
    started_at: int
    """When its first event to arrive happened."""
    hlc: int
    at: int
    """When its newest event happened."""
    heard_at: int
    """Record time of that event: what time-outs count from."""
    position_ms: int
    duration_ms: int | None
    watched_ms: int
    events: int
    playing: bool
    ended: End = ""


class Viewer(Struct, frozen=True, array_like=True):
    """A user's sessions by id, the one heard of last at the end."""

    user_id: str
    sessions: dict[str, Session]
