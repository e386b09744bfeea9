"""playback_history: the sessions of each person, open and ended, newest first.

Written by `materializer:playback_history` from `playback-sessions`; readers use the view `playback_history`. It has
partitions by month of `started_at` (UTC), which is the same in every event about one session. Won by (hlc, ended
before open).
"""

from datetime import datetime

from msgspec import Struct

READ_MODEL = "playback_history"
TABLES = ("playback_history",)
"""Views; the physical tables carry `_v{version}`."""

TOPICS = frozenset({"playback-sessions"})
"""Topics whose positions a reader may wait for."""


class SessionRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `playback_history`."""

    user_id: str
    session_id: str
    title_id: str
    device_id: str
    region: str
    started_at: datetime
    ended_at: datetime | None = None
    """None while the session is open."""
    reason: str | None = None
    """completed, stopped or timed_out; None while the session is open."""
    position_ms: int
    duration_ms: int | None = None
    watched_ms: int = 0
    hlc: int
    revision: int = 0
