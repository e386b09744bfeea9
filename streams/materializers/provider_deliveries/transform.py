"""Each event tells one fact about one delivered item; facts are merged by rank, never by arrival.

An item is named by provider, delivery and the provider's own id, which is unique within a delivery (the edge refuses
duplicates) and known to every event and to every dead letter that still decodes. A dead letter that does not decode
belongs to no item that could be named: it stays visible in `mg dlq list` only.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.catalog import ProviderItemNormalized, ProviderItemReceived, ProviderItemWithdrawn
from streams.engine.dead_letter import DeadLettered
from streams.engine.outcome import InvalidEvent

_FIRST_STAGE = "normalization"

NormalizedAs = Literal["normalized", "withdrawn"]
ItemKey = tuple[str, str, str]
"""Provider, delivery id, native id."""


class Refusal(Struct, frozen=True, kw_only=True, order=True, gc=False):
    """A dead letter. The greater one counts: a later stage, then a later try."""

    stage: int
    """1 normalization, 2 whatever reads its events."""
    offset: int
    """Of the refused record; a retried record has a later one."""
    consumer: str
    reason: str
    detail: str


class ItemWrite(Struct, frozen=True, kw_only=True, gc=False):
    """What is known about one item; None where the event does not say."""

    key: ItemKey
    accepted_at: datetime | None = None
    ordinal: int | None = None
    normalized_as: NormalizedAs | None = None
    refusal: Refusal | None = None


def transform(event: AnyEvent | DeadLettered, _: Position) -> tuple[ItemWrite, ...]:
    match event:
        case ProviderItemReceived():
            return (ItemWrite(key=_key(event), accepted_at=event.occurred_at, ordinal=event.ordinal),)
        case ProviderItemNormalized():
            return (ItemWrite(key=_key(event), normalized_as="normalized"),)
        case ProviderItemWithdrawn():
            return (ItemWrite(key=_key(event), normalized_as="withdrawn"),)
        case DeadLettered(event=ProviderItemReceived() | ProviderItemNormalized() | ProviderItemWithdrawn() as refused):
            return (ItemWrite(key=_key(refused), refusal=_refusal(event)),)
        case DeadLettered():
            return ()
        case _:
            raise InvalidEvent("unexpected_event", type(event).__name__)


def merged(one: ItemWrite, other: ItemWrite) -> ItemWrite:
    """Both facts of one item in one write. Commutative, associative and idempotent.

    An item is upserted or withdrawn in a delivery, never both, so two different `normalized_as` cannot meet.
    """
    return ItemWrite(
        key=one.key,
        accepted_at=min(filter(None, (one.accepted_at, other.accepted_at)), default=None),
        ordinal=one.ordinal if one.ordinal is not None else other.ordinal,
        normalized_as=one.normalized_as or other.normalized_as,
        refusal=max(filter(None, (one.refusal, other.refusal)), default=None),
    )


def _key(event: ProviderItemReceived | ProviderItemNormalized | ProviderItemWithdrawn) -> ItemKey:
    key = (event.provider, event.delivery_id, event.native_id)
    if any("\0" in part for part in key):
        raise InvalidEvent("nul_character", "provider, delivery_id or native_id")
    return key


def _refusal(letter: DeadLettered) -> Refusal:
    return Refusal(
        stage=1 if letter.consumer == _FIRST_STAGE else 2,
        offset=letter.position.offset,
        consumer=letter.consumer,
        reason=letter.reason.replace("\0", ""),
        detail=letter.detail.replace("\0", "\N{REPLACEMENT CHARACTER}"),
    )
