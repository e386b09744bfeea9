"""From a raw message to an event, the same way in both engines."""

from datetime import UTC, datetime

from schemas import codec
from schemas.envelope import Position
from schemas.types import AnyEvent
from streams.engine.outcome import InvalidEvent
from streams.engine.spec import Headers, Received


def event_of(value: bytes) -> AnyEvent:
    """Raises InvalidEvent with the codec's reason."""
    try:
        return codec.decode(value)
    except codec.SchemaError as error:
        raise InvalidEvent(error.reason, error.detail) from error


def decode(value: bytes, position: Position, key: bytes | None, timestamp_ms: int, headers: Headers) -> Received:
    """The same with where it stood; the caller dead-letters the raw bytes of what is invalid."""
    event = event_of(value)
    return Received(event, position, key, datetime.fromtimestamp(timestamp_ms / 1000, UTC), headers, value)
