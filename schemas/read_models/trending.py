"""trending: what is watched most, by region and window, in Redis.

Written by `materializer:trending` from `title-trends`. One key a region and window holds a `Trend` as JSON; an older
window never replaces a newer one. Which version is served, and how far each has read, stand in Redis too: when it loses
everything, the positions are gone with the rest, and the writer fills it again from the log.

A reader gets SERVING_KEY (`serving_version`), then `key(version, …)`; to wait for a position, `positions_key(version)`
(`next_offsets`).
"""

from collections.abc import Mapping
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


SERVING_KEY: Final = "mg:trending:serving"
"""Redis key with the number of the version to read; not there before the first rebuild."""


def serving_version(value: bytes | None) -> int:
    """What the value of SERVING_KEY says."""
    return int(value) if value else 1


def positions_key(version: int) -> str:
    """Redis hash: `position_field` → offset of the next message to apply."""
    return f"mg:trending:v{version}:positions"


def places_key(version: int) -> str:
    """Redis hash, for the writer: key of a trend → end of its window in milliseconds and offset of its event."""
    return f"mg:trending:v{version}:places"


def position_field(topic: str, partition: int) -> str:
    """Field of the hash of positions."""
    return f"{topic}:{partition}"


def next_offsets(positions: Mapping[bytes, bytes]) -> dict[tuple[str, int], int]:
    """What the hash of positions says, by topic and partition."""
    found = {}
    for field, offset in positions.items():
        topic, _, partition = field.decode().rpartition(":")
        found[topic, int(partition)] = int(offset)
    return found
