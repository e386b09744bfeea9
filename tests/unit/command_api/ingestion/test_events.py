"""Delivered items as events: the same delivery makes the same ids."""

from datetime import timedelta

from command_api.services.ingestion.events import to_events
from command_api.services.ingestion.requests import DeliveredItem
from schemas import codec
from tests.support.webhooks import NOW

ITEMS = (DeliveredItem("Q1", "upsert", NOW, b'{"a":1}'), DeliveredItem("Q2", "withdraw", NOW))


def test_events_carry_the_delivery() -> None:
    first, second = to_events("wikidata", "msg_1", ITEMS, NOW + timedelta(seconds=1))
    assert (first.provider, first.native_id, first.delivery_id, first.ordinal) == ("wikidata", "Q1", "msg_1", 0)
    assert (first.action, first.body, first.source_time) == ("upsert", b'{"a":1}', NOW)
    assert (second.ordinal, second.action, second.body) == (1, "withdraw", b"")
    assert codec.key_of(first) == b"wikidata:Q1"
    assert codec.decode(codec.encode(first)) == first


def test_a_repeated_delivery_makes_the_same_ids() -> None:
    ids = [event.event_id for event in to_events("wikidata", "msg_1", ITEMS, NOW)]
    again = [event.event_id for event in to_events("wikidata", "msg_1", ITEMS, NOW + timedelta(hours=1))]
    assert ids == again
    assert len(set(ids)) == 2


def test_other_deliveries_and_providers_make_other_ids() -> None:
    ids = {
        event.event_id
        for provider, delivery in (("wikidata", "msg_1"), ("wikidata", "msg_2"), ("movielens", "msg_1"))
        for event in to_events(provider, delivery, ITEMS, NOW)
    }
    assert len(ids) == 6
