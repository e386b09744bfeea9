"""Question answered: what is played most right now, in each region and in the world, over an hour, a day and a week?

Topics: `playback-events` in, `title-trends` out. Every partition counts its own plays by region, title and time; one
instance adds up the counts of all partitions and publishes (`streams/engine/summing.py`).
Ordering: by user, so that a title counts once a session. Time is that of the events: an hour of lateness is accepted,
measured against the newest event of the partition; what comes later is counted in `mg_stream_events_total` (late).
Replay: the same events give the same counts, whatever died meanwhile and wherever partitions were.
"""

from streams.engine.spec import ProcessorSpec, StateSpec, TableSpec
from streams.processors.title_trends import transform
from streams.processors.title_trends.state import Plays, Sat
from streams.processors.title_trends.trends import Trends

SPEC = ProcessorSpec(
    name="title_trends",
    state=StateSpec(
        tables=(
            TableSpec(
                "viewers", Sat, transform.viewer_of, transform.sit_down, transform.tick_viewer, transform.forgets_at
            ),
            TableSpec("plays", Plays, transform.title_of, transform.count, transform.tick_plays, transform.expires_at),
        ),
        time_of=transform.time_of,
        summary=Trends,
        summary_tables=("plays",),
        summary_seconds=lambda settings: settings.trending_seconds,
    ),
    max_batch=2000,
    gather_seconds=0.5,  # what is published goes out every few seconds; a title is written once a batch
    description="What is played most, by region and window",
)
