"""When a message is sent again (Standard Webhooks 1.0, "Retry schedule"): ten times in a little more than 75 hours."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Final

WAITS: Final = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first attempt, the second, …"""
MOST_ATTEMPTS: Final = len(WAITS) + 1
JITTER: Final = 0.1
"""Up to so much longer: what failed together is not sent again together."""


def wait_after(attempts: int, draw: Callable[[], float] = random.random) -> timedelta | None:
    """How long to wait after so many attempts (from 1); None after the last. `draw` gives numbers in [0, 1)."""
    if attempts >= MOST_ATTEMPTS:
        return None
    return WAITS[attempts - 1] * (1 + JITTER * draw())
