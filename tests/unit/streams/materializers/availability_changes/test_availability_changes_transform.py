"""What an event about an offer leaves."""

import msgspec
import pytest

from schemas.envelope import Position
from schemas.read_models.availability_changes import AvailabilityChange, AvailabilityChangeRow
from schemas.types.catalog import OfferTerms
from streams.engine.outcome import InvalidEvent
from streams.materializers.availability_changes.transform import transform
from tests.support.offers import WHEN, offer_changed, offer_expiring
from tests.support.titles import changed

PLACE = Position("availability-changes", 2, 41)


def document(row: AvailabilityChangeRow) -> AvailabilityChange:
    return msgspec.json.decode(row.document, type=AvailabilityChange)


def test_a_change_is_a_row_at_its_place() -> None:
    before, after = OfferTerms(price="3.99", currency="EUR"), OfferTerms(price="2.99", currency="EUR")
    event = offer_changed(change="price_changed", before=before, after=after)
    (row,) = transform(event, PLACE)
    assert (row.partition, row.log_offset, row.event_id, row.change) == (2, 41, event.event_id, "price_changed")
    assert (row.title_id, row.provider, row.region) == ("t", "netflix", "DE")
    told = document(row)
    assert told.before is not None
    assert told.after is not None
    assert (told.before.price, told.after.price, told.title_name) == ("3.99", "2.99", "Title t")


def test_an_end_that_comes_near() -> None:
    (row,) = transform(offer_expiring(days=3), PLACE)
    told = document(row)
    assert (row.change, told.change, told.days) == ("expiring", "expiring", 3)
    assert told.ends_at is not None
    assert (told.ends_at - WHEN).days == 3


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (changed("t"), "unexpected_event"),
        (offer_changed(change="unknown"), "unknown_change"),
        (offer_changed(title_id=""), "empty_id"),
        (offer_changed(provider="net\0flix"), "nul_character"),
    ],
)
def test_what_cannot_be_stored_is_refused(event: object, reason: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        transform(event, PLACE)  # type: ignore[arg-type]  # any event, also a wrong one
    assert refused.value.reason == reason
