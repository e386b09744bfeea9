"""Standard Webhooks signatures (specification 1.0, symmetric `v1`): HMAC-SHA256 over `id.timestamp.body`.

Own code instead of the `standardwebhooks` package for the receiving side: the package decodes the body as text (so
invalid UTF-8 is an exception of another kind), takes its own clock, accepts `nan` and fractions as timestamps, and
fails with ValueError or binascii.Error on malformed signatures. The tests sign with the package.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

TOLERANCE = timedelta(minutes=5)
_PREFIX = "whsec_"
_LEAST_SECRET_BYTES = 24
_MOST_SIGNATURES = 16
# No full stop: it separates the signed parts.
_ID = re.compile(r"[A-Za-z0-9_:\-]{1,128}")
_TIMESTAMP = re.compile(r"[0-9]{1,11}")
_SIGNATURE_BYTES = hashlib.sha256().digest_size


class SignatureError(Exception):
    """The headers do not prove that the provider sent this; the message may be shown to the caller."""


class WebhookHeaders(msgspec.Struct, frozen=True):
    """The three headers, parsed; `timestamp` keeps the text because the text is what was signed."""

    id: str
    timestamp: str
    sent_at: datetime
    signatures: tuple[bytes, ...]


def keys_of(secrets: Iterable[str]) -> tuple[bytes, ...]:
    """The keys inside `whsec_…` secrets. Raises ValueError; its text may hold the secret, so never show it."""
    found = []
    for secret in secrets:
        key = base64.b64decode(secret.removeprefix(_PREFIX) + "==", validate=False)
        if len(key) < _LEAST_SECRET_BYTES:
            raise ValueError("the secret is too short")
        found.append(key)
    return tuple(found)


def parse(webhook_id: str | None, timestamp: str | None, signature: str | None, now: datetime) -> WebhookHeaders:
    """Everything that can be checked before the body is there. Raises SignatureError."""
    missing = [
        name for name, value in (("id", webhook_id), ("timestamp", timestamp), ("signature", signature)) if not value
    ]
    if missing or not webhook_id or not timestamp or not signature:
        raise SignatureError(f"missing: {', '.join(f'webhook-{name}' for name in missing)}")
    if not _ID.fullmatch(webhook_id):
        raise SignatureError("webhook-id must be 1 to 128 of A-Z a-z 0-9 _ : -")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError("webhook-timestamp must be whole seconds since 1970")
    sent_at = datetime.fromtimestamp(int(timestamp), UTC)
    if abs(now - sent_at) > TOLERANCE:
        raise SignatureError("webhook-timestamp is more than five minutes from now")
    return WebhookHeaders(webhook_id, timestamp, sent_at, _signatures(signature))


def verify(headers: WebhookHeaders, body: bytes, keys: Sequence[bytes]) -> None:
    """Raises SignatureError unless one signature fits one key. Takes the same time whichever fits."""
    fits = False
    prefix = f"{headers.id}.{headers.timestamp}.".encode()
    for key in keys:
        digest = hmac.new(key, prefix, hashlib.sha256)
        digest.update(body)
        expected = digest.digest()
        for given in headers.signatures:
            fits |= hmac.compare_digest(expected, given)
    if not fits:
        raise SignatureError("no signature fits an active secret of this provider")


def _signatures(header: str) -> tuple[bytes, ...]:
    """The `v1` ones; other versions (`v1a`) are for other keys and are skipped, as the specification asks."""
    parts = header.split()
    if len(parts) > _MOST_SIGNATURES:
        raise SignatureError(f"more than {_MOST_SIGNATURES} signatures")
    found = []
    for part in parts:
        version, _, text = part.partition(",")
        if version != "v1":
            continue
        try:
            signature = base64.b64decode(text.encode("ascii"), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            continue
        if len(signature) == _SIGNATURE_BYTES:
            found.append(signature)
    if not found:
        raise SignatureError("webhook-signature holds no v1 signature")
    return tuple(found)
