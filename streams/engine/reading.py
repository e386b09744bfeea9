"""From what a consumer took to what a store writes: step 3 of the materializer loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from confluent_kafka import Message as Consumed

from runtime import logging, metrics, tracing
from runtime.connections.kafka import Message
from schemas.envelope import Position
from streams.engine import dead_letter
from streams.engine.dead_letter import RawRecord
from streams.engine.decoding import event_of
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Headers, MaterializerSpec

_NOT_OURS = 2**63  # beyond every offset

Partition = tuple[str, int]
log = logging.get(__name__)


@dataclass(slots=True)
class Taken:
    """`reached`: next offset of each partition that something came from; `newest`: Unix time of the latest record."""

    writes: list[Any] = field(default_factory=list)
    rejected: list[tuple[RawRecord, InvalidEvent]] = field(default_factory=list)
    parents: list[bytes | None] = field(default_factory=list)
    reached: dict[Partition, int] = field(default_factory=dict)
    newest: float = 0.0
    good: int = 0


@dataclass(slots=True)
class _Place:
    """A partition while a batch is read."""

    topic: str
    partition: int
    dead_letters: bool
    next: int
    last: Consumed | None = None


class Reader:
    """Decodes and transforms. Pure but for metrics and logs."""

    def __init__(self, spec: MaterializerSpec, prefix: str) -> None:
        self._spec = spec
        self._prefix = prefix
        self._dead_letter_topics = set(spec.dead_letter_inputs)

    def read(self, messages: Sequence[Consumed], begin: Mapping[Partition, int]) -> Taken:
        """Drops what is behind `begin` (a rewind fetched it again) and what is in no partition of it (not ours)."""
        taken = Taken()
        places: dict[tuple[str | None, int | None], _Place] = {}
        transform, writes = self._spec.transform, taken.writes
        for message in messages:  # whatever is done here costs a backlog of a million its time
            at = message.topic(), message.partition()
            place = places.get(at)
            if place is None:
                place = places[at] = self._place(message, begin)
            offset = message.offset() or 0
            if offset < place.next:
                metrics.EVENTS.labels(self._spec.name, "skipped").inc()
                continue
            place.next, place.last = offset + 1, message
            value = message.value()
            if value is None:
                # Nobody writes them here, but compaction tools may: they carry nothing, yet the position must pass.
                log.info("tombstone_seen", unit=self._spec.name, topic=message.topic(), offset=offset)
                continue
            headers = headers_of(message)
            if headers:
                taken.parents.append(tracing.traceparent_of(headers))
            position = Position(place.topic, place.partition, offset)
            try:
                if place.dead_letters:
                    # Not in the contract's union of events; only a materializer that asks for them sees them.
                    event: Any = dead_letter.read(value, headers)
                else:
                    event = event_of(value)
                writes.extend(transform(event, position))
                taken.good += 1
            except InvalidEvent as error:
                taken.rejected.append((RawRecord(position, message.key(), value, headers), error))
        for place in places.values():
            if place.last is not None:
                taken.reached[place.topic, place.partition] = place.next
                taken.newest = max(taken.newest, place.last.timestamp()[1] / 1000)
        return taken

    def letters(self, rejected: Sequence[tuple[RawRecord, InvalidEvent]]) -> list[Message]:
        return [
            dead_letter.to_message(self._spec.name, record, error, self._prefix)
            for record, error in rejected
            if record.position.topic not in self._dead_letter_topics  # a dead letter does not die twice
        ]

    def _place(self, message: Consumed, begin: Mapping[Partition, int]) -> _Place:
        topic, partition = (message.topic() or "").removeprefix(self._prefix), message.partition() or 0
        next_ = begin.get((topic, partition), _NOT_OURS)
        return _Place(topic, partition, topic in self._dead_letter_topics, next_)


def headers_of(message: Consumed) -> Headers:
    found = message.headers()
    if not found:
        return ()
    return tuple((name, value or b"") for name, value in cast("list[tuple[str, bytes | None]]", found))
