"""An update of a trend becomes the value of its key. Which of two wins is decided by `order`, never by arrival."""

import math
import re
from datetime import UTC, datetime, timedelta

from msgspec import Struct

from schemas.envelope import Position
from schemas.read_models.trending import WINDOWS, Trend, TrendingTitle
from schemas.types import AnyEvent
from schemas.types.discovery import TrendingUpdated
from streams.engine import checks
from streams.engine.outcome import InvalidEvent

_REGION = re.compile(r"[A-Z]{2}|[0-9]{3}")
_MOST_TITLES = 100
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


class TrendWrite(Struct, frozen=True, kw_only=True, gc=False):
    """`offset` is that of the event: a region's updates are in one partition."""

    trend: Trend
    offset: int

    @property
    def order(self) -> tuple[int, int]:
        """The greater one wins: the end of the window (milliseconds since 1970), then the later word about it."""
        return (self.trend.window_end - _EPOCH) // _MILLISECOND, self.offset


def transform(event: AnyEvent, position: Position) -> tuple[TrendWrite, ...]:
    match event:
        case TrendingUpdated():
            return (TrendWrite(trend=_trend(event), offset=position.offset),)
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def _trend(event: TrendingUpdated) -> Trend:
    if not _REGION.fullmatch(event.region):
        raise InvalidEvent("invalid_region", event.region[:20])
    if event.window not in WINDOWS:
        raise InvalidEvent("unknown_window", event.window[:20])
    if len(event.titles) > _MOST_TITLES:
        raise InvalidEvent("too_many_titles", str(len(event.titles)))
    for title in event.titles:
        checks.require_ids(title, "title_id")
        checks.require_not_negative(title, "score", "plays")
        if not math.isfinite(title.score):
            raise InvalidEvent("invalid_score", str(title.score))
    return Trend(
        region=event.region,
        window=event.window,
        window_end=event.window_end,
        titles=tuple(TrendingTitle(title.title_id, title.score, title.plays) for title in event.titles),
    )
