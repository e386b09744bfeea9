"""Kafka clients: the one place that knows librdkafka's keys."""

import asyncio
import logging
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from confluent_kafka import Message as Delivered

from runtime import metrics

# librdkafka would write its own lines to stderr; through a logger they look like every other line.
_LIBRARY_LOG = logging.getLogger("kafka.librdkafka")


class Message(msgspec.Struct, frozen=True):
    """What to append. Headers keep their order. Without a `partition` the key decides."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    partition: int = -1


class Acknowledged(msgspec.Struct, frozen=True):
    """Where the broker put a message, after all in-sync replicas have it."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class ProduceError(Exception):
    """At least one message of a batch was not acknowledged. Some of the others may be in the log."""


class EventProducer:
    """An idempotent producer whose every send waits for the broker's word (acks=all).

    Thread-safe. `timeout_seconds` bounds how long librdkafka itself retries a message; after that the send fails with
    ProduceError and the caller decides. A thread of its own serves the delivery reports.
    """

    def __init__(self, bootstrap: str, client_id: str, *, linger_ms: float = 1, timeout_seconds: float = 10.0) -> None:
        self._producer = Producer(
            {
                "bootstrap.servers": bootstrap,
                "client.id": client_id,
                "acks": "all",
                "enable.idempotence": True,
                "compression.type": "lz4",
                "linger.ms": linger_ms,
                "delivery.timeout.ms": int(timeout_seconds * 1000),
                "message.max.bytes": 8_388_608,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 262_144,
                "socket.keepalive.enable": True,
                "reconnect.backoff.max.ms": 1000,
                "log_level": 2,  # connection errors come back as errors, and would be logged twenty times a second
            },
            logger=_LIBRARY_LOG,
        )
        self._client_id = client_id
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._serve, name=f"{client_id}-reports", daemon=True)
        self._thread.start()

    def submit(self, messages: Sequence[Message]) -> "Future[list[Acknowledged]]":
        """Hands a batch over and returns at once; the future fails with ProduceError, never partly."""
        batch = _Batch(len(messages), self._client_id)
        try:
            for index, message in enumerate(messages):
                self._producer.produce(
                    message.topic,
                    key=message.key,
                    value=message.value,
                    headers=list(message.headers) or None,
                    partition=message.partition,
                    on_delivery=batch.report(index),
                )
        except (BufferError, KafkaException, TypeError, ValueError) as error:
            batch.fail(f"{self._client_id}: {error}")
        return batch.future

    async def send(self, messages: Sequence[Message]) -> list[Acknowledged]:
        """Positions in the order of `messages`, once every one of them is acknowledged. Raises ProduceError."""
        return await asyncio.wrap_future(self.submit(messages))

    def send_and_wait(self, messages: Sequence[Message]) -> list[Acknowledged]:
        """The same for a thread of its own."""
        return self.submit(messages).result()

    def check(self, seconds: float) -> None:
        """Asks a broker for metadata. Raises KafkaException when none answers in time; blocks."""
        self._producer.list_topics(timeout=seconds)

    def close(self, seconds: float = 5.0) -> None:
        self._producer.flush(seconds)
        self._closing.set()
        self._thread.join(seconds)

    def _serve(self) -> None:
        while not self._closing.is_set():
            self._producer.poll(0.1)


class _Batch:
    """Counts delivery reports: an empty queue is no proof, since failed messages leave it too."""

    def __init__(self, size: int, client_id: str) -> None:
        self.future: Future[list[Acknowledged]] = Future()
        # Running futures cannot be cancelled. A caller that goes away must not: setting the result of a cancelled
        # future raises, and that would end the thread that serves everybody's delivery reports.
        self.future.set_running_or_notify_cancel()
        self._client_id = client_id
        self._found: list[Acknowledged | None] = [None] * size
        self._missing = size
        self._error: KafkaError | None = None
        if size == 0:
            self.future.set_result([])

    def report(self, index: int) -> Any:
        def delivered(error: KafkaError | None, message: Delivered) -> None:
            if error is None:
                self._found[index] = Acknowledged(
                    message.topic() or "", message.partition() or 0, message.offset() or 0
                )
            else:
                self._error = error
            self._missing -= 1
            if self._missing == 0:
                self._finish()

        return delivered

    def fail(self, detail: str) -> None:
        if not self.future.done():
            self.future.set_exception(ProduceError(detail))

    def _finish(self) -> None:
        if self._error is not None:
            metrics.PRODUCE_FAILED.labels(self._client_id).inc()
            self.fail(f"{self._client_id}: {self._error.str()}")
        elif not self.future.done():
            metrics.PRODUCED.labels(self._client_id).inc(len(self._found))
            self.future.set_result([place for place in self._found if place is not None])


def consumer(bootstrap: str, group: str, client_id: str, **overrides: Any) -> Consumer:
    """A plain consumer without automatic commits. Overrides use librdkafka's names with underscores for dots."""
    config: dict[str, Any] = {
        "bootstrap.servers": bootstrap,
        "group.id": group,
        "client.id": client_id,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "session.timeout.ms": 10_000,
        "heartbeat.interval.ms": 3_000,
        "max.poll.interval.ms": 300_000,
        "fetch.wait.max.ms": 50,  # whoever goes on to another partition waits for the answer about this one first
        "fetch.message.max.bytes": 8_388_608,
        "queued.max.messages.kbytes": 32_768,
        "queued.min.messages": 20_000,
        "fetch.queue.backoff.ms": 20,  # a full queue is looked at again; after a second of it (the default) it is empty
        # Both topics of a read model that joins two have the same keys: range gives one owner the same partitions.
        "partition.assignment.strategy": "range",
        "socket.keepalive.enable": True,
        "reconnect.backoff.max.ms": 1000,
        "enable.partition.eof": False,
        "log_level": 2,  # connection errors come back as errors, and would be logged twenty times a second
    }
    return Consumer(config | {key.replace("_", "."): value for key, value in overrides.items()}, logger=_LIBRARY_LOG)


def committed(bootstrap: str, group: str, wanted: Sequence[TopicPartition], seconds: float) -> list[TopicPartition]:
    """What the group committed of these partitions; a negative offset where nothing. Raises KafkaException.

    Asked by a consumer that never joins. An AdminClient, which has no group, would follow a null pointer when the
    group's coordinator has just moved or started anew (librdkafka's issue 5040): the process would be gone.
    """
    asking = consumer(bootstrap, group, "mg-committed")
    try:
        found = asking.committed(list(wanted), timeout=seconds)
    finally:
        asking.close()
    for place in found:
        if place.error:
            raise KafkaException(place.error)
    return found
