"""The materializer loop: topic → store, effectively once. One thread, one consumer, one store.

1. On assignment: read the store's positions and seek there; Kafka's committed offsets are for lag tools only.
2. Poll one message, then drain what is there (a bare `consume(n, t)` would wait all of t); more while catching up.
3. Drop what is behind the position (a rewind fetched it again) or no longer ours; decode; transform.
4. What can never be processed becomes a dead letter, and the broker confirms it before any position moves.
5. `store.apply`: writes and positions together. Fenced: another owner was here, or a rebuild switched versions; read
   the positions again, seek, go on (after a SIGSTOP the fenced one may be the rightful owner). Transient: wait, then
   the same, because a commit whose answer was lost may have happened. Nothing is skipped in either case.
6. Commit the offsets for lag tools. On revocation there is never half a batch: the callbacks run in this thread.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Consumed

from runtime import logging, metrics, tracing
from runtime.backoff import Backoff
from runtime.connections import kafka
from runtime.connections.kafka import EventProducer, ProduceError
from runtime.health import UnitHealth
from runtime.settings import Settings
from schemas.envelope import Position
from streams.engine import dead_letter
from streams.engine.dead_letter import InvalidRun, RawRecord
from streams.engine.decoding import event_of
from streams.engine.outcome import FatalError, Fenced, InvalidEvent, TransientError
from streams.engine.spec import Advance, Headers, MaterializerSpec, Store

_CATCH_UP = 5  # times max_batch while a full batch says there is a backlog
_POLL_SECONDS = 0.5
_NOT_OURS = 2**63  # beyond every offset
_T = TypeVar("_T")

Partition = tuple[str, int]
log = logging.get(__name__)


class _Stopped(Exception):
    """Told to stop while a backend was away."""


class Materializer:
    """Runs one MaterializerSpec against one store. `run` returns after `stop` is set and raises FatalError or a bug."""

    def __init__(
        self,
        spec: MaterializerSpec,
        store: Store,
        settings: Settings,
        producer: EventProducer,
        health: UnitHealth,
        *,
        group: str | None = None,
    ) -> None:
        self._spec = spec
        self._store = store
        self._producer = producer
        self._health = health
        self._prefix = settings.topic_prefix
        self._dead_letter_topics = set(spec.dead_letter_inputs)
        self._expected: dict[Partition, int] = {}
        self._low: dict[Partition, int] = {}
        self._high: dict[Partition, int] = {}
        self._invalid = InvalidRun(spec.name)
        self._backoff = Backoff()
        self._stop = threading.Event()
        self._limit = spec.max_batch
        self._consumer: Consumer = kafka.consumer(
            settings.kafka,
            group or f"{settings.group_prefix}{spec.name.replace('_', '-')}",
            f"mg-{spec.name}",
            queued_max_messages_kbytes=spec.prefetch_kilobytes,
            fetch_message_max_bytes=spec.prefetch_kilobytes * 1024 // 4,
            fetch_wait_max_ms=500,  # an event ends the wait at once; asking more often only keeps the broker busy
        )

    def stop(self) -> None:
        """May be called from any thread; the batch in hand is finished first."""
        self._stop.set()

    @property
    def positions(self) -> dict[Partition, int]:
        """Next offset of each owned partition, as of the last finished batch."""
        return dict(self._expected)

    def run(self) -> None:
        topics = [self._prefix + topic for topic in (*self._spec.inputs, *self._spec.dead_letter_inputs)]
        self._consumer.subscribe(topics, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        try:
            while not self._stop.is_set():
                messages = self._take()
                if messages:
                    self._process(messages)
                elif self._expected:
                    self._idle()
        except _Stopped:
            log.info("stopped_while_waiting", unit=self._spec.name)
        finally:
            self._health.becomes("stopped")
            self._consumer.close()
            self._store.close()

    # 1 ---------------------------------------------------------------------------------------------------------------

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        metrics.REBALANCES.labels(self._spec.name, "assigned").inc(len(partitions))
        owned = [(self._logical(p.topic), p.partition) for p in partitions]
        stored = self._insist(lambda: self._store.positions(owned))
        self._expected = {partition: stored.get(partition, 0) for partition in owned}
        self._health.owns(set(owned))
        for partition in owned:
            self._check_log_reaches(partition)
        consumer.assign([self._seekable(partition) for partition in owned])
        log.info("partitions_assigned", unit=self._spec.name, partitions=len(owned))
        if not owned:
            self._health.becomes("ready", "standby: other instances own every partition")

    def _revoked(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        metrics.REBALANCES.labels(self._spec.name, "revoked").inc(len(partitions))
        for gone in partitions:
            self._expected.pop((self._logical(gone.topic), gone.partition), None)
        self._health.owns(set(self._expected))

    def _check_log_reaches(self, partition: Partition) -> None:
        """A position beyond the log's end means another log: applying on would silently skip everything new."""
        low, high = self._insist(lambda: self._watermarks(partition))
        self._low[partition], self._high[partition] = low, high
        expected = self._expected[partition]
        if expected > high:
            raise FatalError(
                f"{self._spec.name}: stored position {partition[0]}:{partition[1]}:{expected} is beyond the log's end "
                f"({high}): the topic was made anew; run `mg rebuild {self._spec.name}` or `mg stack reset`"
            )
        if low > expected > 0:
            log.warning("log_starts_behind_position", unit=self._spec.name, topic=partition[0], low=low, at=expected)
        self._health.at(partition, max(expected, low), high)

    def _watermarks(self, partition: Partition) -> tuple[int, int]:
        try:
            found = self._consumer.get_watermark_offsets(self._physical(partition), timeout=5.0)
        except KafkaException as error:
            raise TransientError(f"kafka: {error}") from error
        if found is None:
            raise TransientError("kafka: no answer about the log's ends")
        return found

    def _rewind(self) -> None:
        """Back to what the store says, for every owned partition."""
        owned = list(self._expected)
        stored = self._insist(lambda: self._store.positions(owned))
        for partition in owned:
            self._expected[partition] = stored.get(partition, 0)
            self._seek(self._seekable(partition))

    def _seek(self, place: TopicPartition) -> None:
        try:
            self._consumer.seek(place)
        except KafkaException as error:
            # Not fetching yet, or just revoked: assigning again has the same effect and always works.
            log.info("seek_refused", unit=self._spec.name, error=str(error))
            self._consumer.assign([self._seekable(partition) for partition in self._expected])

    # 2 ---------------------------------------------------------------------------------------------------------------

    def _take(self) -> list[Consumed]:
        first = self._consumer.poll(_POLL_SECONDS)
        if first is None:
            return []
        found = [first, *self._consumer.consume(self._limit - 1, self._spec.linger_seconds)]
        self._limit = self._spec.max_batch * (_CATCH_UP if len(found) >= self._spec.max_batch else 1)
        return [m for m in found if (m.error() is None and m.value() is not None) or self._usable(m)]

    def _usable(self, message: Consumed) -> bool:
        error = message.error()
        if error is None:
            return (message.value() is not None) or self._tombstone(message)
        if error.fatal():
            raise FatalError(f"kafka: {error.str()}")
        if error.code() != KafkaError._PARTITION_EOF:
            self._health.becomes("degraded", f"kafka: {error.str()}")
            log.warning("consumer_error", unit=self._spec.name, error=error.str())
        return False

    def _tombstone(self, message: Consumed) -> bool:
        """Nobody writes tombstones here, but compaction tools may: they carry nothing, yet the position must pass."""
        log.info("tombstone_seen", unit=self._spec.name, topic=message.topic(), offset=message.offset())
        return True

    # 3 to 6 ----------------------------------------------------------------------------------------------------------

    def _process(self, messages: Sequence[Consumed]) -> None:
        started = time.monotonic()
        writes: list[Any] = []
        rejected: list[tuple[RawRecord, InvalidEvent]] = []
        reached: dict[Partition, int] = {}
        parents: list[bytes | None] = []
        newest, good = 0, 0
        begin = dict(self._expected)
        for message in messages:  # whatever is done here costs a backlog of a million its time
            partition = (self._logical(message.topic() or ""), message.partition() or 0)
            offset = message.offset() or 0
            if offset < begin.get(partition, _NOT_OURS):
                metrics.EVENTS.labels(self._spec.name, "skipped").inc()
                continue
            begin[partition] = reached[partition] = offset + 1
            newest = max(newest, message.timestamp()[1])
            value = message.value()
            if value is None:
                continue
            headers = headers_of(message)
            if headers:
                parents.append(tracing.traceparent_of(headers))
            position = Position(partition[0], partition[1], offset)
            try:
                writes.extend(self._transform(value, position, headers))
                good += 1
            except InvalidEvent as error:
                rejected.append((RawRecord(position, message.key(), value, headers), error))
        if not reached:
            return
        advances = [Advance(t, p, self._expected[t, p], next_) for (t, p), next_ in reached.items()]
        with tracing.batch_span(f"materialize {self._spec.name}", parents):
            self._dead_letter(rejected)
            if not self._applied(writes, advances):
                return
        self._finished(advances, good, newest / 1000, started)
        self._invalid.saw([error.reason for _, error in rejected], good)

    def _transform(self, value: bytes, position: Position, headers: Headers) -> tuple[Any, ...]:
        if position.topic in self._dead_letter_topics:
            # Dead letters are not in the contract's union of events; only a materializer that asks for them sees them.
            return self._spec.transform(dead_letter.read(value, headers), position)  # type: ignore[arg-type]
        return self._spec.transform(event_of(value), position)

    def _dead_letter(self, rejected: Sequence[tuple[RawRecord, InvalidEvent]]) -> None:
        if not rejected:
            return
        letters = [
            dead_letter.to_message(self._spec.name, record, error, self._prefix)
            for record, error in rejected
            if record.position.topic not in self._dead_letter_topics  # a dead letter does not die twice
        ]

        def publish() -> None:
            try:
                self._producer.send_and_wait(letters)
            except ProduceError as error:
                raise TransientError(str(error)) from error

        self._insist(publish)
        for record, error in rejected:
            log.warning("event_dead_lettered", unit=self._spec.name, position=str(record.position), reason=error.reason)

    def _applied(self, writes: Sequence[Any], advances: Sequence[Advance]) -> bool:
        try:
            self._store.apply(writes, advances)
        except Fenced as error:
            metrics.FENCED.labels(self._spec.name).inc()
            log.warning("batch_fenced", unit=self._spec.name, error=str(error))
            self._rewind()
            return False
        except TransientError as error:
            self._wait(error)
            self._rewind()
            return False
        self._backoff.reset()
        return True

    def _finished(self, advances: Sequence[Advance], good: int, newest: float, started: float) -> None:
        now = time.time()
        for move in advances:
            self._expected[move.topic, move.partition] = move.next
            self._note_high((move.topic, move.partition))
        self._health.progressed(good, newest)
        metrics.EVENTS.labels(self._spec.name, "done").inc(good)
        metrics.BATCH_SIZE.labels(self._spec.name).observe(good)
        metrics.BATCH_SECONDS.labels(self._spec.name).observe(time.monotonic() - started)
        metrics.EVENT_LAG.labels(self._spec.name).observe(max(now - newest, 0.0))
        offsets = [TopicPartition(self._prefix + move.topic, move.partition, move.next) for move in advances]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log.info("offset_commit_failed", unit=self._spec.name, error=str(error))

    def _idle(self) -> None:
        for partition in self._expected:
            self._note_high(partition)
        if self._backoff.attempts == 0:
            self._health.becomes("ready")

    def _note_high(self, partition: Partition) -> None:
        found = self._consumer.get_watermark_offsets(self._physical(partition), cached=True)
        if found is not None and found[1] > 0:
            self._high[partition] = found[1]
        self._health.at(partition, self._expected[partition], self._high.get(partition, 0))

    def caught_up(self) -> bool:
        """True when every owned partition was read to the end it had at the last fetch. For other threads: nothing is
        asked of the consumer, whose calls wait for each other, and the next `poll` is always there first."""
        owned, high, low = dict(self._expected), dict(self._high), dict(self._low)
        return bool(owned) and all(
            partition in high and max(next_, low[partition]) >= high[partition] for partition, next_ in owned.items()
        )

    def has_read(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything before `ends` is in the store. For other threads."""
        owned, low = dict(self._expected), dict(self._low)
        return all(max(owned.get(place, 0), low.get(place, 0)) >= end for place, end in ends.items())

    # Retrying --------------------------------------------------------------------------------------------------------

    def _insist(self, action: Callable[[], _T]) -> _T:
        """Repeats until it works, or until somebody stops the unit: then nothing of the batch was acknowledged."""
        while True:
            try:
                result = action()
            except TransientError as error:
                self._wait(error)
                if self._stop.is_set():
                    raise _Stopped from error
            else:
                self._backoff.reset()
                return result

    def _wait(self, error: TransientError) -> None:
        metrics.BATCHES_RETRIED.labels(self._spec.name, "transient").inc()
        self._health.becomes("degraded", str(error))
        delay = self._backoff.next_delay()
        log.warning("backend_unavailable", unit=self._spec.name, error=str(error), retry_in=round(delay, 2))
        self._stop.wait(delay)

    def _logical(self, topic: str) -> str:
        return topic.removeprefix(self._prefix) if self._prefix else topic

    def _physical(self, partition: Partition) -> TopicPartition:
        return TopicPartition(self._prefix + partition[0], partition[1])

    def _seekable(self, partition: Partition) -> TopicPartition:
        expected = self._expected[partition]
        return TopicPartition(self._prefix + partition[0], partition[1], expected or OFFSET_BEGINNING)


def headers_of(message: Consumed) -> Headers:
    found = message.headers()
    if not found:
        return ()
    return tuple((name, value or b"") for name, value in cast("list[tuple[str, bytes | None]]", found))
