"""The state topic of a stateful processor: compacted, partitioned like the input, written by the owner of a partition.

A record is one key of one table (`<table>/<key>`) with its state, the offset behind the last input applied to it and a
count of its changes; a forgotten key is a tombstone that carries the same two numbers in a header. The record with the
key `/` says how far the partition is: it is written behind everything that it vouches for.
"""

import time
from collections.abc import Iterator, Sequence
from typing import Any, Self

import msgspec
from confluent_kafka import OFFSET_BEGINNING, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Delivered

from runtime.connections import kafka
from runtime.connections.kafka import Message
from runtime.settings import Settings
from streams.engine.outcome import FatalError, TransientError
from streams.engine.spec import ProcessorSpec, StateSpec
from streams.engine.table import Partition

_POSITION = b"/"
_VERSION = "mg-version"
_SECONDS = 10.0

_encode = msgspec.msgpack.Encoder().encode


class _Kept(msgspec.Struct, frozen=True, array_like=True):
    next: int
    turn: int
    state: msgspec.Raw


class _Reached(msgspec.Struct, frozen=True, array_like=True):
    next: int
    now: int


_kept = msgspec.msgpack.Decoder(_Kept).decode
_reached = msgspec.msgpack.Decoder(_Reached).decode


class Record(msgspec.Struct, frozen=True):
    """One record, read. `table` is empty for how far the partition is: `next` and `now` (in `turn`) say it."""

    partition: int
    table: str
    key: bytes
    next: int
    turn: int
    state: Any


class Changelog:
    """The state topic of one processor: what to write, and what was written."""

    def __init__(self, spec: ProcessorSpec, state: StateSpec, settings: Settings) -> None:
        self._state = state
        self._bootstrap = settings.kafka
        self.topic = settings.topic_prefix + spec.state_topic
        self._decoders = {table.name: msgspec.msgpack.Decoder(table.state).decode for table in state.tables}

    def steps(self, number: int, partition: Partition) -> list[list[Message]]:
        """What is to be written, each step only once the one before it is durable; all of them empty for no change."""
        steps = []
        for name, table in reversed(partition.tables.items()):
            prefix = name.encode() + b"/"
            changes = table.changes()
            steps.append([self._message(number, prefix + c.key, c.next, c.turn, c.state) for c in changes])
        moved = partition.next != partition.saved
        partition.saved = partition.next
        reached = _encode(_Reached(partition.next, partition.now))
        return [*steps, [Message(self.topic, _POSITION, reached, (), number)] if moved else []]

    def _message(self, number: int, key: bytes, next_: int, turn: int, state: Any) -> Message:
        if state is None:
            return Message(self.topic, key, None, ((_VERSION, f"{next_}.{turn}".encode()),), number)
        return Message(self.topic, key, _encode((next_, turn, state)), (), number)

    def restore(self, numbers: Sequence[int]) -> dict[int, tuple[Partition, int]]:
        """The state of each partition, and the offset at which its next record will stand.

        Raises TransientError when Kafka does not answer, FatalError for records that do not decode.
        """
        partitions = {number: Partition(self._state) for number in numbers}
        with Reader(self._bootstrap, self.topic, numbers) as reader:
            while not reader.at_end:
                for delivered in reader.poll(1.0):
                    self._load(partitions[delivered.partition() or 0], self.decode(delivered))
        for partition in partitions.values():
            partition.loaded()
        return {number: (partition, reader.next[number]) for number, partition in partitions.items()}

    def _load(self, partition: Partition, record: Record) -> None:
        if not record.table:
            partition.next = partition.saved = max(partition.next, record.next)
            partition.now = max(partition.now, record.turn)
        elif (table := partition.tables.get(record.table)) is not None:
            table.load(record.key, record.next, record.turn, record.state)

    def decode(self, delivered: Delivered) -> Record:
        """Raises FatalError: a state that cannot be read must not be taken for no state."""
        number, key, value = delivered.partition() or 0, delivered.key() or b"", delivered.value()
        name, _, rest = key.partition(b"/")
        table = name.decode("utf-8", "replace")
        try:
            if not table:
                reached = _reached(value or b"")
                return Record(number, "", b"", reached.next, reached.now, None)
            if value is None:
                next_, turn = _version(delivered)
                return Record(number, table, rest, next_, turn, None)
            kept = _kept(value)
            decoder = self._decoders.get(table)
            return Record(number, table, rest, kept.next, kept.turn, decoder(kept.state) if decoder else None)
        except (msgspec.DecodeError, ValueError, IndexError) as error:
            place = f"{delivered.topic()}:{number}:{delivered.offset()}"
            raise FatalError(f"{place} holds no state that this version can read: {error}") from error

    def read_all(self) -> "Reader":
        """Every partition from its beginning."""
        return Reader(self._bootstrap, self.topic, None)


def _version(delivered: Delivered) -> tuple[int, int]:
    text = dict(delivered.headers() or ()).get(_VERSION)
    if not isinstance(text, bytes):
        raise ValueError("a tombstone without a version")
    version = text.decode().split(".")
    return int(version[0]), int(version[1])


class Reader:
    """Reads partitions of one topic from the beginning, without a consumer group. Used by one thread at a time.

    Its methods raise TransientError when Kafka does not answer or has no such topic.
    """

    def __init__(self, bootstrap: str, topic: str, numbers: Sequence[int] | None) -> None:
        self._topic = topic
        self._consumer = kafka.consumer(bootstrap, f"{topic}-reader", "mg-state", enable_partition_eof=True)
        self._last_answer = time.monotonic()
        self._ended: set[int] = set()
        try:
            self.numbers = tuple(numbers) if numbers is not None else self._partitions()
            self._consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in self.numbers])
        except BaseException:
            self._consumer.close()
            raise
        self.next = dict.fromkeys(self.numbers, 0)
        """Offset of the next record of each partition."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._consumer.close()

    @property
    def at_end(self) -> bool:
        """Every partition has been read to its end at least once."""
        return len(self._ended) == len(self.numbers)

    def poll(self, seconds: float) -> Iterator[Delivered]:
        """What has arrived, after waiting at most so long for something."""
        try:
            found = self._wait(seconds)
        except KafkaException as error:
            raise TransientError(f"kafka: {error}") from error
        if found:
            self._last_answer = time.monotonic()
        elif not self.at_end and time.monotonic() - self._last_answer > _SECONDS:
            raise TransientError(f"kafka: {self._topic} cannot be read to its end")
        for delivered in found:
            number, problem = delivered.partition() or 0, delivered.error()
            if problem is None:
                self.next[number] = (delivered.offset() or 0) + 1
                yield delivered
            elif problem.code() == KafkaError._PARTITION_EOF:
                self.next[number] = delivered.offset() or 0
                self._ended.add(number)
            elif not problem.retriable():
                raise TransientError(f"kafka: {self._topic}: {problem.str()} (`mg topics apply` makes missing topics)")

    def _wait(self, seconds: float) -> list[Delivered]:
        """consume() alone would wait for as long as it may, or for as many as it may."""
        first = self._consumer.poll(seconds)
        return [] if first is None else [first, *self._consumer.consume(4999, 0)]

    def _partitions(self) -> tuple[int, ...]:
        try:
            found = self._consumer.list_topics(self._topic, timeout=_SECONDS).topics[self._topic]
        except KafkaException as error:
            raise TransientError(f"kafka: {error}") from error
        if found.error is not None:
            raise TransientError(f"kafka: {self._topic}: {found.error} (`mg topics apply` makes missing topics)")
        return tuple(sorted(found.partitions))


class Ends:
    """Asks brokers where partitions end. Used by one thread at a time."""

    def __init__(self, bootstrap: str) -> None:
        self._consumer = kafka.consumer(bootstrap, "mg-ends", "mg-ends")

    def of(self, topic: str, number: int) -> tuple[int, int]:
        """First offset there is, and the one behind the last. Raises TransientError."""
        try:
            found = self._consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=_SECONDS, cached=False)
        except KafkaException as error:
            raise TransientError(f"kafka: {error}") from error
        if found is None:
            raise TransientError(f"kafka: {topic}:{number} does not say where it ends")
        return found

    def partitions(self, topic: str) -> tuple[int, ...]:
        """Numbers of a topic's partitions; none when there is no such topic. Raises TransientError."""
        try:
            return tuple(self._consumer.list_topics(topic, timeout=_SECONDS).topics[topic].partitions)
        except KafkaException as error:
            raise TransientError(f"kafka: {error}") from error

    def close(self) -> None:
        self._consumer.close()
