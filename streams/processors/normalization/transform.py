"""A provider's delivery becomes one canonical item, or one withdrawal.

An upsert's body is read as JSON, handed to the provider's adapter, cut to the limits and hashed. Whatever cannot be
used is refused with a reason (`reasons.py`). The same delivery always makes the same event with the same id.
"""

import msgspec

from schemas.envelope import Position, derived_id
from schemas.types import AnyEvent
from schemas.types.catalog import (
    CanonicalItem,
    ProviderItemNormalized,
    ProviderItemReceived,
    ProviderItemWithdrawn,
)
from streams.processors.normalization import limits
from streams.processors.normalization.adapters import adapter_of
from streams.processors.normalization.draft import finish
from streams.processors.normalization.reasons import refusal

_PRODUCER = "normalization"


def transform(event: AnyEvent, position: Position) -> tuple[AnyEvent, ...]:  # noqa: ARG001 - every transform has both
    """Raises InvalidEvent with a reason of `reasons.Reason`, and nothing else."""
    if not isinstance(event, ProviderItemReceived):
        raise refusal("unexpected_event", type(event).__name__)
    if not 0 < len(event.native_id) <= limits.MAX_NATIVE_ID or not event.native_id.isprintable():
        raise refusal("bad_native_id", repr(event.native_id[:80]))
    if event.action == "upsert":
        return (_normalized(event),)
    if event.action == "withdraw":
        return (_withdrawn(event),)
    raise refusal("unknown_action", event.action)


def _normalized(event: ProviderItemReceived) -> ProviderItemNormalized:
    return ProviderItemNormalized(
        event_id=derived_id(event.event_id, _PRODUCER),
        occurred_at=event.occurred_at,
        provider=event.provider,
        native_id=event.native_id,
        delivery_id=event.delivery_id,
        source_time=event.source_time,
        item=_item(event),
    )


def _withdrawn(event: ProviderItemReceived) -> ProviderItemWithdrawn:
    return ProviderItemWithdrawn(
        event_id=derived_id(event.event_id, _PRODUCER),
        occurred_at=event.occurred_at,
        provider=event.provider,
        native_id=event.native_id,
        delivery_id=event.delivery_id,
        source_time=event.source_time,
    )


def _item(event: ProviderItemReceived) -> CanonicalItem:
    if len(event.body) > limits.MAX_BODY_BYTES:
        raise refusal("body_too_large", f"{len(event.body)} bytes")
    try:
        raw = msgspec.json.decode(event.body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise refusal("bad_json", str(error)) from error
    except RecursionError as error:
        raise refusal("too_deep") from error
    if not isinstance(raw, dict):
        raise refusal("not_an_object", type(raw).__name__)
    try:
        draft = adapter_of(event.provider).adapt(raw)
    except msgspec.ValidationError as error:
        raise refusal("bad_shape", str(error)) from error
    if draft.native_id is not None and draft.native_id != event.native_id:
        raise refusal("id_mismatch", f"{draft.native_id!r} in the delivery of {event.native_id!r}")
    return finish(draft, event.source_time)
