"""trending: what is watched most, by region and window, in Redis.

Written by `materializer:trending` from `title-trends`. One key a region and window holds a `Trend` as JSON; an older window
never replaces a newer one. Losing Redis loses no data: the next window, or a rebuild, brings it back.
"""

from datetime import datetime
from typing import Final

from msgspec import Struct

READ_MODEL = "trending"

TOPICS = frozenset({"title-trends"})
"""Topics whose positions a reader may wait for."""

WINDOWS: Final = {"1h": 3600, "24h": 86_400, "7d": 604_800}
"""Seconds by name."""

EVERYWHERE: Final = "001"
"""UN M49 code of the world: the trend over all regions."""


class TrendingTitle(Struct, frozen=True, rename="camel"):
    title_id: str
    score: float
    """Plays, each weighed by its age."""
    plays: int


class Trend(Struct, frozen=True, rename="camel"):
    """The value of a key."""

    region: str
    window: str
    window_end: datetime
    titles: tuple[TrendingTitle, ...]
    """Best first."""


def key(version: int, region: str, window: str) -> str:
    return f"mg:trending:v{version}:{region}:{window}"
