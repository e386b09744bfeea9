"""How long to wait before trying again. Pure."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from random import Random
from typing import Final

FIRST_SECONDS: Final = 0.25
MOST_SECONDS: Final = 60.0
MOST_RETRY_AFTER: Final = 3600.0
"""A service that asks for more has made a mistake."""
_MOST_GROWTH: Final = 32


class FullJitter:
    """Exponential, each delay anywhere between nothing and its ceiling, so that devices do not come back together
    (AWS Architecture Blog, "Exponential Backoff And Jitter", 2015)."""

    def __init__(self, random: Random | None = None, first: float = FIRST_SECONDS, most: float = MOST_SECONDS) -> None:
        self._random = random or Random()  # noqa: S311 - jitter is no secret
        self._first = first
        self._most = most
        self._attempts = 0

    def next_delay(self, at_least: float = 0.0) -> float:
        """`at_least` is what the service asked for; the jitter comes on top."""
        ceiling = min(self._most, self._first * 2 ** min(self._attempts, _MOST_GROWTH))
        self._attempts += 1
        return at_least + self._random.uniform(0, ceiling)

    def reset(self) -> None:
        self._attempts = 0


def retry_after(text: str | None, now: datetime) -> float:
    """Seconds of a Retry-After header: a number, or a date compared to `now`. 0 for none and for nonsense."""
    if not text:
        return 0.0
    text = text.strip()
    if text.isascii() and text.isdecimal():
        return min(float(text[:12]), MOST_RETRY_AFTER)
    at = http_date(text)
    return 0.0 if at is None else min(max((at - now).total_seconds(), 0.0), MOST_RETRY_AFTER)


def http_date(text: str | None) -> datetime | None:
    """UTC; None for what is no date."""
    try:
        found = parsedate_to_datetime(text or "")
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
