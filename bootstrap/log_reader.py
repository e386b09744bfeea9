"""Reading topics from the side: for `mg tap`, `mg lag` and `mg dlq`. Never commits, never joins a group."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec
from confluent_kafka import OFFSET_BEGINNING, OFFSET_END, Consumer, KafkaException, TopicPartition
from confluent_kafka import Message as Consumed

from runtime.connections import kafka
from runtime.settings import Settings
from streams.engine.reading import headers_of
from streams.engine.spec import Headers

_SECONDS = 10.0
_PAUSE_SECONDS = 0.2


class Record(msgspec.Struct, frozen=True):
    """One record as it stands in the log; `at` is the broker's record time."""

    topic: str
    partition: int
    offset: int
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: Headers


class LogReader:
    """A consumer with no group to speak of. Raises ConnectionError with one line when the brokers do not answer."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.topic_prefix
        self._bootstrap = settings.kafka
        self._consumer: Consumer = kafka.consumer(settings.kafka, "mg-side-reader", "mg-side-reader")

    def close(self) -> None:
        self._consumer.close()

    def partitions(self, topic: str) -> list[int]:
        """Raises ConnectionError when the topic does not exist or nobody answers."""
        try:
            found = self._consumer.list_topics(self._prefix + topic, timeout=_SECONDS).topics[self._prefix + topic]
        except KafkaException as error:
            raise ConnectionError(f"Kafka at {self._bootstrap} does not answer: {error.args[0].str()}") from error
        if found.error is not None:
            raise ConnectionError(f"topic {topic} does not exist there; run `mg topics apply`")
        return sorted(found.partitions)

    def ends(self, topic: str) -> dict[int, tuple[int, int]]:
        """First and next offset of each partition."""
        return {partition: self._ends_of(topic, partition) for partition in self.partitions(topic)}

    def record(self, topic: str, partition: int, offset: int) -> Record | None:
        """The record at an offset, or None when it is gone."""
        low, high = self.ends(topic).get(partition, (0, 0))
        if not low <= offset < high:
            return None
        self._consumer.assign([TopicPartition(self._prefix + topic, partition, offset)])
        message = self._consumer.poll(_SECONDS)
        self._consumer.unassign()
        return None if message is None or message.error() is not None else self._record(message)

    def read(self, topics: Sequence[str], start: str | datetime, *, follow: bool) -> Iterator[Record]:
        """From `earliest`, `latest` or a time. Ends at what was the end when it began, or never when following."""
        places, ends = [], {}
        for topic in topics:
            for partition, (low, high) in self.ends(topic).items():
                ends[self._prefix + topic, partition] = high
                places.append(TopicPartition(self._prefix + topic, partition, self._start(topic, partition, start)))
                if low == high and not follow:
                    ends.pop((self._prefix + topic, partition))
        self._consumer.assign(places)
        left = dict(ends)
        quiet_since = time.monotonic()
        while follow or left:
            message = self._consumer.poll(0.2)
            if message is None:
                # Compaction may have removed the last offsets before the end: silence is then the end.
                if not follow and time.monotonic() - quiet_since > 2.0:
                    return
                continue
            quiet_since = time.monotonic()
            if message.error() is not None:
                continue
            place = (message.topic() or "", message.partition() or 0)
            if follow or (message.offset() or 0) < ends.get(place, 0):
                yield self._record(message)
            if place in left and (message.offset() or 0) >= left[place] - 1:
                del left[place]

    def _ends_of(self, topic: str, partition: int) -> tuple[int, int]:
        """A partition has no leader while its broker starts again: it is asked until it has one, or for ten seconds."""
        give_up = time.monotonic() + _SECONDS
        while True:
            try:
                return self._consumer.get_watermark_offsets(TopicPartition(self._prefix + topic, partition), _SECONDS)
            except KafkaException as error:
                if time.monotonic() >= give_up:
                    said = error.args[0].str()
                    raise ConnectionError(f"Kafka at {self._bootstrap} does not answer for {topic}: {said}") from error
                time.sleep(_PAUSE_SECONDS)

    def _start(self, topic: str, partition: int, start: str | datetime) -> int:
        if start == "earliest":
            return OFFSET_BEGINNING
        if isinstance(start, str):
            return OFFSET_END
        wanted = TopicPartition(self._prefix + topic, partition, int(start.timestamp() * 1000))
        found = self._consumer.offsets_for_times([wanted], _SECONDS)[0].offset
        return found if found >= 0 else OFFSET_END

    def _record(self, message: Consumed) -> Record:
        return Record(
            topic=(message.topic() or "").removeprefix(self._prefix),
            partition=message.partition() or 0,
            offset=message.offset() or 0,
            at=datetime.fromtimestamp(message.timestamp()[1] / 1000, UTC),
            key=message.key(),
            value=message.value(),
            headers=headers_of(message),
        )
