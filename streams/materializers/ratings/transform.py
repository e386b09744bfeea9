"""A rating becomes a row. Which of two wins is decided by `order` alone, never by arrival."""

from datetime import datetime

from schemas.envelope import Position
from schemas.read_models.ratings import RatingRow
from schemas.types import AnyEvent
from schemas.types.playback import RatingGiven
from streams.engine import checks
from streams.engine.outcome import InvalidEvent

_LOWEST, _HIGHEST = 0.5, 5.0


def transform(event: AnyEvent, _: Position) -> tuple[RatingRow, ...]:
    match event:
        case RatingGiven():
            return (_row(event),)
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def order(row: RatingRow) -> tuple[int, str, float, datetime]:
    """The greater one wins; as in `merge_staged`."""
    return row.hlc, row.device_id, row.rating, row.rated_at


def _row(event: RatingGiven) -> RatingRow:
    checks.require_ids(event, "user_id", "title_id", "device_id")
    checks.require_not_negative(event, "hlc")
    if not (_LOWEST <= event.rating <= _HIGHEST and (event.rating * 2).is_integer()):
        raise InvalidEvent("invalid_rating", str(event.rating))
    return RatingRow(
        user_id=event.user_id,
        title_id=event.title_id,
        rating=event.rating,
        hlc=event.hlc,
        device_id=event.device_id,
        rated_at=event.occurred_at,
    )
