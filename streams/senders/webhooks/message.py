"""What is sent: one change, signed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct
from standardwebhooks import Webhook

from runtime.settings import Secret
from schemas.read_models.availability_changes import AvailabilityChange

TYPES: Final = {
    "started": "availability.started",
    "ended": "availability.ended",
    "price_changed": "availability.price_changed",
    "terms_changed": "availability.terms_changed",
    "expiring": "availability.expiring",
}
"""By change: the event types of the payload."""
TEST: Final = "webhooks.test"
_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(AvailabilityChange)


class Payload(Struct, frozen=True):
    """`timestamp` is when it happened, not when it is sent."""

    type: str
    timestamp: datetime
    data: AvailabilityChange | dict[str, str]


def body_of(document: str) -> bytes:
    """Of a document of the read model. The same bytes each time, whenever it is sent."""
    change = _DECODER.decode(document)
    return _ENCODER.encode(Payload(TYPES[change.change], change.occurred_at, change))


def test_body(now: datetime) -> bytes:
    return _ENCODER.encode(Payload(TEST, now, {"message": "Your endpoint can hear us."}))


def headers_of(message_id: str, body: bytes, secrets: Sequence[Secret], now: datetime) -> Mapping[str, str]:
    """A signature for each secret: whoever knows one of them can check it."""
    text = body.decode()
    signatures = [Webhook(secret.reveal()).sign(message_id, now, text) for secret in secrets]
    return {
        "content-type": "application/json",
        "user-agent": "media-gateway-webhooks",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
