"""The materializer loop: topic → store, effectively once. One thread, one consumer, one store.

1. On assignment: read the store's positions and seek there; Kafka's committed offsets are for lag tools only.
2. Poll one message, then drain what is there (a bare `consume(n, t)` would wait all of t); more while catching up.
3. Drop what is behind the position (a rewind fetched it again) or no longer ours; decode; transform.
4. What can never be processed becomes a dead letter, and the broker confirms it before any position moves.
5. `store.apply`: writes and positions together. Fenced: another owner was here, or a rebuild switched versions; read
   the positions again, seek, go on (after a SIGSTOP the fenced one may be the rightful owner). Transient: wait, then
   the same, because a commit whose answer was lost may have happened. Nothing is skipped in either case.
6. Commit the offsets for lag tools. On revocation there is never half a batch: the callbacks run in this thread.

With a backlog the store has a thread of its own: while it applies one batch (5), the next is taken and decoded (2, 3).
That is all that overlaps: nothing of the next becomes durable before the one in hand is settled, and where that one
fails, the next is dropped and read again.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Consumed

from runtime import logging, metrics, tracing
from runtime.backoff import Backoff
from runtime.connections import kafka
from runtime.connections.kafka import EventProducer, ProduceError
from runtime.health import UnitHealth
from runtime.settings import Settings
from streams.engine.dead_letter import InvalidRun
from streams.engine.outcome import FatalError, Fenced, TransientError
from streams.engine.reading import Partition, Reader, Taken
from streams.engine.spec import Advance, MaterializerSpec, Store

_CATCH_UP = 5  # times max_batch while a full batch says there is a backlog
_POLL_SECONDS = 0.5
_T = TypeVar("_T")

log = logging.get(__name__)


class _Stopped(Exception):
    """Told to stop while a backend was away."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """What is to become durable together; `started` is monotonic."""

    taken: Taken
    advances: Sequence[Advance]
    started: float


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
        self._reader = Reader(spec, settings.topic_prefix)
        self._expected: dict[Partition, int] = {}
        self._low: dict[Partition, int] = {}
        self._high: dict[Partition, int] = {}
        self._invalid = InvalidRun(spec.name)
        self._backoff = Backoff()
        self._stop = threading.Event()
        self._limit = spec.max_batch
        self._writer = ThreadPoolExecutor(1, thread_name_prefix=f"mg-{spec.name}-store")
        self._in_hand: tuple[_Batch, Callable[[], None]] | None = None
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
                elif self._in_hand is not None:
                    self._settle()
                elif self._expected:
                    self._idle()
            self._settle(rewind=False)
        except _Stopped:
            log.info("stopped_while_waiting", unit=self._spec.name)
        finally:
            self._health.becomes("stopped")
            self._writer.shutdown()
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
        self._settle(rewind=False)  # all partitions go; whoever gets them reads the positions
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
        first = self._consumer.poll(_POLL_SECONDS if self._in_hand is None else 0)
        if first is None:
            return []
        found = [first, *self._consumer.consume(self._limit - 1, self._spec.linger_seconds)]
        self._limit = self._spec.max_batch * (_CATCH_UP if len(found) >= self._spec.max_batch else 1)
        return [message for message in found if message.error() is None or self._usable(message)]

    def _usable(self, message: Consumed) -> bool:
        error = cast("KafkaError", message.error())
        if error.fatal():
            raise FatalError(f"kafka: {error.str()}")
        if error.code() != KafkaError._PARTITION_EOF:
            self._health.becomes("degraded", f"kafka: {error.str()}")
            log.warning("consumer_error", unit=self._spec.name, error=error.str())
        return False

    # 3 to 6 ----------------------------------------------------------------------------------------------------------

    def _process(self, messages: Sequence[Consumed]) -> None:
        started = time.monotonic()
        taken = self._reader.read(messages, self._expected | self._in_hands_of_store())
        if not taken.reached or not self._settle():
            return
        advances = [Advance(t, p, self._expected[t, p], next_) for (t, p), next_ in taken.reached.items()]
        self._dead_letter(taken)
        batch = _Batch(taken, advances, started)
        if self._limit > self._spec.max_batch:  # the batch was full: there is a backlog
            self._in_hand = batch, self._writer.submit(self._apply, batch).result
        else:
            self._in_hand = batch, partial(self._apply, batch)
            self._settle()

    def _dead_letter(self, taken: Taken) -> None:
        if not taken.rejected:
            return
        letters = self._reader.letters(taken.rejected)

        def publish() -> None:
            try:
                self._producer.send_and_wait(letters)
            except ProduceError as error:
                raise TransientError(str(error)) from error

        self._insist(publish)
        for record, error in taken.rejected:
            log.warning("event_dead_lettered", unit=self._spec.name, position=str(record.position), reason=error.reason)

    def _apply(self, batch: _Batch) -> None:
        with tracing.batch_span(f"materialize {self._spec.name}", batch.taken.parents):
            self._store.apply(batch.taken.writes, batch.advances)

    def _in_hands_of_store(self) -> dict[Partition, int]:
        """Where each partition will stand once the batch in hand is applied."""
        moves = self._in_hand[0].advances if self._in_hand is not None else ()
        return {(move.topic, move.partition): move.next for move in moves}

    def _settle(self, *, rewind: bool = True) -> bool:
        """Waits for what the store has in hand. False when it failed and is to be read again."""
        if self._in_hand is None:
            return True
        (batch, applied), self._in_hand = self._in_hand, None
        try:
            applied()
        except Fenced as error:
            metrics.FENCED.labels(self._spec.name).inc()
            log.warning("batch_fenced", unit=self._spec.name, error=str(error))
        except TransientError as error:
            self._wait(error)
        else:
            self._backoff.reset()
            self._finished(batch)
            return True
        if rewind:
            self._rewind()
        return False

    def _finished(self, batch: _Batch) -> None:
        now = time.time()
        for move in batch.advances:
            self._expected[move.topic, move.partition] = move.next
            self._note_high((move.topic, move.partition))
        self._health.progressed(batch.taken.good, batch.taken.newest)
        metrics.EVENTS.labels(self._spec.name, "done").inc(batch.taken.good)
        metrics.BATCH_SIZE.labels(self._spec.name).observe(batch.taken.good)
        metrics.BATCH_SECONDS.labels(self._spec.name).observe(time.monotonic() - batch.started)
        metrics.EVENT_LAG.labels(self._spec.name).observe(max(now - batch.taken.newest, 0.0))
        offsets = [TopicPartition(self._prefix + move.topic, move.partition, move.next) for move in batch.advances]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log.info("offset_commit_failed", unit=self._spec.name, error=str(error))
        self._invalid.saw([error.reason for _, error in batch.taken.rejected], batch.taken.good)

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
