"""Question answered: which ways to watch began, ended, cost another price, or end within days?

Topics: `titles` in, `availability-changes` out. What is offered at a time follows from the newest snapshot of a title
and the clock: an AvailabilityChanged whenever it is other than what was told last, an OfferExpiring 7, 3 and 1 days
before an end.
Ordering: by title (the key of both topics); within a title only a newer version counts.
Replay: outputs keep their ids. Time is the wall clock once everything in the log is processed, and what was told is
remembered, so that neither a restart nor a clock that jumps tells anything again.
"""

from streams.engine.spec import ProcessorSpec, StateSpec, TableSpec
from streams.processors.offer_lifecycle import transform
from streams.processors.offer_lifecycle.state import Offered

SPEC = ProcessorSpec(
    name="offer_lifecycle",
    state=StateSpec(
        tables=(
            TableSpec(
                "titles", Offered, transform.title_of, transform.step, transform.tick, wakes_at=transform.wakes_at
            ),
        ),
        time_of=transform.time_of,
        by_wall_clock=True,
    ),
    max_batch=1000,
    gather_seconds=0.05,
    description="Offers that begin, end, change or are about to end",
)
