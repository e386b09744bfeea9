"""A preference that was set becomes a row. Which of two wins is decided by `order` alone, never by arrival."""

from datetime import datetime

import msgspec

from schemas.envelope import Position
from schemas.read_models.preferences import PreferenceRow
from schemas.types import AnyEvent
from schemas.types.identity import PreferenceSet
from streams.engine import checks
from streams.engine.outcome import InvalidEvent


def transform(event: AnyEvent, _: Position) -> tuple[PreferenceRow, ...]:
    match event:
        case PreferenceSet():
            return (_row(event),)
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def order(row: PreferenceRow) -> tuple[int, str, bool, str, datetime]:
    """The greater one wins; as in `merge_staged`. Of two with one stamp a value beats its withdrawal."""
    return row.hlc, row.device_id, row.value is not None, row.value or "", row.event_at


def _row(event: PreferenceSet) -> PreferenceRow:
    checks.require_ids(event, "user_id", "name", "device_id")
    checks.require_texts(event, "value")
    checks.require_not_negative(event, "hlc")
    if event.value is not None:
        try:
            msgspec.json.decode(event.value)
        except (msgspec.DecodeError, RecursionError):
            raise InvalidEvent("invalid_json", "value") from None  # readers put it into their answers as it is
    return PreferenceRow(
        user_id=event.user_id,
        name=event.name,
        value=event.value,
        hlc=event.hlc,
        device_id=event.device_id,
        event_at=event.occurred_at,
    )
