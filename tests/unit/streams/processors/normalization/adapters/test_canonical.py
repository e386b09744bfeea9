"""Items in our own shape: what any provider may send."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schemas.types.catalog import AgeRating, ExternalId, Offer, Person
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization.fields import external_id
from tests.support.deliveries import canonical

ITEM: dict[str, Any] = {
    "id": "a1",
    "kind": "movie",
    "name": "Harbour, The (2019)",
    "alternateNames": ["Quiet Harbour"],
    "runtimeMinutes": "1h 31m",
    "genres": ["Sci-Fi", "science_fiction", "Slow Cinema"],
    "people": [{"name": "Ada Quill", "role": "director"}, {"name": "Al Moss", "role": "stunt"}],
    "ageRatings": {"US": "PG13"},
    "languages": "English, de",
    "countries": ["Germany", "FR"],
    "externalIds": {"imdb": "tt7654321", "eidr": "10.5240/aaaa-bbbb-cccc-dddd-eeee-f", "tmdb": ["12", "x"]},
    "offers": [
        {"provider": "pier", "region": "DE", "type": "rent", "price": 3.99, "currency": "eur", "endsAt": "2027-01-31"}
    ],
    "images": [{"url": "https://pier.example/a.jpg"}, {"url": "http://pier.example/b.jpg"}],
    "popularity": 0.5,
}


def item(**changes: Any) -> Any:
    return canonical("pier", ITEM | changes, "a1")


def test_an_item() -> None:
    found = item()
    assert (found.kind, found.name, found.year, found.runtime_minutes) == ("movie", "The Harbour", 2019, 91)
    assert found.alternate_names == ("Quiet Harbour",)
    assert (found.genres, found.unknown_genres) == (("science_fiction",), ("Slow Cinema",))
    assert found.people == (Person(name="Ada Quill", role="director"), Person(name="Al Moss", role="unknown"))
    assert found.age_ratings == (AgeRating(country="US", label="PG-13", minimum_age=13),)
    assert (found.languages, found.countries) == (("en", "de"), ("DE", "FR"))
    assert found.external_ids == (
        ExternalId(source="imdb", value="tt7654321"),
        ExternalId(source="eidr", value="10.5240/AAAA-BBBB-CCCC-DDDD-EEEE-F"),
        ExternalId(source="tmdb", value="12"),
    )
    (offer,) = found.offers
    assert isinstance(offer, Offer)
    assert (offer.price, offer.currency) == ("3.99", "EUR")
    assert offer.ends_at == datetime(2027, 1, 31, tzinfo=UTC)
    assert [image.url for image in found.images] == ["https://pier.example/a.jpg"]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kind": "person"}, "unknown_kind"),
        ({"kind": "unknown"}, "unknown_kind"),
        ({"name": " "}, "missing_name"),
        ({"offers": [{"provider": "Pier & Co", "region": "DE"}]}, "bad_shape"),
        ({"offers": [{"provider": "pier", "region": "Germany"}]}, "bad_shape"),
        ({"offers": [{"provider": "pier", "region": "DE", "type": "gift"}]}, "bad_shape"),
    ],
)
def test_refused(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidEvent) as refused:
        item(**changes)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    "changes", [{"tittle": "x"}, {"people": "Al Moss"}, {"year": {}}, {"offers": [{"region": "DE"}]}]
)
def test_a_field_that_is_none_is_named(changes: dict[str, Any]) -> None:
    with pytest.raises((InvalidEvent, msgspec.ValidationError), match=next(iter(changes))):
        item(**changes)


def test_a_price_without_a_currency_is_none() -> None:
    (offer,) = item(offers=[{"provider": "pier", "region": "DE", "type": "buy", "price": "3.99"}]).offers
    assert (offer.price, offer.currency) == (None, None)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("imdb", "tt0000000"), ("imdb", "nm0000001"), ("tmdb", "0"), ("tmdb", "-1"), ("wikidata", "42"),
        ("isrc", "US123"), ("eidr", "10.5240/AAAA"), ("gracenote", "MV1"), ("other", "two words"),
        ("other", "x" * 101), ("Bad Source", "1"),
    ],
)  # fmt: skip
def test_what_is_no_id_is_dropped(source: str, value: str) -> None:
    assert external_id(source, value) is None


def test_ids_are_written_one_way() -> None:
    assert external_id("isrc", "us-rc1-76-07839") == ExternalId(source="isrc", value="USRC17607839")
    assert external_id("wikidata", "q42") == ExternalId(source="wikidata", value="Q42")
