"""Ids of operations as the log knows them, computable by both sides.

The edge derives an event's id from who asked for what; a device that adds a title offline needs the same id at once, as
the tag that a later removal names. UUIDv5 (RFC 9562, section 5.5) in a namespace of its own.
"""

import uuid
from typing import Final

_NAMESPACE: Final = uuid.UUID("b0a3a1c4-5f0d-5b6e-8a3f-3f1f6b0f2a77")


def tag_of(user_id: str, device_id: str, operation_id: str) -> str:
    """The event id of a device's operation; of an addition to the watchlist also its tag. None of the three may hold
    a line break, which separates them."""
    return str(uuid.uuid5(_NAMESPACE, f"{user_id}\n{device_id}\n{operation_id}"))
