"""Dead letters: the raw record with the reason in its headers, confirmed by the broker before anything moves on."""

from collections.abc import Sequence

import msgspec

from runtime import metrics
from runtime.connections.kafka import Message
from schemas import codec, loader
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.outcome import FatalError, InvalidEvent
from streams.engine.spec import Headers

CONSUMER, TOPIC, PARTITION, OFFSET = "mg-consumer", "mg-topic", "mg-partition", "mg-offset"
REASON, DETAIL = "mg-reason", "mg-detail"
_OURS = frozenset({CONSUMER, TOPIC, PARTITION, OFFSET, REASON, DETAIL})
_MOST_DETAIL = 500  # characters; enough to act on, too few to drown a log

MOST_IN_ROW = 5000
"""So many invalid events one after another are more likely our fault (a bad deployment) than the senders'."""


class DeadLettered(msgspec.Struct, frozen=True):
    """A dead letter as its reader sees it. `event` is None when the bytes do not decode."""

    consumer: str
    position: Position
    reason: str
    detail: str
    event: AnyEvent | None
    event_id: str = ""


class RawRecord(msgspec.Struct, frozen=True):
    """A record exactly as it was consumed."""

    position: Position
    key: bytes | None
    value: bytes | None
    headers: Headers


def to_message(consumer: str, record: RawRecord, error: InvalidEvent, prefix: str = "") -> Message:
    """The dead letter of a record; its own headers are kept, an older dead-letter history is replaced."""
    ours = {
        CONSUMER: consumer,
        TOPIC: record.position.topic,
        PARTITION: str(record.position.partition),
        OFFSET: str(record.position.offset),
        REASON: error.reason,
        DETAIL: error.detail[:_MOST_DETAIL],
    }
    kept = tuple((name, value) for name, value in record.headers if name not in _OURS)
    return Message(
        topic=prefix + loader.dead_letter_topic(consumer),
        key=record.key,
        value=record.value,
        headers=kept + tuple((name, text.encode("utf-8", "replace")) for name, text in ours.items()),
    )


def read(value: bytes | None, headers: Headers) -> DeadLettered:
    """Raises InvalidEvent("not_a_dead_letter") when our headers are missing."""
    found = {name: text.decode("utf-8", "replace") for name, text in headers if name in _OURS}
    try:
        position = Position(found[TOPIC], int(found[PARTITION]), int(found[OFFSET]))
        consumer, reason = found[CONSUMER], found[REASON]
    except (KeyError, ValueError) as error:
        raise InvalidEvent("not_a_dead_letter", str(error)) from error
    try:
        event: AnyEvent | None = codec.decode(value or b"")
    except codec.SchemaError:
        event = None
    return DeadLettered(consumer, position, reason, found.get(DETAIL, ""), event, getattr(event, "event_id", ""))


class InvalidRun:
    """Counts invalid events in a row over the batches of one unit."""

    def __init__(self, unit: str, most: int = MOST_IN_ROW) -> None:
        self._unit = unit
        self._most = most
        self._in_row = 0

    def saw(self, reasons: Sequence[str], good: int) -> None:
        """Call after the batch is durable, so that a restart goes on behind it. Raises FatalError over the limit."""
        for reason in reasons:
            metrics.DEAD_LETTERS.labels(self._unit, reason).inc()
        self._in_row = self._in_row + len(reasons) if not good else 0
        if self._in_row >= self._most:
            raise FatalError(f"{self._in_row} invalid events in a row, the last: {reasons[-1]}")
