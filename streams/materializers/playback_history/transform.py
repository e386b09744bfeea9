"""A session's begin or end becomes what is known of it. Which of two wins is decided by `order`, never by arrival.

Two ends may carry one clock: a straggler prolongs a session that had timed out and brings no newer clock. Then the one
that knows of more counts.
"""

from datetime import UTC, datetime

from schemas.envelope import Position
from schemas.read_models.playback_history import SessionRow
from schemas.types import AnyEvent
from schemas.types.playback import PlaybackSessionEnded, PlaybackSessionStarted
from streams.engine import checks
from streams.engine.outcome import InvalidEvent

_IDS = ("user_id", "session_id", "title_id", "device_id", "region")
_OPEN = datetime.min.replace(tzinfo=UTC)
_FIRST_YEAR, _LAST_YEAR = 1970, 2100
"""A partition a month: bounds how many there can ever be."""


def transform(event: AnyEvent, _: Position) -> tuple[SessionRow, ...]:
    match event:
        case PlaybackSessionStarted():
            return (_started(event),)
        case PlaybackSessionEnded():
            return (_ended(event),)
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def order(row: SessionRow) -> tuple[int, bool, datetime, int, int, str, int, str, str, str]:
    """The greater one wins; as in `merge_staged`. At one clock the end beats the begin."""
    return (
        row.hlc,
        row.ended_at is not None,
        row.ended_at or _OPEN,
        row.watched_ms,
        row.position_ms,
        row.reason or "",
        -1 if row.duration_ms is None else row.duration_ms,
        row.title_id,
        row.device_id,
        row.region,
    )


def _started(event: PlaybackSessionStarted) -> SessionRow:
    _check(event)
    return SessionRow(
        user_id=event.user_id,
        session_id=event.session_id,
        title_id=event.title_id,
        device_id=event.device_id,
        region=event.region,
        started_at=event.started_at,
        position_ms=event.position_ms,
        duration_ms=event.duration_ms,
        hlc=event.hlc,
    )


def _ended(event: PlaybackSessionEnded) -> SessionRow:
    _check(event)
    checks.require_not_negative(event, "watched_ms", "events")
    if event.reason == "unknown":
        raise InvalidEvent("unknown_reason", "a newer writer's word: read it again with a newer version")
    return SessionRow(
        user_id=event.user_id,
        session_id=event.session_id,
        title_id=event.title_id,
        device_id=event.device_id,
        region=event.region,
        started_at=event.started_at,
        ended_at=event.ended_at,
        reason=event.reason,
        position_ms=event.position_ms,
        duration_ms=event.duration_ms,
        watched_ms=event.watched_ms,
        hlc=event.hlc,
    )


def _check(event: PlaybackSessionStarted | PlaybackSessionEnded) -> None:
    checks.require_ids(event, *_IDS)
    checks.require_not_negative(event, "hlc", "position_ms", "duration_ms")
    checks.require_year(event, "started_at", _FIRST_YEAR, _LAST_YEAR)
