"""Question answered: when did somebody sit down in front of a title, when did it end, how much did they watch?

Topics: `playback-events` in, `playback-sessions` out: a PlaybackSessionStarted for a session, a PlaybackSessionEnded at
its end; a session that goes on after its end ends again, with a newer clock.
Ordering: by user (the key of both topics); within a session only a newer clock counts, so repetition and reordering
change nothing.
Replay: outputs keep their ids. Time-outs count from record times, which a replay finds again in the log, so that
sessions end where they ended before.
"""

from streams.engine.spec import ProcessorSpec, StateSpec, TableSpec
from streams.processors.playback_sessions import transform
from streams.processors.playback_sessions.state import Viewer

SPEC = ProcessorSpec(
    name="playback_sessions",
    state=StateSpec(
        tables=(
            TableSpec(
                "viewers", Viewer, transform.viewer_of, transform.step, transform.tick, wakes_at=transform.wakes_at
            ),
        ),
        time_of=transform.time_of,
        by_wall_clock=True,
    ),
    max_batch=2000,
    gather_seconds=0.1,
    fresh_seconds=0.001,
    description="Sessions of players: begun, completed, stopped or timed out, and how much was watched",
)
