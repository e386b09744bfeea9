"""Which plays count, and their counts: pure. Times are milliseconds since 1970."""

from collections.abc import Sequence
from typing import Final

from runtime.clock import to_milliseconds
from schemas.types import AnyEvent
from schemas.types.playback import PlaybackEventRecorded
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Counted, Received
from streams.processors.title_trends.state import STEP_MS, STEPS, Play, Plays, Sat, end_of

LATEST_MS: Final = 3600 * 1000
"""So far behind the newest event of its partition a play still counts."""
MOST_AHEAD_MS: Final = 5 * 60 * 1000
"""A time further ahead of the record's is the device's mistake; believing it would make everything else late."""
REMEMBERED_MS: Final = 24 * 3600 * 1000
"""So long after it a second `started` of the same session is known for what it is."""
MOST_SITTINGS: Final = 32

_LATE: Final = (Counted("late"),)


def time_of(received: Received) -> int:
    recorded = to_milliseconds(received.timestamp)
    at = to_milliseconds(received.event.occurred_at)
    return at if at <= recorded + MOST_AHEAD_MS else recorded


def viewer_of(received: Received) -> bytes:
    return _event(received).user_id.encode()


def sit_down(state: Sat | None, received: Received, now: int) -> tuple[Sat | None, Sequence[Play | Counted]]:
    """A title plays once a session: at its first `started`."""
    event = _event(received)
    if event.kind != "started":
        return state, ()
    at = time_of(received)
    if at <= now - LATEST_MS:
        return state, _LATE
    sitting = f"{event.session_id} {event.title_id}"
    known = state.sittings if state is not None else {}
    if sitting in known:
        return state, ()
    kept = {name: when for name, when in known.items() if when > now - REMEMBERED_MS}
    kept[sitting] = at
    while len(kept) > MOST_SITTINGS:
        del kept[next(iter(kept))]
    return Sat(kept), (Play(_region(event), event.title_id, at),)


def tick_viewer(state: Sat, now: int) -> tuple[Sat | None, Sequence[AnyEvent]]:
    kept = {name: when for name, when in state.sittings.items() if when > now - REMEMBERED_MS}
    return (Sat(kept) if kept else None), ()


def forgets_at(state: Sat) -> int | None:
    return max(state.sittings.values(), default=0) + REMEMBERED_MS


def title_of(play: Play) -> bytes:
    return f"{play.region}/{play.title_id}".encode()


def count(state: Plays | None, play: Play, now: int) -> tuple[Plays, Sequence[AnyEvent]]:
    counts = []
    for window, step_ms in enumerate(STEP_MS):
        first, step = end_of(window, now) - STEPS, play.at // step_ms
        known = state.counts[window] if state is not None else {}
        kept = {at: plays for at, plays in known.items() if at >= first}
        if step >= first:
            kept[step] = kept.get(step, 0) + 1
        counts.append(kept)
    return Plays(tuple(counts)), ()


def tick_plays(state: Plays, now: int) -> tuple[Plays | None, Sequence[AnyEvent]]:
    last = len(STEP_MS) - 1
    expired = max(state.counts[last], default=0) < end_of(last, now) - STEPS
    return (None if expired else state), ()


def expires_at(state: Plays) -> int | None:
    """Once the longest window has passed its newest play."""
    return (max(state.counts[-1], default=0) + STEPS) * STEP_MS[-1]


def _region(event: PlaybackEventRecorded) -> str:
    """Two letters, so that nobody can count as everywhere."""
    return event.region if len(event.region) == 2 else "ZZ"


def _event(received: Received) -> PlaybackEventRecorded:
    if not isinstance(received.event, PlaybackEventRecorded):
        raise InvalidEvent("unexpected_event", type(received.event).__name__)
    return received.event
