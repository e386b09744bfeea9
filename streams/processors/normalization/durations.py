"""Durations as catalogues write them: `90 min`, `1h 30m`, `2 Seasons`, `PT1H30M`, 90.0."""

import re
from typing import Final, NamedTuple

from streams.processors.normalization.limits import MAX_RUNTIME_MINUTES

_MINUTES: Final = re.compile(r"^(\d{1,5})(?:\.0+)?\s*(?:min(?:s|\.|utes?)?|m)?$", re.IGNORECASE)
_HOURS: Final = re.compile(r"^(?:PT)?(\d{1,3})\s*h(?:rs?|ours?)?\s*(?:(\d{1,2})\s*m(?:in)?)?$", re.IGNORECASE)
_SEASONS: Final = re.compile(r"^(\d{1,3})\s*(?:seasons?|series)$", re.IGNORECASE)


class Duration(NamedTuple):
    """Of a film the minutes are known, of a series the seasons."""

    minutes: int | None = None
    seasons: int | None = None


def parse_duration(text: str) -> Duration | None:
    """None when the text is no duration at all; a Duration without minutes when they cannot be true (0, 99999)."""
    stripped = text.strip()
    if found := _SEASONS.match(stripped):
        return Duration(seasons=int(found.group(1)))
    if found := _MINUTES.match(stripped):
        return Duration(minutes=plausible_minutes(int(found.group(1))))
    if found := _HOURS.match(stripped):
        return Duration(minutes=plausible_minutes(int(found.group(1)) * 60 + int(found.group(2) or 0)))
    return None


def plausible_minutes(minutes: int | None) -> int | None:
    """Providers write 0 for "unknown"."""
    return minutes if minutes is not None and 0 < minutes <= MAX_RUNTIME_MINUTES else None
