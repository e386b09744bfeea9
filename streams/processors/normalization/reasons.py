"""Why an item cannot be used: the closed vocabulary behind every dead letter of this processor."""

from typing import Literal

from streams.engine.outcome import InvalidEvent

Reason = Literal[
    "unexpected_event",  # not a ProviderItemReceived: somebody else writes to the topic
    "unknown_action",  # neither upsert nor withdraw: a newer producer
    "bad_native_id",  # empty, too long, or with control characters
    "body_too_large",
    "bad_json",  # not JSON, not UTF-8, or numbers that no double holds
    "too_deep",
    "not_an_object",
    "bad_shape",  # a field is of a type it cannot be
    "id_mismatch",  # the body carries another id than the delivery
    "missing_name",
    "name_too_long",
    "unknown_kind",
]


def refusal(reason: Reason, detail: str = "") -> InvalidEvent:
    """`detail` is cut: it travels in a dead-letter header and may quote what a provider sent."""
    return InvalidEvent(reason, detail if len(detail) <= 300 else detail[:299] + "…")
