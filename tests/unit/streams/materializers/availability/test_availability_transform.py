"""What a title event leaves in availability."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.types.catalog import Offer, TitleEmbedded
from streams.engine.outcome import InvalidEvent
from streams.materializers.availability.store import newest
from streams.materializers.availability.transform import transform
from tests.support.titles import POSITION, WHEN, changed, merged, retired


def offer(**fields: Any) -> Offer:
    return Offer(**({"provider": "netflix", "region": "US", "type": "rent"} | fields))


OFFERS = [
    offer(),
    offer(region="GB"),
    offer(price="3.99", currency="USD"),
    offer(starts_at=WHEN),
    offer(ends_at=WHEN),
    offer(link="https://example.org/"),
    offer(quality="hd"),
]


@given(st.lists(st.sampled_from(OFFERS)))
def test_the_order_and_repetition_of_offers_does_not_matter(offers: list[Offer]) -> None:
    (write,) = transform(changed("a", offers=tuple(offers)), POSITION)
    (again,) = transform(changed("a", offers=tuple(reversed(offers + offers))), POSITION)
    assert write == again
    assert [row.ordinal for row in write.offers] == list(range(len(set(offers))))


def test_all_of_an_offer_is_kept() -> None:
    given_offer = offer(
        quality="uhd", price="3.99", currency="USD", link="https://example.org/a", starts_at=WHEN, ends_at=WHEN
    )
    (write,) = transform(changed("a", 7, offers=(given_offer,)), POSITION)
    (row,) = write.offers
    assert row.price == Decimal("3.99")
    for field in Offer.__struct_fields__:
        if field != "price":
            assert getattr(row, field) == getattr(given_offer, field)
    assert (row.title_id, row.version) == ("a", 7)


@pytest.mark.parametrize("price", ["free", "NaN", "-1", "1e900", "Infinity", "1e-7", "", "0.00000001"])
def test_what_is_no_amount_is_refused(price: str) -> None:
    with pytest.raises(InvalidEvent, match="invalid_price"):
        transform(changed("a", offers=(offer(price=price),)), POSITION)


@pytest.mark.parametrize("field", ["provider", "region", "link", "currency"])
def test_a_nul_is_refused(field: str) -> None:
    with pytest.raises(InvalidEvent, match="nul_character"):
        transform(changed("a", offers=(offer(**{field: "a\0b"}),)), POSITION)


def test_a_nul_in_an_id_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="nul_character"):
        transform(retired("\0", 1), POSITION)


@pytest.mark.parametrize(("event", "state"), [(merged("a", 2, "b"), "merged"), (retired("a", 2), "retired")])
def test_an_end_is_the_empty_set(event: Any, state: str) -> None:
    (write,) = transform(event, POSITION)
    assert (write.version, write.state, write.offers) == (2, state, ())


def test_an_event_of_another_topic_is_refused() -> None:
    event = TitleEmbedded(
        event_id="e", occurred_at=WHEN, title_id="a", version=1, model="m", dimension=0, text_hash="", vector=b""
    )
    with pytest.raises(InvalidEvent, match="unexpected_event"):
        transform(event, POSITION)


@given(st.permutations([changed("a", 1), changed("a", 2), retired("a", 2), changed("b", 5), merged("b", 4, "a")]))
def test_the_newest_set_wins_in_any_order_and_an_end_beats_a_change(events: list[Any]) -> None:
    writes = [write for event in events for write in transform(event, POSITION)]
    assert [(w.title_id, w.version, w.state) for w in newest(writes)] == [("a", 2, "retired"), ("b", 5, "live")]
