"""What surrounds an event: where it stood in the log, and how ids are made."""

import uuid
from datetime import datetime
from typing import Protocol

import msgspec
import uuid_utils

# Namespace of all derived ids; a constant so that a replay anywhere makes the same ids (RFC 9562, section 5.5).
_NAMESPACE = uuid.UUID("6d0d9b0e-7a3c-5f0e-9d55-2f1d6c1c8a11")


class Event(Protocol):
    """Any record of the contract."""

    @property
    def event_id(self) -> str: ...
    @property
    def occurred_at(self) -> datetime: ...


class Position(msgspec.Struct, frozen=True, order=True):
    """Where a message stands. Its text form `topic:partition:offset` is what `MG-Position` carries."""

    topic: str
    partition: int
    offset: int

    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Raises ValueError for anything but `topic:partition:offset`."""
        topic, partition, offset = text.rsplit(":", 2)
        found = cls(topic, int(partition), int(offset))
        if not topic or found.partition < 0 or found.offset < 0:
            raise ValueError(f"not a position: {text!r}")
        return found


def new_event_id() -> str:
    """UUIDv7: sortable by time of making."""
    return str(uuid_utils.uuid7())


def derived_id(origin: str, producer: str, ordinal: int | str = 0) -> str:
    """UUIDv5 of what caused it, who made it and the how-manieth it is: a replay makes the same id."""
    return str(uuid.uuid5(_NAMESPACE, f"{origin}/{producer}/{ordinal}"))
