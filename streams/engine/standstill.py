"""A consumer that fetches nothing while events wait: noticed, so that the unit ends and its supervisor starts it anew.

Seen once in thousands of restarts: a Faust consumer that owned its partitions, kept its heartbeat and never fetched
again. Its lag stays unseen too, since the log's end that a consumer knows of comes with what it fetches. So the broker
is asked, by a client of its own.
"""

import time
from collections.abc import Callable

from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public, not in __all__

from runtime import logging
from runtime.connections import kafka
from streams.engine.alignment import ANSWER_SECONDS, Place, offsets
from streams.engine.outcome import FatalError

LOOK_EVERY_SECONDS = 20.0
_PATIENCE_SECONDS = 60.0

log = logging.get(__name__)


class Standstill:
    """`moved` and `holds` are called by the loop, `look` by a thread now and then.

    A batch in hand is no standstill, however long it takes: what it waits for is shown by the unit's health.
    """

    def __init__(
        self,
        bootstrap: str,
        group: str,
        prefix: str,
        *,
        patience_seconds: float = _PATIENCE_SECONDS,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bootstrap = bootstrap
        self._group = group
        self._prefix = prefix
        self._patience = patience_seconds
        self._now = now
        self._moved_at = now()
        self._in_hand = False
        self._suspected: dict[Place, int] = {}
        self._admin: AdminClient | None = None

    def holds(self) -> None:
        """A batch was taken."""
        self._in_hand = True

    def moved(self) -> None:
        """A batch is done, or partitions changed hands."""
        self._in_hand = False
        self._moved_at = self._now()
        self._suspected = {}

    def look(self, owned: frozenset[Place]) -> None:
        """Raises FatalError at the second look in a row that finds the same events waiting and nothing done.

        One look is not enough: an event may have been written a moment ago. A broker that does not answer says nothing.
        """
        if self._in_hand or not owned or self._now() - self._moved_at < self._patience:
            return
        since = self._moved_at
        waiting = self._waiting(owned)
        if self._in_hand or self._moved_at != since:  # it went on while the broker was asked
            return
        same = [place for place, next_ in waiting.items() if self._suspected.get(place) == next_]
        self._suspected = waiting
        if same:
            places = ", ".join(f"{topic}:{partition} from {waiting[topic, partition]}" for topic, partition in same[:3])
            raise FatalError(
                f"nothing fetched for {self._now() - self._moved_at:.0f} s although events wait ({places}): "
                "the consumer stands still and must be started anew"
            )

    def _waiting(self, owned: frozenset[Place]) -> dict[Place, int]:
        """Next offset of each owned partition with more in its log, as the group last committed it."""
        admin = self._admin = self._admin or AdminClient({"bootstrap.servers": self._bootstrap, "log_level": 2})
        wanted = [TopicPartition(self._prefix + topic, partition) for topic, partition in owned]
        try:
            committed = kafka.committed(self._bootstrap, self._group, wanted, ANSWER_SECONDS)
            low = offsets(admin, self._prefix, owned, OffsetSpec.earliest())  # type: ignore[no-untyped-call]  # no types shipped
            high = offsets(admin, self._prefix, owned, OffsetSpec.latest())  # type: ignore[no-untyped-call]
        except (KafkaException, TimeoutError) as error:
            log.info("standstill_not_looked_for", group=self._group, error=str(error))
            return {}
        found: dict[Place, int] = {}
        for one in committed:
            place = (one.topic.removeprefix(self._prefix), one.partition)
            next_ = max(one.offset, low[place])  # below zero: nothing committed yet
            if next_ < high[place]:
                found[place] = next_
        return found
