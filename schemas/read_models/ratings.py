"""ratings: the newest rating of each person for each title.

Written by `materializer:ratings` from `ratings`; readers use the view `ratings`. Won by (hlc, device id, rating).
"""

from datetime import datetime

from msgspec import Struct

READ_MODEL = "ratings"
TABLES = ("ratings",)
"""Views; the physical tables carry `_v{version}`."""

TOPICS = frozenset({"ratings"})
"""Topics whose positions a reader may wait for."""


class RatingRow(Struct, frozen=True, kw_only=True, gc=False):
    """A row of the view `ratings`."""

    user_id: str
    title_id: str
    rating: float
    """From 0.5 to 5 in halves."""
    hlc: int
    device_id: str
    rated_at: datetime
    revision: int = 0
