"""Hybrid logical clocks (Kulkarni et al., "Logical Physical Clocks", 2014) in one signed 64-bit integer.

The upper 48 bits are milliseconds since 1970, the lower 16 count events within one millisecond. Comparing two stamps of
causally related operations compares cause and effect, also between devices whose wall clocks disagree.
"""

from collections.abc import Callable
from typing import Final

COUNTER_BITS: Final = 16
MAX_HLC: Final = 2**63 - 1
MAX_AHEAD_MS: Final = 5 * 60 * 1000
"""A stamp further ahead of the receiver's wall clock is refused: it would win every comparison until then."""


class ClockAhead(ValueError):
    """A stamp is further ahead of the wall clock than MAX_AHEAD_MS."""


def pack(milliseconds: int, counter: int = 0) -> int:
    """Raises ValueError for what does not fit."""
    if not 0 <= counter < 1 << COUNTER_BITS:
        raise ValueError(f"counter must be below {1 << COUNTER_BITS}, not {counter}")
    if not 0 <= milliseconds <= MAX_HLC >> COUNTER_BITS:
        raise ValueError(f"not a time in milliseconds: {milliseconds}")
    return (milliseconds << COUNTER_BITS) | counter


def milliseconds_of(hlc: int) -> int:
    return hlc >> COUNTER_BITS


def is_ahead(hlc: int, wall_ms: int) -> bool:
    """True when the stamp is too far in the future to be accepted at `wall_ms`."""
    return milliseconds_of(hlc) > wall_ms + MAX_AHEAD_MS


class HybridClock:
    """Strictly increasing stamps, also after a restart (`last` restored) and when the wall clock is set back.

    `wall_ms` gives milliseconds since 1970. Not thread-safe.
    """

    def __init__(self, wall_ms: Callable[[], int], last: int = 0) -> None:
        self._wall_ms = wall_ms
        self._last = last

    @property
    def last(self) -> int:
        """The newest stamp made or seen; what has to survive a restart."""
        return self._last

    def next(self) -> int:
        """A stamp above every one made or observed so far. A full counter carries into the milliseconds."""
        self._last = max(pack(self._wall_ms()), self._last + 1)
        return self._last

    def observe(self, hlc: int) -> None:
        """Later stamps will be above `hlc`. Raises ClockAhead, and learns nothing, when it is from too far ahead."""
        if is_ahead(hlc, self._wall_ms()):
            raise ClockAhead(f"{hlc} is more than {MAX_AHEAD_MS // 1000} s ahead of the wall clock")
        self._last = max(self._last, hlc)
