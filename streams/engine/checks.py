"""What no store may be given, whatever the edge let through. Transforms call these; each raises InvalidEvent.

A row that PostgreSQL refuses would end the process again and again; an event that is refused here is a dead letter.
"""

from datetime import datetime
from typing import Any

from streams.engine.outcome import InvalidEvent

MOST_ID_CHARACTERS = 200
"""Three ids of it, four bytes a character, fit an index row (2,704 bytes)."""


def require_ids(event: Any, *fields: str) -> None:
    """Each is a text of 1 to MOST_ID_CHARACTERS characters without U+0000; None is left alone."""
    require_texts(event, *fields)
    for field in fields:
        value: str | None = getattr(event, field)
        if value == "":
            raise InvalidEvent("empty_id", field)
        if value is not None and len(value) > MOST_ID_CHARACTERS:
            raise InvalidEvent("id_too_long", f"{field} has {len(value)} characters")


def require_texts(event: Any, *fields: str) -> None:
    """Each is None, a text or several texts without U+0000, which PostgreSQL cannot hold."""
    for field in fields:
        value: str | tuple[str, ...] | None = getattr(event, field)
        if value is not None and any("\0" in text for text in ((value,) if isinstance(value, str) else value)):
            raise InvalidEvent("nul_character", field)


def require_not_negative(event: Any, *fields: str) -> None:
    """Each is None or from 0."""
    for field in fields:
        value: int | float | None = getattr(event, field)
        if value is not None and not value >= 0:  # NaN is not
            raise InvalidEvent("negative_number", f"{field} is {value}")


def require_year(event: Any, field: str, first: int, last: int) -> None:
    """The moment is in a year from `first` to `last` (UTC)."""
    value: datetime = getattr(event, field)
    if not first <= value.year <= last:
        raise InvalidEvent("time_out_of_range", f"{field} is {value.isoformat()}")
