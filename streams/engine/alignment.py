"""Processors with a lookup keep their positions in PostgreSQL: held against what Kafka has.

Before one starts, Kafka's committed offsets must not be ahead of the stored positions.

They never are by themselves, since the offset is committed after the position. They are after PostgreSQL was restored
from an older backup: reading on would then leave out everything between, without a word. The group is moved back
instead; what is read again is skipped where it was done.

While it runs, a stored position must not be beyond the log's end: then the log is another one.
"""

from collections.abc import Callable, Iterable, Mapping

from confluent_kafka import ConsumerGroupTopicPartitions, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # public, not in __all__

from runtime import logging
from runtime.connections import kafka
from streams.engine.outcome import FatalError, TransientError

ANSWER_SECONDS = 10.0
Place = tuple[str, int]
"""Topic without prefix, partition."""

log = logging.get(__name__)


def move_back(
    bootstrap: str, group: str, topics: tuple[str, ...], prefix: str, positions: Callable[[], Mapping[Place, int]]
) -> int:
    """Moves committed offsets that are ahead of the stored ones (0 where there is none) back; returns how many.

    Raises TransientError when Kafka does not answer, FatalError when other members of the group are running: Kafka
    only lets an empty group be moved, and they would go on skipping.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    try:
        found = kafka.committed(bootstrap, group, _partitions(admin, topics, prefix), ANSWER_SECONDS)
    except (KafkaException, TimeoutError) as error:
        raise TransientError(f"kafka: {error}") from error
    # Read after the offsets: other instances go on meanwhile, and an offset is only committed after its position.
    stored = positions()
    ahead = []
    for place in found:
        topic = place.topic.removeprefix(prefix)
        position = stored.get((topic, place.partition), 0)
        if place.offset > position:
            ahead.append(TopicPartition(place.topic, place.partition, position))
    if not ahead:
        return 0
    log.warning("group_ahead_of_positions", group=group, partitions=len(ahead))
    try:
        moved = admin.alter_consumer_group_offsets([ConsumerGroupTopicPartitions(group, ahead)])[group].result(
            ANSWER_SECONDS
        )
    except (KafkaException, TimeoutError) as error:
        raise FatalError(
            f"group {group} is ahead of the positions in PostgreSQL (was it restored?) and cannot be moved back while "
            f"members run: stop all instances of the unit, then start them again ({error})"
        ) from error
    if any(place.error for place in moved.topic_partitions or ()):
        raise FatalError(f"group {group} is ahead of the positions in PostgreSQL and could not be moved back")
    return len(ahead)


def _partitions(admin: AdminClient, topics: Iterable[str], prefix: str) -> list[TopicPartition]:
    """All there are. Raises KafkaException."""
    known = admin.list_topics(timeout=ANSWER_SECONDS).topics
    names = [prefix + topic for topic in topics if prefix + topic in known]
    return [TopicPartition(name, partition) for name in names for partition in known[name].partitions]


def require_in_log(bootstrap: str, unit: str, prefix: str, stored: Mapping[Place, int]) -> None:
    """Raises FatalError when a position is beyond the end of its log, TransientError when Kafka does not answer."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 2})
    try:
        ends = offsets(admin, prefix, stored, OffsetSpec.latest())  # type: ignore[no-untyped-call]  # no types shipped
    except (KafkaException, TimeoutError) as error:
        raise TransientError(f"kafka: {error}") from error
    for (topic, partition), next_ in stored.items():
        if next_ > (end := ends[topic, partition]):
            raise FatalError(
                f"{unit}: stored position {topic}:{partition}:{next_} is beyond the log's end ({end}): "
                "the topic was made anew; run `mg stack reset`"
            )


def offsets(admin: AdminClient, prefix: str, places: Iterable[Place], spec: OffsetSpec) -> dict[Place, int]:
    """Where each partition begins or ends, by one request. Raises KafkaException and TimeoutError."""
    found = admin.list_offsets({TopicPartition(prefix + topic, partition): spec for topic, partition in places})
    return {
        (place.topic.removeprefix(prefix), place.partition): future.result(ANSWER_SECONDS).offset
        for place, future in found.items()
    }
