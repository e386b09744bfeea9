"""The one retry policy: exponential growth with full jitter, bounded; and what a server asks for instead.

Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (the "full jitter" variant).
"""

import random
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

# Beyond it a float overflows (after some hours of trying); every ceiling was reached long before.
_MOST_GROWTH = 64
# One for all: a new one reads 2.5 kB from the system, and whoever tries something makes a Backoff first.
_RANDOM = random.Random()  # noqa: S311 - jitter, no secret


@dataclass(slots=True)
class Backoff:
    """`next_delay()` gives seconds to wait before the coming try; `reset()` after a success."""

    first: float = 0.1
    most: float = 10.0
    factor: float = 2.0
    attempts: int = 0
    _random: random.Random = _RANDOM

    def next_delay(self) -> float:
        ceiling = min(self.most, self.first * self.factor ** min(self.attempts, _MOST_GROWTH))
        self.attempts += 1
        # Half of the ceiling is kept so that a busy loop cannot come out of a lucky series of zeros.
        return ceiling * (0.5 + self._random.random() / 2)

    def reset(self) -> None:
        self.attempts = 0


def retry_after(text: str, now: datetime) -> float:
    """Seconds of a Retry-After header, which may also be a date (RFC 9110, section 10.2.3); 0 when it is neither."""
    try:
        return float(text) if text.isdecimal() else (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError):
        return 0.0
