"""From a raw message to an event, the same way in both engines."""

from datetime import UTC, datetime

from schemas import codec
from schemas.envelope import Position
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Headers, Received


def decode(value: bytes, position: Position, key: bytes | None, timestamp_ms: int, headers: Headers) -> Received:
    """Raises InvalidEvent with the codec's reason; the caller dead-letters the raw bytes."""
    try:
        event = codec.decode(value)
    except codec.SchemaError as error:
        raise InvalidEvent(error.reason, error.detail) from error
    return Received(event, position, key, datetime.fromtimestamp(timestamp_ms / 1000, UTC), headers, value)
