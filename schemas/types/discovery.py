"""GENERATED from schemas/avro/discovery by `make schemas`; do not edit."""

from datetime import datetime
from typing import ClassVar, Literal

from msgspec import Struct


class TrendingTitle(Struct, frozen=True, kw_only=True, gc=False):
    """A title's place in a window."""

    title_id: str
    """The title."""
    score: float
    """Plays in the window, each weighed by its age: half after a quarter of the window."""
    plays: int
    """Plays in the window, exact."""


class TrendingUpdated(Struct, frozen=True, kw_only=True, gc=False):
    """The titles most played in a region over a window."""

    RECORD: ClassVar[str] = "media_gateway.discovery.v1.TrendingUpdated"

    event_id: str
    """UUIDv7 of a first-hand event; UUIDv5 of input, producer and ordinal for a derived one."""
    occurred_at: datetime
    """When the fact happened, UTC."""
    region: str
    """ISO 3166-1 alpha-2; ZZ for viewers of unknown region; 001 for all (UN M49)."""
    window: str
    """1h, 24h or 7d."""
    window_end: datetime
    """End of the window, exclusive."""
    titles: tuple[TrendingTitle, ...] = ()
    """Best first, at most 100."""
