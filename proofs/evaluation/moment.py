"""The one time at which evaluations happen: years are plausible or not by it, and nothing else depends on it."""

from datetime import UTC, datetime
from typing import Final

MOMENT: Final = datetime(2026, 1, 1, tzinfo=UTC)
