"""What is remembered. Kept in the state topic as arrays: a new field goes to the end and has a default."""

from typing import Final

from msgspec import Struct

from schemas.read_models.trending import WINDOWS

STEPS: Final = 60
"""A window moves on in so many steps of its length; plays are counted by step."""
WINDOW_MS: Final = tuple(seconds * 1000 for seconds in WINDOWS.values())
STEP_MS: Final = tuple(length // STEPS for length in WINDOW_MS)

Counts = tuple[dict[int, int], ...]
"""By window, in the order of WINDOWS: number of the step since 1970 to plays."""


class Sat(Struct, frozen=True, array_like=True):
    """What a user has sat down for lately: session and title, and when; newest last."""

    sittings: dict[str, int]


class Play(Struct, frozen=True):
    """A play that counts. Passes from the first table to the second."""

    region: str
    title_id: str
    at: int


class Plays(Struct, frozen=True, array_like=True):
    """Plays of one title in one region."""

    counts: Counts


def end_of(window: int, now: int) -> int:
    """The number of the step behind the one that `now` is in: where the window ends, exclusive."""
    return now // STEP_MS[window] + 1
