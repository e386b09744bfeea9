"""Facts about delivered items: whatever their order, the same row."""

import itertools
from datetime import timedelta
from functools import reduce

import pytest

from schemas.envelope import Position
from schemas.types import AnyEvent
from schemas.types.catalog import (
    CanonicalItem,
    ProviderItemNormalized,
    ProviderItemReceived,
    ProviderItemWithdrawn,
    TitleRetired,
)
from streams.engine.dead_letter import DeadLettered
from streams.engine.outcome import InvalidEvent
from streams.materializers.provider_deliveries.transform import ItemWrite, Refusal, merged, transform
from tests.support.deliveries import NOW, a_delivery

POSITION = Position("catalog-deliveries", 0, 7)
KEY = ("wikidata", "delivery-1", "n1")


def letter(consumer: str, offset: int, event: AnyEvent | None, reason: str = "missing_name") -> DeadLettered:
    return DeadLettered(consumer, Position("catalog-deliveries", 0, offset), reason, "no \0 name", event)


def received() -> ProviderItemReceived:
    return a_delivery("wikidata", {"Title": "M"})


def normalized() -> ProviderItemNormalized:
    return ProviderItemNormalized(
        event_id="e",
        occurred_at=NOW,
        provider="wikidata",
        native_id="n1",
        delivery_id="delivery-1",
        source_time=NOW,
        item=CanonicalItem(kind="movie", name="M", content_hash="0"),
    )


def withdrawn() -> ProviderItemWithdrawn:
    return ProviderItemWithdrawn(
        event_id="e", occurred_at=NOW, provider="wikidata", native_id="n1", delivery_id="delivery-1", source_time=NOW
    )


def test_each_event_tells_its_fact() -> None:
    assert transform(received(), POSITION) == (ItemWrite(key=KEY, accepted_at=NOW, ordinal=3),)
    assert transform(normalized(), POSITION) == (ItemWrite(key=KEY, normalized_as="normalized"),)
    assert transform(withdrawn(), POSITION) == (ItemWrite(key=KEY, normalized_as="withdrawn"),)


def test_a_dead_letter_tells_who_refused_and_why() -> None:
    (write,) = transform(letter("normalization", 7, received()), POSITION)
    assert write.refusal == Refusal(
        stage=1, offset=7, consumer="normalization", reason="missing_name", detail="no \ufffd name"
    )
    (write,) = transform(letter("entity_resolution", 9, withdrawn()), POSITION)
    assert write.refusal is not None
    assert write.refusal.stage == 2


def test_a_dead_letter_without_an_item_is_nobodys() -> None:
    assert transform(letter("normalization", 7, None), POSITION) == ()


def test_events_of_other_topics_and_unusable_names_are_refused() -> None:
    with pytest.raises(InvalidEvent):
        transform(TitleRetired(event_id="e", occurred_at=NOW, title_id="t", version=1), POSITION)
    with pytest.raises(InvalidEvent):
        transform(a_delivery("wikidata", native_id="a\0b"), POSITION)


def test_merging_does_not_depend_on_order_or_repetition() -> None:
    facts = [
        *transform(received(), POSITION),
        ItemWrite(key=KEY, accepted_at=NOW + timedelta(hours=1), ordinal=3),  # a duplicate that slipped through
        *transform(normalized(), POSITION),
        *transform(letter("normalization", 7, received()), POSITION),
        *transform(letter("normalization", 12, received(), "bad_json"), POSITION),
    ]
    results = {reduce(merged, order) for order in itertools.permutations(facts)}
    assert results == {reduce(merged, [*facts, *facts])}
    (result,) = results
    assert (result.accepted_at, result.ordinal, result.normalized_as) == (NOW, 3, "normalized")
    assert result.refusal is not None
    assert (result.refusal.offset, result.refusal.reason) == (12, "bad_json")
