"""The steps of one user's sessions: pure. Times are milliseconds since 1970.

Silence is measured between record times: when the broker got an event, not when the device says that it happened. So a
device that was offline and reports a whole evening at once has been heard of just now, and a replay measures the same.
What was watched is measured between the times that the device gives.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from runtime.clock import from_milliseconds, to_milliseconds
from schemas.envelope import derived_id
from schemas.types import AnyEvent
from schemas.types.playback import PlaybackEventRecorded, PlaybackSessionEnded, PlaybackSessionStarted
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Received
from streams.processors.playback_sessions.state import End, Session, Viewer
from sync_laws.watching import is_completed

NAME: Final = "playback_sessions"
SILENCE_MS: Final = 3 * 60 * 1000
"""Without any event for so long a session has ended."""
REMEMBERED_MS: Final = 24 * 3600 * 1000
"""So long an ended session is known, so that stragglers do not begin it anew."""
MOST_SESSIONS: Final = 32
"""Sessions remembered a user. Beyond it one that has ended is forgotten, else an open one ends by time-out."""
FASTEST: Final = 2
"""Nobody watches faster than this; what goes further was jumped over."""
SLACK_MS: Final = 1000
"""Players round."""

_PLAYING: Final = {"started": True, "progressed": True, "resumed": True, "paused": False} | dict.fromkeys(
    ("stopped", "completed"), False
)
_BEGINNING: Final = ("started", "resumed")
"""What opens a session that was stopped or completed again: somebody pressed play."""

Sessions = dict[str, Session]


def time_of(received: Received) -> int:
    return to_milliseconds(received.timestamp)


def viewer_of(received: Received) -> bytes:
    return _event(received).user_id.encode()


def step(state: Viewer | None, received: Received, _now: int) -> tuple[Viewer | None, Sequence[AnyEvent]]:
    """One event. Raises InvalidEvent when a session changes its title.

    What has been silent for too long by the event's own record time ends first, so that the outcome depends on the log
    alone and not on when timers happened to fire.
    """
    event, heard_at = _event(received), time_of(received)
    sessions = dict(state.sessions) if state is not None else {}
    made = _passes(event.user_id, sessions, heard_at)
    known = sessions.get(event.session_id)
    if known is not None and known.title_id != event.title_id:
        raise InvalidEvent("title_changed", f"session {event.session_id} plays {known.title_id}, not {event.title_id}")
    if known is None or _counts(known, event):
        if known is None:
            made.append(_started(event))
        session = _after(known, event, heard_at)
        sessions.pop(event.session_id, None)
        sessions[event.session_id] = session
        if session.ended:
            made.append(_ended(event.user_id, event.session_id, session, event.event_id))
        if len(sessions) > MOST_SESSIONS:
            made += _make_room(event.user_id, sessions)
    elif state is not None and sessions == state.sessions:
        return state, ()
    return Viewer(event.user_id, sessions), made


def tick(state: Viewer, now: int) -> tuple[Viewer | None, Sequence[AnyEvent]]:
    """Ends what has been silent for too long, forgets what ended long ago."""
    sessions = dict(state.sessions)
    made = _passes(state.user_id, sessions, now)
    return (Viewer(state.user_id, sessions) if sessions else None), made


def wakes_at(state: Viewer) -> int | None:
    return min((s.heard_at + (REMEMBERED_MS if s.ended else SILENCE_MS) for s in state.sessions.values()), default=None)


def _passes(user_id: str, sessions: Sessions, now: int) -> list[AnyEvent]:
    """Time passes: changes `sessions`."""
    made: list[AnyEvent] = []
    for session_id, session in list(sessions.items()):
        if session.heard_at + REMEMBERED_MS <= now:
            del sessions[session_id]
        if not session.ended and session.heard_at + SILENCE_MS <= now:
            ended = msgspec.structs.replace(session, ended="timed_out")
            made.append(_ended(user_id, session_id, ended))
            if session_id in sessions:
                sessions[session_id] = ended
    return made


def _make_room(user_id: str, sessions: Sessions) -> list[AnyEvent]:
    oldest = next((name for name, session in sessions.items() if session.ended), next(iter(sessions)))
    session = sessions.pop(oldest)
    return [] if session.ended else [_ended(user_id, oldest, msgspec.structs.replace(session, ended="timed_out"))]


def _counts(known: Session, event: PlaybackEventRecorded) -> bool:
    if event.hlc <= known.hlc:
        return False
    return known.ended in ("", "timed_out") or event.kind in _BEGINNING


def _after(known: Session | None, event: PlaybackEventRecorded, heard_at: int) -> Session:
    at = to_milliseconds(event.occurred_at)
    duration_ms = event.duration_ms if event.duration_ms is not None or known is None else known.duration_ms
    return Session(
        title_id=event.title_id,
        device_id=event.device_id,
        region=event.region,
        started_at=at if known is None else known.started_at,
        hlc=event.hlc,
        at=at,
        heard_at=heard_at,
        position_ms=event.position_ms,
        duration_ms=duration_ms,
        watched_ms=0 if known is None else known.watched_ms + _gained(known, event, at),
        events=1 if known is None else known.events + 1,
        playing=_PLAYING.get(event.kind, known is not None and known.playing),
        ended=_end_by(event.kind, event.position_ms, duration_ms),
    )


def _gained(known: Session, event: PlaybackEventRecorded, at: int) -> int:
    """Watched between two events. A seek says where it went, not from where: up to it the time that passed counts."""
    if not known.playing:
        return 0
    passed = max(at - known.at, 0)
    if event.kind == "seeked":
        return min(passed, SILENCE_MS)
    return max(min(event.position_ms - known.position_ms, passed * FASTEST + SLACK_MS), 0)


def _end_by(kind: str, position_ms: int, duration_ms: int | None) -> End:
    if kind == "completed":
        return "completed"
    if kind == "stopped":
        return "completed" if is_completed(position_ms, duration_ms) else "stopped"
    return ""


def _started(event: PlaybackEventRecorded) -> PlaybackSessionStarted:
    return PlaybackSessionStarted(
        event_id=derived_id(event.event_id, NAME, "started"),
        occurred_at=event.occurred_at,
        user_id=event.user_id,
        device_id=event.device_id,
        session_id=event.session_id,
        title_id=event.title_id,
        started_at=event.occurred_at,
        position_ms=event.position_ms,
        duration_ms=event.duration_ms,
        hlc=event.hlc,
        region=event.region,
    )


def _ended(user_id: str, session_id: str, session: Session, cause: str | None = None) -> PlaybackSessionEnded:
    """`cause` is the id of the event that ended it; a time-out has none and is known by the newest clock."""
    ended_at = from_milliseconds(session.at)
    return PlaybackSessionEnded(
        event_id=derived_id(cause or f"{user_id}/{session_id}/{session.hlc}", NAME, session.ended),
        occurred_at=ended_at if cause else from_milliseconds(session.heard_at + SILENCE_MS),
        user_id=user_id,
        device_id=session.device_id,
        session_id=session_id,
        title_id=session.title_id,
        reason=session.ended or "unknown",
        started_at=from_milliseconds(session.started_at),
        ended_at=ended_at,
        position_ms=session.position_ms,
        duration_ms=session.duration_ms,
        watched_ms=session.watched_ms,
        events=session.events,
        hlc=session.hlc,
        region=session.region,
    )


def _event(received: Received) -> PlaybackEventRecorded:
    if not isinstance(received.event, PlaybackEventRecorded):
        raise InvalidEvent("unexpected_event", type(received.event).__name__)
    return received.event
