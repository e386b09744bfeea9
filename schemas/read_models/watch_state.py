"""watch_state: where each person is in each title, and whether they have seen it.

Written by `materializer:watch_state` from `playback-events` and `progress-changes`; readers use the view `watch_state`.
`document` is everything the laws need (`sync_laws.watching.Watching` in MessagePack); the other columns are what it
comes to. `revision` grows with every change of one person's rows, never repeats, and is what delta cursors compare.
"""

from datetime import datetime

from msgspec import Struct

READ_MODEL = "watch_state"
TABLES = ("watch_state",)
"""Views; the physical tables carry `_v{version}`."""

TOPICS = frozenset({"playback-events", "progress-changes"})
"""Topics whose positions a reader may wait for."""


class WatchStateRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `watch_state` without its document."""

    user_id: str
    title_id: str
    position_ms: int | None = None
    """Where to resume; None when only a watched flag is known."""
    duration_ms: int | None = None
    position_hlc: int | None = None
    position_device: str | None = None
    watched: bool = False
    watched_hlc: int | None = None
    watched_device: str | None = None
    finished: bool
    """Nothing to continue: at 95 %, or marked as watched after the last position."""
    event_at: datetime
    """`occurred_at` of the newest event applied to it."""
    revision: int = 0
