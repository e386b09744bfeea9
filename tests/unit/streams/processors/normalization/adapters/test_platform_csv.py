from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.types.catalog import AgeRating, Offer
from streams.engine.outcome import InvalidEvent
from streams.processors.normalization.adapters import platform_csv
from tests.support.deliveries import canonical

PROVIDERS = (
    "netflix", "disney_plus", "hulu", "prime_video", "hbo_max", "apple_tv_plus", "paramount_plus", "peacock",
)  # fmt: skip


def item(provider: str = "netflix", **changes: Any) -> Any:
    row = {
        "show_id": "s77",
        "type": "Movie",
        "title": "\u200bQuiet\u00a0Harbour (Hindi)",
        "director": "Ana Lima",
        "cast": "Bo  Chen, Carl Grey, Jr.",
        "country": ", France, ",
        "date_added": "2021-09-25",
        "release_year": "2020",
        "rating": "TV-MA",
        "duration": "90 min",
        "listed_in": "Dramas",
        "description": " Two\nboats. ",
    }
    return canonical(provider, row | changes, "s77")


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_row_of_each_platform_is_an_offer_of_that_platform(provider: str) -> None:
    (offer,) = item(provider).offers
    assert isinstance(offer, Offer)
    assert (offer.provider, offer.region, offer.type) == (provider, "US", "subscription")
    assert offer.starts_at == datetime(2021, 9, 25, tzinfo=UTC)
    assert offer.link is not None
    assert offer.link.startswith("https://")
    assert offer.link.endswith("Quiet%20Harbour")


def test_dirt_is_washed_off() -> None:
    found = item()
    assert (found.name, found.alternate_names) == ("Quiet Harbour", ("Quiet Harbour (Hindi)",))
    assert found.languages == ("hi",)
    assert [person.name for person in found.people] == ["Ana Lima", "Bo Chen", "Carl Grey Jr."]
    assert found.countries == ("FR",)
    assert found.overview == "Two boats."
    assert found.runtime_minutes == 90
    assert found.age_ratings == (AgeRating(country="US", label="TV-MA", minimum_age=17),)


def test_duration_in_the_rating_column() -> None:
    found = item(rating="74 min", duration="")
    assert found.runtime_minutes == 74
    assert found.age_ratings == ()


def test_series_have_no_runtime() -> None:
    found = item(type="TV Show", duration="2 Seasons")
    assert (found.kind, found.runtime_minutes) == ("series", None)


@pytest.mark.parametrize("added", ["September 25, 2021", " September 25, 2021"])
def test_both_ways_to_write_the_date(added: str) -> None:
    assert item(date_added=added).offers == item().offers


def test_an_offer_without_a_date_has_no_start() -> None:
    assert item(date_added="").offers[0].starts_at is None


def test_one_word_means_what_the_platform_means_by_it() -> None:
    assert item("disney_plus", listed_in="Superhero").genres == ("superhero", "action")
    assert item("hulu", listed_in="Superhero").unknown_genres == ("Superhero",)


def test_numbers_for_titles_and_years() -> None:
    found = item(title=1917, release_year=2019.0)
    assert (found.name, found.year) == ("1917", 2019)


@pytest.mark.parametrize("kind", ["", "Podcast", None])
def test_other_kinds_are_refused(kind: str | None) -> None:
    with pytest.raises(InvalidEvent) as refused:
        item(type=kind)
    assert refused.value.reason == "unknown_kind"


def test_native_id() -> None:
    assert platform_csv.native_id({"show_id": " s1 "}) == "s1"
    assert platform_csv.native_id({"id": "s1"}) is None
