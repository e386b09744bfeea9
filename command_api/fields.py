"""Fields that bodies of people's commands have in common, with the limits that the API description shows."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

import msgspec

from command_api.faults import Faults
from runtime.http.identity import usable_id
from runtime.http.problems import parameter_error
from sync_laws import clock, rank

MOST_POSITION_MS: Final = 10 * 24 * 3600 * 1000
FUTURE_TOLERANCE: Final = timedelta(milliseconds=clock.MAX_AHEAD_MS)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
OLDEST: Final = timedelta(days=5 * 366)
"""Nobody's queue is older, and months of history that nobody has cost every reader of it."""
_MILLISECOND: Final = timedelta(milliseconds=1)

# In Python `$` also matches before a line break at the end; `(?!\n)` says the same in both regular expression dialects.
_NO_CONTROLS: Final = r"^[^\x00-\x1f\x7f-\x9f]+(?!\n)$"

TitleId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=200,
        pattern=_NO_CONTROLS,
        description="A title, also one that the catalog does not know yet. No control characters.",
    ),
]
SessionId = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=128,
        pattern=_NO_CONTROLS,
        description="One sitting in front of one title, named by the device.",
    ),
]
ClientId = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,64}(?!\n)$")]
DeviceId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=128, description="Printable characters without `/` and `:`.")
]
Rank = Annotated[
    str, msgspec.Meta(min_length=1, max_length=rank.MOST_CHARACTERS, description="Fractional index; docs/sync.md.")
]
Region = Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}(?!\n)$", description="ISO 3166-1 alpha-2.")]
PositionMs = Annotated[
    int, msgspec.Meta(ge=0, le=MOST_POSITION_MS, description="Place in the title, whole milliseconds up to ten days.")
]
DurationMs = Annotated[
    int, msgspec.Meta(ge=1, le=MOST_POSITION_MS, description="Length of the title; positions are not beyond it.")
]
Hlc = (
    Annotated[int, msgspec.Meta(ge=0, le=clock.MAX_HLC)]
    | Annotated[
        str,
        msgspec.Meta(
            pattern=r"^[0-9]{1,19}(?!\n)$",
            description="Hybrid logical clock of the device, 48 bits of milliseconds since 1970 and 16 of a counter; "
            "digits in a string where numbers lose precision above 2^53.",
        ),
    ]
)
Moment = Annotated[datetime, msgspec.Meta(tz=True, description="RFC 3339 with an offset, of the last five years.")]


class Checks:
    """What types cannot say. `now` is our wall clock; every method adds to `faults` and gives a usable value."""

    def __init__(self, now: datetime, faults: Faults) -> None:
        self.faults = faults
        self._now = now
        self._wall_ms = (now - _EPOCH) // _MILLISECOND

    def hlc(self, given: int | str, at: str) -> int:
        found = int(given)
        if found > clock.MAX_HLC:
            self.faults.add(at, f"must not be above {clock.MAX_HLC}")
        elif clock.is_ahead(found, self._wall_ms):
            ahead = clock.milliseconds_of(found) - self._wall_ms
            self.faults.add_clock(at, f"is {ahead} ms ahead of the server's clock")
        return found

    def moment(self, given: datetime, at: str) -> datetime:
        try:
            found = given.astimezone(UTC)
        except OverflowError:
            self.faults.add(at, "is not a time that can be represented in UTC")
            return self._now
        if found < self._now - OLDEST:
            self.faults.add(at, "is more than five years ago")
        elif found > self._now + FUTURE_TOLERANCE:
            self.faults.add_clock(at, f"is {(found - self._now) // _MILLISECOND} ms ahead of the server's clock")
        return found

    def position(self, position_ms: int, duration_ms: int | None, at: str) -> None:
        if duration_ms is not None and position_ms > duration_ms:
            self.faults.add(at, f"is beyond the title's {duration_ms} ms")

    def rank(self, given: str, at: str) -> None:
        if not rank.is_rank(given):
            self.faults.add(at, "is not a rank; docs/sync.md says how to make one between two others")

    def device(self, given: str, at: str) -> None:
        if not usable_id(given):
            self.faults.add(at, "must be printable characters without / and :")


def path_id(name: str, text: str) -> str:
    """A user's or device's id in a path, for callers who may name any. Raises Problem (400)."""
    if not usable_id(text):
        raise parameter_error(name, "must be 1 to 128 printable characters without / and :")
    return text


def time_of(hlc: int) -> datetime:
    """The wall clock in a stamp: when something happened that came without a time. The same in every attempt."""
    return _EPOCH + clock.milliseconds_of(hlc) * _MILLISECOND
