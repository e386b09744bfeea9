"""watchlist: what each person wants to watch, in their order.

Written by `materializer:watchlist` from `watchlist-changes`; readers use the view `watchlist`. `document` is everything
the laws need (`sync_laws.watchlist.Item` in MessagePack), `added` and `removed` its tags; a title that was taken off
stays as a row with `present` false, so that deltas can tell. `revision` as in watch_state.
"""

from datetime import datetime

from msgspec import Struct

READ_MODEL = "watchlist"
TABLES = ("watchlist",)
"""Views; the physical tables carry `_v{version}`."""

TOPICS = frozenset({"watchlist-changes"})
"""Topics whose positions a reader may wait for."""


class WatchlistRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `watchlist`. Lists sort by rank (bytewise), then title id."""

    user_id: str
    title_id: str
    present: bool
    rank: str
    rank_hlc: int
    rank_device: str
    added: dict[str, int]
    """Live tags with the clock of their addition."""
    removed: dict[str, int]
    """Dead tags with the clock of their removal."""
    event_at: datetime
    """`occurred_at` of the newest event applied to it."""
    revision: int = 0
